"""The compiler: a playbook to a plan, or every reason why not.

Decides how steps are wired: in order, side by side (`parallel:`), under a
condition (`when:`), for each of a list (`foreach:`), when something fails
(`on_failure:`) and in the background. Adds what no playbook may forget: the
marks at the end of each phase, a task for every legal clock, and closing.
Leaves what one step does to `steps` and the proofs over the result to `checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from firedoor.core.facts import FactDefinition
from firedoor.core.language.expression import Expression
from firedoor.core.lifecycle import Event, Phase
from firedoor.core.playbook import checks
from firedoor.core.playbook.author_warnings import doubts
from firedoor.core.playbook.plan import Ask, Choose, Edge, Mark, Operation, Plan
from firedoor.core.playbook.playbook import Playbook, StepNode, definitions
from firedoor.core.playbook.step import Fragment, StepContext, StepTypes
from firedoor.core.problems import InvalidInput, Problem, nearest

PHASE_END = {Phase.CONTAINMENT: Event.CONTAIN, Phase.REMEDIATION: Event.REMEDIATE}
Parts = Callable[[str], Playbook]  # by name; raises NotFound


@dataclass
class _State:
    """What is collected while the tree is walked."""

    operations: list[Operation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    step_ids: set[str] = field(default_factory=set)
    background: list[str] = field(default_factory=list)
    gate: Edge | None = None
    gate_wait: tuple[Edge, ...] = ()
    facts: dict[str, FactDefinition] = field(default_factory=dict)
    places: dict[str, StepNode] = field(default_factory=dict)
    playbooks: dict[str, Playbook] = field(default_factory=dict)
    using: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Around:
    """What surrounds a step: what it waits for, under which conditions, and for each of what."""

    after: tuple[Edge, ...]
    guards: tuple[Edge, ...]
    phase: Phase
    each: str | None = None
    conditions: tuple[str, ...] = ()  # of the `when:` around it, which what waits for nothing must meet as well
    in_turn: bool = False  # one of a list, or after a failure or a dismissal: nothing here goes ahead of its turn


def compile_playbook(
    playbook: Playbook, types: StepTypes, vocabulary: Mapping[str, FactDefinition], parts: Parts | None = None
) -> Plan:
    """Compile. Raises InvalidInput with every problem at once, each with its place."""
    return compile_with_warnings(playbook, types, vocabulary, parts)[0]


def compile_with_warnings(
    playbook: Playbook, types: StepTypes, vocabulary: Mapping[str, FactDefinition], parts: Parts | None = None
) -> tuple[Plan, tuple[Problem, ...]]:
    """Compile, and say what is doubtful though it may run. Raises InvalidInput as `compile_playbook` does."""
    return _Compiler(playbook, types, vocabulary, parts).compile()


def a_part(playbook: Playbook, users: Iterable[str] = ()) -> Problem:
    """Say that something is a part, and which playbooks use it."""
    using = ", ".join(sorted(users))
    do = f"playbooks that use it: {using}" if using else "no playbook here uses it yet: name it with `use:` in one"
    return playbook.source.problem(("playbook",), "P143", f'"{playbook.name}" is a part and is not run by itself', do)


class _Compiler:
    def __init__(
        self, playbook: Playbook, types: StepTypes, vocabulary: Mapping[str, FactDefinition], parts: Parts | None
    ) -> None:
        self.playbook = playbook
        self.types = types
        self.vocabulary = vocabulary
        self.parts = parts
        self.state = _State(facts=definitions(playbook.header, vocabulary))
        self.owner = playbook  # whose document the step being lowered stands in
        self.lead = playbook.header.roles[0] if playbook.header.roles else "commander"

    def compile(self) -> tuple[Plan, tuple[Problem, ...]]:
        """Lower everything, close it, and prove what can be proved."""
        state = self.state
        exits = self._phases()
        self._closing(exits)
        header = self.playbook.header
        if state.problems or header.incident is None:
            raise InvalidInput(self._sorted(state.problems) or [a_part(self.playbook)])
        plan = Plan(
            playbook=header.playbook,
            version=header.version,
            title=header.title,
            incident=header.incident,
            roles=header.roles,
            duties=header.duties,
            facts=tuple(state.facts.values()),
            operations=tuple(state.operations),
            limits=header.limits,
            need_to_know=header.need_to_know,
            keep_bytes=header.keep_bytes,
        )
        places = {step: (state.playbooks[step].source, node.path) for step, node in state.places.items()}
        problems = checks.check_plan(plan, self.playbook, places, {**self.vocabulary, **state.facts})
        if any(problem.severity == "error" for problem in problems):
            raise InvalidInput(self._sorted(problems))
        return plan, tuple(self._sorted([*problems, *doubts(plan, self.playbook)]))

    def _phases(self) -> tuple[Edge, ...]:
        after: tuple[Edge, ...] = ()
        for phase in Phase:
            around = _Around(after, (), phase)
            after = self._sequence(self.playbook.phases.get(phase, ()), around, gates=True)
            if phase in PHASE_END:
                after = self._phase_end(phase, after)
        return after

    def _phase_end(self, phase: Phase, after: tuple[Edge, ...]) -> tuple[Edge, ...]:
        mark = Mark(
            id=f"{phase}.end", title=f"{phase.replace('_', ' ').capitalize()} done", phase=phase, step=f"{phase}.end",
            after=(*after, *self._gates()), event=PHASE_END[phase],
        )  # fmt: skip
        self.state.operations.append(mark)
        return (Edge(after=mark.id),)

    def _gates(self) -> tuple[Edge, ...]:
        return (self.state.gate,) if self.state.gate else ()

    def _closing(self, exits: tuple[Edge, ...]) -> None:
        """Every clock gets a task, a dismissal gets its own way out, and closing waits for all of it."""
        self._clock_tasks()
        background = tuple(Edge(after=operation) for operation in self.state.background)
        phase = Phase.POST_INCIDENT
        close = Mark(
            id="close", title="Close the incident", phase=phase, step="close", event=Event.CLOSE,
            after=(*exits, *background, *self._gates()),
        )  # fmt: skip
        self.state.operations.append(close)
        if self.state.gate is None:
            if self.playbook.dismissed:
                self._complain(
                    self.playbook.dismissed[0],
                    "P120",
                    "`if_dismissed` without a step that can dismiss",
                    "add `confirm`",
                )
            return
        no = Edge(after=self.state.gate.after, on="no")
        around = _Around((Edge(after=no.after),), (no,), phase, in_turn=True)
        after = self._sequence(self.playbook.dismissed, around, gates=False)
        dismiss = Mark(
            id="dismiss", title="Dismiss as a false alarm", phase=phase, step="dismiss", event=Event.DISMISS,
            after=(*after, *background, no),
        )  # fmt: skip
        self.state.operations.append(dismiss)

    def _clock_tasks(self) -> None:
        """Add the steps that look after clocks whose audience no step of the playbook looks after."""
        covered = {op.each for op in self.state.operations if isinstance(op, Ask) and op.clock}
        for key in ("notify_authorities", "notify_people"):
            step = self.types.get(key)
            if step is None or f"clocks:{key.removeprefix('notify_')}" in covered:
                continue
            node = StepNode(key, step.options.model_validate({key: "due"}), ("phases",))
            self._sequence((node,), _Around((), (), Phase.POST_INCIDENT), gates=False)

    def _sequence(self, nodes: Iterable[StepNode], around: _Around, *, gates: bool) -> tuple[Edge, ...]:
        after = around.after
        for node in nodes:
            guards = (*around.guards, *self._gates()) if gates else around.guards
            after = self._step(node, replace(around, after=after, guards=guards), gates=gates) or after
        return after

    def _step(self, node: StepNode, around: _Around, *, gates: bool) -> tuple[Edge, ...]:
        step_id = self._step_id(node, around.phase)
        self.state.places[step_id] = node
        self.state.playbooks[step_id] = self.owner
        around = self._condition(node, step_id, around)
        around = self._repetition(node, step_id, around)
        if node.key == "parallel":
            exits: tuple[Edge, ...] = tuple(
                edge for child in node.children for edge in self._sequence((child,), around, gates=False)
            )
        elif node.key == "use":
            exits = self._use(node, around)
        else:
            exits = self._lower(node, step_id, around, gates=gates)
        if node.background:
            self.state.background += [edge.after for edge in exits]
            return ()
        return tuple(dict.fromkeys(exits or around.after))

    def _lower(self, node: StepNode, step_id: str, around: _Around, *, gates: bool) -> tuple[Edge, ...]:
        context = StepContext(
            step_id, around.phase, node.title, self.playbook.header.roles, self.lead, self.playbook.header.hold.hold()
        )
        try:
            fragment = self.types[node.key].lower(node.options, context)
        except InvalidInput as error:
            source = self.owner.source
            self.state.problems += [
                p.model_copy(update={"place": p.place or source.place(node.path)}) for p in error.problems
            ]
            return ()
        if around.in_turn and not fragment.background:
            fragment = replace(fragment, free=frozenset())
        handled = bool(node.on_failure)
        for operation in fragment.operations:
            self.state.operations.append(self._wire(operation, fragment, around, handled=handled))
        if fragment.gate:
            self._set_gate(fragment.gate, node, allowed=gates)
        exits = tuple(Edge(after=exit_id) for exit_id in fragment.exits)
        if not fragment.background and fragment.free.issuperset(fragment.exits):
            exits = (*around.after, *exits)  # what waits for nothing must not let the next step overtake those before
        if handled:
            exits += self._on_failure(node, step_id, fragment, around)
        if fragment.background:
            self.state.background += [edge.after for edge in exits]
            return ()
        return exits

    def _wire(self, operation: Operation, fragment: Fragment, around: _Around, *, handled: bool) -> Operation:
        changes: dict[str, object] = {"handled": handled}
        if operation.id not in fragment.free:
            entry = around.after if all(edge.after in fragment.free for edge in operation.after) else ()
            changes["after"] = tuple(dict.fromkeys((*entry, *operation.after, *around.guards)))
            changes["each"] = operation.each or around.each
        elif isinstance(operation, Choose) and operation.automatic and around.conditions:
            changes["unless_no"] = around.conditions
        return operation.model_copy(update=changes)

    def _set_gate(self, gate: Edge, node: StepNode, *, allowed: bool) -> None:
        if self.state.gate or not allowed or node.when or node.foreach:
            message = "only one step can dismiss the incident, and it stands in a phase of its own accord"
            self._complain(node, "P121", message, "use `decide` here; keep `confirm` out of parallel, when and foreach")
            return
        self.state.gate = gate

    def _condition(self, node: StepNode, step_id: str, around: _Around) -> _Around:
        if node.when is None:
            return around
        choose = Choose(
            id=f"{step_id}.when",
            title=f"Whether {node.when}",
            phase=around.phase,
            step=step_id,
            after=tuple(dict.fromkeys((*around.after, *around.guards))),
            each=around.each,
            condition=node.when,
            role=self.lead,
        )
        self._expression(node, "when", node.when)
        self.state.operations.append(choose)
        guards = (*around.guards, Edge(after=choose.id, on="yes"))
        return replace(
            around, after=(Edge(after=choose.id),), guards=guards, conditions=(*around.conditions, node.when)
        )

    def _repetition(self, node: StepNode, step_id: str, around: _Around) -> _Around:
        if node.foreach is None:
            return around
        if around.each:
            self._complain(node, "P122", "`foreach` inside `foreach`", "make the inner list part of the outer one")
            return around
        choose = Choose(
            id=f"{step_id}.each", title=f"Each of {node.foreach}", phase=around.phase, step=step_id,
            after=tuple(dict.fromkeys((*around.after, *around.guards))), listing=node.foreach, role=self.lead,
        )  # fmt: skip
        self._expression(node, "foreach", node.foreach)
        self.state.operations.append(choose)
        return replace(around, after=(Edge(after=choose.id),), each=choose.id, in_turn=True)

    def _on_failure(self, node: StepNode, step_id: str, fragment: Fragment, around: _Around) -> tuple[Edge, ...]:
        effects = tuple(Edge(after=operation.id) for operation in fragment.operations)
        choose = Choose(
            id=f"{step_id}.failed", title="Whether it failed", phase=around.phase, step=step_id, after=effects,
            each=around.each, failed_of=tuple(operation.id for operation in fragment.operations), if_unknown="no",
        )  # fmt: skip
        self.state.operations.append(choose)
        guards = (*around.guards, Edge(after=choose.id, on="yes"))
        inside = replace(around, after=(Edge(after=choose.id),), guards=guards, in_turn=True)
        return (Edge(after=choose.id), *self._sequence(node.on_failure, inside, gates=False))

    def _use(self, node: StepNode, around: _Around) -> tuple[Edge, ...]:
        name = node.use or ""
        if name in self.state.using:
            circle = " -> ".join((*self.state.using, name))
            self._complain(node, "P123", f"parts use each other in a circle: {circle}", "take one `use:` out")
            return ()
        try:
            part = self.parts(name) if self.parts else None
        except InvalidInput as error:
            self.state.problems += error.problems
            return ()
        except LookupError as error:
            part, known = None, error.args[0] if error.args else ()
            self._complain(node, "P124", f'no part is called "{name}"', nearest(name, known) if known else "")
            return ()
        if part is None or not part.is_part:
            self._complain(
                node, "P124", f'"{name}" is not a part', "a part is a file with `steps:` instead of `phases:`"
            )
            return ()
        return self._inline(part, around)

    def _inline(self, part: Playbook, around: _Around) -> tuple[Edge, ...]:
        owner, using = self.owner, self.state.using
        self.owner, self.state.using = part, (*using, part.name)
        for name, definition in definitions(part.header, self.vocabulary).items():
            self.state.facts.setdefault(name, definition)
        exits = self._sequence(part.steps, around, gates=False)
        self.owner, self.state.using = owner, using
        return exits

    def _step_id(self, node: StepNode, phase: Phase) -> str:
        wanted = f"{phase}.{node.id or node.key.replace('_', '-')}"
        if wanted not in self.state.step_ids:
            self.state.step_ids.add(wanted)
            return wanted
        if node.id:
            self._complain(node, "P125", f'two steps of {phase} have the id "{node.id}"', "give one of them another id")
        number = 2
        while f"{wanted}-{number}" in self.state.step_ids:
            number += 1
        self.state.step_ids.add(f"{wanted}-{number}")
        return f"{wanted}-{number}"

    def _expression(self, node: StepNode, key: str, text: str) -> None:
        try:
            Expression.parse(text)
        except InvalidInput as error:
            place = self.owner.source.place((*node.path, key))
            self.state.problems += [p.model_copy(update={"place": place}) for p in error.problems]

    def _complain(self, node: StepNode, code: str, message: str, do: str) -> None:
        self.state.problems.append(self.owner.source.problem(node.path, code, message, do))

    @staticmethod
    def _sorted(problems: Iterable[Problem]) -> list[Problem]:
        return sorted(
            set(problems), key=lambda p: (p.place.file, p.place.line, p.place.column) if p.place else ("", 0, 0)
        )
