"""`backup` and `restore`: everything into one archive, and back.

Decides the words. Leaves the archive to `runtime.backup`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli import render

if TYPE_CHECKING:
    from firedoor.runtime.backup import Contents

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.", show_default=False)]


def backup(file: FileArgument) -> None:
    """Back up database, vault and your own files, also while the server runs. The archive holds evidence: guard it."""
    from firedoor.interfaces.cli.client import load_settings
    from firedoor.runtime.backup import back_up
    from firedoor.runtime.world import utc_now

    contents = back_up(load_settings(), file, utc_now())
    _say(file, contents)
    if contents.database != "sqlite":
        render.line(
            "[bold yellow]The database is not in it.[/] Run pg_dump first, then this command: the vault only grows, so "
            "that every piece that the dump names is in the archive."
        )
    _end(contents)


def restore(file: FileArgument) -> None:
    """Restore an archive into an empty FIREDOOR_DATA_DIR, after verifying every digest and every journal."""
    from firedoor.interfaces.cli.client import load_settings
    from firedoor.runtime.backup import restore as put_back

    settings = load_settings()
    contents = put_back(settings, file)
    _say(settings.data_dir, contents)
    render.line(
        "What was not done yet goes on with `firedoor up`. Let only one of the two installations run: both act."
    )
    _end(contents)


def _say(place: Path, contents: Contents) -> None:
    size = sum(int(entry["size"]) for entry in contents.files.values())
    counts = f"{len(contents.heads)} journals, {contents.pieces} pieces of evidence, {render.size(size)}"
    render.line(f"[bold]{render.escape(place)}[/]  {counts}")
    render.line(f"SHA-256 of the manifest: {contents.digest}")


def _end(contents: Contents) -> None:
    if contents.problems:
        render.problems(contents.problems)
        raise typer.Exit(1)
