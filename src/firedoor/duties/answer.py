"""One question and its answer: whether a duty applies, and when it is due.

Decides the stable shape that `firedoor duties due` prints and that the worked
examples of the duties are checked against. Leaves the law to `core`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firedoor.core import dates
from firedoor.core.assessment import assess_one, find_trigger
from firedoor.core.due import Due, compute_due
from firedoor.core.facts import Value, read_all
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.territories import enrich
from firedoor.duties.catalogue import Catalogue


def answer(catalogue: Catalogue, key: str, event: str, at: str, tz: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Answer for one duty and one event.

    `event` is the name of a fact without "_at" ("aware"); "" takes the duty's
    own. `at` is ISO 8601, with an offset or as local time in the IANA zone `tz`.
    Raises NotFound for an unknown duty, InvalidInput for the rest.
    """
    duty = catalogue.find(key)
    instant = dates.instant(at, dates.zone_named(tz))
    fact = _event_fact(catalogue, key, event)
    known: dict[str, Value] = {**enrich(read_all(catalogue.facts, facts)), "time_zone": tz}
    if fact:
        known[fact] = instant
    found = assess_one(duty, known, instant)
    trigger = find_trigger(duty, known)
    due = compute_due(duty, trigger.at if trigger else instant, tz, known, event=trigger.event if trigger else "")
    return {"duty": key, "applies": str(found.applies), **_written(due), "why": [*due.why, *found.reasons]}


def _event_fact(catalogue: Catalogue, key: str, event: str) -> str:
    """The fact that an event sets: by its own name, by the kind of trigger ("discovery"), or the duty's own for ""."""
    duty = catalogue[key]
    own = next(iter(duty.trigger.own_facts), "")
    event = event.removesuffix("_at")
    if event in ("", str(duty.trigger.kind)) or (event == "submitted" and duty.trigger.of):
        return own
    outer = [version.outer.after for version in duty.versions if version.outer]
    starts = [fact.removesuffix("_at") for fact in (*duty.trigger.own_facts, *outer, *duty.trigger.stand_in)]
    if event not in starts:
        message = f'"{event[:60]}" does not start {key}'
        raise InvalidInput(Problem(code="L106", field="event", message=message, do=nearest(event, starts)))
    return f"{event}_at"


def _written(due: Due) -> dict[str, Any]:
    later = due.latest_arguable
    return {
        "due": due.due.isoformat() if due.due else None,
        "kind": str(due.kind),
        "latest_arguable": {"due": later.due.isoformat(), "basis": later.basis} if later else None,
        "version": due.version,
        "citation": due.citation,
    }
