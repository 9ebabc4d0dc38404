"""The ports: what the runtime asks of the outside world, as values and protocols.

Decides the shape of a connector and of what it returns. Leaves every effect to
`connectors`, `store` and `runtime`. The rules a connector must keep are tested
for all of them by one contract suite (`tests/contract/test_connectors.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from firedoor.core.targets import Door, Target
from firedoor.core.ternary import Ternary

Members = dict[str, Any]  # of a JSON object; only the connector that wrote them knows their types
Json = Members  # connectors of other packages import it by this name
Reversible = Literal["yes", "lossy", "no"]


class Value(BaseModel):
    """A frozen record that crosses a port."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Snapshot(Value):
    """The state of one door before the first change; stored as evidence before anything is changed.

    `state` holds no secrets. `digest` is the SHA-256 of its canonical JSON.
    `version_token` is the platform's own optimistic lock, where it has one.
    """

    target: str
    door: str
    taken_at: datetime
    state: Members
    digest: str
    version_token: str | None = None


class Receipt(Value):
    """What a mutating call did. `changed` is False when the door was already as wanted."""

    target: str
    door: str
    action: Literal["suspend", "resume"]
    operation_key: str
    changed: bool
    at: datetime
    detail: Members = Field(default_factory=dict)


class ProbeResult(Value):
    """One look at the data plane, from where callers sit; or, as `control`, at what the platform says of itself."""

    what: Literal["target", "neighbour", "control"]
    name: str
    serving: Ternary
    status: int | None = None
    detail: str = ""
    at: datetime


class CallerSaw(Value):
    """One look through a connector: whether the target served the caller, and what it said."""

    serving: Ternary
    status: int | None = None
    detail: str = ""


class Verdict(Value):
    """Whether a door is as expected. `holds` is unknown unless the data plane proved it either way.

    `notes` are sentences for people: what the looks leave unproved, and whom the door shuts out besides the target.
    """

    target: str
    door: str
    expect: Literal["refused", "serving"]
    holds: Ternary
    probes: tuple[ProbeResult, ...]
    checked_at: datetime
    notes: tuple[str, ...] = ()


class Observation(Value):
    """What the far end shows about an operation whose outcome we do not know.

    `closed`: is the door closed now? `ours`: does it carry the mark of this operation key?
    A suspension happened when both are yes; it did not when `closed` is no. A resumption
    happened when `closed` is no. Anything else is for a person. `mark`: that mark, where the
    door bears it; the receipt keeps it, because only then can the door be opened again.
    """

    target: str
    door: str
    operation_key: str
    closed: Ternary
    ours: Ternary
    mark: str | None = None
    at: datetime
    version_token: str | None = None
    detail: str = ""


class PlannedCall(Value):
    """One call that would be made; secrets appear only as references."""

    verb: Literal["capture", "suspend", "verify", "resume", "collect"]
    summary: str


class CallPlan(Value):
    """A dry run: what would be called, what it would touch, what it needs."""

    target: str
    door: str
    calls: tuple[PlannedCall, ...]
    blast_radius: tuple[str, ...]
    permissions: tuple[str, ...]
    reversible: Reversible


class Collected(Value):
    """An artefact read from a system for the vault. Bytes as read, never altered.

    `digest` (SHA-256, hex) and `size` (bytes) are always there; `content` is None when the
    inventory says `keep: digest`, so that the bytes are hashed as they pass and never held.
    """

    name: str
    media_type: str
    content: bytes | None = None
    digest: str
    size: int
    source: str
    taken_at: datetime


class Connector(Protocol):
    """A driver for one kind of system.

    Every method may raise `problems.Unanswered` (the system did not answer or cannot be
    trusted) or `problems.InvalidInput` (its configuration is wrong). `suspend` and `resume`
    raise `problems.InDoubt`, an Unanswered, when the call may have had its effect: then
    `observe` comes before any repetition. No method retries a call that is not idempotent.
    """

    kind: ClassVar[str]
    reversible: ClassVar[Reversible]

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput, with all problems, when the door's configuration is wrong."""

    async def plan(self, target: Target, door: Door) -> CallPlan:
        """Say what would be done. No effect, no call that changes anything."""

    async def capture_state(self, target: Target, door: Door) -> Snapshot:
        """Read the state that a later resume needs. Must succeed before suspend."""

    async def suspend(self, target: Target, door: Door, snapshot: Snapshot, operation_key: str) -> Receipt:
        """Close the door. Idempotent on `operation_key`; already closed is success with changed=False."""

    async def verify(self, target: Target, door: Door, expect: Literal["refused", "serving"]) -> Verdict:
        """Look at the data plane, neighbours included. Unknown is never `holds: yes`."""

    async def observe(self, target: Target, door: Door, operation_key: str) -> Observation:
        """Look whether the operation happened. No effect; raises Unanswered when the look itself fails."""

    async def resume(
        self, target: Target, door: Door, snapshot: Snapshot, operation_key: str, closed_by: Receipt | None = None
    ) -> Receipt:
        """Open the door again as captured. Refuses when the live state drifted from what we set.

        `closed_by` is the receipt of the suspension that is being undone: it carries the mark and the version token
        by which our own work is told from another's.
        """

    async def collect(self, target: Target, artefact: str) -> Collected:
        """Read one named artefact of the target (see `Target.evidence`) for the vault."""


