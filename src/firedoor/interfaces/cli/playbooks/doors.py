"""`suspend`, `verify` and `resume`: one target, by hand.

Decides that a door closed by hand is on record like any other: `suspend` opens an
incident with a playbook of two steps, whose second step is the way back, and `resume`
answers that step. `verify` only looks, from where callers are, and needs no server.
Leaves closing and proving to the runtime and the connectors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from firedoor.interfaces.cli.terminal import incident_page, render
from firedoor.interfaces.cli.terminal.client import Api, call, load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, PracticeOption, WhyOption, told
from firedoor.interfaces.shapes.incident import AskedToOpen, Incident, Incidents, Task
from firedoor.interfaces.shapes.records import HeldTargets, InventoryTargets

if TYPE_CHECKING:
    from firedoor.core.ports import ProbeResult, Verdict
    from firedoor.core.problems import FiredoorError

PLAYBOOK = Path(__file__).with_name("close-a-door.yaml")
NAME = "close-a-door"
RESUME = "remediation.resume"
PATIENCE = 90.0  # seconds for a door to be proved closed or open: two time-outs of a connector
LOOK = 0.1
RESCUES = ("rescue", "fault")  # the kinds of tasks about something that failed
OVER = ("suspended", "by_hand", "resumed", "failed")

TargetArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help="An id that `targets` shows.", show_default=False)
]


def suspend(
    target: TargetArgument, why: WhyOption = "", practice: PracticeOption = False, written: FormatOption = Format.TEXT
) -> None:
    """Close a target now and verify it. Opens an incident with the record and the way back."""
    _need_why(why)

    async def closed(api: Api) -> Incident:
        await _known(api, target, to_close=True)
        body = {
            "playbook": str(PLAYBOOK),
            "facts": {"endpoint": target},
            "title": f"Close {target} by hand",
            "why": why,
            **({"practice": True} if practice else {}),
        }
        incident = str((await api.start(body))["incident"])
        return await _settled(api, incident, target)

    _told(call(closed), target, "suspended", written)


def resume(target: TargetArgument, why: WhyOption = "", written: FormatOption = Format.TEXT) -> None:
    """Reopen what `suspend` or a closed incident keeps closed, as it was before, and verify it."""
    _need_why(why)

    async def opened(api: Api) -> Incident:
        await _known(api, target)
        left_closed = await _ended_holder(api, target)
        if left_closed:
            began = int((await api.get(f"/incidents/{left_closed}", Incident))["head"]["seq"])
            asked = await api.post(f"/incidents/{left_closed}/targets/{target}/open", {"why": why}, AskedToOpen)
            if not asked["agreed"]:
                raise _more_people(left_closed, target, int(asked["people_missing"]))
            return await _settled(api, left_closed, target, before=("suspended", "drifted", "unseen"), began=began)
        page = await _holder(api, target)
        task, choice = _way_back(page, target)
        path = f"/incidents/{page['id']}/tasks/{task['number']}/answer"
        await api.post(path, {"choice": choice, "why": why}, object)
        return await _settled(api, str(page["id"]), target, before=("suspended", "drifted", "unseen", "failed"))

    _told(call(opened), target, "resumed", written)


def verify(target: TargetArgument, written: FormatOption = Format.TEXT) -> None:
    """Check from outside whether a target and its neighbours answer. Changes nothing."""
    verdict = asyncio.run(_look(target))
    own = [str(probe.serving) for probe in verdict.probes if probe.what == "target"]
    word = {"yes": "answers", "no": "refuses"}.get(own[0] if own else "unknown", "unknown")
    if written is Format.JSON:
        render.as_json({"target": target, "is": word, "verdict": verdict.model_dump(mode="json")})
    else:
        render.line(f"[bold]{render.escape(target)}[/]  {render.styled(word)}")
        words = {"yes": "answers", "no": "refuses", "unknown": "unknown"}
        rows = [[p.what, f"[bold]{p.name}[/]", words[str(p.serving)], _detail(p)] for p in verdict.probes]
        render.table(rows, indent=2)
        for note in verdict.notes:
            render.plain(render.paragraph(note))
    raise typer.Exit(0 if word != "unknown" else 4)


def _detail(probe: ProbeResult) -> str:
    return render.escape(" ".join(part for part in (str(probe.status or ""), probe.detail) if part))


async def _look(name: str) -> Verdict:
    from firedoor.connectors.parts.context import ConnectorContext, open_client
    from firedoor.connectors.parts.opened import OpenConnectors
    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.config.inventory import read_inventory
    from firedoor.runtime.config.secrets import ReferencedSecrets

    settings = load_settings()
    inventory = read_inventory(settings.targets_file)
    if name not in inventory.targets:
        _unknown(name, inventory.targets)
    target = inventory.targets[name]
    client = open_client(settings.certificates)
    connectors = OpenConnectors(ConnectorContext(client, ReferencedSecrets(), utc_now, inventory))
    try:
        return await connectors[target.doors[0].connector].verify(target, target.doors[0], "refused")
    finally:
        await client.aclose()


async def _known(api: Api, name: str, *, to_close: bool = False) -> None:
    known = {target["id"]: target for target in (await api.get("/targets", InventoryTargets))["targets"]}
    if name not in known:
        _unknown(name, known)
    if to_close and known[name].get("never_suspend"):
        message = f"{name} is never suspended by Firedoor: {known[name].get('because')}"
        raise told("Refused", "K502", message, "close what misuses it instead")


async def _ended_holder(api: Api, target: str) -> str:
    """The ended incident that keeps the target closed, if no open one does."""
    holders = [
        str(one["incident"]) for one in (await api.get("/holds", HeldTargets))["holds"] if one["target"] == target
    ]
    states = [(one, (await api.get(f"/incidents/{one}", Incident))["state"]) for one in holders]
    ended = [one for one, state in states if state in ("closed", "dismissed")]
    return ended[0] if ended and len(ended) == len(holders) else ""


def _more_people(incident: str, target: str, missing: int) -> FiredoorError:
    message = f"{target} stays closed until {missing} more of its people agree"
    do = f"they say: firedoor resume {target} --why ...   (it is a task of {incident}, too)"
    return told("Refused", "U131", message, do)


def _unknown(name: str, known: Collection[str]) -> NoReturn:
    from firedoor.core.problems import NotFound, Problem, nearest

    do = nearest(name[:80], known) if known else "describe it in the inventory that FIREDOOR_TARGETS names"
    raise NotFound(Problem(code="N104", message=f'the inventory has no target "{name[:80]}"', do=do))


async def _holder(api: Api, target: str) -> Incident:
    """The open incident that holds the target closed. Raises Refused when that is not ours to open."""
    rows = (await api.get("/incidents", Incidents, open="true"))["incidents"]
    pages = [await api.get(f"/incidents/{row['id']}", Incident) for row in rows]
    holding = [page for page in pages if _state(page, target) in ("suspended", "by_hand")]
    ours = [page for page in holding if page["playbook"]["name"] == NAME]
    if ours:
        return ours[0]
    message = f"no door of {target} was closed by `firedoor suspend`"
    do = "`firedoor verify` says whether it is closed at all"
    if holding:
        message = f"{target} is held closed by {holding[0]['id']}"
        do = "it opens with that incident's own task for resuming, when its people have agreed"
    raise told("Refused", "U130", message, do)


def _way_back(page: Incident, target: str) -> tuple[Task, str]:
    """The question that opens the target again, and the answer: consent, or another try where opening failed.

    Raises Refused where nobody is asked now, saying what waits instead.
    """
    for task in page["tasks"]:
        if task["op"] == f"{RESUME}.approve":
            return task, "approve"
        if task["kind"] in RESCUES and str(task["op"]).startswith(RESUME):
            return task, "retry"
    waits = ", ".join(f"T{task['number']}" for task in page["tasks"]) or "no open tasks"
    message = f"{page['id']} does not ask now whether {target} is opened"
    do = f"it may be opening: see `firedoor status {page['id']}` ({waits}), then try again"
    raise told("Refused", "U132", message, do)


def _state(page: Incident, target: str) -> str:
    return next((str(found["state"]) for found in page["targets"] if found["target"] == target), "")


def _failed(page: Incident, target: str, began: int) -> bool:
    """Whether an attempt after that entry has failed: an incident that has ended asks nobody by a task of rescue."""
    events = [event for one in page["targets"] if one["target"] == target for event in one["events"]]
    return any(event["status"] == "failed" and event["seq"] > began for event in events)


async def _settled(
    api: Api, incident: str, target: str, before: tuple[str, ...] = (), began: int | None = None
) -> Incident:
    """Wait until the door is proved closed or open, or cannot be; `began` is the entry before the attempt."""
    until = time.monotonic() + PATIENCE
    while True:
        page = await api.get(f"/incidents/{incident}", Incident)
        state = _state(page, target)
        stuck = any(task["kind"] in RESCUES for task in page["tasks"])
        stuck = stuck or (began is not None and _failed(page, target, began))
        if stuck or (state in OVER and state not in before) or time.monotonic() > until:
            return page
        await asyncio.sleep(LOOK)


def _told(page: Incident, target: str, wanted: str, written: Format) -> None:
    """Say what was proved; anything but what was wanted is exit code 4."""
    if written is Format.JSON:
        render.as_json(page)
    else:
        render.line(incident_page.headline(page))
        incident_page.write_targets(page["targets"])
        rescue = [task for task in page["tasks"] if task["kind"] in RESCUES]
        incident_page.write_tasks(rescue)
    raise typer.Exit(0 if _state(page, target) in (wanted, "by_hand") else 4)


def _need_why(why: str) -> None:
    if not why.strip():
        do = 'say why, for example --why "it answers with customers\' data"'
        raise told("InvalidInput", "T109", "a reason is needed", do)
