"""The playbook as written: YAML to a frozen value, every problem with its line and column.

Decides the shape of a playbook document. Unknown keys are refused. Leaves the
fields of each step type to `steps`, what they compile to to `compiler`, and
whether the whole is sound to `checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.identifiers import identifier_problem, step_words
from firedoor.core.language.yaml_source import Path, Source, problems_of
from firedoor.core.lifecycle import IncidentType, Phase, State
from firedoor.core.playbook.plan import Hold, Limits
from firedoor.core.playbook.step import Options, Seconds, StepTypes, Words
from firedoor.core.problems import InvalidInput, Problem, nearest

COMMON = ("id", "title", "when", "foreach", "on_failure", "background")
STRUCTURE = ("parallel", "use")


class Written(BaseModel):
    """A frozen part of the document; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StartRule(Written):
    """Which alerts may start the playbook, and what they tell us."""

    source: str
    when: str = ""
    facts: dict[str, object] = Field(default_factory=dict)


class FactSpec(Written):
    """A fact as a playbook declares it. Without `type` it must be in the law's vocabulary."""

    type: FactType | None = None
    ask: str = ""
    choices: Words = ()
    required: bool = False
    sealed: bool = False


class HoldSpec(Written):
    """How the playbook keeps closed what it suspends; a step may say otherwise."""

    reverify: Annotated[Seconds, Field(ge=1, le=86_400)] = Hold().every_seconds
    on_drift: Literal["suspend_again", "ask", "record"] = Hold().on_drift
    again_per_hour: int = Field(default=Hold().again_per_hour, ge=0, le=20)

    def hold(self) -> Hold:
        """As a plan has it."""
        return Hold(every_seconds=self.reverify, on_drift=self.on_drift, again_per_hour=self.again_per_hour)


class DrillAnswer(Written):
    """What a person answers in a drill. `task` is an operation's id or a pattern such as `*.notify*`."""

    task: str
    choice: str
    why: str = "as rehearsed"
    by: str | None = None
    after: Seconds | None = None
    facts: dict[str, object] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)
    refused: str | None = (
        None  # the code of the problem with which this answer must be refused; the next one is then given
    )


class DrillCorrection(Written):
    """What somebody corrects in a drill, so long after its start, and why."""

    after: Seconds
    facts: dict[str, object]
    why: str
    by: str = "Cora"


class DrillAlert(Written):
    """What a detector sends at the start of a drill: an example that ships with its source, or a body of one's own.

    It is read and taken in as the server would. `started_by` is the person who starts the playbook for an alert that
    triage leaves to people; without it the alert itself must start it.
    """

    source: str
    example: str | None = None
    body: dict[str, object] | list[object] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    started_by: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> DrillAlert:
        if (self.example is None) == (self.body is None):
            raise ValueError("needs example (the name of a file that ships with the source) or body, one of the two")
        return self


class DrillExpectation(Written):
    """What a drill must end with."""

    state: State | None = None
    order: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    clocks: dict[str, str] = Field(default_factory=dict)
    facts: dict[str, object] = Field(default_factory=dict)
    suspended: Words = ()
    serving: Words = ()
    told: Words = ()
    contained_within: Seconds | None = None


class Drill(Written):
    """A rehearsal: canned facts, targets that behave or misbehave, answers, and what must come of it."""

    drill: str
    at: datetime | None = None
    severity: str | None = None
    alert: DrillAlert | None = None
    facts: dict[str, object] = Field(default_factory=dict)
    organisation: dict[str, object] = Field(default_factory=dict)
    targets: dict[str, Literal["works", "lies", "down", "fails", "leaks"]] = Field(default_factory=dict)
    artefacts: dict[str, object] = Field(default_factory=dict)
    answers: tuple[DrillAnswer, ...] = ()
    corrections: tuple[DrillCorrection, ...] = ()
    expect: DrillExpectation = DrillExpectation()

    @model_validator(mode="after")
    def _one_beginning(self) -> Drill:
        if self.alert is not None and (self.facts or self.severity):
            raise ValueError("begins with an alert, which tells the facts and the severity: leave both out here")
        return self

    @field_validator("at", mode="before")
    @classmethod
    def _aware(cls, value: object) -> object:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(instant, datetime) and instant.tzinfo is None:
            raise ValueError("an instant needs its offset, for example 2026-10-24T22:00:00+02:00")
        return instant


class Header(Written):
    """Everything in a playbook except its steps."""

    playbook: str = Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: str
    incident: IncidentType | None = None
    description: str = ""
    references: Words = ()
    start: tuple[StartRule, ...] = ()
    facts: dict[str, FactSpec] = Field(default_factory=dict)
    roles: Words = ()
    need_to_know: bool = False
    keep_bytes: bool | None = None
    duties: Literal["auto"] | tuple[str, ...] = "auto"
    hold: HoldSpec = HoldSpec()
    limits: Limits | None = None
    drills: tuple[Drill, ...] = ()


