"""The generic HTTP connector: any system that has an API to stop something can be a door.

Decides the order of things and what each answer means: the state is captured before the
first change, an open door only is closed, an operation in doubt is looked at, a door is
opened again only as we left it. Leaves the written form of a door to `parts.http_door`,
one call and its failures to `parts.calls`, and the data plane to `parts.probes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from firedoor.connectors.parts import artefacts, calls, http_door, probes
from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.http_door import MISSING, CompiledDoor, at, compile_door, values_of
from firedoor.connectors.parts.redaction import is_redacted
from firedoor.core.canonical import digest
from firedoor.core.ports import (
    CallPlan,
    Collected,
    Json,
    Observation,
    PlannedCall,
    ProbeResult,
    Receipt,
    Reversible,
    Snapshot,
    Verdict,
)
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary, negate, of

_FRESH = timedelta(seconds=5)  # a snapshot of this process that is younger needs no second look


@dataclass(frozen=True)
class _Live:
    """What the control plane shows now."""

    state: Json
    closed: Ternary
    mark: Any
    version_token: str | None
    at: datetime


class HttpConnector:
    """Drives doors that are described in the inventory; see docs/how-to/connect-with-http.md."""

    kind: ClassVar[str] = "http"
    reversible: ClassVar[Reversible] = "yes"

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context
        self._captured: dict[tuple[str, str], tuple[str, _Live]] = {}

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door, values of the target included."""
        compiled = compile_door(target, door)
        for request in (compiled.capture, compiled.verify):
            request.url.render(values_of(target, door), _no_secret)

    async def plan(self, target: Target, door: Door) -> CallPlan:
        """Say what would be sent and whom it touches. Sends nothing."""
        compiled = compile_door(target, door)
        config = compiled.config
        steps: list[tuple[Literal["capture", "suspend", "verify", "resume"], calls.Compiled | None]] = [
            ("capture", compiled.capture),
            ("suspend", compiled.suspend),
            ("verify", compiled.verify),
            ("resume", compiled.resume),
        ]
        return CallPlan(
            target=target.id,
            door=door.name,
            calls=tuple(PlannedCall(verb=v, summary=_summary(c, target, door)) for v, c in steps if c) + _looks(target),
            blast_radius=config.blast_radius + self._sharing(target),
            permissions=config.permissions + tuple(f"uses {reference}" for reference in compiled.references),
            reversible=config.reversible,
        )

    async def capture_state(self, target: Target, door: Door) -> Snapshot:
        """Read what a resume needs. Raises Unanswered when any of it is missing; then nothing may be changed."""
        compiled = compile_door(target, door)
        live = await self._look(compiled.capture, compiled, target, door)
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
        compiled = compile_door(target, door)
        _belongs(snapshot, target, door)
        mark = _mark(compiled, target, door, operation_key)
        live = self._fresh(snapshot) or await self._look(compiled.capture, compiled, target, door)
        if live.closed is YES:
            return self._receipt("suspend", target, door, operation_key, changed=False, detail=_already(live, mark))
        values = {**values_of(target, door, snapshot, operation_key), "live": {"version_token": live.version_token}}
        try:
            answer = await self._change(compiled.suspend, values, operation_key)
        except Refused:
            now = await self._look(compiled.capture, compiled, target, door)
            if now.closed is not YES:
                raise
            return self._receipt("suspend", target, door, operation_key, changed=False, detail=_already(now, mark))
        detail = _told(answer, compiled, mark)
        return self._receipt("suspend", target, door, operation_key, changed=True, detail=detail)

    async def verify(self, target: Target, door: Door, expect: Literal["refused", "serving"]) -> Verdict:
        """Look at the data plane: the target, its neighbours, and what the platform says of itself."""
        compiled = compile_door(target, door)
        control = await self._control(compiled, target, door)
        return await probes.verdict(self._context, target, door, expect, control)

    async def observe(self, target: Target, door: Door, operation_key: str) -> Observation:
        """Look whether this operation has happened: whether the door is closed, and whose mark it bears."""
        compiled = compile_door(target, door)
        mark = _mark(compiled, target, door, operation_key)
        live = await self._look(compiled.capture, compiled, target, door)
        ours = UNKNOWN if mark is None else of(_bears(live.mark, mark))
        return Observation(
            target=target.id,
            door=door.name,
            operation_key=operation_key,
            closed=live.closed,
            ours=ours,
            mark=mark if ours is YES else None,
            at=live.at,
            version_token=live.version_token,
            detail="" if live.mark in (None, MISSING) else f"marked {live.mark!s:.120}",
        )

    async def resume(
        self, target: Target, door: Door, snapshot: Snapshot, operation_key: str, closed_by: Receipt | None = None
    ) -> Receipt:
        """Open the door as captured. Raises Refused, naming every drift, when it is not as we left it."""
        compiled = compile_door(target, door)
        _belongs(snapshot, target, door)
        if compiled.resume is None:
            raise _refused(
                "K303", f"{target.id}/{door.name} cannot be undone", "it says `reversible: no`; open it by hand"
            )
        live = await self._look(compiled.capture, compiled, target, door)
        if live.closed is NO and live.state == snapshot.state:
            detail: Json = {"already": "open", "mark": _shown(live.mark)}
            return self._receipt("resume", target, door, operation_key, changed=False, detail=detail)
        drift = list(_drift(compiled, snapshot, live, closed_by))
        if drift:
            do = "look at what changed and decide by hand; a resume restores only what we closed ourselves"
            raise Refused(Problem(code="K301", message=f"{target.id}/{door.name}: {why}", do=do) for why in drift)
        values = {**values_of(target, door, snapshot, operation_key), "live": {"version_token": live.version_token}}
        answer = await self._change(compiled.resume, values, operation_key)
        detail = _told(answer, compiled, _mark(compiled, target, door, operation_key))
        return self._receipt("resume", target, door, operation_key, changed=True, detail=detail)

    async def collect(self, target: Target, artefact: str) -> Collected:
        """Read one artefact of the target; see `parts.artefacts`."""
        return await artefacts.collect(self._context, target, artefact)

    async def _look(self, call: calls.Compiled, compiled: CompiledDoor, target: Target, door: Door) -> _Live:
        answer = await calls.perform(self._context, call, values_of(target, door), changes=False)
        return _read(answer, compiled, self._context.now())

    async def _change(self, call: calls.Compiled, values: dict[str, Any], operation_key: str) -> Answer:
        return await calls.perform(self._context, call, values, changes=True, extra={"idempotency-key": operation_key})

    async def _control(self, compiled: CompiledDoor, target: Target, door: Door) -> ProbeResult:
        serving, detail = UNKNOWN, ""
        try:
            serving = negate((await self._look(compiled.verify, compiled, target, door)).closed)
        except FiredoorError as error:
            detail = error.problems[0].message
        return ProbeResult(what="control", name=door.name, serving=serving, detail=detail, at=self._context.now())

    def _fresh(self, snapshot: Snapshot) -> _Live | None:
        """Return what this process itself has just seen, once: so that closing needs no second look."""
        seen_digest, live = self._captured.pop((snapshot.target, snapshot.door), ("", None))
        if live is None or seen_digest != snapshot.digest or live.at != snapshot.taken_at:
            return None
        return live if self._context.now() - live.at < _FRESH else None

    def _sharing(self, target: Target) -> tuple[str, ...]:
        others = [t.id for t in self._context.inventory.targets.values() if target.model and t.model == target.model]
        return tuple(f"{other} is served by the same model" for other in others if other != target.id)

    def _receipt(
        self,
        action: Literal["suspend", "resume"],
        target: Target,
        door: Door,
        operation_key: str,
        *,
        changed: bool,
        detail: Json,
    ) -> Receipt:
        return Receipt(
            target=target.id,
            door=door.name,
            action=action,
            operation_key=operation_key,
            changed=changed,
            at=self._context.now(),
            detail=detail,
        )


