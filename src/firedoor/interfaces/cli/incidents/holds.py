"""`holds` and `legal-hold`: what is kept closed, and what must not be opened.

Decides how a hold is shown. Leaves everything else to the API.
"""

from __future__ import annotations

from typing import Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, IncidentArgument, WhyOption
from firedoor.interfaces.shapes.records import HeldTargets, LegalHold


def holds(written: FormatOption = Format.TEXT) -> None:
    """List targets kept closed, by which incident, and when that was last confirmed."""
    found = call(lambda api: api.get("/holds", HeldTargets))
    if written is Format.JSON:
        render.as_json(found)
        return
    if not found["holds"]:
        render.plain("No targets are kept closed by an incident. Targets closed elsewhere are not shown.")
    rows = [
        [f"[bold]{render.escape(one['target'])}[/]", render.styled(one["state"]), one["incident"],
         f"last confirmed closed {render.escape(one['seen_at'][:19])}Z",
         f"{one['looks']} checks, {one['drifts']} drifts"]
        for one in found["holds"]
    ]  # fmt: skip
    render.table(rows)


def legal_hold(
    incident: IncidentArgument,
    why: WhyOption = "",
    release: Annotated[bool, typer.Option("--release", help="End the hold.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Place or release a legal hold: nothing the incident closed can be reopened. For legal, the DPO or a manager."""
    body = {"why": why, "release": release}
    done = call(lambda api: api.post(f"/incidents/{incident}/legal-hold", body, LegalHold))
    if written is Format.JSON:
        render.as_json(done)
        return
    word = (
        "is under a legal hold: nothing it closed can be reopened"
        if done["legal_hold"]
        else "is not under a legal hold"
    )
    render.plain(f"{incident} {word}.")
