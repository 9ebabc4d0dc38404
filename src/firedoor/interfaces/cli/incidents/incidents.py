"""`run`, `incidents`, `status`, `timeline`, `facts` and `targets`: an incident from the outside.

Decides which calls these commands make and when they look again. Leaves how an
incident looks to `incident_page`.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from firedoor.interfaces.cli.terminal import dry_run_page, incident_page, render
from firedoor.interfaces.cli.terminal.client import Api, call
from firedoor.interfaces.cli.terminal.options import (
    AfterOption,
    FactOption,
    Format,
    FormatOption,
    IncidentArgument,
    LimitOption,
    PracticeOption,
    facts_from,
    pairs,
)
from firedoor.interfaces.shapes.dry_run import DryRun
from firedoor.interfaces.shapes.incident import Clocks, Facts, Incident, IncidentLine, Incidents, Timeline
from firedoor.interfaces.shapes.records import InventoryTarget, InventoryTargets

LOOK = 1.0  # seconds between two looks of --watch and --follow
ENDED = ("closed", "dismissed")


def run(  # noqa: PLR0917 - a command has as many parameters as options
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="A name or a file path.", show_default=False)],
    fact: FactOption = None,
    facts: Annotated[Path | None, typer.Option("--facts", metavar="FILE", help="Facts as YAML or JSON.")] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the incident; default: the playbook's title.")] = "",
    why: Annotated[str, typer.Option("--why", help="How the incident was noticed.")] = "started by hand",
    anyway: Annotated[
        str, typer.Option("--anyway", metavar="REASON", help="Start even though checks refuse it, with your reason.")
    ] = "",
    practice: PracticeOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Dry run: show what would happen, and open nothing.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay and show progress until the incident is closed.")
    ] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Open an incident and run a playbook on it. Prints the incident's id."""
    given = {**facts_from(facts), **pairs(fact, "--fact")}
    body = {
        "playbook": _named(playbook),
        "facts": given,
        "title": title,
        "why": why,
        **({"anyway": anyway} if anyway else {}),
        **({"practice": True} if practice else {}),
    }

    async def opened(api: Api) -> None:
        if dry_run:
            _dry(await api.post("/incidents", body, DryRun, dry_run="true"), written)
            return
        answer = await api.start(body)
        incident = str(answer["incident"])
        render.as_json(answer) if written is Format.JSON else render.plain(incident)
        sys.stdout.flush()
        for sentence in answer["in_spite"]:
            render.line(f"[yellow]{render.escape(sentence)}[/]", error=True)
        if follow:
            await _follow(api, incident)

    call(opened)


def _dry(answer: DryRun, written: Format) -> None:
    if written is Format.JSON:
        render.as_json(answer)
        return

    dry_run_page.write(answer)


def _named(playbook: str) -> str:
    """A path is made absolute, because the server may stand in another folder."""
    path = Path(playbook)
    return str(path.resolve()) if path.suffix in (".yaml", ".yml") else playbook


async def _follow(api: Api, incident: str) -> None:
    """Show each new entry of the timeline as it is written, and the tasks whenever they change."""
    seen, waiting = 0, ""

    while True:
        lines = incident_page.timeline_lines(await api.get(f"/incidents/{incident}/timeline", Timeline))
        for entry in lines[seen:]:
            render.line(entry)
        page = await api.get(f"/incidents/{incident}", Incident)
        tasks = incident_page.tasks_of(page)
        now = ",".join(str(task["number"]) for task in tasks)
        if now != waiting and tasks:
            render.line("\n[bold]open tasks[/]")
            incident_page.write_tasks(tasks)
            render.line()
        seen, waiting = len(lines), now
        if page["state"] in ENDED:
            return
        await asyncio.sleep(LOOK)


