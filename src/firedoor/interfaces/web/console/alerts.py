"""Alerts with what triage decided and why; a playbook for one that was left to a person; the sources of alerts.

Decides what is shown of an alert: identifiers, counts and hashes, never what was detected. Leaves the decision to
triage, and starting to the service.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from sqlalchemy import ColumnElement, select
from starlette.responses import RedirectResponse, Response

from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem, nearest
from firedoor.core.tasks.answers import need_why
from firedoor.interfaces.web.api.alerts import sources_heard_of
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.http.cleaning import Number, Row
from firedoor.interfaces.web.http.filters import Words, usable
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.redaction import cover_rows, readable_rows
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import Access
from firedoor.interfaces.web.security.senders import secret_variable
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import Record, table
from firedoor.store.database.tables import AlertRow

router = APIRouter(tags=["console"], include_in_schema=False)

SHOWN = 100
DECISIONS = {
    "start": "started an incident", "attach": "added to an incident", "ask": "needs a person's decision",
    "ignore": "ignored",
}  # fmt: skip
Word = Annotated[str, Query(max_length=200)]


@router.get("/alerts", summary="Alerts")
async def list_alerts(
    request: Request, runtime: Running, caller: Asking, source: Word = "", decision: Word = "", before: Number = 0
) -> Response:
    """Every detection once, the newest first, with the reasons of the decision about it."""
    heard = await asyncio.to_thread(sources_heard_of, runtime) if source else ()
    words: Words = {"source": {*runtime.service.sources, *heard}, "decision": DECISIONS}
    given, problems = usable({"source": source, "decision": decision}, words)
    error = InvalidInput(problems) if problems else None
    return await _page(request, runtime, caller, {**given, "before": before}, error=error)


@router.post("/alerts/{alert}/start", summary="Start a playbook for an alert")
async def start(request: Request, alert: Row, runtime: Running, caller: Asking) -> Response:
    """A person chooses the playbook and says why."""
    given = await forms.form_of(request)
    playbook, why = str(given.get("playbook", "")), str(given.get("why", ""))
    try:
        if playbook not in runtime.shelf.plans:
            do = nearest(playbook[:80], runtime.shelf.plans)
            raise NotFound(Problem(code="P140", field="playbook", message="no playbook has this name", do=do))
        need_why(why)
        incident = await runtime.service.start_for_alert(alert, playbook, why, caller.person)
    except FiredoorError as error:
        typed = {"alert": alert, "playbook": playbook, "why": why}
        return await _page(request, runtime, caller, {"source": "", "decision": "", "before": 0}, typed, error)
    return RedirectResponse(f"/incidents/{incident}", 303)


@router.get("/sources", summary="The sources of alerts")
async def list_sources(request: Request, runtime: Running, caller: Asking) -> Response:
    """Who may send, how each proves itself, and whether its secret is set here. No secret is shown."""
    shown = [
        {"source": source, "variable": variable, "set": bool(os.environ.get(variable)) if variable else None}
        for source in runtime.service.sources.values()
        for variable in [secret_variable(source.id) if source.has_secret else ""]
    ]
    counted = await asyncio.to_thread(_deliveries, runtime)
    return page(request, "sources.html.j2", caller=caller, sources=shown, counted=counted)


async def _page(
    request: Request, runtime: Runtime, caller: Caller, given: Record,
    typed: Record | None = None, error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    rows = await readable_rows(runtime, caller, AlertRow, _chosen(given), table(AlertRow).c.id.desc(), SHOWN)
    meant = {str(plan.incident): plan.playbook for plan in runtime.shelf.plans.values()}
    shown = await cover_rows(runtime, caller, [_line(row, meant) for row in rows])
    last = rows[-1]["id"] if len(rows) == SHOWN else 0
    books = {plan.playbook: plan.title for plan in runtime.shelf.plans.values()}
    return page(
        request, "alerts.html.j2", error.http_status if error else 200, caller=caller, alerts=shown, given=given,
        older=last, sources=sorted(runtime.service.sources), decisions=DECISIONS, books=books,
        may=caller.may(Access.RESPOND), typed=typed or {}, problems=error.problems if error else (),
    )  # fmt: skip


def _chosen(given: Record) -> ColumnElement[bool]:
    columns = table(AlertRow).c
    where: ColumnElement[bool] = columns.id > 0
    for name in ("source", "decision"):
        where = where & (columns[name] == given[name]) if given[name] else where
    if given["before"] > 0:
        where &= columns.id < given["before"]
    return where


def _line(row: Record, meant: Mapping[str, str]) -> dict[str, object]:
    """One alert; `playbook` is the one for incidents of its kind, which the form has chosen already."""
    alert, reasons = orjson.loads(row["body"]), orjson.loads(row["reasons"])
    word, playbook = DECISIONS.get(row["decision"], row["decision"]), meant.get(alert.get("incident_type") or "", "")
    return {**alert, **row, "reasons": reasons, "word": word, "playbook": playbook}


def _deliveries(runtime: Runtime) -> dict[str, tuple[int, str]]:
    """How often each source delivered, and when last."""
    from sqlalchemy import func

    columns = table(AlertRow).c
    query = select(columns.source, func.sum(columns.deliveries), func.max(columns.last_received_at))
    with runtime.world.store.engine.connect() as connection:
        return {row[0]: (int(row[1]), row[2]) for row in connection.execute(query.group_by(columns.source))}
