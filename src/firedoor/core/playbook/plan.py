"""The closed set of operations, and the plan: what a playbook compiles to.

Decides what the runtime can be asked to do (nothing else exists) and how a plan
is written and digested. Leaves lowering to `steps`, ordering to `compiler`, what
is next to `progress` and every effect to `runtime.perform`.

    Call    drive a target through its connector: capture, suspend, verify, resume;
            a store of content: find, remove, block, prove
    Keep    put something under custody: an artefact, the alert, a draft, a locator, a report of an examination
    Ask     ask a role for a decision, for facts, or to do something
    Tell    send a message to roles
    Mark    move the incident to another state
    Wait    let time pass
    Choose  settle a condition, or a list to repeat over, once
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from firedoor.core.canonical import digest
from firedoor.core.facts import FactDefinition
from firedoor.core.lifecycle import Event, IncidentType, Phase

if TYPE_CHECKING:
    from firedoor.core.entries import people

SETTLED = "settled"
CONTENT_VERBS = frozenset(("find", "remove", "block", "prove"))  # of a `Call` about copies of content
FAILED = "failed"


class Record(BaseModel):
    """A frozen part of a plan; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Edge(Record):
    """What an operation waits for.

    `on` is "settled" (the other is finished or skipped, with whatever outcome),
    "failed" (it failed for good), or an outcome: then this operation is skipped
    when the other settles differently.
    """

    after: str
    on: str = SETTLED


class Choice(Record):
    """One answer to an `Ask`. `consequence` is shown before the choice is made."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    label: str
    consequence: str = ""
    sets: dict[str, object] = Field(default_factory=dict)  # facts; "now" in an instant is the time of the answer
    requires: tuple[str, ...] = ()  # facts or fields that must come with this answer


class Retry(Record):
    """How often a failed effect is tried again, and after how many seconds."""

    times: int = Field(ge=0, le=20)
    wait_seconds: int = Field(ge=0)


class Hold(Record):
    """How what is suspended is kept closed: a look every so often, and what is done when it serves again."""

    every_seconds: int = Field(default=600, ge=1, le=86_400)
    on_drift: Literal["suspend_again", "ask", "record"] = "ask"
    again_per_hour: int = Field(default=3, ge=0, le=20)  # closings by Firedoor itself; then people are asked


class Limits(Record):
    """How much may be suspended without asking; beyond it a person is asked."""

    targets: int | None = Field(default=None, ge=0, le=1000)  # different ones, by one incident
    per_hour: int | None = Field(default=None, ge=0, le=1000)  # by all incidents of the playbook together


class Base(Record):
    """What every operation has. `each` names the `Choose` (or "clocks:AUDIENCE") it is repeated over."""

    id: str
    title: str
    phase: Phase
    step: str
    after: tuple[Edge, ...] = ()
    each: str | None = None
    handled: bool = False  # a failure is caught by `on_failure` steps


class Call(Base):
    """Drive a target. Outcome `done`; a suspension is done only when it is proved on the data plane."""

    do: Literal["call"] = "call"
    verb: Literal["capture", "suspend", "verify", "resume", "find", "remove", "block", "prove"]
    target: str  # template
    reflex: bool = False  # automatic reversible containment: performed in the accepting process
    doors: tuple[str, ...] = ()  # names, in the order to try; empty: all, as the inventory orders them
    snapshot: str | None = None  # the capture whose state a resume restores
    retry: Retry = Retry(times=2, wait_seconds=2)
    timeout_seconds: int = 60
    allow_irreversible: bool = False
    every_door: bool = False  # all of them are closed, not only the first that is enough
    hold: Hold | None = None  # of a suspension


class Keep(Base):
    """Put something under custody. Outcome `kept`."""

    do: Literal["keep"] = "keep"
    source: Literal["artefact", "alert", "draft", "locators", "examination"]
    name: str  # of the artefact, or of the examination
    target: str | None = None  # template; for artefacts and examinations
    template: str | None = None  # for drafts: the family of template
    clock: bool = False  # a draft for the clock this operation is repeated over
    reflex: bool = False
    retry: Retry = Retry(times=2, wait_seconds=2)
    timeout_seconds: int = 120


class Ask(Base):
    """Ask a role. Outcome: the id of the choice. Nobody answering is never an answer: it escalates."""

    do: Literal["ask"] = "ask"
    kind: Literal["confirm", "decide", "do", "approve", "facts", "submit", "review"]
    question: str  # template
    guidance: str = ""  # template: what an expert would look at
    role: str
    choices: tuple[Choice, ...]
    asks: tuple[str, ...] = ()  # facts to fill in with the answer
    within_seconds: int
    escalate_to: str
    # Who is asked after that, one by one; left out where nobody is named, so that old digests stay.
    chain: tuple[str, ...] = Field(default=(), exclude_if=lambda said: not said)
    approvals: int = Field(default=1, ge=1, le=5)
    four_eyes_with: str | None = None  # the Ask whose answerer may not answer this one
    clock: bool = False  # answering settles the clock this operation is repeated over
    alters: bool = False  # doing it changes or destroys something that could be evidence

    def written_choices(self) -> list[people.Choice]:
        """The choices as the entry of its task holds them."""
        # What a model writes of itself has no type; that the two have the same fields, a test of the forms holds.
        return [cast("people.Choice", choice.model_dump(mode="json")) for choice in self.choices]


class Tell(Base):
    """Send a message to roles inside the organisation. Outcome `sent`."""

    do: Literal["tell"] = "tell"
    to: tuple[str, ...]
    subject: str  # template
    text: str  # template


class Mark(Base):
    """Move the incident. Outcome `marked`. Closing is refused while a duty is open."""

    do: Literal["mark"] = "mark"
    event: Event


class Wait(Base):
    """Let time pass: so long after becoming ready, or until a fact's instant, once that is known. Outcome `over`."""

    do: Literal["wait"] = "wait"
    seconds: int | None = None
    until_fact: str | None = None


