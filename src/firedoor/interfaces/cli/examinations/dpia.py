"""`examine dpia`: the gaps of an impact assessment, for a person and for CI.

Decides how the answer reads in a terminal, and the exit code: 0 nothing open, 1 a gap, or the authority comes first.
Leaves finding gaps to `runtime.examinations.dpia`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, content, facts_from

if TYPE_CHECKING:
    from firedoor.core.json_types import Json


def dpia(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The impact assessment, as YAML.")],
    inventory: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The inventory; that of this installation if omitted.")
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Facts of an incident, to see what was not foreseen.")
    ] = None,
    since: Annotated[Path | None, typer.Option(metavar="FILE", help="An earlier version, to see what changed.")] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """List what an impact assessment leaves open: by its form, against the inventory, after an incident."""
    from firedoor.runtime.examinations.dpia import assessed

    known = cast("Mapping[str, Json]", facts_from(facts))
    earlier = content(since) if since is not None else None
    body = assessed(load_settings(), file, content(file), inventory, known, earlier)
    render.as_json(body) if written is Format.JSON else _shown(body)
    consultation = body["prior_consultation"]
    first = isinstance(consultation, Mapping) and consultation["needed"] == "yes"
    if body["gaps"] or body["questions"] or first:
        raise typer.Exit(1)


def _shown(body: Mapping[str, Json]) -> None:
    for name in ("gaps", "changes", "questions"):
        rows = body[name]
        for one in rows if isinstance(rows, list) else ():
            if name == "gaps":
                where, source = render.escape(one["where"]), render.escape(one["source"])
                render.line(f"{where}: {render.escape(one['message'])} [dim]({source})[/]")
            else:
                render.line(f"[yellow]{name[:-1]}:[/] {render.escape(one)}")
    found, first = body["gaps"], body["prior_consultation"]
    render.line(f"{len(found) if isinstance(found, list) else 0} gaps")
    if isinstance(first, Mapping):
        words = {"yes": "is needed before processing", "no": "is not needed by this file", "unknown": "may be needed"}
        said = f"consultation of the authority {words[str(first['needed'])]}: {first['why']}"
        render.line(f"{render.escape(said)} [dim]({render.escape(first['source'])})[/]")
