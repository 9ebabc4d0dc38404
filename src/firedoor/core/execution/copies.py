"""What follows for copies of content from a search, an approval, and a look from outside.

Decides which copies are new, which are to be removed now, and whether a look proves that all are gone; what is not
proved is named. Entries are returned, never written. Leaves searching, removing and looking to the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from firedoor.core.entries.copies import CopySaid
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft
from firedoor.core.removal.copy import (
    APPROVED,
    CLOSED,
    LOOK,
    REMOVE,
    WORDS,
    Copy,
    CopyState,
    How,
    copy_id,
    of_store,
)
from firedoor.core.removal.matching import Found, Search, Wanted
from firedoor.core.removal.noting import noted
from firedoor.core.removal.ports import Look, Saw

NAMED = 10  # copies that a sentence names; the rest is counted
FACTS = ("content_locators",)
ELSEWHERE = "the address lies outside this store"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the looks came to. `open` are sentences about what is not proved; none: all is gone and stays out."""

    drafts: tuple[Draft, ...]
    counts: Mapping[str, int]
    open: tuple[str, ...]


def wanted_of(view: IncidentView) -> Wanted:
    """The hashes that alerts and requests brought, and every place that somebody named."""
    alerts = [attached.get("alert", {}) for attached in view.alerts]
    hashes = [one for alert in alerts for one in alert.get("content_hashes") or ()]
    named: list[str] = [str(place) for alert in alerts for place in alert.get("locators") or ()]
    for name in FACTS:
        said = view.facts.get(name)
        named += [str(one) for one in said] if isinstance(said, list | tuple) else []
    named += [place for request in view.requests.values() for place in request.locators]
    return Wanted(
        frozenset(str(one["value"]).lower() for one in hashes if one["algorithm"] == "sha256"),
        frozenset(str(one["value"]).lower() for one in hashes if one["algorithm"] == "pdq"),
        tuple(dict.fromkeys(place.strip() for place in named if place.strip())),
    )


def newly_found(
    view: IncidentView, store: str, key_of: Callable[[str], str | None], search: Search, op: str
) -> tuple[Draft, ...]:
    """What a search adds: places that people named, then what the index knows. What is known already stays as it is."""
    said: dict[str, CopySaid] = {}
    for place in search.wanted.locators:
        key = key_of(place)
        _add(view, said, store, Found(key or place, How.NAMED), elsewhere=key is None)
    for found in search.found:
        if key := key_of(found.locator):
            _add(view, said, store, Found(key, found.how, found.distance, found.quality))
    return noted(store, said.values(), op)


def _add(
    view: IncidentView, said: dict[str, CopySaid], store: str, found: Found, *, elsewhere: bool = False
) -> None:  # fmt: skip
    name = copy_id(store, found.locator)
    if name in view.copies or name in said:
        return
    near = found.how is How.NEAR
    state = CopyState.ELSEWHERE if elsewhere else CopyState.CANDIDATE if near else CopyState.FOUND
    one: CopySaid = {"copy": name, "state": state, "copy_locator": found.locator, "how": found.how}
    if found.distance is not None:
        one["distance"] = found.distance
    if found.quality is not None:
        one["quality"] = found.quality
    if elsewhere:
        one["why"] = ELSEWHERE
    said[name] = one


def undecided(view: IncidentView, store: str) -> list[Copy]:
    """The copies about which nobody has decided yet: found, or to be confirmed."""
    return [one for one in of_store(view.copies.values(), store) if one.state in REMOVE | {CopyState.CANDIDATE}]


def to_remove(view: IncidentView, store: str, *, approved: bool) -> list[Copy]:
    """The copies to take away now; those that are only found where somebody has just approved it."""
    wanted = APPROVED | (REMOVE if approved else frozenset())
    return [one for one in of_store(view.copies.values(), store) if one.state in wanted]


def to_look_at(view: IncidentView, store: str) -> list[Copy]:
    """The copies whose address is asked from outside."""
    return [one for one in of_store(view.copies.values(), store) if one.state in LOOK]


def seen(copy: Copy, look: Look, *, hidden_is_gone: bool) -> CopyState:
    """The state of a copy after a look from outside."""
    if copy.state is CopyState.FOUND:  # nobody has approved it yet: only that it is gone is taken as said
        return CopyState.GONE if look.saw is Saw.GONE else copy.state
    match look.saw:
        case Saw.GONE:
            return CopyState.GONE
        case Saw.HIDDEN:
            return CopyState.GONE if hidden_is_gone else CopyState.HIDDEN
        case Saw.SERVING:
            was_gone = copy.state in (CopyState.GONE, CopyState.BACK)
            return CopyState.BACK if was_gone else CopyState.SERVING
        case Saw.UNKNOWN:
            return copy.state if copy.state is CopyState.GONE else CopyState.UNSEEN


def proof(
    view: IncidentView, store: str, looks: Mapping[str, tuple[Copy, CopyState, Look]], uploads: Iterable[str], op: str
) -> Proof:
    """Compare what was seen with what must be so. `looks` are by copy; `uploads` say what got through."""
    changes: list[CopySaid] = [
        {"copy": copy.id, "state": state, "why": look.detail[:300]}
        for copy, state, look in looks.values() if state is not copy.state
    ]  # fmt: skip
    after = {copy.id: state for copy, state, _ in looks.values()}
    states = {one.id: after.get(one.id, one.state) for one in of_store(view.copies.values(), store)}
    left = [(view.copies[name], state) for name, state in states.items() if state not in CLOSED]
    sentences = [f"{one.name}: {WORDS[state]}{_detail(looks, one.id)}" for one, state in left]
    unknown = [  # an address that was proved gone and does not answer now proves nothing about today
        f"{copy.name}: it was gone, and does not answer now ({look.detail})"
        for copy, state, look in looks.values() if state is CopyState.GONE and look.saw is Saw.UNKNOWN
    ]  # fmt: skip
    counts = {str(state): list(states.values()).count(state) for state in dict.fromkeys(states.values())}
    return Proof(noted(store, changes, op), counts, (*uploads, *_short([*sentences, *unknown])))


def _short(sentences: list[str]) -> list[str]:
    more = len(sentences) - NAMED
    return [*sentences[:NAMED], *([f"and {more} more copies"] if more > 0 else [])]


def _detail(looks: Mapping[str, tuple[Copy, CopyState, Look]], name: str) -> str:
    status = looks[name][2].status if name in looks else None
    return f" (status {status})" if status is not None else ""
