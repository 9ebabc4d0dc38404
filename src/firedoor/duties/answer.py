"""One question and its answer: whether a duty applies, and when it is due.

Decides the stable shape that `firedoor duties due` prints and that the worked
examples of the duties are checked against. Leaves the law to `core`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from firedoor.core.dates import arithmetic
from firedoor.core.facts import Value, read_all
from firedoor.core.journal import Body
from firedoor.core.law.assessment import assess_one, find_trigger
from firedoor.core.law.due import Due, compute_due
from firedoor.core.law.duty import Duty
from firedoor.core.law.territories import enrich
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, nearest
from firedoor.duties.catalogue import Catalogue

Part = TypeVar("Part")


def answer(catalogue: Catalogue, key: str, event: str, at: str, tz: str, facts: Mapping[str, object]) -> Body:
    """Answer for one duty and one event.

    `event` is the name of a fact without "_at" ("aware"); "" takes the duty's
    own. `at` is ISO 8601 with its offset; `tz` is an IANA zone;
    without `tz` an offset is needed, and days end in the authority's zone or UTC.
    Raises NotFound for an unknown duty, InvalidInput for the rest.
    """
    question = _Question()
    duty = question.read(lambda: catalogue.find(key))
    where = question.read(lambda: arithmetic.zone_named(tz)) if tz else None
    instant = question.read(lambda: arithmetic.stated(at, where)) if where or not tz else None
    fact = question.read(lambda: _event_fact(duty, event)) if duty else None
    given = question.read(lambda: read_all(catalogue.facts, facts))
    if duty is None or instant is None or fact is None or given is None or question.problems:
        raise question.error()
    return _answered(duty, instant, tz or duty.zone or "UTC", fact, given)


def _answered(duty: Duty, instant: datetime, zone: str, fact: str, given: Mapping[str, Value]) -> Body:
    known = enrich({**given, "time_zone": zone, **({fact: instant} if fact else {})})
    found = assess_one(duty, known, instant)
    trigger = find_trigger(duty, known)
    due = compute_due(duty, trigger.at if trigger else instant, zone, known, event=trigger.event if trigger else "")
    return {"duty": duty.id, "applies": str(found.applies), **_written(due), "why": [*due.why, *found.reasons]}


class _Question:
    """Reads the parts of a question, and remembers every problem with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._errors: list[FiredoorError] = []

    def read(self, part: Callable[[], Part]) -> Part | None:
        """One part, or None when it cannot be read."""
        try:
            return part()
        except FiredoorError as error:
            self.problems.extend(error.problems)
            self._errors.append(error)
            return None

    def error(self) -> FiredoorError:
        """The error itself when one part is wrong, else all of them as one."""
        return self._errors[0] if len(self._errors) == 1 else InvalidInput(self.problems)


def _event_fact(duty: Duty, event: str) -> str:
    """The fact that an event sets: by its own name, by the kind of trigger ("discovery"), or the duty's own for ""."""
    own = next(iter(duty.trigger.own_facts), "")
    event = event.removesuffix("_at")
    if event in ("", str(duty.trigger.kind)) or (event == "submitted" and duty.trigger.of):
        return own
    outer = [version.outer.after for version in duty.versions if version.outer]
    starts = [fact.removesuffix("_at") for fact in (*duty.trigger.own_facts, *outer, *duty.trigger.provisional_facts)]
    if event not in starts:
        message = f'"{event[:60]}" does not start {duty.id}'
        raise InvalidInput(Problem(code="L106", field="event", message=message, do=nearest(event, starts)))
    return f"{event}_at"


def _written(due: Due) -> Body:
    later = due.latest_arguable
    return {
        "due": due.due.isoformat() if due.due else None,
        "kind": str(due.kind),
        "latest_arguable": {"due": later.due.isoformat(), "basis": later.basis} if later else None,
        "version": due.version,
        "citation": due.citation,
    }
