"""Alerts: receiving them, listing them, and starting a playbook for one that triage left to a person.

Decides how a sender is recognised (a token, or a signature over the raw bytes) and what
is checked before anything is parsed. A 202 is sent after everything of a delivery is on
disk. Leaves what an alert means to the sources and to triage.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.alerts.registry import find, sources
from firedoor.alerts.source import AlertSource, media_type
from firedoor.core.need_to_know import may_read
from firedoor.core.problems import FiredoorError, NotFound, NotPermitted, Problem, Unanswered, nearest
from firedoor.core.signatures import verify
from firedoor.interfaces.web.access import Access, allowed, needed
from firedoor.interfaces.web.answers import TooLarge, Unsupported, answer
from firedoor.interfaces.web.auth import Asking, Caller, Keyring, Running, unauthenticated
from firedoor.interfaces.web.covering import cover_rows, readable_rows
from firedoor.runtime.secrets import ReferencedSecrets
from firedoor.runtime.service import Received
from firedoor.runtime.start import Runtime
from firedoor.store.projections import table
from firedoor.store.tables import AlertRow, IncidentRow

SECRET = "FIREDOOR_SOURCE_SECRET_"  # noqa: S105 - the beginning of a variable's name
MAXIMUM_LIST = 1000
ANY_JSON = {"type": ["object", "array"]}
EXAMPLE = {
    "alerts": [
        {
            "decision": "start",
            "incident": "INC-2026-0001",
            "duplicate_of": None,
            "deliveries": 1,
            "fingerprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "reasons": ["The start rule of model-data-leakage holds."],
        }
    ]
}

router = APIRouter(prefix="/api/v1", tags=["alerts"])


@router.post(
    "/alerts/{source}", status_code=202, summary="Send a detection",
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": ANY_JSON}}}},
    responses={202: {"description": "Stored.", "content": {"application/json": {"example": EXAMPLE}}}},
)  # fmt: skip
async def receive_alerts(source: str, request: Request, runtime: Running) -> Response:
    """Take in a delivery, with the source's token or signature. One that comes again is counted, not repeated."""
    keyring: Keyring = request.app.state.keyring
    body, headers = None, request.headers
    given = headers.get("authorization")
    caller = await keyring.caller(given) if given else None
    if caller is None:
        body = await _signed(source, request, runtime)
    else:
        may_send(caller, source)
    if body is None:
        body = await read_body(request, checked(find(source), headers))
    received = await runtime.service.receive(source, body, headers)
    told = await asyncio.to_thread(_told, runtime, caller, received)
    return answer({"alerts": [_received(one) for one in told]}, 202)


def _told(runtime: Runtime, caller: Caller | None, received: Sequence[Received]) -> Sequence[Received]:
    """What became of each alert; a person who need not know could else ask by an alert what an incident is about.

    A source, which is a machine and reads nothing else here, is told the number in any case.
    """
    if caller is None or caller.local or "source" in caller.person.roles:
        return received
    columns, named = table(IncidentRow).c, {one.incident for one in received if one.incident}
    heads = runtime.world.store.rows(IncidentRow, columns.id.in_(named), limit=None)
    closed = {row["id"] for row in heads if not may_read(row["readers"], caller.person)}
    return [replace(one, decision="kept", incident=None, reasons=(), deliveries=1) if one.incident in closed else one
            for one in received]  # fmt: skip


def may_send(caller: Caller, source: str) -> None:
    """Refuse a caller who may not send, or whose token is bound to another source by its name."""
    if not allowed(Access.SEND, caller.person.roles):
        raise _not_permitted(
            f"{caller.person.name} may not send alerts", f"a token with the role {needed(Access.SEND)} may"
        )
    bound = caller.person.name.removeprefix("source:")
    only_source = "source" in caller.person.roles and (bound != caller.person.name or bound in sources())
    if only_source and bound != source:
        raise _not_permitted(
            f"this token is bound to {bound}", f"send to /alerts/{bound}, or use a token of another name"
        )


def checked(source: AlertSource, headers: Mapping[str, str]) -> AlertSource:
    """Refuse a media type that the source does not send."""
    kind = media_type(headers)
    if kind not in source.content_types:
        message = f"{(kind or 'a body without a media type')[:60]} is not read by {source.id}"
        do = f"send Content-Type: {' or '.join(source.content_types)}"
        raise Unsupported(Problem(code="D100", field="content-type", message=message, do=do))
    return source


