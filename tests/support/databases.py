"""The databases that the store runs on: SQLite in a file, and a private PostgreSQL cluster that ends with the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import postgres_programs, require
from tests.patience import ended, until

from firedoor.store.database.migrate import migrate
from firedoor.store.incidents.journal import Store
from firedoor.testing.fresh import fresh

EMPTY = "template1"  # PostgreSQL's own: no schema of ours


class Cluster:
    """PostgreSQL on the loopback, in a folder of its own, without a password. Not for data that anybody needs."""

    def __init__(self) -> None:
        programs = postgres_programs()
        assert programs is not None
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="firedoor-postgres-"))
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
        return self._make(f"firedoor_{self.made}", template or self._migrated())

    def _migrated(self) -> str:
        if self._template is None:
            store = Store(self._make("firedoor_template", EMPTY))
            migrate(store.engine)
            store.close()
            self._template = "firedoor_template"
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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One cluster for the whole run."""
    require("PostgreSQL")
    cluster = Cluster()
    yield cluster
    cluster.stop()


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
