"""Copies of content as every door shows them, and the receipt that a person gets: what was done, when, and what not.

Decides the words, and that a receipt counts the places of others and names only those that the person named. Where a
copy is stands under a sealed name (`copy_locator`). Leaves what a copy is to `core.removal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.removal.copy import HOW_WORDS, WORDS, Copy, CopyState, How
from firedoor.core.requests.request import RemovalRequest

# What the person is told of a place: a word for each state, which the status page has in each of its languages.
PLAIN: Mapping[CopyState, str] = {
    CopyState.FOUND: "open", CopyState.CANDIDATE: "open", CopyState.ASKED: "open", CopyState.SERVING: "open",
    CopyState.BACK: "open", CopyState.UNSEEN: "removed", CopyState.HIDDEN: "hidden", CopyState.REMOVED: "removed",
    CopyState.GONE: "gone", CopyState.BY_HAND: "removed", CopyState.NOT_OURS: "other", CopyState.ELSEWHERE: "elsewhere",
}  # fmt: skip
AWAY = frozenset((CopyState.GONE, CopyState.BY_HAND, CopyState.REMOVED, CopyState.UNSEEN))


def told(view: IncidentView) -> list[Body]:
    """Every copy of an incident, in the order in which they were found."""
    return [_one(one) for one in view.copies.values()]


def _one(one: Copy) -> Body:
    return {
        "id": one.id, "name": one.name, "number": one.number, "store": one.store, "copy_locator": one.locator,
        "how": str(one.how), "how_words": HOW_WORDS[one.how], "state": str(one.state), "state_words": WORDS[one.state],
        "open": one.open, "distance": one.distance, "quality": one.quality, "can_be_put_back": bool(one.undo),
        "story": [{"state": str(step.state), "state_words": WORDS[step.state], "at": step.at.isoformat(), "by": step.by,
                   "why": step.why} for step in one.story],
    }  # fmt: skip


def receipt(view: IncidentView, request: RemovalRequest) -> Body | None:
    """What the person is told about copies; None while nothing has been searched. No place of anybody else is in it."""
    if not view.copies:
        return None
    own = [(number, _named(view, place)) for number, place in enumerate(request.locators, 1)]
    mine = {one.id for _, one in own if one is not None}
    others = [one for one in view.copies.values() if one.id not in mine and one.how is not How.UPLOAD]
    ours = [one for one in others if one.state not in (CopyState.NOT_OURS, CopyState.ELSEWHERE)]
    return {
        "places": [_place(number, one) for number, one in own],
        "copies": len(ours),
        "copies_away": sum(one.state in AWAY for one in ours),
        "copies_gone": sum(one.state is CopyState.GONE for one in ours),
        "copies_open": sum(one.state not in AWAY for one in ours),
        "looked_at": _last(view.copies.values()),
        **_uploads(view),
    }


def _named(view: IncidentView, place: str) -> Copy | None:
    """The copy that lies at a place, in whichever spelling the person named it."""
    plain = place.strip()
    known = (one for one in view.copies.values() if plain == one.locator or plain.endswith(f"/{one.locator}"))
    return next(known, None)


def _place(number: int, one: Copy | None) -> Body:
    if one is None:
        return {"number": number, "state": "open", "since": None}
    since = one.since(one.state)
    return {"number": number, "state": PLAIN[one.state], "since": since.isoformat() if since else None}


def _last(copies: Iterable[Copy]) -> str | None:
    seen = (CopyState.GONE, CopyState.HIDDEN, CopyState.SERVING, CopyState.BACK, CopyState.UNSEEN)
    instants = [step.at for one in copies for step in one.story if step.state in seen]
    return max(instants).isoformat() if instants else None


def _uploads(view: IncidentView) -> Body:
    """Whether re-uploads are kept out: yes where a test picture was refused at the last look, else not shown."""
    results = [record.result for record in view.operations.values() if record.status == "finished"]
    blocked = any("blocked" in one for one in results)
    tried = [str(one["upload"]) for one in results if "upload" in one]
    return {"blocked": blocked, "upload_refused": bool(tried) and tried[-1] == "refused"}