def incidents(
    everything: Annotated[bool, typer.Option("--all", help="Include closed incidents.")] = False,
    limit: LimitOption = 200,
    after: AfterOption = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """List incidents: open ones first, sorted by next deadline."""

    async def listed(api: Api) -> Incidents:
        chosen = {"limit": str(limit), "after": after} | ({} if everything else {"open": "true"})
        page = await api.get("/incidents", Incidents, **chosen)
        limits: dict[str, str] = {}
        for clock in (await api.get("/clocks", Clocks))["clocks"]:  # sorted by their limits
            if due := clock.get("due_at"):
                limits.setdefault(str(clock.get("incident")), due)
        rows: list[IncidentLine] = [{**row, "next_due": limits.get(row["id"])} for row in page["incidents"]]
        return {"incidents": rows, "next": page.get("next")}

    found = call(listed)
    if written is Format.JSON:
        render.as_json(found)
        return
    incident_page.write_list(found["incidents"], everything=everything)
    render.more(found, "incidents --all" if everything else "incidents")


def status(
    incident: IncidentArgument,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh every second until the incident is closed.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Show an incident: targets, legal deadlines, open tasks, progress."""
    call(lambda api: _watch(api, incident) if watch else _status(api, incident, written))


async def _status(api: Api, incident: str, written: Format) -> None:
    page = await api.get(f"/incidents/{incident}", Incident)
    render.as_json(page) if written is Format.JSON else incident_page.write(page)


async def _watch(api: Api, incident: str) -> None:
    """On a terminal one page that renews itself; in a pipe the page again whenever it has changed."""
    if sys.stdout.isatty():
        await _watch_live(api, incident)
    before: Incident | None = None
    while before is None or before["state"] not in ENDED:
        page = await api.get(f"/incidents/{incident}", Incident)
        if _without_time(page) != before:
            incident_page.write(page)
            sys.stdout.flush()
        before = _without_time(page)
        if page["state"] not in ENDED:
            await asyncio.sleep(LOOK)


async def _watch_live(api: Api, incident: str) -> None:
    """The page on the terminal's second screen, until the incident has ended; the last page stays on the first one."""
    from rich.live import Live
    from rich.text import Text

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            page = await api.get(f"/incidents/{incident}", Incident)
            live.update(Text.from_ansi(render.captured(partial(incident_page.write, page))), refresh=True)
            if page["state"] in ENDED:
                return
            await asyncio.sleep(LOOK)


def _without_time(page: Incident) -> Incident:
    """The page without what changes by itself every second."""
    return {**page, "clocks": [{**clock, "seconds_left": None} for clock in page["clocks"]]}


def timeline(incident: IncidentArgument, written: FormatOption = Format.TEXT) -> None:
    """Show the timeline of an incident, from its journal."""
    answer = call(lambda api: api.get(f"/incidents/{incident}/timeline", Timeline))
    if written is Format.JSON:
        render.as_json(answer)
        return
    render.line(f"[dim]times are local, {render.offset_now()}[/]")
    for entry in incident_page.timeline_lines(answer):
        render.line(entry)


def facts(
    incident: IncidentArgument,
    action: Annotated[
        str | None,
        typer.Argument(metavar="[set]", help="`set` changes facts; leave out to show them.", show_default=False),
    ] = None,
    values: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", show_default=False)] = None,
    why: Annotated[str, typer.Option("--why", help="Why they change; required for `set`.")] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Show the facts of an incident, or set some; conditions and deadlines are recalculated."""
    if action not in (None, "set"):
        raise typer.BadParameter("write `set` before the facts", param_hint="[set]")
    if action == "set" and not values:
        raise typer.BadParameter("which facts? write NAME=VALUE", param_hint="[NAME=VALUE]...")
    path = f"/incidents/{incident}/facts"
    body = {"facts": pairs(values, "set"), "why": why}

    async def shown(api: Api) -> Facts:
        if action:
            await api.post(path, body, object)
        return await api.get(path, Facts)

    answer = call(shown)
    render.as_json(answer) if written is Format.JSON else incident_page.write_facts(answer["facts"])


def targets(
    action: Annotated[
        str | None,
        typer.Argument(metavar="[import]", help="Propose targets from a system.", show_default=False),
    ] = None,
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="Of which system, such as kubernetes.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The inventory to add to; entries in it stay.", show_default=False),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="How to reach the system. Repeat it.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Renew entries that are found again; comments go.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """List targets, their doors and probes; or propose targets from a system for review."""
    if action is not None:
        from firedoor.interfaces.cli.playbooks.importing import import_targets

        if action != "import":
            raise typer.BadParameter("write `import` and a kind of system", param_hint="[import]")
        import_targets(kind, out, pairs(given, "set"), written, force=force)
        return

    answer = call(lambda api: api.get("/targets", InventoryTargets))
    if written is Format.JSON:
        render.as_json(answer)
        return
    found = answer["targets"]
    if not found:
        render.line("no targets: set FIREDOOR_TARGETS to your inventory file")
    render.table([_target(target) for target in found], ("target", "kind", "state", "doors", "neighbours", "title"))


def _target(target: InventoryTarget) -> list[str]:
    doors = ", ".join(str(door["name"]) if isinstance(door, dict) else str(door) for door in target.get("doors", ()))
    state = "suspended" if target.get("suspended") else ""
    neighbours = ", ".join(target.get("neighbours") or ()) or "[yellow]none[/]"
    return [
        f"[bold]{render.escape(target['id'])}[/]",
        str(target.get("kind", "")),
        state,
        doors,
        neighbours,
        render.escape(target.get("title") or ""),
    ]
