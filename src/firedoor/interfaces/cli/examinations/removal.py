"""`examine removal`: whether what was removed from a model is gone, asked through the callers' own door.

Decides how the answer reads in a terminal, and the exit code: 0 not found any more, 1 found, or a person has to look.
Leaves asking and counting to `runtime.examinations.removal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.json_types import Json

WORDS = {"found": "still there", "not_found": "not found any more", "unknown": "nothing can be said", None: ""}


def removal(
    target: Annotated[str, typer.Option(metavar="NAME", help="The target that serves the new version.")],
    prompts: Annotated[Path, typer.Option(metavar="FILE", help="Texts to extract, and members to score (JSONL).")],
    canaries: Annotated[Path, typer.Option(metavar="FILE", help="Canaries: one a line, or JSONL.")],
    before: Annotated[
        str, typer.Option(metavar="NAME", help="The target that still serves the old version.", show_default=False)
    ] = "",
    repeat: Annotated[int, typer.Option(min=1, max=1000, help="How often each question is asked.")] = 1,
    derived: Annotated[
        bool, typer.Option("--derived", help="Ask also what was made from it, by the inventory.")
    ] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Ask a model for what was removed from it, count the hits, and say what the count proves."""
    from firedoor.runtime.examinations.removal import Wanted
    from firedoor.runtime.examinations.removal import removal as examined

    body = examined(load_settings(), Wanted(target, prompts, canaries, before, repeat, derived))
    render.as_json(body) if written is Format.JSON else _shown(body)
    if body["result"] != "not_found" or body["questions"]:
        raise typer.Exit(1)


def _shown(body: Mapping[str, Json]) -> None:
    render.line(f"[bold]{render.escape(body['target'])}[/]: {WORDS[str(body['result'])]}")
    tests = body["tests"]
    for one in tests if isinstance(tests, list) else ():
        render.line(f"{one['test']}: {WORDS[one['result']]}; {render.escape(one['why'])}")
        if one["new"]:
            low, high = one["new"]["interval"]
            render.line(f"  rate between {low} and {high}; a rate of {one['new']['detectable']} would have been seen")
    for name, title in (("questions", "question"), ("cannot_prove", "this does not prove")):
        found = body[name]
        for words in found if isinstance(found, list) else ():
            render.line(f"[yellow]{title}:[/] {render.escape(words)}")
