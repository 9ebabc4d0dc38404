"""What a step type is: its YAML fields, and how it lowers to operations.

Decides the contract between the files in `steps/` and the compiler. Leaves the
types themselves to those files and the wiring between steps to the compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from firedoor.core.dates.duration import parse_duration
from firedoor.core.lifecycle import Phase
from firedoor.core.playbook.plan import Edge, Hold, Operation
from firedoor.core.problems import InvalidInput


def _seconds(value: object) -> object:
    """Read a written duration into whole seconds."""
    if not isinstance(value, str):
        raise ValueError("write a duration such as 30m or 72h")  # noqa: TRY004 - pydantic turns only ValueError into a problem
    try:
        return int(parse_duration(value).total_seconds())
    except InvalidInput as error:
        raise ValueError(error.problems[0].message) from None


def _many(value: object) -> object:
    """Accept one word where a list of words is meant."""
    return [value] if isinstance(value, str) else value


Seconds = Annotated[int, BeforeValidator(_seconds), Field(json_schema_extra={"type": "string", "examples": ["30m"]})]
Words = Annotated[tuple[str, ...], BeforeValidator(_many)]


class Options(BaseModel):
    """Base of a step type's YAML fields; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class OperationBase(TypedDict):
    """The fields that every operation of a step begins with."""

    id: str
    title: str
    phase: Phase
    step: str


@dataclass(frozen=True)
class StepContext:
    """What a step knows while it is lowered: its id, its phase and who can be asked."""

    id: str
    phase: Phase
    title: str | None
    roles: tuple[str, ...]
    lead: str  # the role that is asked when nobody else is named
    hold: Hold = field(default_factory=Hold)  # how this playbook keeps closed what it suspends

    def operation_id(self, part: str = "") -> str:
        """The id of one of the step's operations."""
        return f"{self.id}.{part}" if part else self.id

    def base(self, part: str, title: str) -> OperationBase:
        """The fields that every operation has."""
        return {"id": self.operation_id(part), "title": title, "phase": self.phase, "step": self.id}


@dataclass(frozen=True)
class Fragment:
    """Operations of one step, wired among themselves.

    Operations without an edge of their own are entries: the compiler makes them
    wait for what comes before, unless they are in `free` (they wait for nothing:
    the reflex, and what follows a legal clock). `exits` are what the next step
    waits for. Nothing waits for the rest. `gate` is the answer that everything later
    depends on.
    """

    operations: tuple[Operation, ...]
    exits: tuple[str, ...]
    free: frozenset[str] = frozenset()
    gate: Edge | None = None
    background: bool = False  # the next step does not wait for it; closing does


@dataclass(frozen=True)
class StepType:
    """One step type: the key that names it in YAML, its fields, its lowering and its page."""

    key: str
    options: type[Options]
    lower: Callable[[Any, StepContext], Fragment]  # takes `options` of its own type, read by the compiler
    summary: str
    example: str
    facts: Callable[[Any], tuple[str, ...]] = field(default=lambda _: ())  # facts that it asks for or sets

    def field_names(self) -> set[str]:
        """The fields as YAML writes them."""
        return {info.alias or name for name, info in self.options.model_fields.items()}


StepTypes = Mapping[str, StepType]


def chain_after(*pairs: tuple[str, str]) -> tuple[Edge, ...]:
    """Edges from (operation id, outcome) pairs."""
    return tuple(Edge(after=after, on=on) for after, on in pairs)
