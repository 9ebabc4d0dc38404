"""The generic HTTP connector: any system that has an API to stop something can be a door.

Decides how the answers of the described requests are read: the state, the mark, the version and whether the door is
closed. Leaves the order of things to `parts.door_connector`, the written form of a door to `parts.http_door`, one
call and its failures to `parts.calls`, and the data plane to `parts.probes`.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from firedoor.connectors.parts import calls, http_door
from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.connectors.parts.http_door import MISSING, CompiledDoor, at, compile_door, values_of
from firedoor.core.json_types import Json
from firedoor.core.ports import Members, PlannedCall, Snapshot
from firedoor.core.problems import FiredoorError, Problem, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary


class HttpConnector(DoorConnector[CompiledDoor]):
    """Drives doors that are described in the inventory; see docs/how-to/connect-with-http.md."""

    kind: ClassVar[str] = "http"

    def settings(self, target: Target, door: Door) -> CompiledDoor:
        """Compile the door; cached. Raises InvalidInput with all problems."""
        return compile_door(target, door)

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door, values of the target included."""
        compiled = compile_door(target, door)
        for request in (compiled.capture, compiled.verify):
            request.url.render(values_of(target, door), _no_secret)

    def describe(self, target: Target, door: Door, settings: CompiledDoor) -> Description:
        """The requests with their URLs as far as they are known now."""
        steps: list[tuple[Literal["capture", "suspend", "verify", "resume"], calls.Compiled | None]] = [
            ("capture", settings.capture),
            ("suspend", settings.suspend),
            ("verify", settings.verify),
            ("resume", settings.resume),
        ]
        config = settings.config
        return Description(
            calls=tuple(PlannedCall(verb=verb, summary=_summary(call, target, door)) for verb, call in steps if call),
            blast_radius=config.blast_radius,
            permissions=config.permissions + tuple(f"uses {reference}" for reference in settings.references),
            reversible=config.reversible,
        )

    def mark(self, target: Target, door: Door, settings: CompiledDoor, operation_key: str) -> str | None:
        """The mark as the door describes it."""
        if settings.mark is None:
            return None
        return settings.mark.render(values_of(target, door, operation_key=operation_key), _no_secret)

    def changed_names(self, settings: CompiledDoor) -> frozenset[str]:
        """What the door says that its own suspension changes."""
        return settings.changed_names

    def was_closed(self, settings: CompiledDoor, snapshot: Snapshot) -> bool:
        """As the door's `closed` rule reads the captured state."""
        rule = settings.config.closed
        if rule.at is None:
            return snapshot.state == {}
        name = next(name for name, pointer in settings.config.state.items() if pointer == rule.at)
        return http_door.thaw(snapshot.state.get(name)) in rule.values

    async def look(self, target: Target, door: Door, settings: CompiledDoor) -> Live:
        """Make the capture call and read its answer."""
        return await self._look(settings.capture, settings, target, door)

    async def platform(self, target: Target, door: Door, settings: CompiledDoor) -> Ternary:
        """Make the verify call, where the door has one of its own."""
        return (await self._look(settings.verify, settings, target, door)).closed

    async def close(self, work: Work[CompiledDoor]) -> Members:
        """Make the suspend call."""
        return await self._change(work.settings.suspend, work)

    async def open(self, work: Work[CompiledDoor]) -> Members:
        """Make the resume call."""
        assert work.settings.resume is not None  # noqa: S101 - a door without one is `reversible: no`, refused before
        return await self._change(work.settings.resume, work)

    async def _look(self, call: calls.Compiled, compiled: CompiledDoor, target: Target, door: Door) -> Live:
        answer = await calls.perform(self._context, call, values_of(target, door), changes=False)
        return _read(answer, compiled, self._context.now())

    async def _change(self, call: calls.Compiled, work: Work[CompiledDoor]) -> Members:
        values = values_of(work.target, work.door, work.snapshot, work.operation_key)
        values["live"] = {"version_token": work.live.version_token}
        key = {"idempotency-key": work.operation_key}
        answer = await calls.perform(self._context, call, values, changes=True, extra=key)
        return _told(answer, work.settings)


def _read(answer: Answer, compiled: CompiledDoor, now: datetime) -> Live:
    """Read a look at the control plane. Raises Unanswered when a part of the state is missing."""
    config, clean = compiled.config, answer.redactor
    if answer.status in config.closed.status:
        return Live(state={}, closed=YES, mark=None, version_token=_token(answer, None, config.version), at=now)
    document = answer.document()
    looked = {name: at(document, pointer) for name, pointer in config.state.items()}
    found = {name: value for name, value in looked.items() if value is not MISSING}
    missing = [f"{name} ({config.state[name]})" for name in looked if name not in found]
    if missing:
        message = f"the answer does not hold {', '.join(missing)}"
        do = "compare the pointers under `state` with what the system answers; nothing was changed"
        raise Unanswered(Problem(code="K207", message=message, do=do))
    mark = at(document, config.mark.at) if config.mark else None
    return Live(
        state={name: http_door.freeze(clean.value(value)) for name, value in found.items()},
        closed=_closed(document, config.closed),
        mark=None if mark is MISSING else clean.value(mark),
        version_token=_token(answer, document, config.version),
        at=now,
    )


def _closed(document: Json, rule: http_door.Closed) -> Ternary:
    if rule.at is None:
        return NO
    value = at(document, rule.at)
    if value in rule.values:
        return YES
    return UNKNOWN if rule.open and value not in rule.open else NO


def _token(answer: Answer, document: Json, where: str | None) -> str | None:
    if where is None:
        return None
    if where.startswith("header:"):
        return _clean_header(answer, where.removeprefix("header:"))
    value = at(document, where)
    return None if value in (MISSING, None) else str(value)


def _told(answer: Answer, compiled: CompiledDoor) -> Members:
    """Return what a change answered, as far as a receipt needs it: no body, no secret."""
    try:
        document = answer.document() if answer.content else None
    except Unanswered:
        document = None
    return {
        "status": answer.status,
        "attempts": answer.attempts,
        "version_token": _token(answer, document, compiled.config.version),
        "request_id": _clean_header(answer, "x-request-id"),
    }


def _clean_header(answer: Answer, name: str) -> str | None:
    text = answer.headers.get(name)
    return None if text is None else answer.redactor.text(str(text))[:200]


def _summary(call: calls.Compiled, target: Target, door: Door) -> str:
    """Write a call for people: the URL as far as it is known now, secrets as references."""
    try:
        url = call.url.render(values_of(target, door), _no_secret)
    except FiredoorError:
        url = call.url.source
    return f"{call.request.method} {url}"


def _no_secret(reference: str) -> str:
    return reference
