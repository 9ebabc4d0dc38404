"""A commit whose answer is lost on the way: what was acknowledged is there once, and nothing is written twice."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url
from tests.patience import GENEROUS
from tests.support.databases import Cluster

from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import InDoubt, NotRead, NotStored
from firedoor.store.database.migrate import migrate
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents.alert_rows import NewAlert
from firedoor.store.incidents.journal import NewIncident, Store

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPENED = Draft(Kind.OPENED, "x", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})
NEW = NewIncident("data_leakage_in_ai_models", "t", "high", "p", "x", (OPENED,))
NOTE = Draft(Kind.NOTE, "person:Ada", {"text": "seen"})
BEFORE, AFTER = "before it arrives", "after it was done"


class Wire:
    """The network between a store and its PostgreSQL. Cuts a connection at its commit, when told to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cut = ""  # BEFORE or AFTER: the next commit loses its connection then
        self.for_good = False  # after the cut nobody gets through any more
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.cuts and self.for_good:
                    client.close()
                else:
                    _Line(self, client, socket.create_connection(("127.0.0.1", self.port)))

    def url(self, direct: str) -> str:
        """The same database, through this wire."""
        return make_url(direct).set(port=self.listener.getsockname()[1]).render_as_string(hide_password=False)


class _Line:
    """One connection."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self.wire, self.client, self.server = wire, client, server
        self.answers = True
        for carry in (self._there, self._back):
            threading.Thread(target=carry, daemon=True).start()

    def _there(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.client.recv(65536):
                if self.wire.cut and b"COMMIT" in data:
                    when, self.wire.cut, self.wire.cuts = self.wire.cut, "", self.wire.cuts + 1
                    self.answers = False
                    if when == BEFORE:
                        break
                self.server.sendall(data)
        self._close()

    def _back(self) -> None:
        with contextlib.suppress(OSError):
            while (data := self.server.recv(65536)) and self.answers:
                self.client.sendall(data)
        self._close()

    def _close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(name="wired")
def _wired(cluster: Cluster) -> Iterator[tuple[Store, Wire, Store]]:
    """A store behind a wire, the wire, and another store that looks at the same database directly."""
    url, wire = cluster.new_database(), Wire(cluster.port)
    direct, store = Store(url), Store(wire.url(url))
    migrate(direct.engine)
    yield store, wire, direct
    store.close()
    direct.close()
    wire.listener.close()


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("writes", [1, 12])
def test_a_lost_answer_is_asked_for_and_nothing_is_written_twice(wired, when: str, writes: int) -> None:
    """Alone and in a group: each is acknowledged, and is there once."""
    store, wire, direct = wired
    name = store.open_incident(NEW, NOW).result()[0].incident
    held = threading.Event()
    busy = store.write(lambda _: held.wait(GENEROUS) and 1 / 0)  # rolled back: the next commit is that of the others
    wire.cut = when
    opened = [store.open_incident(NEW, NOW) for _ in range(writes - 1)]
    noted = store.append(name, [NOTE], NOW)
    held.set()
    assert isinstance(busy.exception(GENEROUS), ZeroDivisionError)
    assert [entry.seq for entry in noted.result(GENEROUS)] == [2]
    assert (wire.cuts, len({future.result(GENEROUS)[0].incident for future in opened})) == (1, writes - 1)
    assert (len(direct.entries(name)), len(direct.rows(IncidentRow))) == (2, writes)
    assert {fault for _, _, fault in direct.verify()} == {None}


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_commit_of_which_nobody_can_know_is_told_as_such(wired, when: str) -> None:
    """The database stays away: it is refused as in doubt, is there once or not at all, and the sender may try again."""
    store, wire, direct = wired
    alert = NewAlert("generic", "f", "", "0" * 64, {"title": "a"}, "start", ("because",))
    store.writer.patience = 0.3
    wire.cut, wire.for_good = when, True
    refused = store.accept_alert(alert, NEW, NOW).exception(GENEROUS)
    assert isinstance(refused, InDoubt)
    assert not isinstance(refused, NotStored)
    assert len(direct.rows(IncidentRow)) == (when == AFTER)
    wire.for_good = False
    assert store.accept_alert(alert, NEW, NOW).result(GENEROUS).duplicate is (when == AFTER)
    assert len(direct.rows(IncidentRow)) == 1


def test_a_database_that_is_away_is_told_in_words(wired) -> None:
    """Neither a read nor a write ends in an error of the driver; both say that one may try again."""
    store, wire, _ = wired
    name = store.open_incident(NEW, NOW).result()[0].incident
    wire.cut, wire.for_good, wire.cuts = "", True, 1
    store.engine.dispose()
    with pytest.raises(NotRead, match="could not be read"):
        store.incident(name)
    assert isinstance(store.append(name, [NOTE], NOW).exception(GENEROUS), NotStored)
    wire.for_good = False
    assert len(store.append(name, [NOTE], NOW).result()) == 1