@dataclass(frozen=True)
class StepNode:
    """One step as written: its type's options, the common keys, the steps inside it, and where it stands."""

    key: str
    options: Options | None
    path: Path
    id: str | None = None
    title: str | None = None
    when: str | None = None
    foreach: str | None = None
    background: bool = False
    use: str | None = None
    children: tuple[StepNode, ...] = ()
    on_failure: tuple[StepNode, ...] = ()


@dataclass(frozen=True)
class Playbook:
    """A playbook, or a part (`steps:` instead of `phases:`) that playbooks `use`."""

    header: Header
    phases: Mapping[Phase, tuple[StepNode, ...]]
    steps: tuple[StepNode, ...]
    dismissed: tuple[StepNode, ...]
    source: Source
    facts: Mapping[str, FactDefinition]

    @property
    def name(self) -> str:
        """Its name, which is also the name of its flow."""
        return self.header.playbook

    @property
    def incident(self) -> IncidentType | None:
        """The incident that it is for; None for a part."""
        return self.header.incident

    @property
    def is_part(self) -> bool:
        """Whether it is a part for others to use."""
        return self.header.incident is None

    @property
    def version(self) -> str:
        """Its version."""
        return self.header.version

    @property
    def title(self) -> str:
        """Its title."""
        return self.header.title

    @property
    def start(self) -> tuple[StartRule, ...]:
        """Its start rules."""
        return self.header.start


def read_playbook(source: Source, types: StepTypes, vocabulary: Mapping[str, FactDefinition]) -> Playbook:
    """Read a document. Raises InvalidInput with every problem at once."""
    if not isinstance(source.data, dict):
        raise InvalidInput(
            source.problem((), "P100", "a playbook is a mapping of keys", "begin with `playbook: its-name`")
        )
    reader = _Reader(source, types)
    data = dict(source.data)
    phases_data, steps_data, dismissed = data.pop("phases", None), data.pop("steps", None), data.pop("if_dismissed", [])
    header = reader.header(data)
    phases = reader.phases(phases_data) if phases_data is not None else {}
    steps = reader.sequence(steps_data, ("steps",)) if steps_data is not None else ()
    unless_dismissed = reader.sequence(dismissed, ("if_dismissed",))
    reader.shape(header, has_phases=phases_data is not None, has_steps=steps_data is not None)
    if header:
        reader.facts(header, vocabulary)
    if reader.problems or header is None:
        raise InvalidInput(sorted(reader.problems, key=lambda p: (p.place.line, p.place.column) if p.place else (0, 0)))
    return Playbook(header, phases, steps, unless_dismissed, source, definitions(header, vocabulary))


def fits(pattern: str, task: str) -> bool:
    """Whether a drill's pattern means a task: `*` and `?` are wild; a repeated task fits without its `[...]` too."""
    literal = pattern.replace("[", "[[]")
    return fnmatchcase(task, literal) or fnmatchcase(task.partition("[")[0], literal)


def definitions(header: Header, vocabulary: Mapping[str, FactDefinition]) -> dict[str, FactDefinition]:
    """The facts that a playbook declares, with what the vocabulary says filled in."""
    result = {}
    for name, spec in header.facts.items():
        base = vocabulary.get(name)
        result[name] = FactDefinition(
            name=name,
            type=spec.type or (base.type if base else FactType.TEXT),
            ask=spec.ask or (base.ask if base else ""),
            choices=spec.choices or (base.choices if base else ()),
            required=spec.required,
            sealed=spec.sealed or (base.sealed if base else False),
        )
    return result