def _read(answer: Answer, compiled: CompiledDoor, now: datetime) -> _Live:
    """Read a look at the control plane. Raises Unanswered when a part of the state is missing."""
    config, clean = compiled.config, answer.redactor
    if answer.status in config.closed.status:
        return _Live(state={}, closed=YES, mark=None, version_token=_token(answer, None, config.version), at=now)
    document = answer.document()
    found = {name: at(document, pointer) for name, pointer in config.state.items()}
    missing = [f"{name} ({config.state[name]})" for name, value in found.items() if value is MISSING]
    if missing:
        message = f"the answer does not hold {', '.join(missing)}"
        do = "compare the pointers under `state` with what the system answers; nothing was changed"
        raise Unanswered(Problem(code="K207", message=message, do=do))
    return _Live(
        state={name: http_door.freeze(clean.value(value)) for name, value in found.items()},
        closed=_closed(document, config.closed),
        mark=clean.value(at(document, config.mark.at)) if config.mark else None,
        version_token=_token(answer, document, config.version),
        at=now,
    )


def _closed(document: Any, rule: http_door.Closed) -> Ternary:  # noqa: ANN401 - any JSON value
    if rule.at is None:
        return NO
    value = at(document, rule.at)
    if value in rule.values:
        return YES
    return UNKNOWN if rule.open and value not in rule.open else NO


def _token(answer: Answer, document: Any, where: str | None) -> str | None:  # noqa: ANN401 - any JSON value
    if where is None:
        return None
    if where.startswith("header:"):
        return _clean_header(answer, where.removeprefix("header:"))
    value = at(document, where)
    return None if value in (MISSING, None) else str(value)


