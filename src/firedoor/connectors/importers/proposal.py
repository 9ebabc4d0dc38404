"""The inventory file that an import proposes: what is added, what stays, and where a person has to write.

Decides that entries which are in the file already stay as they are, byte for byte and comments included, unless they
are to be renewed on purpose; that what nobody could know stands as a comment in its place; and that the file as a
whole is a valid inventory afterwards. Pure text: leaves reading and writing the file to whoever calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import yaml
from pydantic import ValidationError

from firedoor.core.json_types import as_object, object_at
from firedoor.core.language.yaml_source import problems_of, read_yaml
from firedoor.core.ports import Found
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.targets import Inventory, Target

HEAD = "# Proposed by `firedoor targets import`; read it before it is used. A target without a probe proves nothing.\n"


@dataclass(frozen=True)
class Proposal:
    """A whole file, and which of the targets that were found are new in it, renewed, or kept as a person wrote them."""

    text: str
    added: tuple[str, ...]
    renewed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def propose(found: Found, current: str, name: str, *, renew: bool = False) -> Proposal:
    """Put what was found into the text of an inventory file (empty: a new one). Raises InvalidInput."""
    known = _read(current, name)
    there = tuple(one.id for one in found.targets if one.id in known)
    new = [one for one in found.targets if one.id not in known]
    if renew and there:
        renewed = [one for one in found.targets if one.id in known]
        rest = {key: value for key, value in known.items() if key not in there}
        body = "".join(_entry(key, value, ()) for key, value in rest.items())
        text = HEAD + "targets:\n" + body + _entries(found, [*renewed, *new], "  ")
        return Proposal(_checked(text, name), tuple(one.id for one in new), renewed=there)
    if not new and current:
        return Proposal(current, (), kept=there)
    return Proposal(_checked(_appended(found, new, current, name), name), tuple(one.id for one in new), kept=there)


def _read(text: str, name: str) -> dict[str, object]:
    """The entries of the file as they are written."""
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        return {}
    _checked(text, name)
    data = read_yaml(text, name).data
    return dict(data.get("targets") or {}) if isinstance(data, dict) else {}


def _appended(found: Found, new: list[Target], current: str, name: str) -> str:
    if not _read(current, name):
        comments = "".join(line for line in current.splitlines(keepends=True) if line.lstrip().startswith("#"))
        return comments + HEAD + "targets:\n" + (_entries(found, new, "  ") or "  {}\n")
    source = read_yaml(current, name)
    first = next(iter(object_at(as_object(source.data), "targets")))
    indent = " " * (source.place(("targets", first)).column - 1)
    return current.rstrip("\n") + "\n" + _entries(found, new, indent or "  ")


def _entries(found: Found, targets: Iterable[Target], indent: str) -> str:
    written = (_entry(one.id, _plain(one), found.unknown.get(one.id, ())) for one in targets)
    return "".join(_shifted(entry, indent) for entry in written)


def _shifted(entry: str, indent: str) -> str:
    return "".join(f"{indent}{line[2:]}" for line in entry.splitlines(keepends=True))


def _entry(key: str, value: object, unknown: Iterable[str]) -> str:
    """One target as text, two columns in, with a comment for everything that a person still has to write."""
    body = yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=110)
    lines = [f"  {line}\n" for line in body.splitlines()]
    return "".join([*lines, *(f"    # to write: {' '.join(what.split())}\n" for what in unknown)])


def _plain(target: Target) -> dict[str, object]:
    """A target as a person would write it: nothing that is usual, and its id as its key only."""
    return target.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"id"})


def _checked(text: str, name: str) -> str:
    """The text, if it is an inventory."""
    source = read_yaml(text, name)
    try:
        Inventory.model_validate(source.data or {})
    except ValidationError as error:
        raise InvalidInput(problems_of(error, source, form=Inventory)) from None
    if source.data is not None and set(as_object(source.data)) - {"targets"}:
        do = "keep the inventory in a file of its own"
        raise InvalidInput(Problem(code="K112", message=f"{name} holds more than targets", do=do))
    return text
