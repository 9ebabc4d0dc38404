"""Policy documents: putting one statement in, finding it again, and taking it out without touching another.

Decides when two statements are the same (the Sid aside, one item or a list of one, the order of lists) and what of a
document belongs to others. No I/O. Leaves reading and writing documents to the ways that keep them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from firedoor.connectors.parts.aws.ways import OURS
from firedoor.core.json_types import Json
from firedoor.core.ports import Members
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

VERSION = "2012-10-17"  # of the policy language; its only current one


@dataclass(frozen=True)
class Standing:
    """How a document stands to the statement that closes a door.

    `others` is the document without any statement of Firedoor's, None where nothing is left; `rest` lacks only this
    door's own, edited ones included. `marks` are their Sids.
    """

    closed: Ternary
    marks: tuple[str, ...]
    others: Members | None
    rest: Members | None


def stand(document: Members | None, statement: Members, own_prefix: str) -> Standing:
    """Read a document. A statement that bears this door's name and says something else is an edited one: unknown."""
    statements = statements_of(document)
    closing = [found for found in statements if same(found, statement)]
    edited = [found for found in statements if found not in closing and _sid(found).startswith(own_prefix)]
    foreign = [found for found in statements if found not in closing and not _sid(found).startswith(OURS)]
    return Standing(
        closed=UNKNOWN if edited else YES if closing else NO,
        marks=tuple(_sid(found) for found in closing),
        others=_with(document, foreign),
        rest=_with(document, [found for found in statements if found not in (*closing, *edited)]),
    )


def added(document: Members | None, statement: Members) -> Members:
    """Return the document with one more statement; a new one where there was none."""
    return {**(document or {"Version": VERSION}), "Statement": [*statements_of(document), statement]}


def statements_of(document: Members | None) -> list[Members]:
    """Return the statements; a document may hold a single one without a list."""
    found = (document or {}).get("Statement", [])
    return found if isinstance(found, list) else [found]


def same(one: Members, other: Members) -> bool:
    """Whether two statements say the same, whatever they are called."""
    return bool(_plain({**one, "Sid": ""}) == _plain({**other, "Sid": ""}))


def equal(one: Members | None, other: Members | None) -> bool:
    """Whether two documents say the same."""
    return bool(_plain(one) == _plain(other))


def _with(document: Members | None, statements: list[Members]) -> Members | None:
    return {**(document or {}), "Statement": statements} if statements else None


def _sid(statement: Members) -> str:
    return str(statement.get("Sid", ""))


def _plain(value: Json) -> Json:
    """A value in one form: lists of one are their item, and lists have no order."""
    match value:
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            items = sorted((_plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
            return items[0] if len(items) == 1 else items
        case _:
            return value
