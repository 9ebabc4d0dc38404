"""Since when it is certain, where an answer does not say: what is proposed, and what a confirmation then records.

Decides the proposal: the notice where the evidence is strong, since there was nothing left to find out (EDPB Guidelines
9/2022 v2.0, para 31), and the time of the answer elsewhere. Leaves which instant a clock counts from to
`clocks.anchor`, and an instant that a person states to whoever states it.
"""

from __future__ import annotations

from datetime import datetime

from firedoor.core.alerts.evidence_strength import EVIDENCE, STRONG
from firedoor.core.incident.view import IncidentView
from firedoor.core.json_types import JsonObject
from firedoor.core.law.duty import AWARE, NOTICED
from firedoor.core.tasks.sending import NOW

CONSEQUENCE = (
    "It counts as certain from the time that you state; if you state none, from the alert where its evidence is "
    "strong, and from now where it is not."
)


def proposed(view: IncidentView, sets: JsonObject) -> JsonObject:
    """What a choice sets, with the proposal in place of `now` where it is another time."""
    since = _noticed(view) if sets.get(AWARE) == NOW else ""
    return {**sets, **({AWARE: since} if since else {})}


def _noticed(view: IncidentView) -> str:
    """The first notice on record, where the evidence is strong; empty where it is not."""
    if view.facts.get(EVIDENCE) != STRONG:
        return ""
    known = [str(view.facts[name]) for name in NOTICED if view.facts.get(name)]
    return min((*known, view.opened_at), key=datetime.fromisoformat)
