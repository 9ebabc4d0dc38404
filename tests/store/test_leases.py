"""Who drives which incident: one at a time, taken over when it is silent, and found when there is work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.journal import Draft, Kind
from firedoor.store.database.migrate import migrate
from firedoor.store.incidents import leases
from firedoor.store.incidents.journal import NewIncident, Store
from firedoor.store.incidents.leases import LEASE, Lease

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPENED = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
NOTE = Draft(Kind.NOTE, "person:Ada", {})


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store."""
    store = Store(database)
    migrate(store.engine)
    yield store
    store.close()


def opened(store: Store, owner: str = "") -> str:
    new = NewIncident(OPENED["type"], "t", "high", "p", "x", (Draft(Kind.OPENED, "x", OPENED),), owner=owner)
    return store.open_incident(new, NOW).result()[0].incident


def take(store: Store, name: str, owner: str, now: datetime = NOW) -> Lease | None:
    return leases.take(store, name, owner, now).result()


def state(store: Store, name: str, to: str) -> None:
    store.append(name, [Draft(Kind.STATE, "x", {"state": to, "event": "e", "before": "open"})], NOW).result()


def test_one_of_many_takes_a_free_incident(store: Store) -> None:
    """However many try at once."""
    name = opened(store)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: take(store, name, f"process {n}"), range(24)))
    assert sum(lease is not None for lease in taken) == 1


def test_a_living_driver_keeps_its_lease_and_a_silent_one_loses_it(store: Store) -> None:
    """The lease runs out eight seconds after the last beat; the next token is higher."""
    name = opened(store, "first")
    assert take(store, name, "second", NOW + LEASE) is None
    leases.beat(store, [Lease(name, "first", 1)], NOW + LEASE).result()
    assert take(store, name, "second", NOW + LEASE + LEASE) is None
    assert take(store, name, "second", NOW + LEASE + LEASE + timedelta(microseconds=1)) == Lease(name, "second", 2)


def test_whoever_was_replaced_can_neither_beat_nor_give_back(store: Store) -> None:
    """An old token changes nothing any more."""
    name = opened(store, "first")
    later = NOW + LEASE * 2
    take(store, name, "second", later)
    leases.beat(store, [Lease(name, "first", 1)], later + LEASE).result()
    leases.release(store, Lease(name, "first", 1), 99, None).result()
    assert take(store, name, "third", later) is None
    assert take(store, name, "third", later + LEASE * 2) == Lease(name, "third", 3)


def test_nobody_can_drive_what_does_not_exist(store: Store) -> None:
    """There is nothing to take."""
    assert take(store, "INC-0", "first") is None


def test_an_incident_needs_a_driver_when_somebody_wrote(store: Store) -> None:
    """Not while one lives, not when everything was looked at, and again after the next entry."""
    name = opened(store, "first")
    assert leases.needing(store, NOW) == []
    leases.release(store, Lease(name, "first", 1), 1, None).result()
    assert leases.needing(store, NOW) == []
    store.append(name, [NOTE], NOW).result()
    assert leases.needing(store, NOW) == [name]


def test_an_incident_needs_a_driver_when_its_time_has_come(store: Store) -> None:
    """At the instant, not before."""
    name = opened(store, "first")
    leases.release(store, Lease(name, "first", 1), 1, NOW + timedelta(hours=1)).result()
    assert leases.needing(store, NOW + timedelta(minutes=59)) == []
    assert leases.needing(store, NOW + timedelta(hours=1)) == [name]


def test_an_incident_needs_a_driver_when_its_driver_died(store: Store) -> None:
    """A driver that does not beat is no driver."""
    name = opened(store, "first")
    assert leases.needing(store, NOW + LEASE) == []
    assert leases.needing(store, NOW + LEASE + timedelta(microseconds=1)) == [name]


def test_what_has_ended_needs_no_driver_until_it_is_reopened(store: Store) -> None:
    """Closing ends it; reopening makes it drivable again."""
    name = opened(store)
    state(store, name, "closed")
    assert leases.needing(store, NOW) == []
    state(store, name, "confirmed")
    assert leases.needing(store, NOW) == [name]


def test_a_flow_run_and_its_incident_find_each_other(store: Store) -> None:
    """Both ways; nothing is found for what was never remembered."""
    name, other = opened(store), opened(store)
    leases.set_flow_run(store, name, "run-1").result()
    assert (leases.flow_run(store, name), leases.incident_of(store, "run-1")) == ("run-1", name)
    assert (leases.flow_run(store, other), leases.incident_of(store, "run-2")) == (None, None)


def test_looking_touches_only_those_that_have_work(store: Store) -> None:
    """The database answers each look from an index of the drives with work, however many sleep."""
    sqlite = store.engine.dialect.name == "sqlite"
    opened(store)
    asked: list[str] = []
    with store.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1" if sqlite else "SET enable_seqscan = off")
        for query in leases.questions(NOW):
            literal = query.compile(store.engine, compile_kwargs={"literal_binds": True})
            explained = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{literal}")
            asked.append(" ".join(str(row) for row in explained))
    assert ["drive_awake" in asked[0], "drive_wake_at" in asked[1]] == [True, True], asked


def test_the_earliest_time_that_wakes_anything_is_known(store: Store) -> None:
    """None when time wakes nothing."""
    name, other = opened(store, "first"), opened(store, "first")
    assert leases.next_wake(store) is None
    leases.release(store, Lease(name, "first", 1), 1, NOW + timedelta(hours=2)).result()
    leases.release(store, Lease(other, "first", 1), 1, NOW + timedelta(hours=1)).result()
    assert leases.next_wake(store) == NOW + timedelta(hours=1)
