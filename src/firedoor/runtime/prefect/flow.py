"""A playbook as a Prefect flow: its own name, its facts as the form, one task run for each operation.

Decides what a flow run does from its first line to its last: find the incident or have a person asked to open it, let
the conductor drive it, show what there is to see, then complete, or wait without holding a process. Leaves the
driving to the `Host`.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import inspect
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from firedoor.core.facts import FactDefinition
from firedoor.core.playbook.playbook import Playbook
from firedoor.core.problems import NotFound
from firedoor.runtime.execution.performer import RESTRICTED, Host, Json, current_host
from firedoor.runtime.prefect.form import facts_form, given_facts
from firedoor.runtime.prefect.task_run_performer import Stage
from firedoor.runtime.prefect.waiting import CANCELLED, waiting, waiting_is_no_error

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun

FLOWS = "firedoor.flows"  # one module for each playbook that ships
ENTRYPOINTS = f"{FLOWS}.respond"  # the module whose attributes are the flows of all other playbooks
NAME = re.compile(r"[a-z][a-z0-9-]*")  # of a playbook that ships; anything else is a path
ASKED = "a responder is asked in Firedoor"  # the name of a run whose incident nobody has agreed to open yet
POLL = 2.0  # seconds between two looks at the journal where a run cannot be suspended

log = logging.getLogger(__name__)


class PlaybookLike(Protocol):
    """What is needed of a playbook, whatever else it is."""

    @property
    def name(self) -> str:
        """The name of its flow."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def title(self) -> str:
        """What it is for, in a few words."""

    @property
    def facts(self) -> Mapping[str, FactDefinition]:
        """The facts that it asks for, by name."""

    @property
    def source(self) -> str:
        """Its name, or the path of its file."""


@dataclass(frozen=True)
class PlaybookForm:
    """A compiled playbook as Prefect needs it, see `PlaybookLike`."""

    name: str
    version: str
    title: str
    facts: Mapping[str, FactDefinition]
    source: str


# What only some need to know about is shown as a run of this, which has no form: such an incident begins in Firedoor.
NEUTRAL = PlaybookForm(RESTRICTED, "1", "An incident that only some need to know about", {}, RESTRICTED)

Given = PlaybookLike | Playbook | str | Path


def compile_flow(playbook: Given) -> Flow[..., object]:
    """Return a Prefect flow for a playbook: the name of one that ships, the path of a YAML file, or one that was read.

    The flow is async. Parameters, all optional: `facts`, `title` and `why` open a new incident; `incident` conducts
    one that exists. Await it, `serve` it or `deploy` it like any other flow. Raises InvalidInput with every problem
    of the playbook, or NotFound.
    """
    form = playbook_form(playbook)
    made = _flow(form)
    return _written_out(form, made) or made


def _written_out(playbook: PlaybookLike, made: Flow[..., object]) -> Flow[..., object] | None:
    """The flow that stands in `flows/` under the playbook's name, where it asks for what the playbook asks for.

    An organisation's own playbook may have the name of one that ships, and other facts: then nothing is found.
    """
    if not NAME.fullmatch(playbook.source):
        return None
    attribute = entrypoint_name(playbook.source)
    try:
        module = importlib.import_module(f"{FLOWS}.{attribute}")
    except ModuleNotFoundError:
        return None
    found: Flow[..., object] | None = getattr(module, attribute, None)
    same = found is not None and (found.version, found.parameters) == (made.version, made.parameters)
    return found if same else None


def playbook_form(playbook: Given) -> PlaybookLike:
    """Return what the form and the flow of a playbook need; compile it first. Raises InvalidInput or NotFound."""
    if playbook == RESTRICTED:
        return NEUTRAL
    if isinstance(playbook, Playbook):
        playbook = Path(playbook.source.file)
    if not isinstance(playbook, (str, Path)):
        return playbook
    from firedoor.runtime.config.playbooks import compiled, load_playbook

    read = load_playbook(playbook)
    compiled(playbook)  # a playbook with a problem is refused here, not when an incident needs it
    return PlaybookForm(read.name, read.version, read.title, read.facts, _source(playbook, read.name))


def _source(playbook: str | Path, name: str) -> str:
    """Return the name where the library finds the same file by it, else the absolute path."""
    from firedoor.runtime.config.playbooks import find

    path = find(playbook).resolve()
    try:
        return name if find(name).resolve() == path else str(path)
    except NotFound:
        return str(path)


def entrypoint_name(playbook: str) -> str:
    """Return the name of this playbook's flow in any other process: in a module of its own, or in `flows.respond`."""
    if NAME.fullmatch(playbook):
        return playbook.replace("-", "_")
    path = str(Path(playbook).resolve())
    return "Path_" + base64.b32encode(path.encode()).decode().rstrip("=").lower()


def addresses(playbook: str) -> tuple[str, str]:
    """Return the entrypoints that a playbook's deployment may have: its own module's, and that in `flows.respond`."""
    attribute = entrypoint_name(playbook)
    return f"{FLOWS}.{attribute}.{attribute}", f"{ENTRYPOINTS}.{attribute}"


