"""`inventory`: import what other systems say of data and models, ask what else is affected, see what is missing.

Decides how the answers read in a terminal, and the exit code: 0 done, 1 when a person has to settle something. Needs no
server, changes no file, and reads the inventory that a server here would read. Leaves reading to `runtime.inventory`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.inventory.merge import Proposal
    from firedoor.core.json_types import Json

app = typer.Typer(no_args_is_help=True, help="Describe data, models and customers, and ask what else is affected.")
SHOWN = 20  # lines of each list in a terminal; JSON has all


class Drawn(StrEnum):
    """How a graph is written."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"
    MERMAID = "mermaid"


@app.command("import")
def import_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="croissant, cyclonedx, huggingface, mlflow, openlineage.")
    ],
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A file or folder; for mlflow also the address of a server.")
    ],
    authorization: Annotated[
        str,
        typer.Option(
            metavar="REFERENCE", help='Header for a server, such as "Bearer secret://mlflow".', show_default=False
        ),
    ] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Propose an addition to the inventory as YAML, with everything that was not understood. Changes no file."""
    from firedoor.runtime.inventory.questions import imported

    proposal = imported(load_settings(), kind, path, authorization)
    render.as_json(proposal.as_json()) if written is Format.JSON else _proposed(proposal)
    if proposal.questions:
        raise typer.Exit(1)


@app.command()
def graph(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A data set, run, model, target, customer or recipient.")],
    written: Annotated[
        Drawn, typer.Option("--format", help="text for people, json for programs, svg or mermaid as a drawing.")
    ] = Drawn.TEXT,
) -> None:
    """Show what else is affected when something is wrong with NAME, and who would have to be told."""
    from firedoor.runtime.inventory.questions import affected_by

    found = affected_by(load_settings(), name)
    match written:
        case Drawn.JSON:
            render.as_json(found.body)
        case Drawn.SVG:
            render.plain(found.svg)
        case Drawn.MERMAID:
            render.plain(found.mermaid)
        case Drawn.TEXT:
            _affected(found.tree, found.body)


@app.command()
def check(written: FormatOption = Format.TEXT) -> None:
    """List what the inventory does not say and an incident would ask: owners, data, people, models, dates."""
    from firedoor.runtime.inventory.questions import checked

    found = checked(load_settings())
    if written is Format.JSON:
        render.as_json(found.body)
    else:
        for name, count in found.counts.items():
            render.line(f"{count} {name}")
        for problem in found.gaps:
            render.line(f"{render.escape(problem.field)}: {render.escape(problem.message)} [dim]\\[{problem.code}][/]")
        render.line(f"{len(found.gaps)} gaps; an inventory with gaps works, and answers less")
    if found.gaps:
        raise typer.Exit(1)


def _proposed(proposal: Proposal) -> None:
    render.plain(proposal.text or "# nothing new\n")
    for word, names in (("question", proposal.questions), ("not used", proposal.passed_over)):
        for one in names[:SHOWN]:
            render.line(f"[yellow]{word}:[/] {render.escape(one)}", error=True)
        if len(names) > SHOWN:
            render.line(f"{len(names) - SHOWN} more of this kind; --format json has all", error=True)
    render.line(
        f"{len(proposal.added)} new, {len(proposal.known)} in the inventory already and left as they are", error=True
    )


def _affected(tree: str, body: Mapping[str, Json]) -> None:
    render.plain(tree)
    affected = body["affected"]
    for name, found in affected.items() if isinstance(affected, Mapping) else ():
        if isinstance(found, list) and found:
            render.line(f"[bold]{name}[/] {len(found)}: {render.escape(', '.join(map(str, found[:SHOWN])))}")
    for name, title in (("people_in_data", "people whom the data are about"), ("people_served", "people served")):
        counts = body[name]
        if isinstance(counts, Mapping) and counts:
            render.line(f"[bold]{title}[/] " + ", ".join(f"{place} {_count(one)}" for place, one in counts.items()))
    for name, title in (("same_data", "models that share data with it"), ("unknown", "not known")):
        rows = body[name]
        for one in rows[:SHOWN] if isinstance(rows, list) else ():
            render.line(f"[yellow]{title}:[/] {render.escape(one)}")


def _count(one: object) -> str:
    if isinstance(one, Mapping):
        most = one.get("max")
        return f"{one.get('min')} to {most}" if most is not None else f"at least {one.get('min')}"
    return str(one)
