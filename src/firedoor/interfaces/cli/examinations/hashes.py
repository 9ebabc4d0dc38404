"""`examine hashes`: hash what a platform stores, on this machine, and look it up in hash banks.

Decides how the answer reads in a terminal and the exit code: 0 done, 1 when somebody has to look. Needs no server and
sends nothing anywhere. Leaves hashing and looking up to `runtime.hashing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.json_types import Json

TURNS = {
    "mirrored_y": "mirrored left to right", "mirrored_x": "mirrored top to bottom", "rotated_180": "upside down",
    "rotated_90": "turned by 90 degrees", "rotated_270": "turned by 90 degrees",
    "mirrored_diagonal": "mirrored and turned by 90 degrees",
    "mirrored_antidiagonal": "mirrored and turned by 90 degrees",
}  # fmt: skip
SHOWN = 20  # lines of each list in a terminal; JSON has all


def hashes(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders, manifests (.jsonl) or s3://BUCKET/PREFIX."),
    ],
    bank: Annotated[
        list[str] | None,
        typer.Option(
            "--bank", metavar="[NAME=]FILE", help="A hash bank (JSON, XML, CSV), called like its file. Repeatable."
        ),
    ] = None,
    max_distance: Annotated[
        int, typer.Option("--max-distance", min=0, max=256, metavar="BITS", help="How many of 256 bits may differ.")
    ] = 31,
    known: Annotated[
        Path | None,
        typer.Option("--known", metavar="FILE", help="Keep the hashes here; next time only what changed is read."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=64, help="Hashing processes; 0 for one per processor.")
    ] = 0,
    written: FormatOption = Format.TEXT,
) -> None:
    """Hash stored content in processes without a network, and look it up in hash banks. Nothing of it is kept."""
    from firedoor.runtime.hashing.examine import Wanted, examine, trusted

    wanted = Wanted(paths, bank or (), trusted(load_settings()), max_distance, workers, known)
    answer = examine(wanted, datetime.now(UTC))
    if written is Format.JSON:
        render.as_json(answer.report)
    else:
        _shown(answer.report)
    if answer.questions:
        raise typer.Exit(1)


def _shown(report: Mapping[str, Json]) -> None:
    render.line("{files} files, {read} of them read now; {pictures} pictures".format_map(report))
    render.line("{matched} match a hash bank; {proved} of {matches} matches are as good as proof".format_map(report))
    for hit in _some(report, "hits"):
        why = f": proves nothing by itself, {hit['why_no_proof']}" if hit["why_no_proof"] else ""
        turn = f", {TURNS[str(hit['turn'])]}" if hit["turn"] != "original" else ""
        case = f", case {hit['case']}" if hit["case"] else ""
        render.line(f"{hit['locator']}: {hit['bank']}{case}, distance {hit['distance']}{turn}{why}")
    for one in _some(report, "without_hash"):
        render.line(f"{one['locator']}: not hashed, {one['words']}")
    for one in _some(report, "problems"):
        render.line(f"{one['where']}: {one['message']} [{one['code']}]")
    isolation = report["isolation"]
    if isinstance(isolation, Mapping) and set(isolation.values()) != {"namespace"}:
        render.line("This system allows no namespaces: only Python kept the hashing processes from network and files.")
    render.line("No search by hashes finds:")
    missing = report["not_found_by_hashes"]
    for words in missing if isinstance(missing, list) else ():
        render.line(f"  {words}")


def _some(report: Mapping[str, Json], name: str) -> list[Mapping[str, Json]]:
    """The first rows of a list; a line says how many more there are."""
    found = report[name]
    rows = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    if len(rows) > SHOWN:
        render.line(f"{len(rows)} {name.replace('_', ' ')}, of which {SHOWN} are shown; --format json has all")
    return rows[:SHOWN]
