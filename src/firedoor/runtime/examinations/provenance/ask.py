"""`firedoor examine provenance`: which model made a file, by every mark in it, and which target serves that model.

Decides that a target is named only when exactly one serves the model, and that a file without a mark says so: absence
proves nothing. A file at which the process that reads ends is told, and the others go on. Leaves reading to `worker`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from firedoor.core.examinations.marks.generators import KINDS, WEIGHTS
from firedoor.core.json_types import Json, JsonObject, array_at, objects_at, text_at
from firedoor.core.problems import InvalidInput
from firedoor.core.targets import Target
from firedoor.runtime.config.inventory import read_inventory
from firedoor.runtime.examinations import sandbox
from firedoor.runtime.examinations.consent.files import Trouble, listed

PROGRAM = "firedoor.runtime.examinations.provenance.worker"
LOOKED_FOR = (*KINDS, "c2pa", "low-bits")
NEVER = (
    "invisible watermarks whose reader only their maker has (SynthID, and what services embed)",
    "marks that were lost in a screenshot, a crop or another encoding",
)
FIELDS = ("file", "kind", "model", "version", "organisation", "time", "target", "not_looked_for")
QUIET = 120.0  # seconds for one file


def ask(paths: Sequence[str], inventory: Path | None = None) -> tuple[list[dict[str, Json]], list[str]]:
    """The marks of every file, and what could not be read."""
    trouble = Trouble()
    files = list(listed(paths, trouble))
    targets = list(read_inventory(inventory).targets.values()) if inventory else []
    found = _read(files, trouble)
    rows = [row for number, file in enumerate(files) if number in found for row in _rows(file, found[number], targets)]
    return rows, [f"{one['file']}: {one['message']}" for one in trouble.told]


def _read(files: Sequence[Path], trouble: Trouble) -> dict[int, JsonObject]:
    """What is in each file, by its number. A process that ends is started again behind the file that ended it."""
    found: dict[int, JsonObject] = {}
    start = 0
    while start < len(files):
        begun = [start]

        def heard(word: JsonObject, offset: int = start, begun: list[int] = begun) -> None:
            if isinstance(number := word.get("begun"), int):
                begun[0] = offset + number
            elif isinstance(number := word.get("file"), int):
                found[offset + number] = word

        paths: Json = [str(file.resolve()) for file in files[start:]]
        try:
            sandbox.ask(PROGRAM, {"paths": paths}, heard, QUIET)
            break
        except InvalidInput as error:
            if begun[0] not in found:
                trouble.add(str(files[begun[0]]), f"was not read: {error.problems[0].message}")
            start = begun[0] + 1
    return found


def _rows(file: Path, found: JsonObject, targets: Iterable[Target]) -> list[dict[str, Json]]:
    unread: list[Json] = [*array_at(found, "not_looked_for"), *NEVER]
    marks = list(objects_at(found, "marks")) or [{}]
    return [
        {
            "file": str(file), "kind": text_at(mark, "kind") or None,
            **{name: text_at(mark, name) or None for name in ("model", "version", "organisation", "time")},
            "target": _target(text_at(mark, "model"), targets), "not_looked_for": unread,
        }
        for mark in marks
    ]  # fmt: skip


def _target(model: str, targets: Iterable[Target]) -> str | None:
    """The one target that serves a model; None when there is none, or several and a person must choose."""
    if not model:
        return None
    found = [target.id for target in targets if _plain(model) in (_plain(target.id), _plain(target.model or ""))]
    return found[0] if len(found) == 1 else None


def _plain(model: str) -> str:
    name = model.strip().casefold()
    return next((name.removesuffix(end) for end in WEIGHTS if name.endswith(end)), name)
