"""Reads what another system says of data and models: from a file, a folder or a server.

Decides how much is read (files, bytes, depth), that no link is followed out of a folder, and that a folder is read only
as far as the format wants it. Leaves what the files mean to `core.inventory.formats`, and what is proposed to `merge`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from firedoor.core.inventory.formats import FORMATS
from firedoor.core.inventory.formats.reading import Entries, Files, Format
from firedoor.core.inventory.merge import Proposal, entries_of, proposed
from firedoor.core.problems import InvalidInput, NotFound, Problem, nearest
from firedoor.core.targets import Inventory
from firedoor.runtime.inventory.mlflow_server import asked

MAXIMUM_FILES = 50_000
MAXIMUM_LOOKED_AT = 2_000_000  # names in a folder, wanted or not
MAXIMUM_BYTES = 64 * 1024**2  # of one file
MAXIMUM_TOGETHER = 512 * 1024**2
DEEPEST = 12


def import_from(
    kind: str, place: str, inventory: Inventory, certificates: Path | None = None, authorization: str = ""
) -> Proposal:
    """Read a path or an address and say what it adds. Raises NotFound, InvalidInput and Unanswered."""
    form = FORMATS.get(kind)
    if form is None:
        raise NotFound(
            Problem(code="I221", message=f'no format is called "{kind[:40]}"', do=nearest(kind[:40], FORMATS))
        )
    return proposed(kind, _entries(form, place, certificates, authorization), inventory)


def _entries(form: Format, place: str, certificates: Path | None, authorization: str) -> Entries:
    if place.startswith(("http://", "https://")):
        if form.kind != "mlflow":
            message, do = f"{form.kind} is read from files", "download the file first, then give its path"
            raise InvalidInput(Problem(code="I222", message=message, do=do))
        return asked(place, certificates, authorization)
    return entries_of(form, files_of(Path(place), form.wants))


def files_of(path: Path, wants: Callable[[str], bool]) -> Files:
    """A file, or what a format wants of a folder, by relative path. Raises InvalidInput and NotFound."""
    if path.is_file():
        name = path.name if path.name.lower() != "readme.md" else f"{path.resolve().parent.name}/{path.name}"
        return {name: _content(path)}
    if not path.is_dir():
        raise NotFound(Problem(code="I223", message=f"{path} is no file and no folder", do="check the path"))
    found, together = dict[str, bytes](), 0
    for name in _names(path):
        if not wants(name):
            continue
        if len(found) >= MAXIMUM_FILES:
            raise _too_much(path, f"more than {MAXIMUM_FILES} files")
        found[name] = _content(path / name)
        together += len(found[name])
        if together > MAXIMUM_TOGETHER:
            raise _too_much(path, f"more than {MAXIMUM_TOGETHER // 1024**2} MiB")
    if not found:
        message = f"{path} holds no file of this kind"
        raise InvalidInput(Problem(code="I223", message=message, do="give the file itself, or another folder"))
    return found


def _names(folder: Path) -> Iterator[str]:
    """The names below a folder, in order, none behind a link and none too deep."""
    looked_at = 0
    for here, folders, files in os.walk(folder, followlinks=False):
        depth = len(Path(here).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if depth < DEEPEST and not (Path(here) / name).is_symlink())
        looked_at += len(files)
        if looked_at > MAXIMUM_LOOKED_AT:
            raise _too_much(folder, f"more than {MAXIMUM_LOOKED_AT} files")
        for name in sorted(files):
            whole = Path(here) / name
            if not whole.is_symlink() and whole.is_file():
                yield whole.relative_to(folder).as_posix()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise InvalidInput(Problem(code="I223", message=message, do="check its permissions")) from None
    if len(found) > MAXIMUM_BYTES:
        raise _too_much(path, f"more than {MAXIMUM_BYTES // 1024**2} MiB in one file")
    return found


def _too_much(path: Path, what: str) -> InvalidInput:
    return InvalidInput(Problem(code="I224", message=f"{path} holds {what}", do="give it in parts"))