class _Reader:
    """Walks the document and collects problems."""

    def __init__(self, source: Source, types: StepTypes) -> None:
        self.source = source
        self.types = types
        self.problems: list[Problem] = []

    def header(self, data: dict[str, object]) -> Header | None:
        try:
            return Header.model_validate(data)
        except ValidationError as error:
            known = (*Header.model_fields, "phases", "steps", "if_dismissed")
            self.problems += problems_of(error, self.source, (), known, Header)
            return None

    def shape(self, header: Header | None, *, has_phases: bool, has_steps: bool) -> None:
        if has_phases == has_steps:
            self._complain((), "P102", "a playbook has `phases:`, a part has `steps:`", "write one of the two")
        if header and has_phases and header.incident is None:
            self._complain((), "P101", '"incident" is missing', nearest("", list(IncidentType)))
        for index, role in enumerate(header.roles if header else ()):
            self.problems += identifier_problem("role", role, self.source, ("roles", index))
        if header and has_phases and not header.roles:
            self._complain((), "P103", "no roles are named", "add for example `roles: [commander, dpo]`")

    def facts(self, header: Header, vocabulary: Mapping[str, FactDefinition]) -> None:
        for name, spec in header.facts.items():
            base = vocabulary.get(name)
            if base is None and spec.type is None:
                self._complain(("facts", name), "P104", f'the fact "{name}" has no type', nearest(name, list(FactType)))
            elif base and spec.type and spec.type != base.type:
                message = f'the fact "{name}" is a {base.type} in the vocabulary of the law, not a {spec.type}'
                self._complain(("facts", name), "P104", message, "leave `type` out or choose another name")
            self.problems += identifier_problem("fact", name, self.source, ("facts", name))

    def phases(self, data: object) -> dict[Phase, tuple[StepNode, ...]]:
        if not isinstance(data, dict):
            self._complain(("phases",), "P105", "`phases` is a mapping of the four phases", ", ".join(Phase))
            return {}
        for key in data:
            if key not in tuple(Phase):
                self._complain(("phases", key), "P101", f'unknown phase "{key}"', nearest(key, list(Phase)))
        for phase in Phase:
            if phase not in data:
                self._complain(
                    ("phases",), "P105", f"the phase {phase} is missing", f"add `{phase}: []` if nothing is done"
                )
        return {phase: self.sequence(data.get(phase, []), ("phases", phase.value)) for phase in Phase}

    def sequence(self, data: object, path: Path) -> tuple[StepNode, ...]:
        if not isinstance(data, list):
            self._complain(path, "P106", "steps are a list", "begin each with `- `")
            return ()
        nodes = [self._step(item, (*path, index)) for index, item in enumerate(data)]
        return tuple(node for node in nodes if node)

    def _step(self, data: object, path: Path) -> StepNode | None:
        if not isinstance(data, dict):
            self._complain(
                path, "P106", "a step is a mapping that begins with its type", "for example `- confirm: ...`"
            )
            return None
        keys = [key for key in data if key in self.types or key in STRUCTURE]
        if len(keys) != 1:
            self._unclear(data, keys, path)
            return None
        wrong = list(step_words(data, self.source, path))
        if wrong:
            self.problems += wrong
            return None
        common = {key: data[key] for key in data if key in COMMON}
        rest = {key: value for key, value in data.items() if key not in COMMON}
        node = self._structure(keys[0], rest, path) if keys[0] in STRUCTURE else self._typed(keys[0], rest, path)
        return self._with_common(node, common, path) if node else None

    def _unclear(self, data: dict[str, object], keys: list[str], path: Path) -> None:
        known = (*self.types, *STRUCTURE)
        if keys:
            self._complain(
                path, "P107", f"a step has one type; this one has {' and '.join(keys)}", "make them two steps"
            )
            return
        first = next((key for key in data if key not in COMMON), "")
        self._complain((*path, first) if first else path, "P107", f'unknown step type "{first}"', nearest(first, known))

    def _typed(self, key: str, rest: dict[str, object], path: Path) -> StepNode | None:
        model = self.types[key].options
        try:
            return StepNode(key, model.model_validate(rest), path)
        except ValidationError as error:
            self.problems += problems_of(error, self.source, path, (*model.model_fields, *COMMON), model)
            return None

    def _structure(self, key: str, rest: dict[str, object], path: Path) -> StepNode | None:
        for extra in set(rest) - {key}:
            self._complain((*path, extra), "P101", f'unknown key "{extra}"', nearest(extra, (key, *COMMON)))
        if key == "parallel":
            return StepNode(key, None, path, children=self.sequence(rest[key], (*path, key)))
        part = rest[key]
        if not isinstance(part, str):
            self._complain((*path, key), "P106", "`use` names a part", "for example `use: tell-the-board`")
            return None
        return StepNode(key, None, path, use=part)

    def _with_common(self, node: StepNode, common: dict[str, object], path: Path) -> StepNode | None:
        text: dict[str, str] = {}
        for key in ("id", "title", "when", "foreach"):
            said = common.get(key)
            if key in common and not isinstance(said, str):
                self._complain((*path, key), "P106", f"`{key}` is text", "put it in quotes")
                return None
            if isinstance(said, str):
                text[key] = said
        if not isinstance(common.get("background", False), bool):
            self._complain((*path, "background"), "P106", "`background` is true or false")
        on_failure = self.sequence(common["on_failure"], (*path, "on_failure")) if "on_failure" in common else ()
        return StepNode(
            node.key, node.options, node.path, id=text.get("id"), title=text.get("title"), when=text.get("when"),
            foreach=text.get("foreach"), background=common.get("background") is True,
            use=node.use, children=node.children, on_failure=on_failure,
        )  # fmt: skip

    def _complain(self, path: Path, code: str, message: str, do: str = "") -> None:
        self.problems.append(self.source.problem(path, code, message, do))
