"""One turn of the conductor: what to write down, and which effects to start.

Decides everything that needs no effect (conditions, marks, questions, waits,
clocks, and what to ask when something failed for good) and names the effects
that are due. Entries are returned, not written; `now` is an argument. Leaves
writing and performing to `runtime.conductor`, so that one transaction a turn is
enough and a lost race simply takes the turn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from firedoor.core import second_look, waits, worsening
from firedoor.core.brake import Brake, asked_because, unasked, why_ask
from firedoor.core.canonical import digest
from firedoor.core.expression import Expression
from firedoor.core.facts import FactDefinition, Value
from firedoor.core.holds import DRIFT_TASK
from firedoor.core.incident import ended, move
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.law import Law
from firedoor.core.operations import Ask, Call, Choose, Keep, Mark, Plan, Tell, Wait
from firedoor.core.problems import InvalidInput
from firedoor.core.progress import Instance, Progress, Status
from firedoor.core.scope import scope_of, typed_facts
from firedoor.core.template import Template
from firedoor.core.ternary import UNKNOWN, Ternary
from firedoor.core.view import ENDED, RESCUE, REVIEWS, IncidentView, suppose

ACTOR = "firedoor"
RESCUE_HOURS = 1
RESCUE_CHOICES: list[Body] = [
    {"id": name, "label": label, "consequence": consequence}
    for name, label, consequence in (
        ("retry", "Try it again", "It is tried once more, with the same idempotency key."),
        ("by_hand", "I did it by hand", "It counts as done by you; your note says how."),
        ("skip", "Go on without it", "What depends on it is left out; your reason is on record."),
    )
]
Effect = Call | Keep
MAXIMUM_ROUNDS = 200


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
    organisation: Mapping[str, Any]
    law: Law | None = None
    brake: Brake | None = None


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
        drafts = worsening.raised(self.view) or self._law(facts)
        if drafts:
            return drafts
        return [draft for instance in progress.instances.values() for draft in self._one(instance, progress, facts)]

    def _law(self, facts: Mapping[str, Value]) -> list[Draft]:
        """Ask the law, unless nothing that it looks at has changed since it had nothing to say."""
        if self.rules.law is None:
            return []
        clocks = tuple((name, clock["state"], clock.get("due")) for name, clock in self.view.clocks.items())
        settled = (dict(self.view.facts), clocks, len(self.view.alerts))
        known = (*self.rules.law.organisation.values(), *facts.values())
        ahead = [value for value in known if isinstance(value, datetime) and value > self.now]
        if ahead:  # a clock may start at that instant, whoever is asleep then
            self._wake_at(min(ahead))
        if self.view.law_settled == settled and not ahead:
            return []
        plan = self.rules.plan
        drafts = self.rules.law.drafts(self.view, facts, plan.duties, plan.roles, self.now)
        self.view.law_settled = None if drafts else settled
        return drafts

    def _one(self, instance: Instance, progress: Progress, facts: Mapping[str, Value]) -> list[Draft]:
        status = progress.status(instance.id)
        if status in (Status.READY, Status.WAITING) and self._moot(instance):
            return [Draft(Kind.SKIPPED, ACTOR, {"op": instance.id, "why": "the clock has ended"})]
        if self.view.halted and self._held(instance, status):
            return []
        match status:
            case Status.READY:
                return self._begin(instance, progress, facts)
            case Status.STUCK:
                return self._rescue(instance)
            case Status.WAITING:
                return self._waited(instance, facts)
            case Status.RUNNING if instance.id not in self.running | self.launched:
                self._launch(instance, observe=True)
            case Status.FINISHED if second_look.is_due(self.rules.plan, self.view, instance):
                return self._second_look(instance, progress, facts)
        return []

    def _second_look(self, instance: Instance, progress: Progress, facts: Mapping[str, Value]) -> list[Draft]:
        learned = second_look.learned(self.view, self.rules.definitions)
        if learned:  # the next round asks, with what is known then
            return learned
        drafts = self._begin(instance, progress, facts)
        return second_look.answered_yes(self.rules.plan, self.view, instance, drafts)

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

    def _moot(self, instance: Instance) -> bool:
        """Whether it is about a clock that ended by the facts: then nobody is asked, or asked any longer."""
        return instance.clock is not None and self.view.clocks[instance.clock]["state"] in ENDED

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
        return [Draft(Kind.STARTED, ACTOR, {"op": instance.id, "attempt": launch.attempt, "key": launch.key})]

    def _launch(self, instance: Instance, *, observe: bool = False) -> Launch:
        record = self.view.operations.get(instance.id)
        attempt = (record.attempts if record else 0) + (0 if observe else 1)
        key = operation_key(self.view.id, instance.id, record.lineage if record else 0)
        launch = Launch(instance, key, max(attempt, 1), observe)
        self.launched.add(instance.id)
        self.turn.launches.append(launch)
        return launch

    def _choose(self, choose: Choose, instance: Instance, progress: Progress, scope: Mapping[str, Any]) -> list[Draft]:
        if choose.failed_of:
            return [self._finish(instance, "yes" if progress.failed(choose, instance) else "no")]
        if choose.listing:
            items = Expression.parse(choose.listing).evaluate(scope)
            listed = (
                [] if items is UNKNOWN else [str(item) for item in (items if isinstance(items, tuple) else (items,))]
            )
            return [self._finish(instance, "listed", {"items": listed})]
        expression = Expression.parse(choose.condition or "yes")
        answer = expression.decide(scope)
        result = {"reasons": [f"{reason.text}: {reason.answer}" for reason in expression.reasons(scope)]}
        if answer is UNKNOWN and choose.if_unknown == "ask":
            return [self._ask_condition(choose, instance, expression, scope)]
        word = choose.if_unknown if answer is UNKNOWN else str(Ternary(answer))
        if choose.automatic and word == "yes":
            word, more = self._unasked(render(choose.automatic, scope))
            result |= more
        return [self._finish(instance, word, {**result, "unknown": answer is UNKNOWN})]

    def _unasked(self, target: str) -> tuple[str, Body]:
        why = why_ask(self.view, self.unasked, self.rules.plan.limits, target, self.rules.brake)
        self.unasked |= set() if why else {target}
        return ("no", {"asked_because": why}) if why else ("yes", {"automatic": target})

    def _mark(self, mark: Mark, instance: Instance) -> list[Draft]:
        state = move(self.view.state, mark.event)
        if ended(state) and any(task.kind in (*REVIEWS, DRIFT_TASK) for task in self.view.open_tasks()):
            return []  # what was done outside the rules is reviewed, and what opened again is decided, before it ends
        body: Body = {"state": str(state), "event": str(mark.event), "before": str(self.view.state)}
        return [Draft(Kind.STATE, ACTOR, body), self._finish(instance, "marked", {"state": str(state)})]

    def _tell(self, tell: Tell, instance: Instance, scope: Mapping[str, Any]) -> list[Draft]:
        """A message is an entry: written with the journal it cannot be lost or doubled. Messengers carry it further."""
        subject, text = render(tell.subject, scope), render(tell.text, scope)
        body: Body = {"op": instance.id, "to": list(tell.to), "subject": subject, "text": text}
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

    def _ask(self, ask: Ask, instance: Instance, scope: Mapping[str, Any]) -> Draft:
        return self._task(
            instance.id,
            instance.id,
            ask.kind,
            ask.role,
            ask.escalate_to,
            render(ask.question, scope),
            "\n".join(
                filter(
                    None, (asked_because(self.view, ask, instance.id.removeprefix(ask.id)), render(ask.guidance, scope))
                )
            ),
            [choice.model_dump(mode="json") for choice in ask.choices],
            asks=list(ask.asks),
            approvals=ask.approvals,
            due_at=self._due(ask, instance),
            clock=instance.clock if ask.clock else None,
            four_eyes_with=self._beside(ask.four_eyes_with, instance),
        )

    def _beside(self, other: str | None, instance: Instance) -> str | None:
        """The instance of another operation that is repeated for the same thing."""
        suffix = instance.id.removeprefix(instance.operation.id)
        repeated = any(op.id == other and op.each == instance.operation.each for op in self.rules.plan.operations)
        return f"{other}{suffix}" if other and repeated else other

    def _due(self, ask: Ask, instance: Instance) -> datetime:
        """A task for a clock is due when the clock is; another one, when the playbook says."""
        clock = self.view.clocks.get(instance.clock or "")
        limit = clock.get("due") if clock else None
        return datetime.fromisoformat(limit) if limit else self.now + timedelta(seconds=ask.within_seconds)

    def _ask_condition(
        self, choose: Choose, instance: Instance, expression: Expression, scope: Mapping[str, Any]
    ) -> Draft:
        missing = ", ".join(expression.missing(scope)) or expression.text
        choices = [
            {"id": "yes", "label": "Yes", "consequence": "The steps under this condition are taken."},
            {"id": "no", "label": "No", "consequence": "The steps under this condition are left out."},
        ]
        escalate = next((role for role in self.rules.plan.roles if role != choose.role), choose.role)
        return self._task(
            instance.id,
            instance.id,
            "decide",
            choose.role,
            escalate,
            f"Does this hold: {expression.text}?",
            f"It cannot be decided from the facts: {missing} is unknown.",
            choices,
            due_at=self.now + timedelta(hours=4),
        )

    def _rescue(self, instance: Instance) -> list[Draft]:
        record = self.view.operations[instance.id]
        task = f"{RESCUE}{instance.id}#{record.attempts}:{record.finished_seq}"
        if task in self.view.tasks:
            return []
        lead = self.rules.plan.roles[0]
        escalate = next((role for role in self.rules.plan.roles if role != lead), lead)
        facts = typed_facts(self.view.facts, {})
        scope = scope_of(self.view, facts, self.rules.organisation, instance.item, instance.clock)
        question = f"{render(instance.operation.title, scope)}: failed. {record.problem}"
        due_at = self.now + timedelta(hours=RESCUE_HOURS)
        return [self._task(task, instance.id, "rescue", lead, escalate, question, "", RESCUE_CHOICES, due_at=due_at)]

    def _task(  # noqa: PLR0913, PLR0917 - the fields of a task
        self,
        task: str,
        op: str,
        kind: str,
        role: str,
        escalate_to: str,
        question: str,
        guidance: str,
        choices: list[Body],
        *,
        due_at: datetime,
        asks: list[str] | None = None,
        approvals: int = 1,
        clock: str | None = None,
        four_eyes_with: str | None = None,
    ) -> Draft:
        body: Body = {
            "task": task,
            "op": op,
            "kind": kind,
            "role": role,
            "escalate_to": escalate_to,
            "question": question,
            "guidance": guidance,
            "choices": choices,
            "asks": asks or [],
            "approvals": approvals,
            "due_at": due_at.isoformat(),
        }
        if clock:
            body["clock"] = clock
        if four_eyes_with:
            body["four_eyes_with"] = four_eyes_with
        return Draft(Kind.TASK_OPENED, ACTOR, body)

    @staticmethod
    def _finish(instance: Instance, outcome: str, result: Body | None = None) -> Draft:
        return Draft(Kind.FINISHED, ACTOR, {"op": instance.id, "outcome": outcome, "result": result or {}})


def operation_key(incident: str, instance: str, lineage: int = 0) -> str:
    """The idempotency key of an effect: the same for every attempt, different for every incident and instance.

    `lineage` counts how often a person had it done again: that is another effect, and must not pass for the first.
    """
    if lineage:
        return f"{incident}:{instance}:again-{lineage}:{digest([incident, instance, lineage])[:12]}"
    return f"{incident}:{instance}:{digest([incident, instance])[:12]}"


def render(text: str, scope: Mapping[str, Any]) -> str:
    """Fill in a template of an operation; a template that fails says so in its place."""
    try:
        return Template.parse(text).render(scope)
    except InvalidInput as error:
        return f"[{error.problems[0].message}]"
