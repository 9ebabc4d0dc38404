"""`drill`: rehearse playbooks with their own drills; no network, no database, no Prefect.

Decides how a rehearsal is told. Leaves rehearsing to the runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.core.json_types import JsonObject
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.playbook.playbook import Playbook
    from firedoor.runtime.rehearsal.drill import DrillResult


def drill(
    playbook: Annotated[
        str | None, typer.Argument(metavar="[PLAYBOOK]", help="A name or a file; all if omitted.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="DRILL", help="Only this drill.")] = None,
    story: Annotated[bool, typer.Option("--story", help="Show the steps in order.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Run playbook drills: simulated time, answers and targets. Exit 1 if one fails."""
    from firedoor.duties.catalogue import catalogue
    from firedoor.runtime.config import playbooks
    from firedoor.runtime.process.application import read_sources
    from firedoor.runtime.rehearsal.drill import Around, rehearse_all
    from firedoor.runtime.service.playbook_cache import Shelf

    shelf = Shelf()
    shelf.refresh()
    around = Around(tuple(shelf.startable()), read_sources(load_settings()))
    chosen = [playbooks.load_playbook(playbook)] if playbook else list(playbooks.all_playbooks().values())
    results: list[DrillResult] = []
    for book in chosen:
        results += rehearse_all(book, playbooks.compiled(book.source.file), catalogue(), name, around)
        if written is Format.TEXT:
            for result in results[-_count(book, name) :] if _count(book, name) else []:
                _write(result, story=story)
    if not results:
        _none(chosen, name)
    if written is Format.JSON:
        render.as_json([_as_json(result) for result in results])
    else:
        wrong = sum(not result.passed for result in results)
        render.line(
            f"[bold red]{wrong} of {len(results)} drills failed[/]"
            if wrong
            else f"[green]{len(results)} drills passed[/]"
        )
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


def _count(book: Playbook, name: str | None) -> int:
    return sum(name in (None, drill.drill) for drill in book.header.drills)


def _write(result: DrillResult, *, story: bool) -> None:
    word = "[green]passed[/]" if result.passed else "[bold red]failed[/] "
    came_of_it = f"[dim]{len(result.entries)} entries, {result.view.state}[/]"
    render.line(f"{word}  [bold]{result.playbook}[/]  {render.escape(result.drill)}  {came_of_it}")
    for mismatch in result.mismatches:
        render.plain(render.paragraph(mismatch))
    for told in result.story() if story else ():
        render.plain(f"    {told}")


def _as_json(result: DrillResult) -> JsonObject:
    return {
        "playbook": result.playbook,
        "drill": result.drill,
        "passed": result.passed,
        "mismatches": list(result.mismatches),
        "state": str(result.view.state),
        "entries": len(result.entries),
        "story": list(result.story()),
    }


def _none(chosen: list[Playbook], name: str | None) -> None:
    from firedoor.core.problems import NotFound, Problem, nearest

    known = [drill.drill for book in chosen for drill in book.header.drills]
    what = f'no drill is called "{name}"' if name else "the playbook has no drills"
    raise NotFound(
        Problem(code="P142", message=what, do=nearest(name or "", known) if known else "write one under `drills:`")
    )
