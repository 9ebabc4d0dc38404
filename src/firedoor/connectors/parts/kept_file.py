"""A text file that another program reads: changed whole or not at all, and with the owner and mode that it had.

Decides how a file is replaced so that a reader, or a crash, never meets half of it. Leaves what is in it to the
connector. All functions block for as long as the disk does; call them in a thread.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from firedoor.core.problems import FiredoorError, Problem, Refused, Unanswered

MAXIMUM = 16 * 1024 * 1024  # bytes of a file that we are ready to rewrite


def read(path: Path) -> str | None:
    """Return the text, or None where there is no file. Raises Unanswered when it cannot be read."""
    try:
        if path.stat().st_size <= MAXIMUM:
            return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, "read", error) from None
    raise _unusable(path, "read", OSError(0, f"it is larger than {MAXIMUM} bytes"))


def may_change(folder: Path) -> None:
    """Raise Unanswered unless files of the folder can be listed and replaced by this process. No effect."""
    if not folder.is_dir():
        raise _unusable(folder, "found", OSError(0, "there is no such folder"))
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _unusable(folder, "written", OSError(0, "this process has no right to"))


def replace(path: Path, text: str) -> None:
    """Put the text in place of the file, in one step; a link is followed. Raises Unanswered: then all is as before."""
    real = Path(os.path.realpath(path))
    try:
        temporary = _written(real, text)
        try:
            temporary.replace(real)
        finally:
            temporary.unlink(missing_ok=True)
        _settle(real.parent)
    except OSError as error:
        raise _unusable(path, "written", error) from None


def create(path: Path, text: str) -> None:
    """Write a file that must not be there yet. Raises Refused when somebody was quicker, else as `replace`."""
    try:
        temporary = _written(path, text)
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _settle(path.parent)
    except FileExistsError:
        do = "look at it, capture the state again, then decide again"
        raise Refused(Problem(code="K206", message=f"{path} was written by somebody else meanwhile", do=do)) from None
    except OSError as error:
        raise _unusable(path, "written", error) from None


def rename(path: Path, new: Path) -> None:
    """Rename in one step. Raises Unanswered: then all is as before."""
    try:
        path.rename(new)
        _settle(path.parent)
    except OSError as error:
        raise _unusable(path, "renamed", error) from None


def remove(path: Path) -> None:
    """Take the file away, if it is there. Raises Unanswered."""
    try:
        path.unlink(missing_ok=True)
        _settle(path.parent)
    except OSError as error:
        raise _unusable(path, "removed", error) from None


def _written(path: Path, text: str) -> Path:
    """Write the text beside the place where it belongs, under a name that no include pattern matches."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8", errors="surrogateescape"))
        _as_before(path, descriptor)
        file.flush()
        os.fsync(descriptor)
    return Path(name)


def _as_before(path: Path, descriptor: int) -> None:
    """Keep mode and owner; a new file may be read by all, as configuration may."""
    if not path.exists():
        os.fchmod(descriptor, 0o644)
        return
    before = path.stat()
    os.fchmod(descriptor, before.st_mode & 0o7777)
    with contextlib.suppress(PermissionError):  # only root may give files away
        os.fchown(descriptor, before.st_uid, before.st_gid)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, verb: str, error: OSError) -> FiredoorError:
    message = f"{path} cannot be {verb}: {error.strerror or error}"
    do = "see whether it is there, on a disk with room, and may be written by this process; nothing was changed"
    return Unanswered(Problem(code="K213", message=message, do=do))