def playbook_of(attribute: str) -> str:
    """Return the name or the path that `entrypoint_name` made this attribute from."""
    if attribute.startswith("Path_"):
        encoded = attribute.removeprefix("Path_").upper()
        return base64.b32decode(encoded + "=" * (-len(encoded) % 8)).decode()
    return attribute.replace("_", "-")


def _flow(playbook: PlaybookLike) -> Flow[..., object]:
    from prefect import Flow

    form, source = facts_form(playbook.name, playbook.facts), playbook.source

    async def respond(facts: object = None, title: str = "", why: str = "", incident: str | None = None) -> str:
        return await conduct_run(source, given_facts(facts), title, why, incident)

    signature, attribute = _signature(form), entrypoint_name(source)
    respond.__signature__ = signature  # type: ignore[attr-defined]
    respond.__annotations__ = {name: given.annotation for name, given in signature.parameters.items()}
    respond.__doc__ = _description(playbook)
    respond.__module__, respond.__name__, respond.__qualname__ = ENTRYPOINTS, attribute, attribute
    return Flow(respond, name=playbook.name, version=playbook.version, persist_result=False, retries=0)


def _signature(form: type[object]) -> inspect.Signature:
    def parameter(name: str, annotation: object, default: object) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)

    return inspect.Signature(
        [
            parameter("facts", form, form()),
            parameter("title", str, ""),
            parameter("why", str, ""),
            parameter("incident", str | None, None),
        ],
        return_annotation=str,
    )


def _description(playbook: PlaybookLike) -> str:
    return f"""{playbook.title}

    Args:
        facts: What is known. What is left empty stays unknown and is asked for.
        title: What happened, in a few words.
        why: Why this playbook is started; kept in the incident's journal.
        incident: The id of an incident that is already open. Leave it empty to ask a responder to open a new one.
    """


async def conduct_run(playbook: str, facts: Json, title: str, why: str, incident: str | None) -> str:
    """Be the function of the current flow run, from its first line to its last. Return the incident's id."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("a compiled playbook runs as a Prefect flow; call the flow, not its function")
    host, run = current_host(), context.flow_run
    incident_id = await _incident(host, run, (playbook, facts, title, why), incident)
    await _name_run(run, incident_id)
    stage = Stage(run.id, await _shown_before(run))
    while True:
        outcome = await host.conduct(incident_id, stage.perform, stage.shown)
        await stage.settle()
        if outcome == "closed" or (outcome == "waiting" and run.deployment_id):
            await _show_views(host, run, incident_id)
        if outcome == "closed":
            return incident_id
        await _wait(run, outcome)


async def _incident(host: Host, run: FlowRun, asked: tuple[str, Json, str, str], incident: str | None) -> str:
    """The incident that the run conducts. Whoever names one must have a run of it; otherwise a person agrees first."""
    playbook, facts, title, why = asked
    if incident:
        await host.admit(incident, playbook, str(run.id))
        return incident
    deployed = run.deployment_id is not None
    while (opened := await host.open_incident(playbook, facts, title, why, str(run.id), deployed=deployed)) is None:
        await _name_run(run, ASKED)
        await _wait(run, "waiting")
    return opened


async def _wait(run: FlowRun, outcome: str) -> None:
    """Let the run wait and hold no process; without a deployment, or behind another driver, look again later."""
    from prefect.exceptions import Abort

    if run.deployment_id is None:
        await asyncio.sleep(POLL)
    elif outcome == "waiting":
        await _leave_waiting(run)
    else:
        raise Abort("another process drives this incident; the run's state is left as it is")


async def _leave_waiting(run: FlowRun) -> None:
    """Put the run into its waiting state and leave it: always raises Pause.

    Prefect's own `suspend_flow_run` does this as well, without a word of what is waited for. Where somebody has
    cancelled the run meanwhile it refuses; the incident is the truth, so it waits all the same, and says so.
    """
    from prefect import get_client
    from prefect.exceptions import Abort, Pause
    from prefect.states import Failed
    from prefect.utilities.engine import propose_state

    waiting_is_no_error()
    async with get_client() as client:
        try:
            state = await propose_state(client, waiting(), flow_run_id=run.id)
        except Abort as error:
            state = Failed(message=str(error))
        if not state.is_paused():
            state = waiting(CANCELLED)
            await client.set_flow_run_state(run.id, state, force=True)
    raise Pause(state=state)


async def _name_run(run: FlowRun, incident_id: str) -> None:
    if run.name != incident_id:
        from prefect import get_client

        async with get_client() as client:
            await client.set_flow_run_name(run.id, incident_id)


async def _shown_before(run: FlowRun) -> frozenset[UUID]:
    """Return the task runs that an earlier attempt of this run has left finished."""
    if run.run_count == 1 and not run.empirical_policy.pause_keys:
        return frozenset()
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    async with get_client() as client:
        found = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])), limit=200)
    return frozenset(task_run.id for task_run in found if task_run.state and task_run.state.is_final())


async def _show_views(host: Host, run: FlowRun, incident_id: str) -> None:
    """Write the artifacts of the run. They are for looking at; that they fail must not stop a run."""
    from prefect import get_client

    from firedoor.runtime.prefect.artifacts import show

    try:
        views = await host.views(incident_id)
        async with get_client() as client:
            await show(client, run.id, incident_id, views)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run matters more
        log.warning("the artifacts of %s were not written: %s", incident_id, error)
