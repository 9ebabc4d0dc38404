"""Alerts: receiving them, listing them, and starting a playbook for one that triage left to a person.

Decides in which order a sender is recognised (a token, a certificate, a signature over the raw bytes) and what
is checked before anything is parsed. A 202 is sent after everything of a delivery is on
disk. Leaves what an alert means to the sources and to triage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.responses import Response

from firedoor.alerts.source import AlertSource, media_type, parameter
from firedoor.core.access.need_to_know import may_read
from firedoor.core.access.redaction import Seal
from firedoor.core.access.roles import SOURCE
from firedoor.core.alerts.senders import need_address
from firedoor.core.alerts.triage import Decision
from firedoor.core.problems import NotFound, NotPermitted, Problem, nearest
from firedoor.interfaces.web.http.cleaning import Row
from firedoor.interfaces.web.http.filters import need_word
from firedoor.interfaces.web.http.paging import After, Order
from firedoor.interfaces.web.http.responses import TooLarge, Unsupported, answer, problem_body
from firedoor.interfaces.web.reading.redaction import cover_rows, readable_page
from firedoor.interfaces.web.reading.search import OfIncident
from firedoor.interfaces.web.security import senders
from firedoor.interfaces.web.security.auth import Asking, Caller, Keyring, Running, unauthenticated
from firedoor.interfaces.web.security.known_browser import address_of
from firedoor.interfaces.web.security.route_table import Access, needed
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.rehearsal.dry_run import what_would_be_done
from firedoor.runtime.service.facade import Received
from firedoor.store.database.sql import Record, table
from firedoor.store.database.tables import AlertRow, IncidentRow
from firedoor.store.identity.token_life import bind_source

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

ANY = "*"  # bound to no source
router = APIRouter(prefix="/api/v1", tags=["alerts"])


@router.post(
    "/alerts/{source}", status_code=202, summary="Send a detection",
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": ANY_JSON}}}},
    responses={202: {"description": "Stored.", "content": {"application/json": {"example": EXAMPLE}}}},
)  # fmt: skip
async def receive_alerts(source: str, request: Request, runtime: Running) -> Response:
    """Take in a delivery, with a token, certificate or signature. One that comes again is counted, not repeated."""
    keyring: Keyring = request.app.state.keyring
    body, headers = None, _beside(source, request, runtime)
    rule = senders.rule_of(runtime.settings, source)
    need_address(rule, address_of(request))
    given = senders.token_of(request, runtime.service.sources.get(source))
    caller = await keyring.caller(given) if given else None
    if caller is not None:
        may_send(caller, source, runtime.service.sources)
    elif not senders.by_certificate(request, runtime.settings, rule):
        body = await _signed(source, request, headers, runtime)
    if body is None:
        body = await read_body(request, checked(runtime.service.source(source), headers))
    received = await runtime.service.receive(source, body, headers)
    if caller is not None and not _bound(caller, runtime.service.sources):
        await asyncio.to_thread(bind_source, runtime.world.store, caller.token, source, runtime.world.now())
        keyring.forget()
    told = await asyncio.to_thread(_told, runtime, caller, received)
    return answer({"alerts": [_received(one) for one in told]}, 202)


def _beside(name: str, request: Request, runtime: Runtime) -> Mapping[str, str]:
    """The headers, with what the query says of the parameters that the source reads; a header counts before it."""
    source = runtime.service.sources.get(name)
    named = {one: request.query_params.get(one) for one in source.parameters} if source else {}
    asked = {parameter(name, one): value for one, value in named.items() if value}
    return {**asked, **request.headers} if asked else request.headers


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


def _bound(caller: Caller, known: Collection[str]) -> str:
    """The one source that a caller may send for: by the token's name, or by what one of before has sent first.

    Whoever is no source is bound to none, and may send for each.
    """
    if SOURCE not in caller.person.roles or not caller.token:
        return ANY
    named = caller.person.name.removeprefix("source:")
    return named if named != caller.person.name or named in known else caller.source


def may_send(caller: Caller, source: str, known: Collection[str]) -> None:
    """Refuse a caller who may not send, or whose token is bound to another source."""
    if not caller.may(Access.SEND):
        raise _not_permitted(
            f"{caller.person.name} may not send alerts", f"a token with the role {needed(Access.SEND)} may"
        )
    bound = _bound(caller, known)
    if bound not in (source, ANY, ""):
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


async def _signed(name: str, request: Request, headers: Mapping[str, str], runtime: Running) -> bytes:
    """Return the raw body once its signature fits. Raises Unauthenticated or NotPermitted; nothing was parsed."""
    source = runtime.service.sources.get(name)
    if source is None or not senders.shows_signature(source, request.headers):
        raise unauthenticated("neither a token nor a signature of this source was given")
    body = await read_body(request, checked(source, request.headers))
    rule = senders.rule_of(runtime.settings, name)
    senders.need_signature(source, rule, body, headers, runtime.world.now())
    return body


@router.get("/alerts", summary="List alerts, newest first")
async def list_alerts(
    runtime: Running, caller: Asking, incident: OfIncident,
    source: str | None = None, decision: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIST)] = 100, after: After = "",
) -> Response:  # fmt: skip
    """Every detection once, with how often it was delivered and what was decided about it, and why.

    `next` is the `after` of the following page; null where nothing is left.
    """
    need_word("decision", decision, Decision)
    if source is not None and source not in runtime.service.sources:
        heard = await asyncio.to_thread(sources_heard_of, runtime)
        need_word("source", source, {*runtime.service.sources, *heard})
    columns = table(AlertRow).c
    where = None
    for name, value in (("source", source), ("decision", decision), ("incident", incident)):
        if value is not None:
            same = columns[name] == value
            where = same if where is None else where & same
    order = Order((columns.id,), newest_first=True)
    rows, following = await readable_page(runtime, caller, AlertRow, where, order, limit, after)
    shown = await cover_rows(runtime, caller, [_line(row) for row in rows])
    return answer({"alerts": shown, "next": following})


def sources_heard_of(runtime: Runtime) -> list[str]:
    """The sources that have ever sent, those of a mapping that was taken away as well."""
    with runtime.world.store.engine.connect() as connection:
        return [str(one) for one in connection.execute(select(table(AlertRow).c.source).distinct()).scalars()]


class Start(BaseModel):
    """A person chooses the playbook."""

    model_config = ConfigDict(extra="forbid")

    playbook: str = Field(examples=["model-data-leakage"])
    why: str = Field(min_length=1, max_length=4000, examples=["The finding is a real customer's record."])


@router.post(
    "/alerts/{alert}/start", status_code=201, summary="Start a playbook for an alert, or see what that would do",
    responses={200: {"description": "With `dry_run=true`: what would be done. Nothing was."}},
)  # fmt: skip
async def start_for_alert(
    alert: Row, start: Annotated[Start, Body()], runtime: Running, caller: Asking,
    dry_run: bool = False,  # noqa: FBT001, FBT002 - a parameter on the wire
) -> Response:  # fmt: skip
    """Open an incident for an alert that triage left to a person."""
    plan = runtime.shelf.plans.get(start.playbook)
    if plan is None:
        do = nearest(start.playbook[:80], runtime.shelf.plans)
        raise NotFound(Problem(code="P140", field="playbook", message="no playbook has this name", do=do))
    if dry_run:
        recorded, _ = await asyncio.to_thread(runtime.service.unassigned, alert, caller.person)
        foreseen = await what_would_be_done(runtime.service, start.playbook, {}, recorded)
        sealed = frozenset(name for name, one in runtime.world.definitions(plan).items() if one.sealed)
        return answer(Seal(names=sealed).cover(foreseen))
    incident = await runtime.service.start_for_alert(alert, start.playbook, start.why, caller.person)
    return answer({"incident": incident}, 201, {"Location": f"/api/v1/incidents/{incident}"})


@router.get("/alert-sources", summary="List the sources of alerts")
def list_sources(runtime: Running, _: Asking) -> Response:
    """Every source that is read, how it proves itself, and what it sends; mapping files that cannot be read."""
    shown = [
        {
            **{name: getattr(source, name) for name in ("id", "title", "content_types", "authentication", "max_bytes")},
            "retries": source.retries,
            "secret_variable": senders.secret_variable(source.id) if source.has_secret else None,
        }
        for source in runtime.service.sources.values()
    ]
    broken = [{"file": file, **problem_body(found)} for file, found in runtime.service.sources.problems.items()]
    return answer({"sources": shown, "broken": broken})


def _received(one: Received) -> dict[str, object]:
    return {
        "decision": one.decision, "incident": one.incident,
        "duplicate_of": one.incident if one.decision == "duplicate" else None,
        "deliveries": one.deliveries, "fingerprint": one.fingerprint, "reasons": one.reasons,
    }  # fmt: skip


def _line(row: Record) -> dict[str, object]:
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