def _told(answer: Answer, compiled: CompiledDoor, mark: str | None) -> Json:
    """Return what a change answered, as far as a receipt needs it: no body, no secret."""
    try:
        document = answer.document() if answer.content else None
    except Unanswered:
        document = None
    return {
        "status": answer.status,
        "attempts": answer.attempts,
        "mark": mark,
        "version_token": _token(answer, document, compiled.config.version),
        "request_id": _clean_header(answer, "x-request-id"),
    }


def _clean_header(answer: Answer, name: str) -> str | None:
    text = answer.headers.get(name)
    return None if text is None else answer.redactor.text(str(text))[:200]


def _already(live: _Live, mark: str | None) -> Json:
    ours = mark is not None and _bears(live.mark, mark)
    return {"already": "closed", "ours": ours, "mark": _shown(live.mark), "version_token": live.version_token}


def _drift(compiled: CompiledDoor, snapshot: Snapshot, live: _Live, closed_by: Receipt | None) -> list[str]:
    """Return why the door is not as we left it; empty when it is."""
    if live.closed is not YES:
        return [
            "it is open, but not as captured"
            if live.closed is NO
            else "it is neither open nor closed as far as we can tell"
        ]
    drift = []
    if is_redacted(snapshot.state.values()):
        drift.append("the captured state held a secret, which was not kept: it cannot be restored from here")
    if _was_closed(compiled, snapshot):
        drift.append("it was closed already when its state was captured: there is nothing of ours to undo")
    kept = sorted(set(snapshot.state) - compiled.changed_names) if live.state else []
    drift += [f"{name} was changed since" for name in kept if live.state.get(name) != snapshot.state[name]]
    return drift + _strangers(compiled, live, closed_by)


def _strangers(compiled: CompiledDoor, live: _Live, closed_by: Receipt | None) -> list[str]:
    """Return whose work the closed door is, where it is not ours."""
    if closed_by is None:
        return ["the receipt of its suspension is missing: nothing shows that we closed it"] if compiled.mark else []
    mark, token = closed_by.detail.get("mark"), closed_by.detail.get("version_token")
    if compiled.mark and live.state and not (isinstance(mark, str) and _bears(live.mark, mark) and _is_ours(closed_by)):
        return [f"it bears the mark of somebody else: {_shown(live.mark)}"]
    if not compiled.mark and not closed_by.changed:
        return ["somebody else closed it before we could"]
    if token and live.version_token and token != live.version_token:
        return [f"somebody changed it since we closed it: version {live.version_token}, ours was {token}"]
    return []


def _is_ours(closed_by: Receipt) -> bool:
    return closed_by.changed or closed_by.detail.get("ours") is True


def _was_closed(compiled: CompiledDoor, snapshot: Snapshot) -> bool:
    rule = compiled.config.closed
    if rule.at is None:
        return snapshot.state == {}
    name = next(name for name, pointer in compiled.config.state.items() if pointer == rule.at)
    return http_door.thaw(snapshot.state.get(name)) in rule.values


def _bears(found: Any, mark: str) -> bool:  # noqa: ANN401 - any JSON value
    return mark in found if isinstance(found, list) else bool(found == mark)


def _shown(mark: Any) -> str | None:  # noqa: ANN401 - any JSON value
    return None if mark in (None, MISSING) else f"{mark!s:.120}"


def _mark(compiled: CompiledDoor, target: Target, door: Door, operation_key: str) -> str | None:
    if compiled.mark is None:
        return None
    return compiled.mark.render(values_of(target, door, operation_key=operation_key), _no_secret)


def _belongs(snapshot: Snapshot, target: Target, door: Door) -> None:
    if (snapshot.target, snapshot.door) != (target.id, door.name):
        message = f"a snapshot of {snapshot.target}/{snapshot.door} was given for {target.id}/{door.name}"
        raise InvalidInput(Problem(code="K302", message=message, do="capture the state of this door first"))


def _summary(call: calls.Compiled, target: Target, door: Door) -> str:
    """Write a call for people: the URL as far as it is known now, secrets as references."""
    try:
        url = call.url.render(values_of(target, door), _no_secret)
    except FiredoorError:
        url = call.url.source
    return f"{call.request.method} {url}"


def _looks(target: Target) -> tuple[PlannedCall, ...]:
    names = ", ".join((target.id, *target.neighbours))
    return (PlannedCall(verb="verify", summary=f"ask as a caller would: {names}"),) if target.probe else ()


def _no_secret(reference: str) -> str:
    return reference


def _refused(code: str, message: str, do: str) -> Refused:
    return Refused(Problem(code=code, message=message, do=do))
