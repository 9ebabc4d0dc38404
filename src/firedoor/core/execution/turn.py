"""One turn of the conductor: what to write down, and which effects to start.

Decides everything that needs no effect (conditions, marks, questions, waits,
clocks, and what to ask when something failed for good) and names the effects
that are due; and that what is raised about one part keeps no other from going on.
Entries are returned, not written; `now` is an argument. Leaves writing and
performing to `runtime.conductor`, so that one transaction a turn is enough and a
lost race simply takes the turn again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from firedoor.core.canonical import digest
from firedoor.core.clocks.engine import Law
from firedoor.core.entries.outcomes import Result
from firedoor.core.entries.people import MessageSent
from firedoor.core.entries.run import OperationFinished, OperationSkipped, OperationStarted, StateChanged
from firedoor.core.execution import (
    also_affected,
    evidence_gaps,
    missing_targets,
    questions,
    recheck,
    severity_updates,
    waits,
)
from firedoor.core.execution.automatic_limits import Brake, asked_because, unasked, why_ask
from firedoor.core.execution.progress import Instance, Progress, Status
from firedoor.core.execution.questions import render
from firedoor.core.facts import FactDefinition, Value
from firedoor.core.incident import faults
from firedoor.core.incident.holds import DRIFT_TASK
from firedoor.core.incident.scope import scope_of, typed_facts
from firedoor.core.incident.view import ENDED, FAULT, LIST, REVIEWS, IncidentView, suppose
from firedoor.core.inventory.lineage import Lineage
from firedoor.core.isolated import Fault, fault_of
from firedoor.core.journal import Draft, Kind
from firedoor.core.language.expression import Expression
from firedoor.core.lifecycle import ended, move
from firedoor.core.playbook.plan import Ask, Call, Choose, Keep, Mark, Plan, Tell, Wait
from firedoor.core.ternary import NO, UNKNOWN, Ternary

ACTOR = "firedoor"
Effect = Call | Keep
MAXIMUM_ROUNDS = 200
WORDS = {faults.LAW: "The legal limits cannot be worked out", faults.SEVERITY: "Further alerts cannot be weighed"}


@dataclass(frozen=True, slots=True)
class Launch:
    """An effect to perform now. `key` is its idempotency key; `observe` says that it may have happened already."""

    instance: Instance
    key: str
    attempt: int
    observe: bool = False


@dataclass(slots=True)
class Turn:
    """What one turn calls for. `wake_at` is when time alone makes something ready."""

    drafts: list[Draft] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    wake_at: datetime | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What a turn looks at besides the journal."""

    plan: Plan
    definitions: Mapping[str, FactDefinition]
    organisation: Mapping[str, object]
    law: Law | None = None
    brake: Brake | None = None
    lineage: Lineage | None = None  # of an inventory that describes models


def next_turn(
    rules: Rules, view: IncidentView, now: datetime, running: frozenset[str], *, reflex_only: bool = False
) -> Turn:
    """Work out a turn. `view` is changed as if the drafts were written; throw it away if they are not.

    `running` are the instances whose effects this driver is performing. Others that the
    journal shows as started are in doubt, and are launched to be observed first.
    """
    return _Turn(rules, view, now, running, reflex_only=reflex_only).take()


