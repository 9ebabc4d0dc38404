"""`targets import KIND`: what a system runs, as targets for a person to review.

Decides how an importer is given its settings, and that a file which is there is added to and never overwritten, unless
`--force` says so. Leaves what is found to `connectors.importers` and what the file becomes to its `proposal`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, told

if TYPE_CHECKING:
    from firedoor.connectors.importers.proposal import Proposal
    from firedoor.core.ports import Found


def import_targets(
    kind: str | None, out: Path | None, given: Mapping[str, str], written: Format, *, force: bool
) -> None:
    """Look at a system and write its targets to a file."""
    from firedoor.connectors.importers import proposal

    name = _kind(kind)
    if out is None:
        _need("a file to write to is needed", "say --out targets.yaml; a file that is there is added to")
    found = asyncio.run(_look(name, given))
    current = out.read_text(encoding="utf-8") if out.exists() else ""
    made = proposal.propose(found, current, str(out), renew=force)
    if made.text != current:
        _write(out, made.text)
    _told(found, made, out, written)


def _kind(kind: str | None) -> str:
    from firedoor.connectors.importers.registry import available, load

    if kind is None:
        _need("import what?", f"name a kind of system: {', '.join(available())}")
    load(kind)
    return kind


def _need(message: str, do: str) -> NoReturn:
    raise told("InvalidInput", "U150", message, do)


async def _look(kind: str, given: Mapping[str, str]) -> Found:
    from firedoor.connectors.importers.registry import open_importer
    from firedoor.connectors.parts.context import ConnectorContext, open_client
    from firedoor.core.targets import Inventory
    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.config.secrets import ReferencedSecrets

    client = open_client(load_settings().certificates)
    try:
        context = ConnectorContext(client, ReferencedSecrets(), utc_now, Inventory())
        return await open_importer(kind, context).found(given)
    finally:
        await client.aclose()


def _write(path: Path, text: str) -> None:
    """Put the new text in the place of the file, in one step."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _told(found: Found, made: Proposal, out: Path, written: Format) -> None:
    if written is Format.JSON:
        sorts = {"added": made.added, "renewed": made.renewed, "kept": made.kept}
        render.as_json({"file": str(out), **sorts, "unknown": found.unknown, "notes": found.notes})
        return
    rows = [[word, name] for word in ("added", "renewed", "kept") for name in getattr(made, word)]
    render.table([[word, f"[bold]{render.escape(name)}[/]"] for word, name in rows])
    for note in found.notes:
        render.plain(render.paragraph(note))
    if made.added or made.renewed:
        render.plain(
            render.paragraph(f"Read {out}: what nobody could know stands there as `to write`, the probes first.")
        )
