"""Tasks: what waits for people, and their answers.

Decides that a task is named by its number (`3`, `T3`) or its id, and that the one who
answers is the token's holder. Leaves whether an answer is accepted to `core.people`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.tasks.answers import Answer
from firedoor.interfaces.web.http.filters import need_word
from firedoor.interfaces.web.http.paging import After, Order
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.reading import serializers
from firedoor.interfaces.web.reading.reading import read
from firedoor.interfaces.web.reading.redaction import readable_page
from firedoor.interfaces.web.reading.search import OfIncident
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.store.database.sql import table
from firedoor.store.database.tables import MessageRow, TaskRow

router = APIRouter(prefix="/api/v1", tags=["tasks"])


class GivenAnswer(BaseModel):
    """An answer to a task. `facts` are values that the task asks for, `fields` are words that the choice requires."""

    model_config = ConfigDict(extra="forbid")

    choice: str = Field(max_length=100, examples=["yes"])
    why: str = Field(max_length=5000, examples=["The record matches a real customer; checked by hash."])
    facts: dict[str, object] = Field(default_factory=dict, max_length=200, examples=[{"people_affected": "1..500"}])
    fields: dict[str, str] = Field(default_factory=dict, examples=[{"reference": "ICO-2026-4711"}])
    role: str | None = Field(
        default=None, description="In which of one's roles; needed only by those who have several."
    )


@router.get("/tasks", summary="What waits for people, the most urgent first")
async def list_tasks(
    runtime: Running, caller: Asking, incident: OfIncident, role: str | None = None, state: str = "open",
    limit: Annotated[int, Query(ge=1, le=1000)] = 500, after: After = "",
) -> Response:  # fmt: skip
    """Tasks of all incidents. `state` is open, decided or withdrawn. `next` is the `after` of the following page."""
    need_word("state", state, ("open", "decided", "withdrawn"))
    state = state or "open"
    await _need_role(runtime, role)
    columns = table(TaskRow).c
    where = columns.state == state
    for name, value in (("role", role), ("incident", incident)):
        where = where if value is None else where & (columns[name] == value)
    order = Order((columns.due_at, columns.incident, columns.id))
    rows, following = await readable_page(runtime, caller, TaskRow, where, order, limit, after)
    now = runtime.world.now()
    return answer({"tasks": [serializers.task_row(row, now) for row in rows], "next": following})


@router.get("/incidents/{incident}/tasks", summary="The tasks of an incident")
async def incident_tasks(incident: str, runtime: Running, caller: Asking, open: bool | None = None) -> Response:  # noqa: A002, FBT001
    """Every task with its choices, what each of them means, and the answers so far."""
    found = await read(runtime, incident, caller)
    now = runtime.world.now()
    shown = [
        serializers.task(found.view, one, now) for one in found.view.tasks.values() if open is None or one.open == open
    ]
    return answer({"incident": incident, "tasks": found.show(shown)})


@router.post("/incidents/{incident}/tasks/{task:path}/answer", summary="Answer a task")
async def answer_task(
    incident: str, task: str, given: Annotated[GivenAnswer, Body()], runtime: Running, caller: Asking
) -> Response:
    """Decide. The journal keeps who chose what, when, why, and the state of the record that was seen."""
    person = caller.within(await runtime.service.view(incident)) if caller.local else caller.person
    chosen = Answer(given.choice, given.why, given.facts, given.fields, given.role)
    view = await runtime.service.answer(incident, task, chosen, person)
    answered = view.task(task)
    assert answered is not None  # noqa: S101 - it was answered just now
    return answer(
        {"incident": incident, "task": answered.id, "name": f"T{answered.number}", "decided": answered.decided,
         "answers": len(answered.answers), "approvals": answered.approvals, "state": str(view.state)}
    )  # fmt: skip


async def _need_role(runtime: Running, role: str | None) -> None:
    if role:
        await asyncio.to_thread(lambda: runtime.roles.covering({role}).need_known({role}, "role"))


@router.get("/messages", summary="Messages to roles, newest first")
async def list_messages(
    runtime: Running, caller: Asking, incident: OfIncident, role: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: After = "",
) -> Response:  # fmt: skip
    """What was sent to people inside the organisation. `next` is the `after` of the following page."""
    await _need_role(runtime, role)
    columns = table(MessageRow).c
    where = None
    for name, value in (("role", role), ("incident", incident)):
        if value is not None:
            same = columns[name] == value
            where = same if where is None else where & same
    order = Order((columns.at, columns.incident, columns.seq, columns.role), newest_first=True)
    rows, following = await readable_page(runtime, caller, MessageRow, where, order, limit, after)
    return answer({"messages": rows, "next": following})
