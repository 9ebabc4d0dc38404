"""Faults of the disk, the database and the clock: nothing acknowledged is lost, nothing is done unrecorded.

The store's own answers stand in test_store.py; here a whole Firedoor meets them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import pytest_asyncio
import yaml
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event
from tests.benchmarks.alert_to_suspend import alert_body
from tests.patience import GENEROUS
from tests.support import api_house
from tests.support.api_house import problems
from tests.support.databases import Cluster
from tests.support.outside import PAGE, house, in_flight, lived

from firedoor.core.journal import Draft, Kind
from firedoor.core.lifecycle import State
from firedoor.core.problems import NotStored
from firedoor.runtime.loops.audit import Audit
from firedoor.runtime.rehearsal.simulation import KIND, HandClock
from firedoor.store.database import migrate as schema
from firedoor.store.database.engine import open_engine, open_read_only
from firedoor.store.database.migrate import migrate
from firedoor.store.database.sql import table
from firedoor.store.database.tables import AlertRow
from firedoor.store.incidents import leases
from firedoor.store.incidents.journal import Store
from firedoor.testing.far_end import FarEnd
from firedoor.testing.house import STARTS, House, plan_of, targets

NOTE = Draft(Kind.NOTE, "person:Ada", {"text": "seen"})
ALERT = alert_body("m0")
# So much that it fits into no page that has room left: a full disk is met for certain.
ALERT["alerts"][0]["labels"] |= {f"rule_{number}": "a rule of the detector, in words " * 6 for number in range(50)}
START = """
start:
  - source: alertmanager
    when: alert.incident_type == "data_leakage_in_ai_models"
    facts: {endpoint: "{{ alert.model }}"}
