"""`examine audit`: which stored content breaks which rule of a rule file.

Decides the three forms of the answer, each with the same five fields and every violation, and the exit code: 0 done, 1
when something could not be read, which is told on the other output. Leaves the audit to `runtime.examinations.audit`.
"""

from __future__ import annotations

import csv
import io
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from firedoor.interfaces.cli.examinations.loading import loaded
from firedoor.interfaces.cli.terminal import render


class Table(StrEnum):
    """How the violations are written."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


def audit(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders, manifests (.jsonl) or s3://BUCKET/PREFIX."),
    ],
    rules: Annotated[Path, typer.Option("--rules", metavar="FILE", help="The rules, YAML or JSON.")],
    known: Annotated[
        Path | None,
        typer.Option("--known", metavar="FILE", help="Keep what was found here; next time only changes are read."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=64, help="Threads that read; 0 for one per processor.")
    ] = 0,
    written: Annotated[
        Table, typer.Option("--format", help="text for people, csv and json for programs.")
    ] = Table.TEXT,
) -> None:
    """Hold stored content against rules: SHA-256, path, violated rule, severity, and when it was first detected."""
    kind = loaded("audit")
    answer = kind.ask(paths, rules, known, workers)
    if written is Table.JSON:
        render.as_json(answer.violations)
    elif written is Table.CSV:
        out = io.StringIO()
        writer = csv.DictWriter(out, kind.FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(answer.violations)
        render.plain(out.getvalue().rstrip("\n"))
    else:
        render.table([[line[name] for name in kind.FIELDS] for line in answer.violations], kind.FIELDS)
        pieces = len({line["path"] for line in answer.violations})
        render.line(f"{pieces} of {answer.audited} pieces of content break a rule; {answer.read} were read now")
    for problem in answer.problems:
        render.line(problem, error=True)
    if answer.problems:
        raise typer.Exit(1)
