"""Which incidents Prefect has still to be shown: who is behind, who may show it, and what a killed process leaves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.journal import Draft, Kind
from firedoor.store.database.migrate import migrate
from firedoor.store.incidents import leases, prefect_backlog
from firedoor.store.incidents.journal import NewIncident, Store
from firedoor.store.incidents.leases import Lease
from firedoor.store.incidents.prefect_backlog import CLAIM, LONGEST, QUIET

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LATER = NOW + QUIET + timedelta(seconds=1)
NOTE = Draft(Kind.NOTE, "person:Ada", {})


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store."""
    store = Store(database)
    migrate(store.engine)
    yield store
    store.close()


def waiting(store: Store) -> str:
    """An incident that was driven until it waits for somebody."""
    opened = Draft(Kind.OPENED, "x", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})
    new = NewIncident("data_leakage_in_ai_models", "t", "high", "p", "x", (opened,), owner="first")
    name = str(store.open_incident(new, NOW).result()[0].incident)
    leases.release(store, Lease(name, "first", 1), 1, None).result()
    return name


def test_an_incident_is_behind_when_its_driver_has_rested(store: Store) -> None:
    """Not at once: its own flow run may still be about to show it."""
    name = waiting(store)
    assert prefect_backlog.behind(store, NOW + QUIET) == []
    assert prefect_backlog.behind(store, LATER) == [name]
    assert prefect_backlog.behind(store, LATER, but=[name]) == []


def test_an_incident_that_is_to_be_driven_is_left_to_its_driver(store: Store) -> None:
    """Somebody wrote to it: whoever drives it shows it too. When it has ended, nobody will."""
    name = waiting(store)
    store.append(name, [NOTE], NOW).result()
    assert prefect_backlog.behind(store, LATER) == []
    closed = Draft(Kind.STATE, "x", {"state": "closed", "event": "close", "before": "open"})
    store.append(name, [closed], NOW).result()
    assert prefect_backlog.behind(store, LATER) == [name]


def test_of_many_processes_one_shows_an_incident(store: Store) -> None:
    """Compare-and-set, however many ask at once."""
    name = waiting(store)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: prefect_backlog.claim(store, [name], LATER).result(), range(24)))
    assert sum(len(claims) for claims in taken) == 1
    assert prefect_backlog.behind(store, LATER) == []


def test_the_claim_of_a_killed_process_runs_out(store: Store) -> None:
    """And one of a clock that was put back does, too."""
    name = waiting(store)
    prefect_backlog.claim(store, [name], LATER).result()
    assert prefect_backlog.behind(store, LATER + CLAIM) == [name]
    prefect_backlog.claim(store, [name], LATER + LONGEST * 2).result()
    assert prefect_backlog.behind(store, LATER) == [name]


def test_what_was_shown_is_behind_again_after_the_next_entry(store: Store) -> None:
    """Until then nobody looks at it."""
    name = waiting(store)
    (claim,) = prefect_backlog.claim(store, [name], LATER).result()
    assert prefect_backlog.untouched(store, claim)
    assert prefect_backlog.finish(store, claim).result()
    assert prefect_backlog.behind(store, LATER) == []
    store.append(name, [NOTE], LATER).result()
    leases.release(store, Lease(name, "first", 1), 2, None).result()
    assert prefect_backlog.behind(store, LATER) == [name]


def test_what_was_driven_meanwhile_is_shown_again(store: Store) -> None:
    """What was shown may have overwritten what the driver's own run said."""
    name = waiting(store)
    (claim,) = prefect_backlog.claim(store, [name], LATER).result()
    lease = leases.take(store, name, "second", LATER).result()
    assert not prefect_backlog.untouched(store, claim)
    prefect_backlog.note(store, name, 1).result()
    leases.release(store, lease, 1, None).result()
    assert not prefect_backlog.finish(store, claim).result()
    assert prefect_backlog.behind(store, LATER + QUIET * 2) == [name]


def test_a_claim_that_ran_out_notes_nothing(store: Store) -> None:
    """Another process has it by then."""
    name = waiting(store)
    (old,) = prefect_backlog.claim(store, [name], LATER).result()
    (new,) = prefect_backlog.claim(store, [name], LATER + CLAIM).result()
    assert not prefect_backlog.finish(store, old).result()
    assert prefect_backlog.finish(store, new).result()


def test_a_claim_is_given_back_for_later(store: Store) -> None:
    """Prefect was away."""
    name = waiting(store)
    (claim,) = prefect_backlog.claim(store, [name], LATER).result()
    prefect_backlog.postpone(store, claim, LATER + timedelta(seconds=5)).result()
    assert prefect_backlog.behind(store, LATER + timedelta(seconds=4)) == []
    assert prefect_backlog.behind(store, LATER + timedelta(seconds=5)) == [name]


def test_what_prefect_shows_wrongly_is_shown_once_more(store: Store) -> None:
    """Known by its incident or by its flow run; what a run showed of itself is noted only forwards."""
    name = waiting(store)
    leases.set_flow_run(store, name, "run-1").result()
    for these in ({"incidents": [name]}, {"flow_run_ids": ["run-1"]}):
        prefect_backlog.note(store, name, 1).result()
        prefect_backlog.note(store, name, 0).result()
        assert prefect_backlog.behind(store, LATER) == []
        prefect_backlog.reopen(store, **these).result()
        assert prefect_backlog.behind(store, LATER) == [name]
    assert prefect_backlog.known(store, ["run-1", "run-2"]) == {"run-1"}
