"""A private Prefect's folder as its first start leaves it, since migrating an empty database takes six seconds of CPU.

Decides that the first to ask starts a real server on an empty folder, once for all workers, and that the others
get copies of its database and of what it remembers. The secret and the port are every start's own. Whoever tests the
very first start begins without this: the demonstration, the tutorial, the modes of the files.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import httpx
from tests.conftest import SHARED
from tests.patience import stop, until

from firedoor.runtime.prefect.settings import choose

COPIED = ("prefect.db", "memo_store.toml")


def prefect_home(data: Path) -> Path:
    """Put the folder of a Prefect that has run before into a data folder. Returns the data folder."""
    home = data / "prefect"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.mkdir(mode=0o700)
    for name in COPIED:
        shutil.copy2(_first_start() / name, home / name)
    return data


@functools.cache
def _first_start() -> Path:
    """Where the first start of this run has left its files."""
    folder = Path(os.environ.get(SHARED) or tempfile.mkdtemp(prefix="firedoor-tests-")) / "first"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _start(folder)
            (folder / "done").touch()
    return folder / "prefect"


def _start(folder: Path) -> None:
    """Start a private server, and end it once it answers."""
    settings = choose(folder, {})
    command = [sys.executable, "-m", "firedoor.runtime.prefect.server_process"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **settings.server_environment()}, stdin=subprocess.PIPE, stdout=log, stderr=log
        )

    def answers() -> bool:
        try:
            auth = tuple(str(settings.password).split(":", 1))
            return httpx.get(f"{settings.api_url}/health", auth=auth, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        until(answers, server, (folder / "server.log").read_text)
    finally:
        stop(server)
    with closing(sqlite3.connect(settings.home / "prefect.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
