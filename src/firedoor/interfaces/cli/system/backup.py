"""`backup` and `restore`: everything into one archive, and back.

Decides the words. Leaves the archive to `runtime.backup`.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings
    from firedoor.runtime.process.backup import Contents

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.", show_default=False)]


def backup(file: FileArgument) -> None:
    """Back up the database, vault and your own files; the server may keep running. The archive contains evidence."""
    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.process.backup import back_up

    settings = load_settings()
    contents = back_up(settings, file, utc_now())
    _note(settings, "backup.made", contents)
    _say(file, contents)
    if contents.database != "sqlite":
        render.line(
            "[bold yellow]The database is not in it.[/] Run pg_dump first, then this command: the vault only grows, so "
            "that every piece that the dump names is in the archive."
        )
    _end(contents)


def restore(file: FileArgument) -> None:
    """Restore an archive into an empty FIREDOOR_DATA_DIR, after verifying every digest and every journal."""
    from firedoor.runtime.process.backup import restore as put_back

    settings = load_settings()
    contents = put_back(settings, file)
    if contents.database == "sqlite":  # else the database is not restored yet, and notes nothing
        _note(settings, "backup.restored", contents)
    _say(settings.data_dir, contents)
    render.line(
        "What was not done yet goes on with `firedoor up`. Let only one of the two installations run: both act."
    )
    _end(contents)


def _note(settings: Settings, kind: str, contents: Contents) -> None:
    """Write into the security journal that an archive was made or put back; what cannot be written is said."""
    from firedoor.core.access.security import SecurityEvent, SecurityKind
    from firedoor.core.problems import FiredoorError
    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.process.application import open_store
    from firedoor.store.incidents.security import record

    body = {"manifest": contents.digest, "journals": len(contents.heads), "pieces": contents.pieces}
    try:
        store = open_store(settings, sealed=False)
        try:
            record(store, [SecurityEvent(SecurityKind(kind), f"local:{getpass.getuser()}", body)], utc_now()).result()
        finally:
            store.close()
    except (FiredoorError, OSError) as error:
        render.line(f"it could not be written into the security journal: {render.escape(error)}", error=True)


def _say(place: Path, contents: Contents) -> None:
    size = sum(int(entry["size"]) for entry in contents.files.values())
    counts = f"{len(contents.heads)} journals, {contents.pieces} pieces of evidence, {render.size(size)}"
    render.line(f"[bold]{render.escape(place)}[/]  {counts}")
    render.line(f"SHA-256 of the manifest: {contents.digest}")


def _end(contents: Contents) -> None:
    for name, why in contents.withheld.items():
        render.line(f"[bold yellow]withheld[/]  {name}: {render.escape(why)}")
    if contents.withheld:
        render.line(
            "What an earlier version kept and the gate of content refuses is in no archive: it is in the vault alone. "
            "See docs/how-to/keep-evidence.md."
        )
    if contents.problems:
        render.problems(contents.problems)
        raise typer.Exit(1)
