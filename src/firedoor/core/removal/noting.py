"""The entry about copies: everything that was learnt at once is one line of the journal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from firedoor.core.entries.copies import CopiesNoted, CopySaid
from firedoor.core.journal import Draft, Kind

ACTOR = "firedoor"
VERSION: Literal[1] = 1


def noted(store: str, said: Iterable[CopySaid], op: str = "", by: str = "", actor: str = ACTOR) -> tuple[Draft, ...]:
    """The entry; none where nothing was learnt. `by` is the person who says so."""
    copies = list(said)
    body: CopiesNoted = {"v": VERSION, "store": store, "copies": copies}
    if op:
        body["op"] = op
    if by:
        body["by"] = by
    return (Draft(Kind.COPIES, actor, body),) if copies else ()
