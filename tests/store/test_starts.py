"""One start, sent to two processes of one installation at once: one incident, and both hear which."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.journal import Draft, Kind
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents.journal import NewIncident, Store
from firedoor.store.incidents.starts import KEPT, StartedBefore, started_by

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPENED = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high", "start": "a" * 64}
NEW = NewIncident(
    OPENED["type"], "t", "high", "paper", "person:ann", (Draft(Kind.OPENED, "person:ann", OPENED),), mark="a" * 64
)


@pytest.fixture(name="stores")
def _stores(database: str) -> Iterator[tuple[Store, Store]]:
    both = Store(database), Store(database)
    yield both
    for store in both:
        store.close()


def said(store: Store) -> tuple[str, bool]:
    """Which incident a process is told, and whether it opened it."""
    try:
        return store.open_incident(NEW, NOW).result()[0].incident, True
    except StartedBefore as before:
        return before.incident, False


@pytest.mark.parametrize("_", range(5))
def test_two_processes_open_one_incident(stores: tuple[Store, Store], _: int) -> None:
    """Whoever is second writes nothing and hears of the first."""
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(said, stores * 4))
    assert len({incident for incident, _ in told}) == 1
    assert [new for _, new in told].count(True) == 1
    assert len(stores[0].rows(IncidentRow)) == 1


def test_another_mark_or_another_day_is_another_start(stores: tuple[Store, Store]) -> None:
    """The same words a day later are meant anew; without a mark every start is its own."""
    first, _ = said(stores[0])
    other = replace(NEW, mark="b" * 64, drafts=(Draft(Kind.OPENED, "person:ann", {**OPENED, "start": "b" * 64}),))
    second = stores[1].open_incident(other, NOW).result()[0].incident
    third = stores[1].open_incident(NEW, NOW + KEPT + timedelta(minutes=1)).result()[0].incident
    bare = [stores[0].open_incident(replace(NEW, mark=""), NOW).result()[0].incident for _ in range(2)]
    assert len({first, second, third, *bare}) == 5
    with stores[0].engine.connect() as connection:
        assert started_by(connection, "c" * 64, NOW) is None
