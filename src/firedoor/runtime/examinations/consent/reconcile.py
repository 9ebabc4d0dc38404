"""`firedoor examine consent` and the step of that name: whose data are in a manifest without a basis.

Decides what is handed to the process that reads (links to the files, what the asker explained) and what of its answer
leaves: counts, and no person. Leaves the join to `worker`, databases to `databases`, and how the answer is shown to the
command line.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from firedoor.core.examinations.consents import columns, words
from firedoor.core.json_types import Json, JsonObject
from firedoor.core.problems import InvalidInput, Problem
from firedoor.runtime.examinations import sandbox
from firedoor.runtime.examinations.consent import databases
from firedoor.runtime.examinations.consent.files import GZIP, Trouble, listed
from firedoor.runtime.hashing.sources import S3, items

PROGRAM = "firedoor.runtime.examinations.consent.worker"
EXTRA = "pip install 'firedoor[examine]'"
REGIMES = ("opt-in", "opt-out")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked. `manifest` and `ledger` are files, folders, s3:// addresses, and for the ledger databases.

    `people`: up to so many people without a basis are named in the answer, under `list`; for a sealed piece only.
    """

    manifest: Sequence[str]
    ledger: Sequence[str]
    purpose: str
    as_of: datetime
    key: str = ""
    columns: Sequence[str] = ()
    other_purposes: Sequence[str] = ()
    regime: str = "opt-in"
    memory: str = "2500MB"
    aside: str = "200GB"
    threads: int = 0
    people: int = 0


def reconcile(wanted: Wanted, heard: sandbox.Progress | None = None) -> JsonObject:
    """Reconcile, in a process of its own. Raises InvalidInput for what cannot be asked."""
    if find_spec("duckdb") is None:
        raise InvalidInput(Problem(code="X311", message="duckdb is not installed", do=EXTRA))
    if wanted.as_of.tzinfo is None:
        message = f'"{wanted.as_of.isoformat()}" has no offset'
        raise InvalidInput(Problem(code="X303", message=message, field="--as-of", do="add Z or +02:00"))
    trouble = Trouble()
    with _folder() as folder:
        answer = dict(sandbox.ask(PROGRAM, prepared(wanted, folder, trouble), heard))
    return _with_trouble(answer, trouble)


def prepared(wanted: Wanted, folder: Path, trouble: Trouble) -> JsonObject:
    """The request for the process that reads; everything that it may open lies in the folder, or is linked there."""
    purpose, given = words.purpose(wanted.purpose), columns.given_columns(wanted.columns)
    field, _, rule = wanted.key.partition("=")
    sides = ((columns.MANIFEST, wanted.manifest), (columns.LEDGER, wanted.ledger))
    return {
        **{name: list(_linked(name, paths, folder, trouble)) for name, paths in sides},
        "folder": str(folder), "purpose": purpose.name, "words": sorted(purpose.words),
        "others": [words.plain(one) for one in wanted.other_purposes], "as_of": wanted.as_of.isoformat(),
        "columns": given, "field": field, "salt": _salt(rule) if rule else None, "regime": wanted.regime,
        "memory": wanted.memory, "aside": wanted.aside, "threads": wanted.threads or min(os.cpu_count() or 1, 8),
        "people": wanted.people,
    }  # fmt: skip


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that only we may read: links to what is read, and what DuckDB puts aside."""
    with tempfile.TemporaryDirectory(prefix="firedoor-examine-") as made:
        yield Path(made)


def _salt(rule: str) -> str:
    """The salt of `sha256:SALT`, or of `sha256:@FILE`, which keeps it from the list of processes."""
    kind, _, salt = rule.partition(":")
    if kind != "sha256":
        do = "write --key FIELD=sha256:SALT, or sha256:@FILE"
        raise InvalidInput(Problem(code="X304", message=f'"{kind}" is no rule of a key', field="--key", do=do))
    if not salt.startswith("@"):
        return salt
    try:
        return Path(salt[1:]).read_text(encoding="utf-8").strip()
    except OSError:
        raise InvalidInput(
            Problem(code="X304", message=f"{salt[1:]} cannot be read", field="--key", do="name a file")
        ) from None


def _linked(side: str, paths: Sequence[str], folder: Path, trouble: Trouble) -> Iterator[dict[str, Json]]:
    """A link with a plain name for each file, so that no name of a file is taken for a pattern or stands in SQL."""
    number = 0
    for path in paths:
        for name, file in _files(side, path, folder, trouble):
            number += 1
            try:
                packed = file.open("rb").read(2) == GZIP
            except OSError as error:
                trouble.add(name, f"cannot be read: {error.strerror}")
                continue
            link = folder / f"{side}{number:06d}{'.gz' if packed else ''}"
            link.symlink_to(file.resolve())
            yield {"name": name, "path": str(link)}


def _files(side: str, path: str, folder: Path, trouble: Trouble) -> Iterable[tuple[str, Path]]:
    if databases.is_database(path):
        if side == columns.MANIFEST:
            do = "write the manifest as Parquet, CSV or JSON lines"
            raise InvalidInput(Problem(code="X305", message="a manifest is a file", field="--manifest", do=do))
        yield databases.called(path), databases.extracted(path, folder)
    elif path.startswith(f"{S3}://"):
        for number, item in enumerate(items([path])):
            copy = folder / f"{side}-s3-{number}"
            with item.open() as content, copy.open("wb") as out:
                while piece := content.read(1 << 20):
                    out.write(piece)
            yield item.locator, copy
    else:
        yield from ((str(file), file) for file in listed([path], trouble))


def _with_trouble(answer: dict[str, Json], trouble: Trouble) -> dict[str, Json]:
    """The answer with what could not even be opened."""
    if not trouble.told:
        return answer
    problems, questions = answer.get("problems"), answer.get("questions")
    every = [*trouble.told, *(problems if isinstance(problems, list) else [])]
    before = [one for one in questions if "answer is partial" not in str(one)] if isinstance(questions, list) else []
    said = f"the answer is partial: {len(every)} problems with files or rows, see problems"
    return answer | {"problems": every, "partial": True, "questions": [*before, said]}
