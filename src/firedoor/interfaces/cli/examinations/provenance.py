"""`examine provenance`: which model made a file, by the marks in it.

Decides how the answer reads in a terminal and the exit code: 0 done, 1 when a file could not be read. Leaves reading
marks to `runtime.examinations.provenance`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firedoor.interfaces.cli.examinations.loading import loaded
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption


def provenance(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files and folders.")],
    inventory: Annotated[
        Path | None,
        typer.Option("--inventory", metavar="FILE", help="Where targets are described; FIREDOOR_TARGETS if omitted."),
    ] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Read the marks of origin in files, and name the target that serves the model. No mark proves nothing."""
    rows, problems = loaded("provenance").ask(files, inventory or load_settings().targets_file)
    if written is Format.JSON:
        render.as_json(rows)
    else:
        columns = ("file", "kind", "model", "version", "organisation", "time", "target")
        render.table([[row[name] or "-" for name in columns] for row in rows], columns)
        render.line("No mark proves nothing. Not looked for:")
        for words in dict.fromkeys(word for row in rows for word in row["not_looked_for"]):
            render.line(f"  {words}")
    for problem in problems:
        render.line(problem, error=True)
    if problems:
        raise typer.Exit(1)