class _Turn:
    def __init__(
        self, rules: Rules, view: IncidentView, now: datetime, running: frozenset[str], *, reflex_only: bool
    ) -> None:
        self.rules = rules
        self.view = view
        self.now = now
        self.running = running
        self.reflex_only = reflex_only
        self.turn = Turn()
        self.launched: set[str] = set()
        self.tried: set[str] = set()
        self.unasked = unasked(view)  # targets that are suspended without asking, those of this turn included

    def take(self) -> Turn:
        """Repeat until nothing more follows from what is known."""
        for _ in range(MAXIMUM_ROUNDS):
            facts = typed_facts(self.view.facts, self.rules.definitions)
            drafts = self._round(facts)
            if not drafts:
                break
            suppose(self.view, drafts, self.now)
            self.turn.drafts += drafts
        else:
            self.turn.wake_at = self.now  # more follows: the next turn goes on from here
        self.turn.over = Progress(self.rules.plan, self.view).over
        return self.turn

    def _round(self, facts: Mapping[str, Value]) -> list[Draft]:
        progress = Progress(self.rules.plan, self.view)
        if progress.over:
            return []
        lead = self.rules.plan.roles
        first = [*faults.of_entries(self.view, lead, self.now), *self._apart(faults.SEVERITY, self._severity)]
        first += missing_targets.named_otherwise(self.view)
        drafts = first or self._apart(faults.LAW, lambda: self._law(facts))
        if not drafts and not self.reflex_only:  # it is driven: whatever kept it from that is gone
            drafts = faults.mended(self.view, faults.DRIVE)
        if drafts:
            return drafts
        one_by_one = [d for instance in progress.instances.values() for d in self._alone(instance, progress, facts)]
        at_once = (evidence_gaps.asked, missing_targets.asked)
        return one_by_one or [d for ask in at_once for d in ask(self.rules.plan, self.view, progress, self.now)]

    def _apart(self, part: str, work: Callable[[], list[Draft]]) -> list[Draft]:
        """Work out one part. What is raised there is told, and keeps no other part from being worked out."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest of the incident goes on
            return faults.asked(self.view, part, WORDS[part], fault_of(error), self.rules.plan.roles, self.now)

    def _alone(self, instance: Instance, progress: Progress, facts: Mapping[str, Value]) -> list[Draft]:
        """Work out one operation. One that raises fails for itself, and is asked about as any that failed."""
        try:
            return self._one(instance, progress, facts)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other operations go on
            fault, record = fault_of(error), self.view.operations.get(instance.id)
            if record is None or record.status in ("", "waiting"):
                return [faults.failed_operation(instance.id, record.attempts if record else 0, fault)]
            part, what = f"{faults.LOOK}{instance.id}", f"Looking again at {instance.operation.title}"
            return faults.asked(self.view, part, what, fault, self.rules.plan.roles, self.now)

    def _again(self, instance: Instance, progress: Progress, facts: Mapping[str, Value]) -> list[Draft]:
        """Begin what failed because it could not be worked out, where that is possible now. Tried once in a turn."""
        record = self.view.operations[instance.id]
        if not record.fault or instance.id in self.tried:
            return []
        self.tried.add(instance.id)
        with contextlib.suppress(Exception):  # it stands on record already
            if drafts := self._begin(instance, progress, facts):
                return [faults.taken_up(self.view, instance.id), *drafts]
        return []

    def _severity(self) -> list[Draft]:
        more = severity_updates.raised(self.view, self.rules.definitions)
        if not more and not self.reflex_only:  # it reads no lineage: nothing stands before the first closing
            more = also_affected.named(self.view, self.rules.definitions, self.rules.lineage)
        return more or faults.mended(self.view, faults.SEVERITY)

    def _law(self, facts: Mapping[str, Value]) -> list[Draft]:
        """Ask the law, unless nothing that it looks at has changed since it had nothing to say."""
        law = self.rules.law
        if law is None:
            return []
        clocks = tuple((name, clock.state, clock.due) for name, clock in self.view.clocks.items())
        settled = (dict(self.view.facts), clocks, len(self.view.alerts), tuple(self.view.requests.values()))
        plan = self.rules.plan
        ahead = law.next_instant(self.view, facts, plan.duties, self.now)
        if ahead is not None:  # a clock may start at that instant, whoever is asleep then
            self._wake_at(ahead)
        if self.view.law_settled == settled:
            return []
        failed: dict[str, Fault] = {}
        drafts = law.drafts(self.view, facts, plan.duties, plan.roles, self.now, failed)
        drafts += faults.of_duties(self.view, failed, law.catalogue, plan.roles, self.now)
        drafts += faults.mended(self.view, faults.LAW)
        self.view.law_settled = None if drafts or ahead is not None else settled  # time alone may unsettle it
        return drafts

    def _one(self, instance: Instance, progress: Progress, facts: Mapping[str, Value]) -> list[Draft]:
        status = progress.status(instance.id)
        if status in (Status.READY, Status.WAITING) and self._moot(instance):
            return [Draft(Kind.SKIPPED, ACTOR, OperationSkipped(op=instance.id, why="the clock has ended"))]
        if self.view.halted and self._held(instance, status):
            return []
        if isinstance(instance.operation, Call) and instance.operation.verb == "resume" and self._unclear():
            return []
        match status:
            case Status.READY:
                return self._begin(instance, progress, facts)
            case Status.STUCK if self.view.operations[instance.id].gap or self.view.operations[instance.id].absent:
                return []  # all of them are asked about at once, see `evidence_gaps` and `missing_targets`
            case Status.STUCK:
                return self._again(instance, progress, facts) or questions.rescue(
                    self.rules.plan, self.view, instance, self.rules.organisation, self.now
                )
            case Status.WAITING:
                return self._waited(instance, facts)
            case Status.RUNNING if instance.id not in self.running | self.launched:
                self._launch(instance, observe=True)
            case Status.FINISHED if recheck.is_due(self.rules.plan, self.view, instance):
                return self._second_look(instance, progress, facts)
        return []

    def _second_look(self, instance: Instance, progress: Progress, facts: Mapping[str, Value]) -> list[Draft]:
        learned = recheck.learned(self.view, self.rules.definitions)
        if learned:  # the next round asks, with what is known then
            return learned
        drafts = self._begin(instance, progress, facts)
        return recheck.answered_yes(self.rules.plan, self.view, instance, drafts)

    def _held(self, instance: Instance, status: Status) -> bool:
        """Whether a person's stop holds this up. What a clock asks for goes on: the law knows no pause.

        Effects that were running when it was paused end, as in doubt if their driver died; waits run out.
        """
        if instance.clock is not None and isinstance(instance.operation, (Ask, Keep)):
            return False
        if self.view.aborted is not None:
            return True
        record = self.view.operations.get(instance.id)
        return status is Status.READY or (status is Status.WAITING and record is not None and bool(record.retry_at))

    def _unclear(self) -> bool:
        """Whether an entry that cannot be read may speak against opening something again, until somebody has looked."""
        return bool(self.view.unread) and bool(faults.open_ones(self.view, faults.ENTRY))

    def _moot(self, instance: Instance) -> bool:
        """Whether it is about a clock that ended by the facts: then nobody is asked, or asked any longer."""
        return instance.clock is not None and self.view.clocks[instance.clock].state in ENDED

    def _begin(self, instance: Instance, progress: Progress, facts: Mapping[str, Value]) -> list[Draft]:
        operation = instance.operation
        scope = scope_of(self.view, facts, self.rules.organisation, instance.item, instance.clock)
        match operation:
            case Choose():
                return self._choose(operation, instance, progress, scope)
            case Mark():
                return self._mark(operation, instance)
            case Ask():
                return [self._ask(operation, instance, scope)]
            case Wait():
                lead = self.rules.plan.roles[0]
                return waits.begin(operation, instance.id, facts, self.rules.definitions, lead, self.now)
            case Tell():
                return self._tell(operation, instance, scope)
            case Call() | Keep():
                return self._start(operation, instance)
            case _:
                assert_never(operation)

    def _start(self, operation: Effect, instance: Instance) -> list[Draft]:
        if self.reflex_only and not getattr(operation, "reflex", False):
            return []
        launch = self._launch(instance)
        return [Draft(Kind.STARTED, ACTOR, OperationStarted(op=instance.id, attempt=launch.attempt, key=launch.key))]

    def _launch(self, instance: Instance, *, observe: bool = False) -> Launch:
        record = self.view.operations.get(instance.id)
        attempt = (record.attempts if record else 0) + (0 if observe else 1)
        key = operation_key(self.view.id, instance.id, record.lineage if record else 0)
        launch = Launch(instance, key, max(attempt, 1), observe)
        self.launched.add(instance.id)
        self.turn.launches.append(launch)
        return launch

    def _choose(
        self, choose: Choose, instance: Instance, progress: Progress, scope: Mapping[str, object]
    ) -> list[Draft]:
        if choose.failed_of:
            return [self._finish(instance, "yes" if progress.failed(choose, instance) else "no")]
        if choose.listing:
            return self._list(choose, choose.listing, instance, scope)
        expression = Expression.parse(choose.condition or "yes")
        answer, reasons, open_points = questions.decided(expression, scope)
        result = Result(reasons=reasons)
        if answer is UNKNOWN and choose.if_unknown == "ask":
            roles = self.rules.plan.roles
            return [questions.condition(choose, instance.id, expression.text, open_points, roles, self.now)]
        word = choose.if_unknown if answer is UNKNOWN else str(Ternary(answer))
        if any(Expression.parse(one).decide(scope) is NO for one in choose.unless_no):
            word = "no"
        if choose.automatic and word == "yes":
            word, more = self._unasked(render(choose.automatic, scope))
            result.update(more)
        result["unknown"] = answer is UNKNOWN
        return [self._finish(instance, word, result)]

    def _list(self, choose: Choose, listing: str, instance: Instance, scope: Mapping[str, object]) -> list[Draft]:
        """Settle what a step is done for. Nobody has said it: people are asked once, and their answer stands."""
        expression = Expression.parse(listing)
        items = expression.evaluate(scope)
        if items is not UNKNOWN:
            found = items if isinstance(items, tuple) else (items,)
            return [self._finish(instance, "listed", Result(items=[str(item) for item in found]))]
        asked = self.view.tasks.get(f"{LIST}:{instance.id}")
        if asked is None:
            names = dict.fromkeys(str(path[1]) for path in expression.references if len(path) > 1)
            facts = [self.rules.definitions[name] for name in names if name in self.rules.definitions]
            return [questions.listing(choose, instance.id, facts, self.rules.plan.roles, self.now)]
        return [] if asked.open else [self._finish(instance, "listed", Result(items=[], unknown=True))]

    def _unasked(self, target: str) -> tuple[str, Result]:
        why = why_ask(self.view, self.unasked, self.rules.plan.limits, target, self.rules.brake)
        self.unasked |= set() if why else {target}
        return ("no", {"asked_because": why}) if why else ("yes", {"automatic": target})

    def _mark(self, mark: Mark, instance: Instance) -> list[Draft]:
        state = move(self.view.state, mark.event)
        if ended(state) and any(task.kind in (*REVIEWS, DRIFT_TASK, FAULT) for task in self.view.open_tasks()):
            return []  # what was done outside the rules is reviewed, and what opened again is decided, before it ends
        body: StateChanged = {"state": str(state), "event": str(mark.event), "before": str(self.view.state)}
        return [Draft(Kind.STATE, ACTOR, body), self._finish(instance, "marked", {"state": str(state)})]

    def _tell(self, tell: Tell, instance: Instance, scope: Mapping[str, object]) -> list[Draft]:
        """A message is an entry: written with the journal it cannot be lost or doubled. Messengers carry it further."""
        subject, text = render(tell.subject, scope), render(tell.text, scope)
        body: MessageSent = {"op": instance.id, "to": list(tell.to), "subject": subject, "text": text}
        return [Draft(Kind.MESSAGE, ACTOR, body), self._finish(instance, "sent", {"to": list(tell.to)})]

    def _waited(self, instance: Instance, facts: Mapping[str, Value]) -> list[Draft]:
        instant = waits.ends_at(instance.operation, self.view.operations[instance.id], facts)
        if instant is None:
            return []
        if instant > self.now:
            self._wake_at(instant)
            return []
        if isinstance(instance.operation, Wait):
            return [self._finish(instance, "over")]
        assert isinstance(instance.operation, (Call, Keep))  # noqa: S101 - only effects are retried
        if instance.id in self.running | self.launched:
            return []
        return self._start(instance.operation, instance)

    def _wake_at(self, instant: datetime) -> None:
        self.turn.wake_at = min(filter(None, (self.turn.wake_at, instant)))

    def _ask(self, ask: Ask, instance: Instance, scope: Mapping[str, object]) -> Draft:
        because = asked_because(self.view, ask, instance.id.removeprefix(ask.id))
        return questions.opened(
            instance.id, ask.kind, ask.role, ask.escalate_to, render(ask.question, scope),
            "\n".join(filter(None, (because, render(ask.guidance, scope)))),
            ask.written_choices(), self._due(ask, instance),
            asks=list(ask.asks), approvals=ask.approvals, clock=instance.clock if ask.clock else None,
            four_eyes_with=self._beside(ask.four_eyes_with, instance), chain=ask.chain,
        )  # fmt: skip

    def _beside(self, other: str | None, instance: Instance) -> str | None:
        """The instance of another operation that is repeated for the same thing."""
        suffix = instance.id.removeprefix(instance.operation.id)
        repeated = any(op.id == other and op.each == instance.operation.each for op in self.rules.plan.operations)
        return f"{other}{suffix}" if other and repeated else other

    def _due(self, ask: Ask, instance: Instance) -> datetime:
        """A task for a clock is due when the clock is; another one, when the playbook says."""
        clock = self.view.clocks.get(instance.clock or "")
        limit = clock.due if clock else None
        return datetime.fromisoformat(limit) if limit else self.now + timedelta(seconds=ask.within_seconds)

    @staticmethod
    def _finish(instance: Instance, outcome: str, result: Result | None = None) -> Draft:
        return Draft(Kind.FINISHED, ACTOR, OperationFinished(op=instance.id, outcome=outcome, result=result or {}))


def operation_key(incident: str, instance: str, lineage: int = 0) -> str:
    """The idempotency key of an effect: the same for every attempt, different for every incident and instance.

    `lineage` counts how often a person had it done again: that is another effect, and must not pass for the first.
    """
    if lineage:
        return f"{incident}:{instance}:again-{lineage}:{digest([incident, instance, lineage])[:12]}"
    return f"{incident}:{instance}:{digest([incident, instance])[:12]}"
