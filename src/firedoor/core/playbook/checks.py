"""What is proved about a plan before it may run.

Decides, for a compiled playbook, that
 1. every name in a condition or template is a fact, or something the runtime provides, and is compared with
    what it can be;
 2. every role is named in `roles:`;
 3. every question can end: it has a time, and someone else to turn to;
 4. evidence is preserved before a step that alters or destroys anything;
 5. whatever cannot be undone is opted in and approved;
 6. every answer sets facts that exist, to values that fit;
 7. nothing waits for itself, and closing waits for everything;
 8. every start rule and every drill refers to what is there;
 9. nobody can set how strong the evidence is: no answer, and no start rule by what a sender says;
10. nothing slow stands in front of a closing;
11. no answer denies what the law asks without naming it.
No path closes with an open duty: the compiler gives every clock a task that
closing waits for, and `progress` refuses to close while a clock is unsettled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firedoor.core.alerts.evidence_strength import EVIDENCE, FROM_THE_METHOD, is_from_the_method
from firedoor.core.alerts.start_rules import ALERT_NAMES, ALERT_WORDS
from firedoor.core.clocks.engine import CHANGE
from firedoor.core.facts import FactDefinition, FactType, stated
from firedoor.core.incident.view import RESCUE
from firedoor.core.language.comparisons import impossible
from firedoor.core.language.expression import WORDS, Expression
from firedoor.core.language.template import Template
from firedoor.core.language.yaml_source import Path, Source
from firedoor.core.playbook.containment_first import slow_work_first
from firedoor.core.playbook.plan import SETTLED, Ask, Call, Choose, Keep, Operation, Plan, Tell, Wait
from firedoor.core.playbook.playbook import Drill, DrillAnswer, Playbook, StartRule, fits
from firedoor.core.playbook.unsaid import unsaid
from firedoor.core.problems import InvalidInput, Problem, nearest

INCIDENT_NAMES = frozenset(("id", "type", "severity", "title", "state", "opened_at", "playbook"))
ORGANISATION_NAMES = frozenset(
    ("name", "address", "contact_name", "contact_email", "contact_phone", "dpo_name", "dpo_email")
)
CLOCK_NAMES = frozenset(
    (
        "id",
        "duty",
        "title",
        "authority",
        "addressee",
        "due",
        "latest_arguable",
        "citation",
        "channel",
        "provisional",
        "why",
        "content",
    )
)
Facts = Mapping[str, FactDefinition]
Places = Mapping[str, tuple[Source, Path]]


def check_plan(plan: Plan, playbook: Playbook, places: Places, facts: Facts) -> list[Problem]:
    """Return every problem; none means that the plan may run."""
    checker = _Checker(plan, playbook, places, facts)
    return [
        *checker.operations(),
        *checker.order(),
        *checker.closings_first(),
        *checker.start_rules(),
        *checker.drills(),
    ]


class _Checker:
    def __init__(self, plan: Plan, playbook: Playbook, places: Places, facts: Facts) -> None:
        self.plan = plan
        self.playbook = playbook
        self.places = places
        self.facts = facts
        self.by_id = {operation.id: operation for operation in plan.operations}

    def operations(self) -> Iterator[Problem]:
        """Proofs 1 to 6, one operation at a time."""
        for operation in self.plan.operations:
            yield from self._names(operation)
            yield from self._roles(operation)
            if isinstance(operation, Ask):
                yield from self._answers(operation)
            if getattr(operation, "alters", False) and not self._kept_before(operation):
                yield self._problem(
                    operation,
                    "P301",
                    "alters or destroys something before any evidence is preserved",
                    "put a `preserve:` step before it",
                )
            if isinstance(operation, Call) and operation.allow_irreversible and not self._approved(operation):
                yield self._problem(
                    operation, "P302", "cannot be undone and nobody approves it", "add `approve:` with a role"
                )

    def order(self) -> Iterator[Problem]:
        """Proof 7: the edges exist and form no circle."""
        for operation in self.plan.operations:
            for edge in operation.after:
                if edge.after not in self.by_id:
                    yield self._problem(operation, "P303", f'waits for "{edge.after}", which does not exist', "")
        circle = self._circle()
        if circle:
            yield self._problem(circle, "P304", "waits for itself", "take one of the references out")

    def closings_first(self) -> Iterator[Problem]:
        """Proof 10. The place is that of the slow step, which is the one to move."""
        told = {name for rule in self.playbook.header.start for name in rule.facts}
        for found in slow_work_first(self.plan, told):
            if found.by_fact:
                message = f"nothing else says facts.{found.by_fact}, and {found.closing} does not close without it"
                do = f"let a person say it as well: `ask: [{found.by_fact}]` before {found.closing}"
            else:
                message = f"{found.what} stands before {found.closing} asks or closes"
                do = f"put it after {found.closing}, or beside it with `background: true`"
            yield self._problem(found.slow, "P311", message, do)

    def start_rules(self) -> Iterator[Problem]:
        """Proof 8, the alerts that may start the playbook."""
        for index, rule in enumerate(self.playbook.header.start):
            yield from self._start_rule(rule, ("start", index))

    def drills(self) -> Iterator[Problem]:
        """Proof 8, the drills."""
        for index, drill in enumerate(self.playbook.header.drills):
            yield from self._drill(drill, ("drills", index))

    def _names(self, operation: Operation) -> Iterator[Problem]:
        for text in _templates(operation):
            try:
                references = Template.parse(text).references
            except InvalidInput as error:
                yield self._problem(operation, error.problems[0].code, error.problems[0].message, error.problems[0].do)
                continue
            for path in references:
                yield from self._reference(operation, path)
        condition = (operation.condition or operation.listing) if isinstance(operation, Choose) else None
        if condition:
            expression = Expression.parse(condition)
            for path in expression.references:
                yield from self._reference(operation, path)
            if isinstance(operation, Choose) and operation.condition:
                for message, do in impossible(expression, self.facts):
                    yield self._problem(operation, "P206", message, do)
        if isinstance(operation, Wait) and operation.until_fact:
            fact = self.facts.get(operation.until_fact)
            if fact is None or fact.type is not FactType.INSTANT:
                yield self._problem(operation, "P201", f'"{operation.until_fact}" is not a fact that is an instant', "")

    def _reference(self, operation: Operation, path: Path) -> Iterator[Problem]:
        roots: dict[str, frozenset[str] | None] = {
            "facts": frozenset(self.facts), "incident": INCIDENT_NAMES, "organisation": ORGANISATION_NAMES,
        }  # fmt: skip
        if operation.each:
            roots["item"] = None
            if operation.each.startswith("clocks:"):
                roots["clock"] = CLOCK_NAMES
        name = ".".join(map(str, path))
        if path[0] not in roots:
            yield self._problem(operation, "P201", f'"{name}" is not defined', nearest(str(path[0]), roots))
            return
        names = roots[str(path[0])]
        if names is not None and (len(path) < 2 or path[1] not in names):
            part = str(path[1]) if len(path) > 1 else ""
            yield self._problem(operation, "P201", f'"{name}" is not defined', nearest(part, names))

    def _roles(self, operation: Operation) -> Iterator[Problem]:
        for role in dict.fromkeys(_named_roles(operation)):
            if role not in self.plan.roles:
                yield self._problem(operation, "P202", f'no role is called "{role}"', nearest(role, self.plan.roles))

    def _answers(self, ask: Ask) -> Iterator[Problem]:
        if ask.role == ask.escalate_to and len(self.plan.roles) > 1:
            yield self._problem(
                ask,
                "P203",
                f"asks {ask.role} and escalates to {ask.role}",
                "name somebody else in `escalate_to:`",
                warning=True,
            )
        for name in ask.asks:
            if name not in self.facts:
                yield self._problem(ask, "P201", f'asks for "{name}", which is not a fact', nearest(name, self.facts))
        if EVIDENCE in (*ask.asks, *(name for choice in ask.choices for name in (*choice.sets, *choice.requires))):
            message = f"nobody sets {EVIDENCE} by an answer: it follows from the alerts"
            yield self._problem(ask, "P310", message, "ask for another fact, and use that one in the condition")
        for choice, name in unsaid(ask, self.facts):
            message = f'the answer "{choice.id}" records that {name} is no, and says nothing of it'
            yield self._problem(ask, "P312", message, "name it in the label or the consequence, or ask it by itself")
        for choice in ask.choices:
            for name, value in choice.sets.items():
                yield from self._sets(ask, name, value)

    def _sets(self, ask: Ask, name: str, value: object) -> Iterator[Problem]:
        definition = self.facts.get(name)
        if definition is None:
            yield self._problem(ask, "P201", f'sets "{name}", which is not a fact', nearest(name, self.facts))
        elif not (definition.type is FactType.INSTANT and value == "now"):
            try:
                stated(definition, value)
            except InvalidInput as error:
                yield self._problem(ask, error.problems[0].code, error.problems[0].message, error.problems[0].do)

    def _kept_before(self, operation: Operation) -> bool:
        """Whether evidence is kept on every way here: what depends on a condition counts only under that condition."""
        guards = _conditions(operation)
        before = (self.by_id[name] for name in self._ancestors(operation))
        return any(
            isinstance(one, Keep) and one.source not in ("draft", "examination") and _conditions(one) <= guards
            for one in before
        )

    def _approved(self, call: Call) -> bool:
        """Whether a question of its own step lies before it: that the incident was confirmed approves nothing."""
        before = (self.by_id[name] for name in self._ancestors(call))
        return any(isinstance(one, Ask) and one.kind == "approve" and one.step == call.step for one in before)

    def _ancestors(self, operation: Operation) -> set[str]:
        found: set[str] = set()
        waiting = [edge.after for edge in operation.after]
        while waiting:
            current = waiting.pop()
            if current not in found and current in self.by_id:
                found.add(current)
                waiting += [edge.after for edge in self.by_id[current].after]
        return found

    def _circle(self) -> Operation | None:
        open_edges = {op.id: {e.after for e in op.after if e.after in self.by_id} for op in self.plan.operations}
        while open_edges:
            free = [name for name, before in open_edges.items() if not before & open_edges.keys()]
            if not free:
                return self.by_id[next(iter(open_edges))]
            for name in free:
                del open_edges[name]
        return None

    def _start_rule(self, rule: StartRule, path: Path) -> Iterator[Problem]:
        try:
            references = set(Expression.parse(rule.when).references) if rule.when else set()
            for name, value in rule.facts.items():
                if name not in self.facts:
                    yield self._at((*path, "facts", name), "P201", f'"{name}" is not a fact', nearest(name, self.facts))
                if name == EVIDENCE and not is_from_the_method(value):
                    message = f"a sender could say how strong its evidence is: {name} is not {FROM_THE_METHOD}"
                    yield self._at(
                        (*path, "facts", name), "P310", message, f'write "{FROM_THE_METHOD}", or leave it out'
                    )
                for text in _texts(value):
                    references |= Template.parse(text).references
        except InvalidInput as error:
            yield self._at((*path, "when"), error.problems[0].code, error.problems[0].message, error.problems[0].do)
            return
        for reference in references:
            if reference[0] != "alert" or len(reference) < 2 or reference[1] not in ALERT_NAMES:
                named, known = ".".join(reference), [f"alert.{name}" for name in ALERT_NAMES]
                do = nearest(named, known if len(reference) > 1 else WORDS)
                yield self._at(path, "P201", f'"{named}" is not part of an alert', do)
        if rule.when and references:
            for message, do in impossible(Expression.parse(rule.when), ALERT_WORDS):
                yield self._at((*path, "when"), "P206", message, do)

    def _drill(self, drill: Drill, path: Path) -> Iterator[Problem]:
        asks = {op.id: op for op in self.plan.operations if isinstance(op, (Ask, Choose))}
        yield from self._drill_facts(drill.facts, (*path, "facts"))
        yield from self._drill_facts(drill.expect.facts, (*path, "expect", "facts"))
        for name in drill.organisation:
            if name not in self.facts and name not in ORGANISATION_NAMES:
                known = (*ORGANISATION_NAMES, *self.facts)
                yield self._at((*path, "organisation", name), "P201", f'"{name}" is not a fact', nearest(name, known))
        for index, answer in enumerate(drill.answers):
            yield from self._drill_answer(answer, (*path, "answers", index), asks)
        for name in (*drill.expect.order, *drill.expect.skipped):
            if not name.startswith(RESCUE) and not any(fits(name.partition("[")[0], known) for known in self.by_id):
                yield self._at((*path, "expect"), "P305", f'no operation is called "{name}"', nearest(name, self.by_id))

    def _drill_facts(self, facts: Mapping[str, object], path: Path) -> Iterator[Problem]:
        for name, value in facts.items():
            if name not in self.facts:
                yield self._at((*path, name), "P201", f'"{name}" is not a fact', nearest(name, self.facts))
                continue
            try:
                stated(self.facts[name], value)
            except InvalidInput as error:
                first = error.problems[0]
                yield self._at((*path, name), first.code, first.message, first.do)

    def _drill_answer(self, answer: DrillAnswer, path: Path, asks: Mapping[str, Operation]) -> Iterator[Problem]:
        """An answer belongs to a question of the plan, to a rescue of one of its effects, or to a change of a clock."""
        base = answer.task.partition("[")[0]
        if not (answer.task.startswith((RESCUE, CHANGE)) or any(fits(base, name) for name in asks)):
            yield self._at(path, "P305", f'no task matches "{answer.task}"', nearest(answer.task, asks))
        yield from self._offered(answer, path, [one for name, one in asks.items() if fits(base, name)])
        for name in answer.facts:
            if name not in self.facts:
                yield self._at((*path, "facts", name), "P201", f'"{name}" is not a fact', nearest(name, self.facts))

    def _offered(self, answer: DrillAnswer, path: Path, asked: list[Operation]) -> Iterator[Problem]:
        """A choice that no question of this name offers is never given; unless the drill shows that it is refused."""
        questions = [one for one in asked if isinstance(one, Ask) and one.choices]
        offered = [choice.id for one in questions for choice in one.choices]
        if answer.refused is None and asked and len(questions) == len(asked) and answer.choice not in offered:
            message = f'"{answer.task}" has no answer "{answer.choice}"'
            yield self._at((*path, "choice"), "P305", message, nearest(answer.choice, offered))

    def _problem(self, operation: Operation, code: str, message: str, do: str, *, warning: bool = False) -> Problem:
        source, path = self.places.get(operation.step, (self.playbook.source, ("phases", operation.phase.value)))
        return Problem(
            code=code, message=f"{operation.step}: {message}", do=do, place=source.place(path),
            severity="warning" if warning else "error",
        )  # fmt: skip

    def _at(self, path: Path, code: str, message: str, do: str) -> Problem:
        return self.playbook.source.problem(path, code, message, do)


def _named_roles(operation: Operation) -> tuple[str, ...]:
    match operation:
        case Ask():
            return operation.role, operation.escalate_to, *operation.chain
        case Tell():
            return operation.to
        case Choose():
            return (operation.role,)
        case _:
            return ()


def _conditions(operation: Operation) -> set[tuple[str, str]]:
    return {(edge.after, edge.on) for edge in operation.after if edge.on != SETTLED}


def _templates(operation: Operation) -> Iterator[str]:
    match operation:
        case Call():
            yield operation.target
        case Keep():
            yield operation.target or ""
        case Ask():
            yield from (operation.question, operation.guidance)
        case Tell():
            yield from (operation.subject, operation.text)
        case _:
            return


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