"""


class Fault:
    """A setting of every connection that makes writing impossible, until it is mended."""

    def __init__(self, engine: Engine, *pragmas: str) -> None:
        self.engine = engine
        self.pragmas = pragmas
        event.listen(engine, "connect", self._set)
        event.listen(engine, "checkout", self._again)  # one that was out when the others were let go comes back
        engine.dispose()

    def _set(self, connection: Any, _: Any) -> None:
        for pragma in self.pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def _again(self, connection: Any, record: Any, _: Any) -> None:
        self._set(connection, record)

    def mend(self) -> None:
        """Let new connections be as before."""
        event.remove(self.engine, "checkout", self._again)
        event.remove(self.engine, "connect", self._set)
        self.engine.dispose()


FULL = ("max_page_count=1",)  # no file may grow any more; SQLite answers as it does for a full disk
READ_ONLY = ("query_only=ON",)
IMPATIENT = ("busy_timeout=50",)


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Iterator[House]:
    built = house(tmp_path)
    yield built
    built.close()


@pytest_asyncio.fixture(name="api")
async def _api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[api_house.House, FarEnd]]:
    """An API with one playbook that an alert starts, in front of simulated systems."""
    folder = tmp_path / "playbooks"
    folder.mkdir()
    page = yaml.safe_load(PAGE) | yaml.safe_load(START)
    (folder / "outside.yaml").write_text(yaml.safe_dump(page, sort_keys=False))
    monkeypatch.setenv("FIREDOOR_PLAYBOOKS", str(folder))
    monkeypatch.setenv("FIREDOOR_AUTOMATIC_EVIDENCE", "any")  # one detector is enough here
    async with api_house.house(tmp_path / "data") as built:
        far_end = FarEnd(HandClock(STARTS), {})
        built.runtime.world.inventory = targets("m0", evidence=("model_card",))
        built.runtime.world.connectors = {KIND: far_end}
        yield built, far_end


async def posted(built: api_house.House) -> Any:
    """The answer to an alert."""
    return await built.local.post("/api/v1/alerts/alertmanager", json=ALERT)


@pytest.mark.parametrize("pragmas", [FULL, READ_ONLY], ids=["full", "read-only"])
async def test_an_alert_that_cannot_be_stored_is_refused_before_anything_is_done(api, pragmas) -> None:
    """503, so that its sender tries again; no call to any system. Once there is room, the same alert is taken."""
    built, far_end = api
    fault = Fault(built.runtime.world.store.engine, *pragmas)
    answer = await posted(built)
    assert (answer.status_code, problems(answer)) == (503, ["S101"])
    assert (far_end.calls.total(), built.runtime.world.store.rows(AlertRow)) == (0, [])
    fault.mend()
    answer = await posted(built)
    assert answer.status_code == 202, answer.text
    await built.runtime.driver.settled("INC-2026-0001")
    assert far_end.effects.total() == 1


async def test_a_database_that_cannot_be_read_is_told_in_words(api, tmp_path: Path) -> None:
    """503 and what to do, wherever it is asked; not an error of the driver. Once it is back, all is as it was."""
    built, _ = api
    built.runtime.world.store.engine.dispose()
    with closing(sqlite3.connect(tmp_path / "data" / "firedoor.db", isolation_level=None)) as other:
        other.execute("ALTER TABLE incident RENAME TO away")
        for path in ("/api/v1/incidents", "/api/v1/incidents/INC-2026-0001"):
            answer = await built.local.get(path)
            assert (answer.status_code, problems(answer)) == (503, ["S108"])
        other.execute("ALTER TABLE away RENAME TO incident")
    assert (await built.local.get("/api/v1/incidents")).status_code == 200


async def test_a_lock_of_a_moment_is_waited_for(api, tmp_path: Path) -> None:
    """Another connection writes: the alert waits, is stored, and only then something is done."""
    built, far_end = api
    with closing(sqlite3.connect(tmp_path / "data" / "firedoor.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(posted(built))
        await asyncio.sleep(0.2)
        assert (waiting.done(), far_end.calls.total()) == (False, 0)
        other.execute("ROLLBACK")
        assert (await waiting).status_code == 202
    await built.runtime.driver.settled("INC-2026-0001")
    assert far_end.effects.total() == 1


async def test_a_lock_that_lasts_is_refused_before_anything_is_done(api, tmp_path: Path) -> None:
    """As long as we wait it was held: 503, and nothing happens. Once it is gone, the same alert is taken."""
    built, far_end = api
    Fault(built.runtime.world.store.engine, *IMPATIENT)
    with closing(sqlite3.connect(tmp_path / "data" / "firedoor.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert (await posted(built)).status_code == 503
        assert far_end.calls.total() == 0
        other.execute("ROLLBACK")
    assert (await posted(built)).status_code == 202
    await built.runtime.driver.settled("INC-2026-0001")
    assert far_end.effects.total() == 1


async def test_no_system_is_called_when_the_intent_cannot_be_stored(here: House) -> None:
    """The disk fails after the alert was taken: containment waits until it can be written down."""
    entries = await here.opened(endpoint="chat-large")
    incident = entries[0].incident
    fault = Fault(here.store.engine, *READ_ONLY)
    here.driver.wake(incident)
    await here.settle(incident)
    assert here.far_end.effects.total() == 0
    assert len(here.entries(incident)) == len(entries)
    fault.mend()
    here.wind(minutes=2)
    await here.driver.look()
    await here.settle(incident)
    assert here.far_end.effects.total() == 1


async def test_an_effect_whose_end_could_not_be_stored_is_not_repeated(here: House) -> None:
    """The disk fails while the model is being closed: afterwards it is looked at, and found closed."""
    held = here.far_end.holds["suspend", "chat-large"] = asyncio.Event()
    incident = await here.open(endpoint="chat-large")
    while not here.far_end.calls["suspend", "chat-large"]:  # noqa: ASYNC110 - the far end has no event for it
        await asyncio.sleep(0.01)
    fault = Fault(here.store.engine, *READ_ONLY)
    held.set()
    await here.settle(incident)
    assert incident in here.driver.failing
    fault.mend()
    here.wind(minutes=2)
    await here.driver.look()
    view = await here.settle(incident)
    assert here.far_end.effects.total() == 1
    assert [task.number for task in view.open_tasks()] == [1]
    assert (await here.answer(incident, "T1", "yes")).state == State.CLOSED


async def test_a_point_that_cannot_be_stored_fires_later_and_once(here: House) -> None:
    """The disk fails when a reminder is due; the point keeps its place, and its lateness is told."""
    incident = await in_flight(here)
    fault = Fault(here.store.engine, *READ_ONLY)
    here.wind(minutes=16)
    assert await here.watch.look() == 0
    fault.mend()
    here.wind(minutes=1)
    assert [await here.watch.look(), await here.watch.look()] == [1, 0]
    (reminder,) = [entry.body for entry in here.entries(incident) if entry.kind == Kind.REMINDED]
    assert reminder["late_seconds"] == 120


def test_a_power_cut_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """SQLite promises that a commit is in the flushed log before it returns, and that a torn end counts for nothing.

    So a log that ends after the commit of an append holds it, and one that ends before holds all appends
    before it, whole: for every place at which the log may be cut.
    """
    (tmp_path / "here").mkdir()
    store = Store(f"sqlite:///{tmp_path / 'here' / 'firedoor.db'}")
    migrate(store.engine)
    entries = asyncio.run(_opened(tmp_path, store))
    log, name = tmp_path / "here" / "firedoor.db-wal", entries[0].incident
    sizes = [(log.stat().st_size, len(entries))]
    for _ in range(12):
        store.append(name, [NOTE, NOTE], STARTS).result()
        sizes.append((log.stat().st_size, sizes[-1][1] + 2))
    assert sizes == sorted(set(sizes)), "the log was not rewound meanwhile"
    begin, end = sizes[0][0], sizes[-1][0]
    for cut in [*range(begin, end, 9973), *(size - 1 for size, _ in sizes[1:]), *(size for size, _ in sizes)]:
        acknowledged = max(count for size, count in sizes if size <= cut)
        for tail in (b"", os.urandom(500)):
            found = _after_the_cut(tmp_path, cut, tail, name)
            assert acknowledged <= found <= acknowledged + 2, "a commit may be whole before it is acknowledged"
            assert (found - len(entries)) % 2 == 0, "never half an append"
    store.close()


async def _opened(tmp_path: Path, store: Store) -> Any:
    (tmp_path / "other").mkdir()
    here = house(tmp_path / "other")
    here.store.close()
    here.store = store
    return await here.opened(endpoint="chat-large")


def _after_the_cut(tmp_path: Path, cut: int, tail: bytes, name: str) -> int:
    """How many entries are there when the log ends at `cut`, with rubbish behind it; the chain must hold."""
    there = tmp_path / "there"
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir()
    shutil.copy(tmp_path / "here" / "firedoor.db", there / "firedoor.db")
    (there / "firedoor.db-wal").write_bytes((tmp_path / "here" / "firedoor.db-wal").read_bytes()[:cut] + tail)
    store = Store(f"sqlite:///{there / 'firedoor.db'}")
    try:
        assert [fault for _, _, fault in store.verify()] == [None]
        return len(store.entries(name))
    finally:
        store.close()


def test_every_commit_is_flushed_before_it_is_acknowledged(here: House) -> None:
    """On what the promise above rests: the log, and a flush at each commit, on the connection that writes."""
    asked = [f"PRAGMA {name}" for name in ("journal_mode", "synchronous")]
    found = here.store.write(lambda c: [c.exec_driver_sql(query).scalar() for query in asked]).result()
    assert found == ["wal", 2]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_jumps_an_hour_stops_nothing(here: House, hours: int) -> None:
    """Entries go on, reminders fire once, the incident closes and its chain holds."""
    incident = await in_flight(here)
    here.wind(hours=hours)
    await lived(here)
    await here.settle(incident)
    here.wind(hours=2)
    await lived(here)
    await here.settle(incident)
    points = [entry.body["point"] for entry in here.entries(incident) if entry.kind == Kind.REMINDED]
    assert {"half", "T"} <= set(points)  # those after the limit go on until somebody answers
    assert len(points) == len(set(points))
    assert (await here.answer(incident, "T1", "yes")).state == State.CLOSED
    assert [fault for _, _, fault in here.store.verify()] == [None]
    assert here.far_end.effects.total() == 1


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_lease_of_before_the_jump_is_taken_over(here: House, hours: int) -> None:
    """A dead driver's beat an hour ahead of the clock must not keep everybody away for an hour."""
    entries = await here.opened(endpoint="chat-large")
    incident = entries[0].incident
    leases.take(here.store, incident, "elsewhere:1:a", here.clock()).result()
    assert await here.driver.look() == []
    here.wind(hours=hours)
    assert await here.driver.look() == [incident]
    await here.settle(incident)
    assert here.far_end.effects.total() == 1