async def read_body(request: Request, source: AlertSource) -> bytes:
    """Read the body piece by piece, and no further than the source's bound."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > source.max_bytes:
        raise _too_large(source)
    parts, total = [], 0
    async for part in request.stream():
        total += len(part)
        if total > source.max_bytes:
            raise _too_large(source)
        parts.append(part)
    return b"".join(parts)


async def _signed(name: str, request: Request, runtime: Running) -> bytes:
    """Return the raw body once its signature fits. Raises Unauthenticated or NotPermitted; nothing was parsed."""
    source = sources().get(name)
    if source is None or source.signature is None or source.signature.header not in request.headers:
        raise unauthenticated("neither a token nor a signature of this source was given")
    secrets = live_secrets(source.id)
    body = await read_body(request, checked(source, request.headers))
    verify(source.signature, secrets, body, request.headers, runtime.world.now())
    return body


def live_secrets(source: str) -> list[bytes]:
    """The secrets that a source may sign with now: references in its variable, two while one is replaced."""
    variable = secret_variable(source)
    references = [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]
    if not references:
        raise unauthenticated(f"no secret is set here for {source}, so no signature of it can be checked")
    try:
        return [ReferencedSecrets().resolve(reference).encode() for reference in references]
    except FiredoorError:
        do = f"whoever runs Firedoor: {variable} must hold secret://env/NAME or secret://file/PATH"
        raise Unanswered(Problem(code="D320", message=f"the secret of {source} cannot be read here", do=do)) from None


def secret_variable(source: str) -> str:
    """The variable that refers to the secret of a source."""
    return SECRET + source.upper().replace("-", "_").replace(".", "_")


@router.get("/alerts", summary="List alerts, newest first")
async def list_alerts(
    runtime: Running, caller: Asking,
    source: str | None = None, decision: str | None = None, incident: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIST)] = 100,
) -> Response:  # fmt: skip
    """Every detection once, with how often it was delivered and what was decided about it, and why."""
    columns = table(AlertRow).c
    where = None
    for name, value in (("source", source), ("decision", decision), ("incident", incident)):
        if value is not None:
            same = columns[name] == value
            where = same if where is None else where & same
    rows = await readable_rows(runtime, caller, AlertRow, where, columns.id.desc(), limit)
    return answer({"alerts": await cover_rows(runtime, caller, [_line(row) for row in rows])})


class Start(BaseModel):
    """A person chooses the playbook."""

    model_config = ConfigDict(extra="forbid")

    playbook: str = Field(examples=["model-data-leakage"])
    why: str = Field(min_length=1, max_length=4000, examples=["The finding is a real customer's record."])


@router.post("/alerts/{alert}/start", status_code=201, summary="Start a playbook for an alert")
async def start_for_alert(alert: int, start: Annotated[Start, Body()], runtime: Running, caller: Asking) -> Response:
    """Open an incident for an alert that triage left to a person."""
    if start.playbook not in runtime.shelf.plans:
        do = nearest(start.playbook[:80], runtime.shelf.plans)
        raise NotFound(Problem(code="P140", field="playbook", message="no playbook has this name", do=do))
    incident = await runtime.service.start_for_alert(alert, start.playbook, start.why, caller.person)
    return answer({"incident": incident}, 201, {"Location": f"/api/v1/incidents/{incident}"})


@router.get("/alert-sources", summary="List the sources of alerts")
def list_sources(_: Asking) -> Response:
    """Every source that is read, how it proves itself, and what it sends."""
    shown = [
        {
            **{name: getattr(source, name) for name in ("id", "title", "content_types", "authentication", "max_bytes")},
            "retries": source.retries,
            "secret_variable": secret_variable(source.id) if source.signature else None,
        }
        for source in sources().values()
    ]
    return answer({"sources": shown})


def _received(one: Received) -> dict[str, Any]:
    return {
        "decision": one.decision, "incident": one.incident,
        "duplicate_of": one.incident if one.decision == "duplicate" else None,
        "deliveries": one.deliveries, "fingerprint": one.fingerprint, "reasons": one.reasons,
    }  # fmt: skip


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    alert = orjson.loads(row["body"])
    names = (
        "title",
        "severity",
        "status",
        "incident_type",
        "method",
        "model",
        "endpoint",
        "dataset",
        "occurred_at",
        "notes",
    )
    return {
        "id": row["id"], "source": row["source"], "decision": row["decision"], "reasons": orjson.loads(row["reasons"]),
        "incident": row["incident"], "received_at": row["received_at"], "last_received_at": row["last_received_at"],
        "deliveries": row["deliveries"], "fingerprint": row["fingerprint"], "raw_sha256": row["raw_sha256"],
        **{name: alert.get(name) for name in names},
    }  # fmt: skip


def _too_large(source: AlertSource) -> TooLarge:
    message = f"the body is larger than {source.max_bytes} bytes"
    return TooLarge(
        Problem(code="W113", message=message, do="send fewer detections at once, and hashes in the place of content")
    )


def _not_permitted(message: str, do: str) -> NotPermitted:
    return NotPermitted(Problem(code="W103", message=message, do=do))
