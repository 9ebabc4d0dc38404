"""What all doors have in common: look first, close once, tell our own work from others', open only as we left it.

Decides the order of things and what each look means, for every connector whose system can be asked how a door stands. A
connector of its own says how to look, how to close and how to open, and nothing else. Leaves the data plane to
`probes`, and when a call may be repeated to `calls` and to the conductor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from firedoor.connectors.parts import artefacts, probes
from firedoor.connectors.parts.config_problems import config_problems
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.redaction import is_redacted
from firedoor.core.canonical import digest
from firedoor.core.ports import (
    CallPlan,
    Collected,
    Members,
    Observation,
    PlannedCall,
    ProbeResult,
    Receipt,
    Reversible,
    Snapshot,
    Verdict,
)
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, Refused
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary, negate, of

FRESH = timedelta(seconds=5)  # a snapshot of this process that is younger needs no second look
Action = Literal["suspend", "resume"]
Settings = TypeVar("Settings")
Settings_co = TypeVar("Settings_co", covariant=True)  # work is only read: what closes any door takes the work of each
Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True)
class Live:
    """How a door stands now, as the control plane shows it.

    `state` is what a resume needs, as JSON without secrets; empty where the closed thing is gone. `mark` is what the
    door bears of ours or another's: a text, a list of texts, or None. `version_token` is the platform's own lock.
    """

    state: Members
    closed: Ternary
    at: datetime
    mark: object = None
    version_token: str | None = None


@dataclass(frozen=True)
class Work(Generic[Settings_co]):
    """One change to make. `mark` is what the door has to bear afterwards; None where it can bear none."""

    target: Target
    door: Door
    settings: Settings_co
    snapshot: Snapshot
    operation_key: str
    mark: str | None
    live: Live


@dataclass(frozen=True)
class Description:
    """What a person reads before: the calls, whom they touch beside the target, and the least rights that they need."""

    calls: tuple[PlannedCall, ...]
    blast_radius: tuple[str, ...]
    permissions: tuple[str, ...]
    reversible: Reversible = "yes"


class DoorConnector(ABC, Generic[Settings]):
    """The base of connectors. A subclass sets `kind` and `Config`, and writes `look`, `close`, `open` and `describe`.

    `look` raises Unanswered; `close` and `open` return the details of the receipt and raise Unanswered (certainly no
    effect), InDoubt (perhaps one) or Refused (the far end is in another state, optimistic locks included).
    """

    kind: ClassVar[str]
    reversible: ClassVar[Reversible] = "yes"
    Config: ClassVar[type[BaseModel]]

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context
        self._captured: dict[tuple[str, str], tuple[str, Live]] = {}

    # What a connector writes.

    @abstractmethod
    async def look(self, target: Target, door: Door, settings: Settings) -> Live:
        """Read how the door stands. No effect."""

    @abstractmethod
    async def close(self, work: Work[Settings]) -> Members:
        """Close an open door and leave our mark; return details for the receipt."""

    @abstractmethod
    async def open(self, work: Work[Settings]) -> Members:
        """Bring the captured state back and take our mark away; return details for the receipt."""

    @abstractmethod
    def describe(self, target: Target, door: Door, settings: Settings) -> Description:
        """Say what would be done. No call at all."""

    # What a connector may write differently.

    def settings(self, target: Target, door: Door) -> Settings:
        """Read the door's `config`. Raises InvalidInput with all of its problems."""
        return read_config(self.Config, target, door)  # type: ignore[return-value]  # Settings is Config unless overridden

    def mark(
        self,
        target: Target,  # noqa: ARG002 - another connector's mark may depend on it
        door: Door,  # noqa: ARG002 - likewise
        settings: Settings,  # noqa: ARG002 - likewise
        operation_key: str,
    ) -> str | None:
        """The mark that an operation leaves; None where the system can bear none."""
        return f"firedoor:{operation_key}"

    def changed_names(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002 - a connector's answer may depend on it
        """The parts of the state that closing changes: their difference is no drift."""
        return frozenset()

    def was_closed(self, settings: Settings, snapshot: Snapshot) -> bool:  # noqa: ARG002 - likewise
        """Whether the captured state is that of a door which was closed already."""
        return snapshot.state.get("closed") is True

    async def platform(self, target: Target, door: Door, settings: Settings) -> Ternary:
        """Whether the platform says that the door is closed; the proof is the data plane's."""
        return (await self.look(target, door, settings)).closed

    # The port.

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door."""
        self.settings(target, door)

    def reversibility(self, target: Target, door: Door) -> Reversible:
        """Say whether a suspension can be undone, as `describe` says it. Sends nothing."""
        return self.describe(target, door, self.settings(target, door)).reversible

    async def plan(self, target: Target, door: Door) -> CallPlan:
        """Say what would be done and whom it touches. Sends nothing."""
        described = self.describe(target, door, self.settings(target, door))
        return CallPlan(
            target=target.id,
            door=door.name,
            calls=_ordered((*described.calls, *_looks(target))),
            blast_radius=described.blast_radius + self._sharing(target),
            permissions=described.permissions,
            reversible=described.reversible,
        )

    async def capture_state(self, target: Target, door: Door) -> Snapshot:
        """Read what a resume needs. Raises Unanswered when any of it is missing; then nothing may be changed."""
        live = await self.look(target, door, self.settings(target, door))
        snapshot = Snapshot(
            target=target.id,
            door=door.name,
            taken_at=live.at,
            state=live.state,
            digest=digest(live.state),
            version_token=live.version_token,
        )
        self._captured[target.id, door.name] = (snapshot.digest, live)
        return snapshot

    async def suspend(self, target: Target, door: Door, snapshot: Snapshot, operation_key: str) -> Receipt:
        """Close the door, unless it is closed. Raises InDoubt when the call broke off midway."""
        settings = self.settings(target, door)
        _belongs(snapshot, target, door)
        mark = self.mark(target, door, settings, operation_key)
        live = self._fresh(snapshot) or await self.look(target, door, settings)
        if live.closed is YES:
            return self._receipt("suspend", snapshot, operation_key, changed=False, detail=_already(live, mark))
        try:
            told = await self.close(Work(target, door, settings, snapshot, operation_key, mark, live))
        except Refused:
            now = await self.look(target, door, settings)
            if now.closed is not YES:
                raise
            return self._receipt("suspend", snapshot, operation_key, changed=False, detail=_already(now, mark))
        return self._receipt("suspend", snapshot, operation_key, changed=True, detail={"mark": mark, **told})

    async def verify(self, target: Target, door: Door, expect: Literal["refused", "serving"]) -> Verdict:
        """Look at the data plane: the target, its neighbours, and what the platform says of itself."""
        serving, detail = UNKNOWN, ""
        try:
            serving = negate(await self.platform(target, door, self.settings(target, door)))
        except FiredoorError as error:
            detail = error.problems[0].message
        control = ProbeResult(what="control", name=door.name, serving=serving, detail=detail, at=self._context.now())
        return await probes.verdict(self._context, target, door, expect, control)

    async def observe(self, target: Target, door: Door, operation_key: str) -> Observation:
        """Look whether this operation has happened: whether the door is closed, and whose mark it bears."""
        settings = self.settings(target, door)
        mark = self.mark(target, door, settings, operation_key)
        live = await self.look(target, door, settings)
        ours = UNKNOWN if mark is None else of(bears(live.mark, mark))
        return Observation(
            target=target.id,
            door=door.name,
            operation_key=operation_key,
            closed=live.closed,
            ours=ours,
            mark=mark if ours is YES else None,
            at=live.at,
            version_token=live.version_token,
            detail="" if shown(live.mark) is None else f"marked {shown(live.mark)}",
        )

    async def resume(
        self, target: Target, door: Door, snapshot: Snapshot, operation_key: str, closed_by: Receipt | None = None
    ) -> Receipt:
        """Open the door as captured. Raises Refused, naming every drift, when it is not as we left it."""
        settings = self.settings(target, door)
        _belongs(snapshot, target, door)
        if self.describe(target, door, settings).reversible == "no":
            message = f"{target.id}/{door.name} cannot be undone"
            raise Refused(Problem(code="K303", message=message, do="it says `reversible: no`; open it by hand"))
        live = await self.look(target, door, settings)
        if live.closed is NO and live.state == snapshot.state:
            detail: Members = {"already": "open", "mark": shown(live.mark)}
            return self._receipt("resume", snapshot, operation_key, changed=False, detail=detail)
        mark = self.mark(target, door, settings, operation_key)
        if drift := self._drift(settings, snapshot, live, closed_by, marked=mark is not None):
            do = "look at what changed and decide by hand; a resume restores only what we closed ourselves"
            raise Refused(Problem(code="K301", message=f"{target.id}/{door.name}: {why}", do=do) for why in drift)
        told = await self.open(Work(target, door, settings, snapshot, operation_key, mark, live))
        return self._receipt("resume", snapshot, operation_key, changed=True, detail={"mark": mark, **told})

    async def collect(self, target: Target, artefact: str) -> Collected:
        """Read one artefact of the target; see `parts.artefacts`."""
        return await artefacts.collect(self._context, target, artefact)

    # Whose work is it?

    def _drift(
        self, settings: Settings, snapshot: Snapshot, live: Live, closed_by: Receipt | None, *, marked: bool
    ) -> list[str]:
        """Return why the door is not as we left it; empty when it is."""
        if live.closed is NO:
            return ["it is open, but not as captured: something was changed since"]
        if live.closed is UNKNOWN:
            return ["it is neither open nor closed as far as we can tell"]
        drift = []
        if is_redacted(snapshot.state.values()):
            drift.append("the captured state held a secret, which was not kept: it cannot be restored from here")
        if self.was_closed(settings, snapshot):
            drift.append("it was closed already when its state was captured: there is nothing of ours to undo")
        kept = sorted(set(snapshot.state) - self.changed_names(settings)) if live.state else []
        drift += [f"{name} was changed since" for name in kept if live.state.get(name) != snapshot.state[name]]
        return drift + _strangers(live, closed_by, marked=marked)

    def _fresh(self, snapshot: Snapshot) -> Live | None:
        """Return what this process itself has just seen, once: so that closing needs no second look."""
        seen_digest, live = self._captured.pop((snapshot.target, snapshot.door), ("", None))
        if live is None or seen_digest != snapshot.digest or live.at != snapshot.taken_at:
            return None
        return live if self._context.now() - live.at < FRESH else None

    def _sharing(self, target: Target) -> tuple[str, ...]:
        others = [t.id for t in self._context.inventory.targets.values() if target.model and t.model == target.model]
        return tuple(f"{other} is served by the same model" for other in others if other != target.id)

    def _receipt(
        self, action: Action, snapshot: Snapshot, operation_key: str, *, changed: bool, detail: Members
    ) -> Receipt:
        return Receipt(
            target=snapshot.target,
            door=snapshot.door,
            action=action,
            operation_key=operation_key,
            changed=changed,
            at=self._context.now(),
            detail=detail,
        )


def read_config(config: type[Form], target: Target, door: Door) -> Form:
    """Validate a door's `config`. Raises InvalidInput with every problem, each with its field and what to do."""
    try:
        return config.model_validate(door.config)
    except ValidationError as error:
        place, page = (
            f"targets.{target.id}.doors.{door.name}.config",
            f"see the how-to of the {door.connector} connector",
        )
        raise InvalidInput(config_problems(error, config, page, place)) from None


def bears(found: object, mark: str) -> bool:
    """Whether a door bears a mark, alone or among others."""
    return mark in found if isinstance(found, list | tuple) else bool(found == mark)


def marks(found: object) -> list[str]:
    """The marks that a door bears, as a list also where it can bear only one."""
    listed = found if isinstance(found, list | tuple) else () if found is None else (found,)
    return [str(mark) for mark in listed]


def shown(mark: object) -> str | None:
    """A mark for people, shortened; None where there is none."""
    return None if mark is None or mark == [] else f"{mark!s:.120}"


def _already(live: Live, mark: str | None) -> Members:
    ours = mark is not None and bears(live.mark, mark)
    found = mark if ours else shown(live.mark)
    return {"already": "closed", "ours": ours, "mark": found, "version_token": live.version_token}


def _strangers(live: Live, closed_by: Receipt | None, *, marked: bool) -> list[str]:
    """Return whose work the closed door is, where it is not ours."""
    if closed_by is None:
        return ["the receipt of its suspension is missing: nothing shows that we closed it"] if marked else []
    mark, token = closed_by.detail.get("mark"), closed_by.detail.get("version_token")
    if marked and live.state and not (isinstance(mark, str) and bears(live.mark, mark) and _is_ours(closed_by)):
        return [f"it bears the mark of somebody else: {shown(live.mark)}"]
    if not marked and not closed_by.changed:
        return ["somebody else closed it before we could"]
    if token and live.version_token and token != live.version_token:
        return [f"somebody changed it since we closed it: version {live.version_token}, ours was {token}"]
    return []


def _is_ours(closed_by: Receipt) -> bool:
    return closed_by.changed or closed_by.detail.get("ours") in (True, str(YES))


def _belongs(snapshot: Snapshot, target: Target, door: Door) -> None:
    if (snapshot.target, snapshot.door) != (target.id, door.name):
        message = f"a snapshot of {snapshot.target}/{snapshot.door} was given for {target.id}/{door.name}"
        raise InvalidInput(Problem(code="K302", message=message, do="capture the state of this door first"))


def _looks(target: Target) -> tuple[PlannedCall, ...]:
    names = ", ".join((target.id, *target.neighbours))
    return (PlannedCall(verb="verify", summary=f"ask as a caller would: {names}"),) if target.probe else ()


def _ordered(planned: tuple[PlannedCall, ...]) -> tuple[PlannedCall, ...]:
    order = ("capture", "suspend", "verify", "resume", "collect")
    return tuple(sorted(planned, key=lambda call: order.index(call.verb)))
