"""The databases that the store runs on: SQLite in a file, and a private PostgreSQL cluster that ends with the tests.

Decides that one cluster serves all workers of a run: the first to ask starts it, the process that began the run ends
it (`stop_shared`). A test that stops or kills its PostgreSQL starts a `Cluster` of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.conftest import SHARED, postgres_programs, require
from tests.patience import ended, until

from firedoor.store.database.migrate import migrate
from firedoor.store.incidents.journal import Store
from firedoor.testing.fresh import fresh

EMPTY = "template1"  # PostgreSQL's own: no schema of ours
MIGRATED = "firedoor_template"  # at the newest schema


class Cluster:
    """PostgreSQL on the loopback, in a folder of its own, without a password. Not for data that anybody needs."""

    prefix = "firedoor"  # of the names of its databases

    def __init__(self, folder: Path | None = None) -> None:
        programs = postgres_programs()
        assert programs is not None
        self.programs = programs
        self.folder = folder or Path(tempfile.mkdtemp(prefix="firedoor-postgres-"))
        self.as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
            self.as_user = ["runuser", "-u", "postgres", "--"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run(programs / "initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        options = [f"-p{self.port}", f"-k{self.folder}", "-hlocalhost", "-F", "-cfull_page_writes=off"]
        command = [*self.as_user, str(programs / "postgres"), "-D", str(self.data), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        self._wait()
        self.made = 0
        self._template: str | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def new_database(self, template: str | None = None) -> str:
        """Make a database at the newest schema, or as another template has it, and return its URL."""
        self.made += 1
        return self._make(f"{self.prefix}_{self.made}", template or self._migrated())

    def _migrated(self) -> str:
        if self._template is None:
            store = Store(self._make(MIGRATED, EMPTY))
            migrate(store.engine)
            store.close()
            self._template = MIGRATED
        return self._template

    def _make(self, name: str, template: str) -> str:
        import psycopg

        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self._run(self.programs / "pg_ctl", "stop", "-m", "fast", "-D", self.data)  # does not wait for open sessions
        ended(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *command: object) -> None:
        subprocess.run([*self.as_user, *map(str, command)], check=True, capture_output=True, cwd="/")

    def _wait(self) -> None:
        until(self._answers, self.process, "PostgreSQL does not start")

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True


class Shared(Cluster):
    """The cluster of this run as one of its processes sees it: databases are made, and nothing is stopped."""

    def __init__(self, folder: Path) -> None:
        self.port, self.made = int((folder / "port").read_text()), 0
        self.prefix = f"firedoor_{os.getpid()}"
        self._template: str | None = MIGRATED

    def stop(self) -> None:
        """Leave it to `stop_shared`."""


@functools.cache
def _shared() -> Shared:
    """Start the cluster of this run, unless another worker has."""
    folder = Path(os.environ[SHARED]) / "postgres"
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "port").exists():
            folder.mkdir(exist_ok=True)
            Path(os.environ[SHARED]).chmod(0o711)  # PostgreSQL is another user where tests run as root
            cluster = Cluster(folder)
            cluster.new_database()  # and so its template
            (folder / "port").write_text(str(cluster.port))
    return Shared(folder)


def stop_shared(folder: Path) -> None:
    """End the cluster that a run has shared, if it has; told at the end of the process that began the run."""
    note = folder / "postgres" / "data" / "postmaster.pid"  # PostgreSQL takes it away when it has ended
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(note.read_text().split()[0]), signal.SIGINT)  # a fast shutdown: open sessions are ended
        until(lambda: not note.exists(), otherwise="PostgreSQL does not end")


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """One cluster for the whole run and all its workers."""
    require("PostgreSQL")
    return _shared()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of each kind, at the newest schema and with nothing in it."""
    if request.param == "sqlite":
        return fresh(f"sqlite:///{tmp_path / 'firedoor.db'}")
    return str(request.getfixturevalue("cluster").new_database())


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of each kind that no Firedoor has opened yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'firedoor.db'}"
    return str(request.getfixturevalue("cluster").new_database(EMPTY))
