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
from functools import cached_property
from typing import Literal

from firedoor.core.clocks.anchor import by_notice_alone
from firedoor.core.clocks.clock import Clock, ClockState, Reassessment, clocks_due_to_start, reassess
from firedoor.core.clocks.extensions import ACTOR, CHANGE, Question, approval, clock_of, dump
from firedoor.core.clocks.request_clocks import About, abouts, apart
from firedoor.core.facts import Facts, Value
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import ENDED, IncidentView, TaskView
from firedoor.core.isolated import Failed, each
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.law.duty import OPENED, Duty
from firedoor.core.law.territories import counted_in
from firedoor.core.person import Identity
from firedoor.core.requests.validity import element_facts, is_removal

__all__ = ["CHANGE", "Law", "clock_of", "duty_words", "facts_of"]

# What says where people and the organisation are, and how many, implies what a duty asks about (`territories`).
IMPLYING = frozenset(("jurisdictions", "people_affected", "established_in", "serves", "time_zone"))
Selection = Literal["auto"] | tuple[str, ...]


@dataclass(frozen=True)
class Law:
    """The catalogue of duties, and the standing facts of the organisation that they look at."""

    catalogue: Mapping[str, Duty]
    organisation: Facts

    @cached_property
    def by_request(self) -> tuple[Mapping[str, Duty], Mapping[str, Duty]]:
        """The duties that somebody's request starts, and all others."""
        return apart(self.catalogue)

    def drafts(
        self, view: IncidentView, facts: Facts, selection: Selection, roles: tuple[str, ...], now: datetime,
        failed: Failed | None = None,
    ) -> list[Draft]:  # fmt: skip
        """Return the entries that the facts call for now: clocks that start, and clocks that change.

        A duty that cannot be worked out is put into `failed`, and the others are; without `failed` it raises.
        """
        known = self._known(view, facts)
        asked = abouts(view, self.by_request, known, selection)
        drafts = [draft for about in asked for draft in self._about(view, about, roles, now, failed)]
        return sorted(drafts, key=self._place)

    def _known(self, view: IncidentView, facts: Facts) -> dict[str, Value]:
        """What the law looks at. The opening is on record: what is noticed at the latest then is nobody's to forget."""
        opened: dict[str, Value] = {OPENED: datetime.fromisoformat(view.opened_at)} if view.opened_at else {}
        return {**self.organisation, **facts, **opened}

    def _place(self, draft: Draft) -> int:
        """Clocks start in the order of the catalogue, those of further requests and every change after them."""
        own = draft.kind is Kind.CLOCK_STARTED and draft.body["id"] == draft.body["duty"]
        return self._places[draft.body["duty"]] if own else len(self._places)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.catalogue)}

    def zone(self, clock: ClockRecord, facts: Mapping[str, object]) -> tuple[str, bool]:
        """Where the days of a clock are counted, and whether that is UTC for want of anything better."""
        duty = self.catalogue.get(clock.duty) if clock.duty else None
        known: dict[str, object] = {**self.organisation, **facts}
        return counted_in(duty.zone if duty else "", known)

    def in_utc(self, view: IncidentView) -> frozenset[str]:
        """The clocks whose limit is counted so: whatever shows the limit says it (`territories.IN_UTC`)."""
        limits = (clock for clock in view.clocks.values() if clock.due and not clock.settled)
        return frozenset(clock.id for clock in limits if self.zone(clock, view.facts)[1])

    def next_instant(self, view: IncidentView, facts: Facts, selection: Selection, now: datetime) -> datetime | None:
        """When time alone may next start or change a clock: the first instant ahead that anything here looks at."""
        known = self._known(view, facts)
        asked = (known, *(about.facts for about in abouts(view, self.by_request, known, selection)))
        values = (value for facts_known in asked for value in facts_known.values())
        return min((value for value in values if isinstance(value, datetime) and value > now), default=None)

    def _about(
        self, view: IncidentView, about: About, roles: tuple[str, ...], now: datetime, failed: Failed | None
    ) -> list[Draft]:
        """What the facts call for about the incident itself, or about one more request to remove content."""
        facts, subject = about.facts, about.subject
        taken = [name for name, clock in view.clocks.items() if clock.state not in ENDED]
        started = clocks_due_to_start(about.duties, about.selection, facts, taken, now, subject=subject, failed=failed)
        over = false_alarm(view)
        by_notice = {key for key, duty in about.duties.items() if over and by_notice_alone(duty, facts)}
        drafts = [self._start(one, again=one.id in view.clocks) for one in started if one.duty not in by_notice]
        clocks = each(view.clocks.values(), clock_of, failed, lambda record: record.id)
        running = [clock for clock in clocks if clock.duty in about.duties]
        drafts += [self._ended(clock, over) for clock in running if clock.duty in by_notice and clock.open]
        running = [clock for clock in running if clock.duty not in by_notice]
        for change in reassess(about.duties, running, facts, now, subject=subject, failed=failed):
            drafts += self._change(view, change, roles, now)
        return drafts

    def _ended(self, clock: Clock, why: str) -> Draft:
        """What counted from the notice alone ends with the decision that there was nothing to be aware of."""
        after = clock.model_copy(update={"state": ClockState.NOT_APPLICABLE})
        return Draft(Kind.CLOCK_CHANGED, ACTOR, {**dump(after), "what": "ended", "because": why})

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
        people = sorted(self._people(view, change.before), key=lambda one: one.name)
        question = f"The facts now known would change the clock {change.before.id}: {change.why}. Apply it?"
        guidance = "A limit moves to the less safe side only when somebody agrees who did not set the facts."
        asked = {"asked_by": ", ".join(one.name for one in people)} if people else {}
        return [approval(view, Question({**body, **asked}, question, guidance, tuple(people)), roles, now)]

    def _people(self, view: IncidentView, clock: Clock) -> set[Identity]:
        """The people among those, who may not agree to what follows from their own facts."""
        names, since = facts_of(self.catalogue[clock.duty]), view.clock_seqs.get(clock.id, 0)
        return {who for name, who in view.fact_setters.items() if name in names and view.fact_sources[name][1] > since}

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


def false_alarm(view: IncidentView) -> str:
    """Who found that it was none, and why; empty while nobody has."""
    found = next((task for task in view.tasks.values() if task.kind == "confirm" and task.decided == "no"), None)
    return f"a false alarm, as {found.answers[-1]['by']} found: {found.answers[-1]['why']}" if found else ""


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
    instants = {*duty.trigger.own_facts, *duty.trigger.provisional_facts, *(v.outer.after for v in versions if v.outer)}
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