class Choose(Base):
    """Settle something once, so that a later change of facts cannot change the past.

    A condition has the outcome yes or no (`if_unknown` says which an unknown becomes;
    "ask" asks a person). A list has the outcome `listed`, and its items in the result.
    """

    do: Literal["choose"] = "choose"
    condition: str | None = None  # expression
    listing: str | None = None  # expression that gives a list
    failed_of: tuple[str, ...] = ()  # or: whether one of these operations failed
    if_unknown: Literal["yes", "no", "ask"] = "ask"
    role: str = "commander"
    automatic: str | None = None  # template: the target that is suspended without asking when the condition holds
    # Conditions around it, such as its own `when:`: where one is a no already, nothing happens ahead of its turn.
    unless_no: tuple[str, ...] = Field(default=(), exclude_if=lambda said: not said)


Operation = Annotated[Call | Keep | Ask | Tell | Mark | Wait | Choose, Field(discriminator="do")]
Operations: TypeAdapter[tuple[Operation, ...]] = TypeAdapter(tuple[Operation, ...])


class Plan(Record):
    """A compiled playbook. `digest` covers everything else, and is what an incident is pinned to."""

    playbook: str
    version: str
    title: str
    incident: IncidentType
    roles: tuple[str, ...]
    duties: Literal["auto"] | tuple[str, ...]
    facts: tuple[FactDefinition, ...]
    operations: tuple[Operation, ...]
    limits: Limits | None = None
    need_to_know: bool = False  # whether only the roles of the playbook may read its incidents
    # Whether bytes from outside are kept; None: by the type of incident, and left out, so that old digests stay.
    keep_bytes: bool | None = Field(default=None, exclude_if=lambda said: said is None)
    format: Literal["firedoor.plan.v1"] = "firedoor.plan.v1"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON; worked out once, because every alert asks for it."""
        return digest(self.model_dump(mode="json"))

    def __iter__(self) -> Iterator[Operation]:  # type: ignore[override]
        return iter(self.operations)

    def definitions(self) -> dict[str, FactDefinition]:
        """The facts by name."""
        return {fact.name: fact for fact in self.facts}
