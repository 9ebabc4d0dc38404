"""Where the law meets the journal: which entries about clocks the facts call for.

Decides what of a clock and its duty is written into the journal. Leaves the
conditions, the dates and the clocks themselves to `assessment`, `due` and
`clock`. A change that makes a limit later is not applied: it becomes a task for
somebody who did not set the facts behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from firedoor.core.clock import Clock, Reassessment, clocks_due_to_start, reassess
from firedoor.core.clock_actions import ACTOR, CHANGE, Question, approval, clock_of, dump
from firedoor.core.duty import Duty
from firedoor.core.facts import Facts
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.removal import element_facts, is_removal
from firedoor.core.requests import Request, requests_of
from firedoor.core.view import ENDED, IncidentView, TaskView

__all__ = ["CHANGE", "Law", "clock_of", "duty_words", "facts_of"]

PERSON = "person:"
# What says where people and the organisation are, and how many, implies what a duty asks about (`territories`).
IMPLYING = frozenset(("jurisdictions", "people_affected", "established_in", "serves", "time_zone"))
Selection = Literal["auto"] | tuple[str, ...]


@dataclass(frozen=True)
class Law:
    """The catalogue of duties, and the standing facts of the organisation that they look at."""

    catalogue: Mapping[str, Duty]
    organisation: Facts

    def drafts(
        self, view: IncidentView, facts: Facts, selection: Selection, roles: tuple[str, ...], now: datetime
    ) -> list[Draft]:
        """Return the entries that the facts call for now: clocks that start, and clocks that change."""
        known = {**self.organisation, **facts}
        drafts = self._about(view, Request("", known, selection), roles, now)
        for request in requests_of(view, self.catalogue, known, selection):
            drafts += self._about(view, request, roles, now)
        return drafts

    def _about(self, view: IncidentView, about: Request, roles: tuple[str, ...], now: datetime) -> list[Draft]:
        """What the facts call for about the incident itself, or about one more request to remove content."""
        taken = [name for name, body in view.clocks.items() if body["state"] not in ENDED]
        started = clocks_due_to_start(self.catalogue, about.selection, about.facts, taken, now, subject=about.subject)
        drafts = [self._start(clock, again=clock.id in view.clocks) for clock in started]
        running = [clock for body in view.clocks.values() if (clock := clock_of(body)).duty in self.catalogue]
        for change in reassess(self.catalogue, running, about.facts, now, subject=about.subject):
            drafts += self._change(view, change, roles, now)
        return drafts

    def _start(self, clock: Clock, *, again: bool) -> Draft:
        """A clock that ended because it did not apply runs again when corrected facts call for it."""
        if not again:
            return Draft(Kind.CLOCK_STARTED, ACTOR, self.body(clock))
        body = {**dump(clock), "what": "started again", "because": "the facts now known call for it"}
        return Draft(Kind.CLOCK_CHANGED, ACTOR, body)

    def body(self, clock: Clock) -> Body:
        """A clock as the journal holds it, with what people need to know of its duty."""
        duty = self.catalogue[clock.duty]
        return {**dump(clock), **duty_words(duty)}

    def _change(self, view: IncidentView, change: Reassessment, roles: tuple[str, ...], now: datetime) -> list[Draft]:
        body: Body = {**dump(change.after), "what": "reassessed", "because": change.why}
        if not change.needs_approval:
            return [Draft(Kind.CLOCK_CHANGED, ACTOR, body)]
        setters = self._setters(view, change.before)
        if any(_asked_already(task, change, setters) for task in view.tasks.values()):
            return []
        people = sorted({actor.removeprefix(PERSON) for actor, _ in setters if actor.startswith(PERSON)})
        question = f"The facts now known would change the clock {change.before.id}: {change.why}. Apply it?"
        guidance = "A limit moves to the less safe side only when somebody agrees who did not set the facts."
        asked = {"asked_by": ", ".join(people)} if people else {}
        return [approval(view, Question({**body, **asked}, question, guidance, tuple(people)), roles, now)]

    def _setters(self, view: IncidentView, clock: Clock) -> list[tuple[str, int]]:
        """Who set what the duty looks at since the clock last changed, and in which entries."""
        names, since = facts_of(self.catalogue[clock.duty]), view.clock_seqs.get(clock.id, 0)
        return [source for name, source in view.fact_sources.items() if name in names and source[1] > since]


def _asked_already(task: TaskView, change: Reassessment, setters: Iterable[tuple[str, int]]) -> bool:
    """Whether the same was asked and is open, or was refused and no fact that matters has changed since."""
    if task.kind != "clock" or task.clock != change.before.id:
        return False
    same = task.payload.get("because") == change.why
    refused = task.decided == "keep" and same and all(seq < task.opened_seq for _, seq in setters)
    return task.open or refused


def facts_of(duty: Duty) -> set[str]:
    """The facts that a duty and its limit look at, and those from which some of them follow."""
    versions = duty.versions
    clauses = (
        *duty.reach,
        *duty.when,
        *duty.unless,
        *(clause for version in versions for clause in version.when or ()),
    )
    conditions = [clause.holds for clause in clauses if clause.holds is not None]
    conditions += [overlap.holds for overlap in duty.superseded_by]
    conditions += [case.holds for version in versions for case in version.cases]
    conditions += [version.roll.holds for version in versions if version.roll]
    instants = {*duty.trigger.own_facts, *duty.trigger.stand_in, *(v.outer.after for v in versions if v.outer)}
    return {path[0] for condition in conditions for path in condition.references} | instants | IMPLYING


def duty_words(duty: Duty) -> Body:
    """The title, addressee, channel and content of a duty, as plain JSON."""
    return {
        "title": duty.title,
        "jurisdiction": duty.jurisdiction,
        "authority": duty.authority,
        "addressee": str(duty.addressee),
        "channel": duty.channel,
        "confidence": duty.confidence,
        "penalty": duty.penalty,
        "content": [field.model_dump(mode="json") for field in duty.content],
        **({"request": list(element_facts(duty))} if is_removal(duty) else {}),
    }
