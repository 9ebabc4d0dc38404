"""What an import adds to an inventory: entries that are new, as YAML for a person to read; nothing is overwritten.

Decides that an entry which is in the inventory already stays as it is, that one which says something else is a question
with both sides, and that what nobody could know stands as a comment in its place. Pure text: leaves reading the files
and showing the proposal to whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import yaml
from pydantic import BaseModel, ValidationError

from firedoor.core.assets import SECTIONS, Assets
from firedoor.core.inventory.formats.reading import Entries, Files, Format, refused, told
from firedoor.core.json_types import Json

HEAD = "# Proposed by `firedoor inventory import {kind}`; read it, then add it to your inventory.\n"
TO_WRITE = {
    "owners": {"contact": "an address at which the person is reached at night"},
    "datasets": {
        "owner": "who answers for it, an id of `owners`", "purposes": "what it may be used for",
        "legal_bases": "by purpose", "categories": "which kinds of data",
        "people": "how many, by country; {DE: 1..500}",
        "as_of": "the day on which somebody last looked",
    },
    "training_runs": {"owner": "who answers for it", "as_of": "the day on which somebody last looked"},
    "models": {"owner": "who answers for it", "as_of": "the day on which somebody last looked"},
}  # fmt: skip
NEVER_DIFFERENT = frozenset(("source", "as_of", "title"))  # not what an entry claims about the world


@dataclass(frozen=True, slots=True)
class Proposal:
    """The YAML to add, empty where nothing is new, and what became of every entry that was read."""

    kind: str
    text: str
    added: tuple[str, ...]
    known: tuple[str, ...]
    questions: tuple[str, ...]
    passed_over: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """The answer of the command line."""
        return {
            "kind": self.kind, "addition": self.text, "added": list(self.added), "known": list(self.known),
            "not_understood": list(self.passed_over), "questions": list(self.questions),
        }  # fmt: skip


def entries_of(form: Format, files: Files) -> Entries:
    """Read files of one format. Raises InvalidInput for files that are not of it, or hold what no entry can."""
    try:
        return form.read(files)
    except ValidationError as error:
        raise refused(next(iter(files), "the path"), told("an entry cannot be made of it", error)) from None


def proposed(kind: str, entries: Entries, inventory: Assets) -> Proposal:
    """Hold what was read against an inventory."""
    added, known, questions, parts = list[str](), list[str](), list[str](), list[str]()
    for section in SECTIONS:
        read: Mapping[str, BaseModel] = getattr(entries, section)
        held: Mapping[str, BaseModel] = getattr(inventory, section)
        new = {name: one for name, one in read.items() if name not in held}
        for name, one in read.items():
            if name in held:
                known.append(f"{section}.{name}")
                questions += _different(f"{section}.{name}", held[name], one)
        added += [f"{section}.{name}" for name in new]
        if new:
            parts.append(f"{section}:\n" + "".join(_entry(section, name, one) for name, one in sorted(new.items())))
    text = HEAD.format(kind=kind) + "".join(parts) if parts else ""
    return Proposal(
        kind, text, tuple(added), tuple(known), (*entries.questions, *questions), tuple(entries.passed_over)
    )


def _different(where: str, held: BaseModel, read: BaseModel) -> list[str]:
    """What two entries say that cannot both be so. What only one of them says is no contradiction."""
    one, other = held.model_dump(mode="json"), read.model_dump(mode="json")
    return [
        f"{where}: {name} is {_shown(one[name])} in the inventory, and {_shown(other[name])} here; which one is right?"
        for name in other
        if name not in NEVER_DIFFERENT and one.get(name) and other[name] and one[name] != other[name]
    ]


def _shown(value: object) -> str:
    return str(value)[:120]


def _entry(section: str, name: str, one: BaseModel) -> str:
    """One entry, two columns in, with a comment for everything that a person still has to write."""
    held = one.model_dump(mode="json", exclude_defaults=True)
    body = yaml.safe_dump({name: held}, sort_keys=False, allow_unicode=True, width=110)
    wanted = (f"{key}: {what}" for key, what in TO_WRITE.get(section, {}).items() if not held.get(key))
    return "".join([*(f"  {line}\n" for line in body.splitlines()), *(f"    # to write: {what}\n" for what in wanted)])