async def test_a_drive_that_failed_before_the_clock_was_put_back_is_tried_again(here: House) -> None:
    """Its pause was counted with the old clock, and does not last an hour now."""
    entries = await here.opened(endpoint="chat-large")
    fault = Fault(here.store.engine, *READ_ONLY)
    here.driver.wake(entries[0].incident)
    await here.settle(entries[0].incident)
    fault.mend()
    here.wind(hours=-1)
    assert await here.driver.look() == [entries[0].incident]
    await here.settle(entries[0].incident)
    assert here.far_end.effects.total() == 1


def downgrade(database: Path) -> None:
    """Make it a database of the first schema, with the same rows."""
    new = database.rename(database.with_name("new.db"))
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parents[1] / "migrations"))
    engine = open_engine(f"sqlite:///{database}")
    with engine.connect().execution_options(firedoor_write=True) as new_connection, new_connection.begin():
        config.attributes["connection"] = new_connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS new", [str(new)])
        for (name,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type='table'").fetchall():
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({name})"))
            if name != "firedoor_version":
                copied = f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM new.{name}"  # noqa: S608 - our own
                connection.execute(copied)


async def test_an_upgrade_takes_incidents_in_flight_along(here: House) -> None:
    """From the first schema: the journal stays as it is, and the incident goes on to its closure."""
    incident = await in_flight(here)
    before = here.entries(incident)
    here.close()
    downgrade(here.folder / "firedoor.db")
    assert [problem.code for problem in Audit(open_read_only(here.url), here.clock).look()] == ["M101"]
    there = here.again()
    assert there.entries(incident) == before
    await lived(there)
    assert Audit(open_read_only(there.url), there.clock).look() == []
    assert (await there.answer(incident, "T1", "yes")).state == State.CLOSED
    there.close()


@pytest.fixture(name="fragile")
def _fragile(require: Callable[..., None]) -> Iterator[Cluster]:
    """A cluster of one's own, which may be killed."""
    require("PostgreSQL")
    built = Cluster()
    yield built
    built.stop()


def restarted(cluster: Cluster) -> None:
    """Kill PostgreSQL without any farewell, and start it again on its data."""
    first = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(first, signal.SIGQUIT)
    cluster.process.wait(GENEROUS)
    cluster.process = subprocess.Popen(
        cluster.process.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
    cluster._wait()


async def test_a_restart_of_postgresql_in_the_middle_loses_nothing(fragile: Cluster, tmp_path: Path) -> None:
    """What was acknowledged is there, what was not is told, and the next write finds the new server."""
    here = House(tmp_path, plan_of(PAGE), url=fragile.new_database())
    incident = await in_flight(here)
    before = here.entries(incident)
    gate, inside = Event(), Event()

    def interrupted(connection: Any) -> None:
        connection.execute(table(AlertRow).delete())
        inside.set()
        gate.wait(GENEROUS)
        connection.exec_driver_sql("SELECT 1")

    writing = here.store.write(interrupted)
    inside.wait(GENEROUS)
    await asyncio.to_thread(restarted, fragile)
    gate.set()
    assert isinstance(writing.exception(GENEROUS), NotStored)
    assert here.entries(incident) == before
    assert (await here.answer(incident, "T1", "yes")).state == State.CLOSED
    assert [fault for _, _, fault in here.store.verify()] == [None]
    here.close()
