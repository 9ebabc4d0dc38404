"""Steering a run, and tasks beyond answering them: pass on, take over, break the glass, make a link.

Decides nothing: who may do what is in `access` and in the core, and what an action would
lead to is worked out there. With `dry_run` the consequences are told and nothing is done.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.execution.run_control import Action
from firedoor.core.incident.view import IncidentView
from firedoor.core.tasks.answers import Answer
from firedoor.interfaces.web.api.tasks import GivenAnswer
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.runtime.service.answer_links import Asked

router = APIRouter(prefix="/api/v1", tags=["tasks"])

TASK = "/incidents/{incident}/tasks/{task:path}"
WHY = "The dpo's telephone is off."


class Why(BaseModel):
    """A reason; it stands in the journal beside the name."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=5000, examples=[WHY])


class Reassign(Why):
    """To whom a task goes."""

    role: str = Field(max_length=100, examples=["manager"])


class MakeLink(BaseModel):
    """Who answers by the link, what, and how long it lives. It goes to that person and is shown to nobody else."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(max_length=100, examples=["cleo@example.org"], description="The account whose answer it will be.")
    role: str = Field(max_length=100, examples=["dpo"])
    choice: str | None = Field(default=None, max_length=100, description="The only answer it gives; any, if left out.")
    hours: float = Field(default=2, examples=[2], description="How long it lives; at most 72.")


class Steer(Why):
    """What is done to the run. `operation` is needed by skip, redo and by-hand."""

    action: Action
    operation: str = Field(default="", max_length=500, examples=["containment.preserve.request-log"])
    dry_run: bool = Field(default=False, description="Tell the consequences, and do nothing.")
    why: str = Field(default="", max_length=5000, examples=["The gateway team asked us to wait."])


@router.post(f"{TASK}/reassign", summary="Give a task to another role")
async def reassign(
    incident: str, task: str, given: Annotated[Reassign, Body()], runtime: Running, caller: Asking
) -> Response:
    """Whoever passes a decision on may not take it. Both roles are told."""
    view = await runtime.service.reassign(incident, task, given.role, given.why, caller.person)
    return answer(_task(view, task))


@router.post(f"{TASK}/claim", summary="Take a task over by name")
async def claim(incident: str, task: str, given: Annotated[Why, Body()], runtime: Running, caller: Asking) -> Response:
    """Nobody else answers it until it escalates, or somebody else takes it over."""
    person = caller.within(await runtime.service.view(incident))
    return answer(_task(await runtime.service.claim(incident, task, given.why, person), task))


@router.post(f"{TASK}/break-glass", summary="Answer a task without its role")
async def break_glass(
    incident: str, task: str, given: Annotated[GivenAnswer, Body()], runtime: Running, caller: Asking
) -> Response:
    """Told to every role, and reviewed by somebody else before the incident ends. Never for an approval.

    That a clock is not needed is only proposed this way: it runs on until somebody who may decide it agrees.
    """
    chosen = Answer(given.choice, given.why, given.facts, given.fields)
    view = await runtime.service.break_glass(incident, task, chosen, caller.person)
    return answer(_task(view, task))


@router.post(f"{TASK}/link", status_code=201, summary="Send a link that answers a task once")
async def make_link(
    incident: str, task: str, given: Annotated[MakeLink, Body()], request: Request, runtime: Running, caller: Asking
) -> Response:
    """To the e-mail address or Slack user of an account that has the role. The link is in no answer."""
    house = runtime.settings.address(request.app.state.url)
    asked = Asked(task, given.role, given.to, given.hours, house, given.choice)
    sent = await runtime.service.answer_link(incident, asked, caller.person)
    return answer(
        {"incident": incident, "link": sent.id, "to": sent.to, "sent_by": sent.messenger,
         "expires_at": sent.expires_at.isoformat()}, 201,
    )  # fmt: skip


@router.post(
    "/incidents/{incident}/control", summary="Pause, unpause, skip, redo, by-hand or abort", tags=["incidents"]
)
async def steer(incident: str, given: Annotated[Steer, Body()], runtime: Running, caller: Asking) -> Response:
    """With `dry_run`, what it would lead to. Clocks run on whatever is done here."""
    service, person = runtime.service, caller.person
    if given.dry_run:
        said = await service.foresee(given.action, incident, given.operation, person)
        return answer({"incident": incident, "action": given.action, "consequences": said, "done": False})
    view = await service.steer(given.action, incident, given.operation, given.why, person)
    return answer(
        {"incident": incident, "action": given.action, "done": True, "state": str(view.state),
         "paused": view.paused is not None, "aborted": view.aborted is not None}
    )  # fmt: skip


def _task(view: IncidentView, name: str) -> dict[str, object]:
    task = view.task(name)
    assert task is not None  # noqa: S101 - something was done to it just now
    return {
        "incident": view.id, "task": task.id, "name": f"T{task.number}", "roles": sorted(task.roles),
        "claimed_by": task.claimed_by, "decided": task.decided,
    }  # fmt: skip
