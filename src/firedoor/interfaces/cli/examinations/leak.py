"""`examine leak`: what a model's outputs exposed, by its logs.

Decides how the answer reads in a terminal and the exit code: 0 done, 1 when something could not be read. Leaves
counting to `runtime.examinations.leak`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.core.json_types import array_at, object_at, objects_at
from firedoor.interfaces.cli.examinations.loading import loaded
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.json_types import JsonObject


def leak(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Logs: JSON lines, CSV, Parquet; folders.")],
    corpus: Annotated[
        list[str] | None,
        typer.Option("--corpus", metavar="PATH", help="Texts that outputs may repeat word for word. Repeatable."),
    ] = None,
    canaries: Annotated[
        Path | None, typer.Option("--canaries", metavar="FILE", help="Planted texts, one on each line.")
    ] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Count personal data, secrets, canaries and repeated texts in a model's outputs. Texts leave as salted hashes."""
    answer: JsonObject = loaded("leak").ask(paths, corpus or (), canaries)
    if written is Format.JSON:
        render.as_json(answer)
    else:
        _shown(answer)
    if answer["problems"]:
        raise typer.Exit(1)


def _shown(answer: JsonObject) -> None:
    render.line(
        "{exposing_records} of {records} outputs expose something, to {users_exposed_to} users".format_map(answer)
    )
    if window := array_at(answer, "window"):
        render.line(f"from {window[0]} to {window[1]}")
    for kind in object_at(answer, "kinds"):
        one = object_at(answer, "kinds", kind)
        render.line(f"  {kind}: {one['count']} times, {one['distinct']} different, confidence {one['confidence']}")
    crossed = object_at(answer, "across_tenants")
    render.line(f"across tenants: {crossed['values']} values, {crossed['outputs']} outputs")
    render.line(
        "{repeats} outputs repeat another, {near_repeats} nearly; {echoes} values only echo the request".format_map(
            answer
        )
    )
    for number, one in enumerate(objects_at(answer, "canaries"), 1):
        render.line(f"canary {number}: {one['count']} times")
    if overlap := object_at(answer, "overlap"):
        render.line("{spans} spans of the corpus, the longest of {longest_words} words".format_map(overlap))
    for one in objects_at(answer, "problems"):
        row = f", row {one['row']}" if "row" in one else ""
        render.line(f"{one['file']}{row}: {one['message']}", error=True)
