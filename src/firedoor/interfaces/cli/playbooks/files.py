"""`check`, `show` and `playbooks`: the commands that read files and need no server.

Decides how problems and plans are written. Leaves finding problems to `checking`
and drawing to `plans`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.options import Format, FormatOption


class CheckFormat(StrEnum):
    """How `check` writes."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class ShowFormat(StrEnum):
    """How `show` writes."""

    TEXT = "text"
    MERMAID = "mermaid"
    JSON = "json"


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Files or folders; without any, whatever this installation reads.",
            show_default=False,
        ),
    ] = None,
    written: Annotated[CheckFormat, typer.Option("--format", help="sarif is what code hosts read.")] = CheckFormat.TEXT,
) -> None:
    """Check playbooks, parts, inventories and profiles for errors. Exit 1 if there are any.

    Without a path: the playbooks, inventory, organisation profile and alert mappings of this installation, and
    whether others on this machine can reach what Firedoor keeps.
    """
    from firedoor import __version__
    from firedoor.interfaces.cli.playbooks import checking

    files = checking.files_of(paths or [])
    found = [*([] if paths else checking.problems_of_installation()), *checking.problems_in(files)]
    wrong = [problem for problem in found if problem.severity == "error"]
    if written is CheckFormat.SARIF:
        render.as_json(checking.sarif(found, __version__))
    elif written is CheckFormat.JSON:
        render.as_json(
            {"files": [str(file) for file in files], "problems": [problem.model_dump(mode="json") for problem in found]}
        )
    else:
        _write_problems(found, files, len(wrong))
    raise typer.Exit(1 if wrong else 0)


def _write_problems(found: list, files: list[Path], wrong: int) -> None:  # type: ignore[type-arg]
    for problem in found:
        word = "" if problem.severity == "error" else "[yellow]warning:[/] "
        render.line(
            f"[bold]{render.escape(problem.place)}[/] {word}{render.escape(problem.message)} [dim]\\[{problem.code}][/]"
        )
        if problem.do:
            render.plain(render.paragraph(problem.do))
    looked = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    warned = len(found) - wrong
    more = f", {warned} warning{'' if warned == 1 else 's'}" if warned else ""
    render.line(
        f"[bold red]{wrong} problem{'' if wrong == 1 else 's'}[/] in {looked}{more}"
        if wrong
        else f"[green]{looked}: no problems[/]{more}"
    )


def show(
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="A name or a file path.", show_default=False)],
    written: Annotated[ShowFormat, typer.Option("--format", help="mermaid draws it on code hosts.")] = ShowFormat.TEXT,
) -> None:
    """Show a playbook's compiled plan: operations by phase, tasks and dependencies."""
    from firedoor.interfaces.cli.terminal import plans
    from firedoor.runtime.config import playbooks as library

    plan = library.compiled(playbook)
    if written is ShowFormat.JSON:
        render.as_json({**plan.model_dump(mode="json"), "digest": plan.digest})
    elif written is ShowFormat.MERMAID:
        render.plain(plans.mermaid(plan))
    else:
        plans.write(plan)


def playbooks(written: FormatOption = Format.TEXT) -> None:
    """List playbooks and the incident type each is for."""
    from firedoor.runtime.config import playbooks as library

    found = library.all_playbooks().values()
    if written is Format.JSON:
        render.as_json(
            [
                {
                    "playbook": p.name,
                    "version": p.version,
                    "title": p.title,
                    "incident": str(p.incident),
                    "file": p.source.file,
                }
                for p in found
            ]
        )
        return
    rows = [[f"[bold]{p.name}[/]", p.version, str(p.incident), render.escape(p.title)] for p in found]
    render.table(rows, ("playbook", "version", "incident", "title"))
    if not rows:
        render.line(f"{render.escape(library.folder())} holds no playbook; FIREDOOR_PLAYBOOKS names the folder")
