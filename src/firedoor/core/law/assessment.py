"""Which duties apply, on what the facts say so far: yes, no or unknown, and why.

Decides the answer for each duty, whether a provisional clock may run, and the
one question that would settle most. Leaves when a duty is due to `due`, and the
running clock to `clock`. An unknown fact never gives "no"; a "no" always rests
on a clause that is known to fail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from firedoor.core import ternary
from firedoor.core.dates import arithmetic
from firedoor.core.facts import Facts, show
from firedoor.core.isolated import Failed, each
from firedoor.core.language.expression import Expression
from firedoor.core.law.clause import Clause
from firedoor.core.law.duty import Duty, TriggerKind
from firedoor.core.law.period import Version
from firedoor.core.law.territories import enrich, zone_of
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause with its answer: in words, as written, and where it stands in the law."""

    says: str
    answer: Ternary
    cite: str = ""
    condition: str = ""
    rests_on: tuple[str, ...] = ()  # "people_affected = 1 to 500"

    def __str__(self) -> str:
        cite = f" ({self.cite})" if self.cite else ""
        rests = f" [{', '.join(self.rests_on)}]" if self.rests_on else ""
        return f"{self.answer}: {self.says}{cite}{rests}"


@dataclass(frozen=True, slots=True)
class TriggerFound:
    """The instant that starts the period, and the fact that gave it."""

    fact: str
    at: datetime
    stands_in_for: str = ""  # the law's own instant, when this one only stands in for it

    @property
    def event(self) -> str:
        """The fact's name as an event: aware_at is "aware"."""
        return self.fact.removesuffix("_at")


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer for one duty.

    `provisional`: the law reaches the organisation, the trigger is known and
    binding, and only the condition is open. `shadow`: the one thing that is
    missing can still be completed by the person who asked.
    """

    duty: str
    applies: Ternary
    reach: Ternary
    binding: bool
    superseded: Ternary
    version: str
    trigger: TriggerFound | None
    provisional: bool
    shadow: bool
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    to_judge: tuple[str, ...]  # exemptions that only a person can judge
    awaits: tuple[str, ...]  # facts of which one must carry the law's own instant, while none does

    @property
    def reasons(self) -> tuple[str, ...]:
        """The findings in words; those that decide a "no" alone when it is a no."""
        deciding = [finding for finding in self.findings if self.applies is not NO or finding.answer is NO]
        return tuple(str(finding) for finding in deciding)


@dataclass(frozen=True, slots=True)
class Picture:
    """All duties at one instant, and the fact that would settle most if it were known."""

    at: datetime
    assessments: tuple[Assessment, ...]
    next_fact: str

    def having(self, answer: Ternary) -> tuple[Assessment, ...]:
        """The assessments with this answer."""
        return tuple(assessment for assessment in self.assessments if assessment.applies is answer)


def assess(duties: Iterable[Duty], facts: Facts, at: datetime) -> Picture:
    """Assess duties on the facts at an instant, which chooses the version of a duty whose trigger is unknown."""
    case = _Case(enrich(facts))
    assessments = tuple(_assess(duty, case, at) for duty in duties)
    return Picture(at.astimezone(UTC), assessments, _next_fact(assessments))


def assess_reached(
    duties: Iterable[Duty], facts: Facts, at: datetime, failed: Failed | None = None
) -> tuple[Assessment, ...]:
    """Assess those duties whose law reaches the organisation for certain; of the others nothing else is looked at.

    A duty that raises is put into `failed` and left out; without `failed` it raises.
    """
    case = _Case(enrich(facts))

    def look(duty: Duty) -> Assessment | None:
        return _assess(duty, case, at) if _reach(duty, case) is YES else None

    return tuple(one for one in each(duties, look, failed, lambda duty: duty.id) if one is not None)


def assess_one(duty: Duty, facts: Facts, at: datetime) -> Assessment:
    """Assess one duty."""
    return _assess(duty, _Case(enrich(facts)), at)


def find_trigger(duty: Duty, facts: Facts) -> TriggerFound | None:
    """Return the earliest of the instants the law names; else the one that stands in for it; else None."""
    if duty.trigger.kind is TriggerKind.NONE:
        return None
    own = list(instants(duty.trigger.own_facts, facts))
    if own:
        return min(own, key=lambda found: found.at)
    outer = {version.outer.after: None for version in duty.versions if version.outer}
    limits = list(instants(outer, facts))
    if limits:
        return min(limits, key=lambda found: found.at)
    stand_ins = list(instants(duty.trigger.provisional_facts, facts))
    if not stand_ins:
        return None
    first = min(stand_ins, key=lambda found: found.at)
    return TriggerFound(first.fact, first.at, stands_in_for=duty.trigger.fact)


class _Case:
    """The facts of one assessment, and what was already worked out on them: many duties share a clause."""

    __slots__ = ("_answers", "_missing", "_rests_on", "facts")

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._answers: dict[str, Ternary] = {}
        self._missing: dict[str, tuple[str, ...]] = {}
        self._rests_on: dict[str, tuple[str, ...]] = {}

    def answer(self, condition: Expression) -> Ternary:
        known = self._answers.get(condition.text)
        if known is None:
            known = self._answers[condition.text] = condition.decide(self.facts)
        return known

    def finding(self, says: str, condition: Expression, cite: str, *, negated: bool = False) -> Finding:
        answer = self.answer(condition)
        rests_on = self._rests_on.get(condition.text)
        if rests_on is None:
            names = sorted(name for (name,) in condition.references)
            rests_on = tuple(f"{name} = {show(self.facts.get(name, UNKNOWN))}" for name in names)
            self._rests_on[condition.text] = rests_on
        return Finding(says, ternary.negate(answer) if negated else answer, cite, condition.text, rests_on)

    def missing(self, condition: Expression) -> tuple[str, ...]:
        known = self._missing.get(condition.text)
        if known is None:
            known = self._missing[condition.text] = condition.missing(self.facts)
        return known


def _assess(duty: Duty, case: _Case, at: datetime) -> Assessment:
    trigger = find_trigger(duty, case.facts)
    version = _version(duty, case.facts, trigger.at if trigger else at)
    when = duty.when if version is None or version.when is None else version.when
    findings = tuple(_findings(duty, when, case))
    reach = _reach(duty, case)
    superseded = ternary.any_of(case.answer(overlap.holds) for overlap in duty.superseded_by)
    applies = ternary.all_of(finding.answer for finding in findings)
    if version is None:
        findings, applies = (Finding(f"not in force ({duty.versions[-1].status})", NO, duty.provision),), NO
    binding = version is not None and version.binding
    startable = binding and reach is YES and trigger is not None
    shadow = startable and applies is NO and _curable(when, findings, case)
    return Assessment(
        duty.id, applies, reach, binding, superseded, version.label if version else "", trigger,
        startable and applies is UNKNOWN, shadow, findings, _missing(duty, when, applies, case),
        tuple(clause.says for clause in duty.unless if clause.holds is None), _awaits(duty, trigger, applies),
    )  # fmt: skip


def _reach(duty: Duty, case: _Case) -> Ternary:
    return ternary.all_of(case.answer(clause.holds) for clause in duty.reach if clause.holds)


def _version(duty: Duty, facts: Facts, at: datetime) -> Version | None:
    """The version on the day of the authority, or of the organisation where the authority has no zone of its own."""
    return duty.version_on(arithmetic.local_day(at, arithmetic.zone_named(duty.zone or zone_of(facts))))


def _findings(duty: Duty, when: tuple[Clause, ...], case: _Case) -> Iterator[Finding]:
    for clause in (*duty.reach, *when):
        if clause.holds is not None:
            yield case.finding(clause.says, clause.holds, clause.cite)
    for clause in duty.unless:
        if clause.holds is not None:
            yield case.finding(f"no exemption: {clause.says}", clause.holds, clause.cite, negated=True)
    for overlap in duty.superseded_by:
        yield case.finding(f"not replaced: {overlap.says}", overlap.holds, overlap.cite, negated=True)


def _conditions(duty: Duty, when: tuple[Clause, ...]) -> Iterator[Expression]:
    yield from (clause.holds for clause in (*duty.reach, *when, *duty.unless) if clause.holds is not None)
    yield from (overlap.holds for overlap in duty.superseded_by)


def _missing(duty: Duty, when: tuple[Clause, ...], applies: Ternary, case: _Case) -> tuple[str, ...]:
    if applies is not UNKNOWN:
        return ()
    names: dict[str, None] = {}
    for condition in _conditions(duty, when):
        if case.answer(condition) is UNKNOWN:
            names.update(dict.fromkeys(case.missing(condition)))
    return tuple(names)


def _awaits(duty: Duty, trigger: TriggerFound | None, applies: Ternary) -> tuple[str, ...]:
    own = duty.trigger.own_facts
    waits = applies is not NO and duty.trigger.kind is not TriggerKind.NONE
    return own if waits and not (trigger and trigger.fact in own) else ()


def _curable(when: tuple[Clause, ...], findings: tuple[Finding, ...], case: _Case) -> bool:
    """Whether everything that fails can be completed by the person who asked."""
    failing = sum(finding.answer is NO for finding in findings)
    curable = sum(clause.curable and clause.holds is not None and case.answer(clause.holds) is NO for clause in when)
    return failing == curable > 0


def instants(names: Iterable[str], facts: Facts) -> Iterator[TriggerFound]:
    """Yield those of these facts that hold an instant."""
    for name in names:
        value = facts.get(name)
        if isinstance(value, datetime):
            yield TriggerFound(name, value)


def _next_fact(assessments: Iterable[Assessment]) -> str:
    """The fact with the most weight; one that alone keeps a duty open counts for most."""
    weights: defaultdict[str, float] = defaultdict(float)
    for assessment in assessments:
        for name in assessment.missing:
            weights[name] += 1 / len(assessment.missing)
    return max(weights, key=lambda name: (weights[name], name), default="")