@runtime_checkable
class KnowsReversibility(Protocol):
    """What a connector may be as well: one that knows from a door's configuration alone whether it can be undone.

    `plan` may ask the far end who else is behind a door; that is for people. Where doors are closed without them, this
    answer is asked for instead. It must say "no" wherever `plan` would.
    """

    def reversibility(self, target: Target, door: Door) -> Reversible:
        """Say whether a suspension can be undone. No call at all; raises InvalidInput as `check` does."""


class Caller(Protocol):
    """What a connector may be as well: somebody who looks at a target as its callers do, for `ConnectorProbe`."""

    def check_probe(self, config: Mapping[str, object]) -> None:
        """Raise InvalidInput, with all problems, when the probe's configuration is wrong."""

    async def call(self, target: Target, config: Mapping[str, object], timeout_seconds: float) -> CallerSaw:
        """Ask as a caller would. Raises Unanswered when the answer cannot be read; that proves nothing."""


class Found(Value):
    """What an importer found in a system: targets to propose, and what it could not know, in words.

    `unknown` holds, by the target's id, what a person still has to write: the probe above all, which only somebody who
    knows the callers can. `notes` are about the whole.
    """

    targets: tuple[Target, ...]
    unknown: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Importer(Protocol):
    """Whoever lists what a system runs, as targets for a person to review. Reads only.

    An importer is found by its place in `firedoor.connectors.importers` and is given a ConnectorContext.
    """

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    async def found(self, settings: Mapping[str, object]) -> Found:
        """Look. Raises InvalidInput with all problems of the settings, and Unanswered when the system is silent."""


class Line(Value):
    """One task or clock in a summary, in words that may leave the house. `due_at` is in UTC."""

    name: str
    who: str
    due_at: datetime | None = None


class Standing(Value):
    """How an incident stands, in words that may leave the house. `members` are whom a messenger shows it to."""

    incident: str
    state: str
    severity: str
    restricted: bool
    link: str
    tasks: tuple[Line, ...] = ()
    clocks: tuple[Line, ...] = ()
    members: tuple[str, ...] = ()


class Notice(Value):
    """One thing to tell people, in words that may leave the house: see `core.notices` for what they never hold.

    `key` is the same for every attempt; whoever can, uses it to tell the same thing once. `handle` stands for it where
    others read along. `people` are the addresses of those it is for, as far as this messenger knows addresses.
    """

    key: str
    handle: str
    kind: Literal["task", "reminder", "escalation", "message", "state", "week", "quota", "security", "link"]
    incident: str  # empty for what belongs to none
    roles: tuple[str, ...]
    made_at: datetime
    link: str
    address: str = ""
    people: tuple[str, ...] = ()
    task: str = ""
    clock: str = ""
    due_at: datetime | None = None
    became: str = ""  # what became of the task or clock meanwhile; empty while it waits
    what: str = ""  # what it is about, in a few words
    proof: str = ""  # where the journals stand, signed: whoever keeps the message can tell later what was rewritten
    text: str = ""  # the whole of it, where that is more than a line
    question: str = ""
    choices: tuple[tuple[str, str], ...] = ()  # id and label of what can be answered from outside; or none
    standing: Standing


class Told(Value):
    """That a notice was taken by the far end, and how the far end knows it."""

    reference: Members = Field(default_factory=dict)


class Messenger(Protocol):
    """Whoever carries notices to people.

    `find` and `send` may raise `problems.Unanswered` (try again), `problems.Later` (try again, not before),
    `problems.InDoubt` (it may have been taken: `find` comes before any repetition) and `problems.Refused` (hopeless).
    """

    name: ClassVar[str]
    personal: ClassVar[bool]  # one delivery for each person, or one for all of them

    def address_of(self, email: str, slack_id: str) -> str:
        """What this messenger calls somebody; empty when it cannot reach them."""

    async def find(self, notice: Notice) -> Told | None:
        """Look whether the notice was taken before. None: it was not, or nobody can know."""

    async def send(self, notice: Notice) -> Told:
        """Hand the notice over."""


@runtime_checkable
class Confidant(Protocol):
    """A messenger that reaches one person where nobody reads along."""

    name: ClassVar[str]

    def address_of(self, email: str, slack_id: str) -> str:
        """What this messenger calls somebody; empty when it cannot reach them."""

    async def tell_alone(self, notice: Notice) -> None:
        """Hand the notice to its `address` and nobody else. Raises as `Messenger.send` does."""


class Secrets(Protocol):
    """Resolves `secret://env/NAME` and `secret://file/PATH` at call time; the value is never stored or logged."""

    def resolve(self, reference: str) -> str:
        """Return the secret. Raises InvalidInput when the reference cannot be resolved."""


Connectors = Mapping[str, Connector]
