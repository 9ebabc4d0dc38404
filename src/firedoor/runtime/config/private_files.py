"""Whether what Firedoor keeps is for its own user alone: looked at before anything is opened, and made so where it may.

Decides that Firedoor tightens a data folder which is plainly its own (empty, or holding nothing but what belongs into
one), and does not start on one that others can reach and that holds other things: a home or a shared folder must not
be shut by us. Leaves the key ring's file to `runtime.keys`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from sqlalchemy import make_url

from firedoor.core.problems import Problem, Refused
from firedoor.runtime.config.settings import Settings

OTHERS = 0o077
OURS = (
    "firedoor.db*", ".firedoor*", "server.json", ".server.json*", "prefect", "vault", "keys", "targets*.yaml",
    "organisation*.yaml", "mappings", "playbooks", "lost+found",
)  # fmt: skip
TIGHTENED = ("firedoor.db*", "server.json", "keys/*", "keys", "vault", "vault/??", "prefect", "prefect/*")

log = logging.getLogger(__name__)


def need_private(settings: Settings) -> None:
    """Make the data folder where there is none, tighten what is ours, and refuse what others can reach still."""
    os.umask(OTHERS)  # whatever this process makes from now on, the copies of SQLite and Prefect's files among it
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _tighten(folder)
    if found := list(exposed(settings)):
        raise Refused(found)
    _make_database(settings)


def exposed(settings: Settings) -> Iterator[Problem]:
    """What others on this machine can reach. Looks only; a folder that is not there yet is nothing."""
    folder = settings.data_dir
    if folder.exists() and (mode := _mode(folder)) & OTHERS:
        do = f"chmod 700 {folder}; if others need it, use a folder of its own: FIREDOOR_DATA_DIR={folder}/firedoor"
        yield Problem(code="U160", message=f"{folder} can be reached by others (mode {mode:o})", do=do)
    for path in _own_files(settings):
        if (mode := _mode(path)) & OTHERS:
            message = f"{path} can be read or changed by others (mode {mode:o})"
            yield Problem(code="U161", message=message, do=f"chmod {'700' if path.is_dir() else '600'} {path}")


def _own_files(settings: Settings) -> list[Path]:
    """What Firedoor has made in its folder, and the database where it lies elsewhere."""
    folder, database = settings.data_dir, _file(settings)
    found = [path for pattern in TIGHTENED for path in folder.glob(pattern) if not path.is_symlink()]
    if database is not None and database.parent != folder:
        found += [path for path in database.parent.glob(f"{database.name}*") if path.is_file()]
    return sorted(set(found))


def _tighten(folder: Path) -> None:
    """Take from others what they can reach of what is ours, and say so: they may have read it until now."""
    if not (_mode(folder) & OTHERS and not _is_ours(folder)):
        inside = (path for pattern in TIGHTENED for path in folder.glob(pattern))
        loose = [path for path in (folder, *inside) if _loose(path)]
        for path in loose:
            path.chmod(_mode(path) & ~OTHERS)
        if any(path.name == "firedoor.db" or (path == folder and any(folder.iterdir())) for path in loose):
            log.warning("%s could be reached by others until now; it is for this user alone from here on", folder)


def _is_ours(folder: Path) -> bool:
    """Whether a folder is plainly a data folder, or empty, and belongs to this user."""
    names = [path.name for path in folder.iterdir()]
    known = all(any(fnmatch(name, pattern) for pattern in OURS) for name in names)
    return known and folder.stat().st_uid == os.geteuid()


def _loose(path: Path) -> bool:
    return not path.is_symlink() and bool(_mode(path) & OTHERS) and path.stat().st_uid == os.geteuid()


def _make_database(settings: Settings) -> None:
    """Make SQLite's file for this user alone before SQLite makes it; its log and its index take after it."""
    path = _file(settings)
    if path is not None and path.parent.is_dir() and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _file(settings: Settings) -> Path | None:
    url = make_url(settings.database)
    inside = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return Path(str(url.database)) if inside else None


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777
