"""`examine consent`: whose data are in a training manifest without a basis, by the consent ledger.

Decides how the answer reads in a terminal and the exit code: 0 done, 1 when something is asked or could not be read, 3
when used as a gate and the training must not start. Leaves the counting to `runtime.examinations.consent`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.core.json_types import array_at, object_at, objects_at
from firedoor.interfaces.cli.examinations.loading import loaded
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.json_types import JsonObject


def consent(  # noqa: PLR0917 - as Typer declares options
    manifest: Annotated[
        list[str], typer.Option("--manifest", metavar="PATH", help="Files, folders or s3://BUCKET/PREFIX. Repeatable.")
    ],
    ledger: Annotated[
        list[str],
        typer.Option("--ledger", metavar="PATH|URL", help="The same, or sqlite:/// or postgresql:// with ?table=NAME."),
    ],
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="NAME[=WORD,...]", help="The purpose, and the ledger's words for it.")
    ],
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="INSTANT", help="The cut-off, such as 2026-05-01T00:00:00Z.")
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Further files of the manifest.")
    ] = None,
    key: Annotated[
        str, typer.Option("--key", metavar="FIELD[=sha256:SALT]", help="The key; with a rule when one side has hashes.")
    ] = "",
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="SIDE.ROLE=COLUMN", help="Which column means what. Repeatable."),
    ] = None,
    other_purpose: Annotated[
        list[str] | None, typer.Option("--other-purpose", metavar="WORD", help="A word that means another purpose.")
    ] = None,
    regime: Annotated[
        str, typer.Option("--regime", metavar="opt-in|opt-out", help="Whether silence is no basis, or one.")
    ] = "opt-in",
    memory: Annotated[
        str, typer.Option("--memory", metavar="SIZE", help="Memory for the join, such as 2500MB.")
    ] = "2500MB",
    gate: Annotated[
        bool, typer.Option("--gate", help="For a pipeline: exit 3 unless every person has a basis and nothing is open.")
    ] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Count the people whose data are in a manifest without a basis. What is not clear is asked and not counted."""
    kind = loaded("consent")
    answer: JsonObject = kind.ask(
        [*manifest, *(more or ())], ledger, purpose, as_of, key=key, columns=column or (),
        other_purposes=other_purpose or (), regime=regime, memory=memory,
    )  # fmt: skip
    if written is Format.JSON:
        render.as_json(answer)
    else:
        _shown(answer)
    why = kind.refusal(answer) if gate else ""
    if why:
        render.line(f"The training must not start: {why}", error=True)
        raise typer.Exit(3)
    if answer["questions"]:
        raise typer.Exit(1)


def _shown(answer: JsonObject) -> None:
    if answer["without_basis"] is None:
        render.line("Nothing was counted.")
    else:
        render.line("{without_basis} of {people} people have no basis for {purpose} as of {as_of}".format_map(answer))
        render.line("{join_rate:.1%} of the people stand in the ledger; {records} records".format_map(answer))
        least, most = array_at(answer, "unknown_subjects")
        render.line(f"records that name nobody stand for {least} to {most} people")
    for name in ("by_reason", "by_country", "by_category", "by_source"):
        for word, number in object_at(answer, name).items():
            render.line(f"  {name.removeprefix('by_')} {word}: {number}")
    for note in array_at(answer, "notes"):
        render.line(f"Note: {note}")
    for problem in objects_at(answer, "problems"):
        row = f", row {problem['row']}" if "row" in problem else ""
        render.line(f"{problem['file']}{row}: {problem['message']}")
    for question in array_at(answer, "questions"):
        render.line(f"Question: {question}")
