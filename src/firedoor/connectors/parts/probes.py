"""Looking at the data plane: whether the target refuses, and its neighbours still answer.

Decides how the answer to a probe is read and how several looks become one verdict.
What the platform says of itself is heard as well, but it only ever weakens a verdict:
a door holds when callers are refused, not when an API says so. Leaves closing doors to
the connectors.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal, cast

import httpx

from firedoor.connectors.parts import calls
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.redaction import Redactor
from firedoor.connectors.parts.templates import SECRET
from firedoor.connectors.registry import load
from firedoor.core.ports import Caller, ProbeResult, Verdict
from firedoor.core.problems import FiredoorError, InvalidInput, Problem
from firedoor.core.targets import ConnectorProbe, Door, HttpProbe, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary, all_of, negate

MAXIMUM_PROBE_ANSWER = 256 * 1024  # bytes
Expect = Literal["refused", "serving"]


async def verdict(
    context: ConnectorContext, target: Target, door: Door, expect: Expect, control: ProbeResult | None = None
) -> Verdict:
    """Look at the target and at every neighbour, all at once, and say whether the door is as expected.

    `control` is what the platform says of itself, if the connector asked it.
    """
    on_purpose = context.closed_on_purpose()
    own, *others = await asyncio.gather(
        look(context, target, "target"), *(_neighbour(context, name) for name in target.neighbours)
    )
    counted = [other for other in others if other.name not in on_purpose]
    return Verdict(
        target=target.id,
        door=door.name,
        expect=expect,
        holds=_holds(expect, own, counted, control),
        probes=(own, *others, *((control,) if control else ())),
        checked_at=context.now(),
        notes=tuple(_notes(target, expect, own, counted, control)),
    )


def _holds(expect: Expect, own: ProbeResult, others: list[ProbeResult], control: ProbeResult | None) -> Ternary:
    claim = UNKNOWN if control is None else control.serving
    if expect == "serving":
        return all_of((own.serving, UNKNOWN if claim is NO else YES))
    return all_of((negate(own.serving), *(other.serving for other in others), UNKNOWN if claim is YES else YES))


def _notes(
    target: Target, expect: Expect, own: ProbeResult, others: list[ProbeResult], control: ProbeResult | None
) -> list[str]:
    notes = []
    if own.serving is UNKNOWN:
        notes.append(f"{target.id}: {own.detail or 'no answer that can be read'}; this proves nothing either way")
    if expect == "refused" and not others:
        notes.append(f"{target.id} has no neighbour that should still answer: nothing shows that others were spared")
    for other in others:
        if other.serving is NO:
            notes.append(f"over-blocking: {other.name} is refused as well (status {other.status})")
        elif other.serving is UNKNOWN:
            notes.append(f"perhaps over-blocking: {other.name} does not answer ({other.detail})")
    if control is not None and control.serving not in (UNKNOWN, own.serving):
        says = "open" if control.serving is YES else "closed"
        notes.append(f"the platform says that {target.id} is {says}; callers see otherwise")
    return notes


async def _neighbour(context: ConnectorContext, name: str) -> ProbeResult:
    target = context.inventory.targets.get(name)
    if target is None:
        return _unknown(context, "neighbour", name, "it is not in the inventory")
    return await look(context, target, "neighbour")


async def look(context: ConnectorContext, target: Target, what: Literal["target", "neighbour"]) -> ProbeResult:
    """Ask as a caller would, as often as the probe says; every look must agree."""
    if target.probe is None:
        return _unknown(context, what, target.id, "it has no probe in the inventory")
    probe = target.probe
    if isinstance(probe, ConnectorProbe):
        results = await asyncio.gather(*(_through(context, target, probe, what) for _ in range(probe.looks)))
    else:
        results = await asyncio.gather(*(_once(context, target.id, probe, what) for _ in range(probe.looks)))
    serving = next((result for result in results if result.serving is YES), None)
    doubtful = next((result for result in results if result.serving is UNKNOWN), None)
    return serving or doubtful or results[0]


async def _through(
    context: ConnectorContext, target: Target, probe: ConnectorProbe, what: Literal["target", "neighbour"]
) -> ProbeResult:
    """Look through the connector that speaks the callers' language."""
    try:
        async with asyncio.timeout(probe.timeout_seconds + 0.25):
            saw = await caller(context, probe.via).call(target, probe.config, probe.timeout_seconds)
    except FiredoorError as error:
        return _unknown(context, what, target.id, error.problems[0].message)
    except TimeoutError:
        return _unknown(context, what, target.id, f"no answer within {probe.timeout_seconds} s")
    return ProbeResult(
        what=what, name=target.id, serving=saw.serving, status=saw.status, detail=saw.detail, at=context.now()
    )


def caller(context: ConnectorContext, kind: str) -> Caller:
    """The connector that takes looks of this kind. Raises InvalidInput where it takes none."""
    connector = cast("Any", load(kind))(context)
    if not hasattr(connector, "call"):
        message = f'the connector "{kind}" cannot look as a caller'
        raise InvalidInput(
            Problem(code="K107", message=message, do="write the request of a caller: url, headers, json")
        )
    return cast("Caller", connector)


async def _once(
    context: ConnectorContext, name: str, probe: HttpProbe, what: Literal["target", "neighbour"]
) -> ProbeResult:
    try:
        ready = _ready(context, probe)
    except FiredoorError as error:
        return _unknown(context, what, name, error.problems[0].message)
    try:
        answer = await calls.send(context, ready, probe.timeout_seconds, limit=MAXIMUM_PROBE_ANSWER)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        return _unknown(context, what, name, ready.redactor.text(str(error)) or type(error).__name__)
    serving = YES if answer.status in probe.serving else NO if answer.status in probe.refused else UNKNOWN
    detail = "" if serving is YES else answer.redactor.excerpt(answer.content)
    return ProbeResult(what=what, name=name, serving=serving, status=answer.status, detail=detail, at=context.now())


async def ask(context: ConnectorContext, probe: HttpProbe, body: object, limit: int) -> tuple[Ternary, bytes]:
    """Ask what a caller might ask, with another body. Unknown, without content, when no answer came.

    Whether the model answered is read as the probe says; `limit` is in bytes.
    """
    try:
        ready = _ready(context, probe.model_copy(update={"json_body": body}))
        answer = await calls.send(context, ready, probe.timeout_seconds, limit=limit)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, FiredoorError):
        return UNKNOWN, b""
    serving = YES if answer.status in probe.serving else NO if answer.status in probe.refused else UNKNOWN
    return serving, answer.content


def _ready(context: ConnectorContext, probe: HttpProbe) -> calls.Ready:
    redactor = Redactor()

    def resolve(text: str) -> str:
        def put(reference: str) -> str:
            secret = context.secrets.resolve(reference)
            redactor.learn(secret)
            return secret

        return SECRET.sub(lambda found: put(found.group()), text)

    headers = {key.lower(): resolve(value) for key, value in probe.headers.items()}
    content = None
    if probe.json_body is not None:
        content = json.dumps(probe.json_body, ensure_ascii=False).encode()
        headers.setdefault("content-type", "application/json")
    return calls.Ready(probe.method, probe.url, headers, content, redactor)


def _unknown(context: ConnectorContext, what: Literal["target", "neighbour"], name: str, why: str) -> ProbeResult:
    return ProbeResult(what=what, name=name, serving=UNKNOWN, detail=why, at=context.now())
