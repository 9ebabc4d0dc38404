"""Bodies of entries about copies of content, and about what is told to a hash bank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from firedoor.core.entries.base import EntryBody


class CopySaid(TypedDict):
    """What is known anew of one copy. Where it is stands here once, when it is found; it is sealed."""

    copy: str
    state: str
    copy_locator: NotRequired[str]
    how: NotRequired[str]
    distance: NotRequired[int]
    quality: NotRequired[int]
    why: NotRequired[str]
    undo: NotRequired[str]


class CopiesNoted(EntryBody):
    """Copies that were found, decided about, removed or looked at, in one store; `by` where a person said so."""

    v: Literal[1]
    store: str
    copies: Sequence[CopySaid]
    op: NotRequired[str]
    by: NotRequired[str]


class BankFeedback(EntryBody):
    """What somebody says to a hash bank about one of its entries.

    The entry is named by its digest alone: once the bank withdraws it, no journal may hold its hash.
    """

    v: Literal[1]
    bank: str
    entry: str
    verdict: str
    by: str
    why: str
