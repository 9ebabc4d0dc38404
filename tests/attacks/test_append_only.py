"""Attack: whoever holds Firedoor's own login to the database changes, removes or replaces what a journal says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from tests.store.test_store import NOTE, NOW, opened
from tests.support.databases import cluster, database  # noqa: F401 - fixtures
from tests.tampering import unguarded

from firedoor.core.access.security import CHAIN, SecurityEvent, SecurityKind
from firedoor.store.database.migrate import migrate
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append

COLUMNS = ("at", "kind", "actor", "body", "prev", "hash")


@pytest.fixture
def store(database: str) -> Iterator[Store]:  # noqa: F811 - the fixture
    """A store with two journals: one of an incident, and the installation's own."""
    store = Store(database)
    migrate(store.engine)
    store.append(opened(store), [NOTE, NOTE], NOW).result()
    event = SecurityEvent(SecurityKind.SIGNED_IN, "person:Ada", {"account": "ada"})
    store.write(lambda connection: append(connection, [event], NOW)).result()
    yield store
    store.close()


def statements(store: Store, name: str) -> list[str]:
    """Every way in which a row of a table is changed or goes, in the words of its database."""
    found = [f"UPDATE {name} SET {column} = 'x'" for column in COLUMNS]  # noqa: S608 - the test's own
    found += [f"UPDATE {name} SET seq = seq + 100 WHERE seq = 1", f"DELETE FROM {name} WHERE seq = 1"]  # noqa: S608
    found += [f"DELETE FROM {name}"]  # noqa: S608
    again = f"INTO {name} SELECT * FROM {name} WHERE seq = 1"  # noqa: S608
    if store.engine.dialect.name == "sqlite":
        return [*found, f"INSERT OR REPLACE {again}", f"REPLACE {again}"]
    clash = "(incident, seq)" if name == "entry" else "(seq)"
    return [*found, f"TRUNCATE {name}", f"INSERT {again} ON CONFLICT {clash} DO UPDATE SET actor = 'x'"]


@pytest.mark.parametrize("name", ["entry", "security_entry"])
def test_a_journal_is_only_ever_added_to(store: Store, name: str) -> None:
    """The database itself refuses, says why, and nothing has changed; writing on goes on."""
    (incident,) = [one for one, _, _ in store.verify() if one != CHAIN]
    before = len(store.entries(incident))
    login = create_engine(store.engine.url)
    for statement in statements(store, name):
        with login.connect() as connection, pytest.raises(DBAPIError, match="only ever added"):
            connection.execute(text(statement))
    login.dispose()
    assert not [fault for _, _, fault in store.verify() if fault]
    store.append(incident, [NOTE], NOW).result()
    assert len(store.entries(incident)) == before + 1


def test_whoever_takes_the_guards_away_is_found_out(store: Store) -> None:
    """Who may change the schema can do it; then the chain tells."""
    with store.engine.begin() as connection:
        unguarded(connection).execute(text("UPDATE entry SET actor = 'person:nobody' WHERE seq = 2"))
    assert [fault.seq for _, _, fault in store.verify() if fault] == [2]
