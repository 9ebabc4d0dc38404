"""The store: an append is whole or not there, on SQLite and on PostgreSQL, whatever happens around it."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, delete, event, insert, select, text, update
from tests.core.paper import HEAD
from tests.patience import GENEROUS
from tests.tampering import forced

from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import NotFound, Refused, Unanswered
from firedoor.store.database import migrate as schema
from firedoor.store.database.migrate import migrate
from firedoor.store.database.sql import table
from firedoor.store.database.tables import AlertRow, CounterRow, EntryRow, IncidentRow, PlanRow, TaskRow
from firedoor.store.identity.accounts import list_accounts
from firedoor.store.incidents import leases
from firedoor.store.incidents.alert_rows import Attachment, NewAlert
from firedoor.store.incidents.journal import Conflict, LostLease, NewIncident, Store
from firedoor.testing import plan_of

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPENED = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
NOTE = Draft(Kind.NOTE, "person:Ada", {"text": "seen"})
PLAYBOOK = HEAD + "phases: {identification: [task: a], containment: [], remediation: [], post_incident: []}"
BROKEN = Draft(Kind.EVIDENCE, "person:Ada", {"name": "without a digest"})  # its projection fails


def incident(owner: str = "") -> NewIncident:
    """An incident that nobody drives unless an owner is named."""
    opened = Draft(Kind.OPENED, "source:test", OPENED)
    return NewIncident(OPENED["type"], "t", "high", "paper", "source:test", (opened,), owner=owner)


def alert(fingerprint: str = "f") -> NewAlert:
    """One detection."""
    return NewAlert("generic", fingerprint, "", "0" * 64, {"title": "a"}, "start", ("because",))


def opened(store: Store, owner: str = "") -> str:
    """Open an incident and return its id."""
    return store.open_incident(incident(owner), NOW).result()[0].incident


def holding(store: Store) -> tuple[Event, Future[bool]]:
    """Keep the writer busy until the event is set; whatever is submitted meanwhile waits behind it."""
    began, gate = Event(), Event()

    def hold(_: object) -> bool:
        began.set()
        return gate.wait(GENEROUS)

    held = store.write(hold)
    began.wait(GENEROUS)
    return gate, held


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store."""
    store = Store(database)
    migrate(store.engine)
    yield store
    store.close()


def test_an_append_gives_numbered_entries_and_moves_the_head(store: Store) -> None:
    """What was written is read back, in order, and the chain holds."""
    name = opened(store)
    written = store.append(name, [NOTE, NOTE], NOW).result()
    assert [entry.seq for entry in written] == [2, 3]
    assert store.entries(name)[1:] == list(written)
    assert store.entries(name, after=2) == [written[1]]
    assert list(store.verify()) == [(name, 3, None)]


def test_a_projection_that_fails_leaves_nothing(store: Store) -> None:
    """Neither the entry before it, nor its own, nor the head: the same transaction."""
    name = opened(store)
    with pytest.raises(KeyError):
        store.append(name, [NOTE, BROKEN], NOW).result()
    assert len(store.entries(name)) == 1
    assert list(store.verify()) == [(name, 1, None)]


def test_an_expected_head_that_has_moved_is_a_conflict(store: Store) -> None:
    """Of two that decided on the same journal one writes, and the other decides anew."""
    name = opened(store)
    store.append(name, [NOTE], NOW, expect=1).result()
    with pytest.raises(Conflict):
        store.append(name, [NOTE], NOW, expect=1).result()
    assert len(store.entries(name)) == 2


def test_a_driver_that_was_thought_dead_cannot_write(store: Store) -> None:
    """Its token is older than that of whoever took over."""
    name = opened(store, owner="first")
    store.append(name, [NOTE], NOW, token=1).result()
    lease = leases.take(store, name, "second", NOW + leases.LEASE * 2).result()
    with pytest.raises(LostLease):
        store.append(name, [NOTE], NOW, token=1).result()
    assert store.append(name, [NOTE], NOW, token=lease.token).result()


def test_what_does_not_exist_is_said(store: Store) -> None:
    """An incident and a plan that nobody stored."""
    with pytest.raises(NotFound, match="S103"):
        store.append("INC-0", [NOTE], NOW).result()
    with pytest.raises(NotFound, match="S103"):
        list(store.verify("INC-0"))
    with pytest.raises(NotFound, match="S102"):
        store.plan("0" * 64)


def test_one_bad_write_of_a_group_harms_no_other(store: Store) -> None:
    """All that waited at one moment go into one transaction; only the bad ones fail."""
    name = opened(store)
    gate, held = holding(store)
    futures = [store.append(name, [BROKEN if n % 5 == 0 else NOTE], NOW) for n in range(40)]
    gate.set()
    held.result()
    failed = [isinstance(future.exception(GENEROUS), KeyError) for future in futures]
    assert failed == [n % 5 == 0 for n in range(40)]
    assert list(store.verify()) == [(name, 33, None)]


def test_a_write_that_breaks_the_transaction_harms_no_other(store: Store) -> None:
    """Even where the database gives up the whole group, each is tried by itself."""
    name = opened(store)
    gate, held = holding(store)
    bad = store.write(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))
    good = [store.append(name, [NOTE], NOW) for _ in range(5)]
    gate.set()
    held.result()
    assert isinstance(bad.exception(GENEROUS), Unanswered)
    assert [future.result(GENEROUS)[0].seq for future in good] == [2, 3, 4, 5, 6]


def test_a_result_is_handed_out_only_after_the_commit(store: Store) -> None:
    """Whoever hears of an entry finds it on disk, from any other connection."""
    name = opened(store)
    seen: Future[int] = Future()
    gate, held = holding(store)
    done = store.append(name, [NOTE], NOW)
    done.add_done_callback(lambda _: seen.set_result(len(store.entries(name))))
    assert len(store.entries(name)) == 1
    gate.set()
    held.result()
    assert seen.result(GENEROUS) == 2


async def test_a_cancelled_writer_of_entries_stops_nobody_else(store: Store) -> None:
    """Cancelled while it waits: nothing is written, and the writing thread lives on."""
    name = opened(store)
    gate, held = holding(store)
    waiting = asyncio.ensure_future(asyncio.wrap_future(store.append(name, [NOTE], NOW)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    gate.set()
    held.result()
    assert store.append(name, [NOTE], NOW).result(GENEROUS)[0].seq == 2


def test_a_closed_store_refuses_loudly(store: Store) -> None:
    """Nobody waits for ever for a write that nobody will do."""
    store.close()
    with pytest.raises(Unanswered, match="S101"):
        store.append("INC-1", [NOTE], NOW).result(GENEROUS)


def test_two_hundred_threads_with_one_alert_make_one_incident(store: Store) -> None:
    """The same alert from everywhere at once: one incident, and every delivery counted."""
    with ThreadPoolExecutor(200) as pool:
        futures = list(pool.map(lambda _: store.accept_alert(alert(), incident(), NOW), range(200)))
        accepted = [future.result(GENEROUS) for future in futures]
    assert {one.incident for one in accepted} == {"INC-2026-0001"}
    assert sorted(one.deliveries for one in accepted) == list(range(1, 201))
    assert sum(not one.duplicate for one in accepted) == 1
    assert len(store.rows(IncidentRow)) == 1


def test_an_alert_and_its_incident_are_one_transaction(store: Store) -> None:
    """If the incident cannot be opened the alert is not stored either, and can be delivered again."""
    broken = NewIncident("x", "t", "high", "paper", "source:test", (BROKEN,))
    with pytest.raises(KeyError):
        store.accept_alert(alert(), broken, NOW).result()
    assert (store.rows(AlertRow), store.rows(IncidentRow)) == ([], [])
    assert store.accept_alert(alert(), incident(), NOW).result().duplicate is False


def test_attaching_an_alert_is_one_transaction(store: Store) -> None:
    """The alert's row and the incident's entry are both there, or neither; a second delivery attaches nothing."""
    name = opened(store)
    attach = Attachment(name, Draft(Kind.ALERT, "source:test", {"alert": {}, "reasons": []}))
    accepted = [store.accept_alert(alert(), None, NOW, attach).result() for _ in range(2)]
    assert [(one.incident, one.duplicate) for one in accepted] == [(name, False), (name, True)]
    assert [entry.kind for entry in store.entries(name)] == [Kind.OPENED, Kind.ALERT]
    with pytest.raises(NotFound):
        store.accept_alert(alert("g"), None, NOW, Attachment("INC-0", NOTE)).result()
    assert len(store.rows(AlertRow)) == 1


def test_an_alert_gets_one_incident_by_hand(store: Store) -> None:
    """Two people who start a playbook for one alert: the second is refused, and no second incident is left."""
    store.accept_alert(alert(), None, NOW).result()
    assert store.open_incident(incident(), NOW, alert=1).result()
    with pytest.raises(Refused, match="A202"):
        store.open_incident(incident(), NOW, alert=1).result()
    assert len(store.rows(IncidentRow)) == 1
    assert store.rows(AlertRow)[0]["incident"] == "INC-2026-0001"


def test_numbers_are_given_out_once_and_without_a_gap(store: Store) -> None:
    """Also when many incidents open at once and some fail; each year counts for itself."""
    broken = NewIncident("x", "t", "high", "paper", "source:test", (BROKEN,))
    futures = [store.open_incident(broken if n % 4 == 0 else incident(), NOW) for n in range(40)]
    names = [future.result()[0].incident for future in futures if future.exception(GENEROUS) is None]
    assert names == [f"INC-2026-{number:04d}" for number in range(1, 31)]
    later = store.open_incident(incident(), NOW.replace(year=2027)).result()[0]
    assert later.incident == "INC-2027-0001"


def test_a_plan_is_stored_once_and_read_back(store: Store, database: str) -> None:
    """What a running incident is pinned to survives the process."""
    plan = plan_of(PLAYBOOK)
    assert store.keep_plan(plan, NOW) == store.keep_plan(plan, NOW) == plan.digest
    other = Store(database)
    assert other.plan(plan.digest) == plan
    other.close()


def test_a_plan_that_was_altered_is_never_performed(store: Store, database: str) -> None:
    """Its digest no longer fits, so that nobody can change what a running incident will do."""
    plan = plan_of(PLAYBOOK)
    store.keep_plan(plan, NOW)
    body = plan.model_dump_json().replace("On paper", "On sand")
    store.execute(update(table(PlanRow)).values(body=body)).result()
    other = Store(database)
    with pytest.raises(Refused, match="S106"):
        other.plan(plan.digest)
    other.close()


COLUMNS = list(table(EntryRow).columns.keys())


@pytest.mark.parametrize("column", COLUMNS)
def test_one_changed_character_in_any_column_of_any_row_is_named(store: Store, column: str) -> None:
    """Whatever is changed behind our back, verification names the entry (or what is missing after it)."""
    name = opened(store)
    entries = store.append(name, [NOTE, NOTE, NOTE], NOW).result()
    for seq in range(1, entries[-1].seq + 1):
        restore = forge(store, name, seq, column)
        faults = [fault for _, _, fault in store.verify() if fault]
        assert faults, (column, seq)
        assert min(fault.seq for fault in faults) in (0, seq - 1, seq, seq + 1, seq + 100), (column, seq, faults)
        restore()
    assert all(fault is None for _, _, fault in store.verify())


def forge(store: Store, name: str, seq: int, column: str):
    """Change one character of one cell; returns what puts it back."""
    columns = table(EntryRow).c
    one = (columns.incident == name) & (columns.seq == seq)
    with store.engine.connect() as connection:
        old = connection.execute(select(columns[column]).where(one)).scalar_one()
    new = old + 100 if isinstance(old, int) else old[:-1] + chr(ord(old[-1]) ^ 1)
    run(store, update(table(EntryRow)).where(one).values({column: new}))
    changed = {"incident": (columns.incident == new) & (columns.seq == seq)} if column == "incident" else {}
    if column == "seq":
        changed = {"seq": (columns.incident == name) & (columns.seq == new)}
    return lambda: run(store, update(table(EntryRow)).where(changed.get(column, one)).values({column: old}))


def run(store: Store, query) -> None:
    """Change the database past every rule."""
    store.write(forced(query)).result()


@pytest.mark.parametrize(
    "body", ['{"text": "seen"}', '{"text":"\\u0073een"}', '{"n":1e1}', "{", "", "[]", '{"text":"a","text":"seen"}']
)
def test_a_body_is_proved_byte_by_byte(store: Store, body: str) -> None:
    """Also what reads the same but was not written so, and what cannot be read at all."""
    name = opened(store)
    store.append(name, [NOTE, NOTE], NOW).result()
    run(store, update(table(EntryRow)).where(table(EntryRow).c.seq == 2).values(body=body))
    ((_, _, fault),) = store.verify(name)
    assert (fault.seq, "altered" in fault.what) == (2, True)


def test_many_journals_are_verified_by_few_queries(store: Store) -> None:
    """A hundred at a time, in the order of their names; an altered line is found in whichever hundred it stands."""
    names = [written.result()[0].incident for written in [store.open_incident(incident(), NOW) for _ in range(230)]]
    store.append(names[201], [NOTE], NOW).result()
    run(store, update(table(EntryRow)).where(table(EntryRow).c.incident == names[201]).values(actor="person:Eve"))
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = list(store.verify())
    assert [(name, number) for name, number, _ in found] == [(name, 1 + (name == names[201])) for name in names]
    assert [name for name, _, fault in found if fault] == [names[201]]
    assert len([query for query in asked if "entry.body" in query]) == 3


def test_rows_that_were_dropped_cut_off_or_orphaned_are_found(store: Store) -> None:
    """A hole, a shortened end, a moved head, and entries whose incident is gone."""
    found = []
    seq = table(EntryRow).c.seq
    for damage in (seq == 2, seq == 4, seq > 0):
        name = opened(store)
        store.append(name, [NOTE, NOTE, NOTE], NOW).result()
        run(store, delete(table(EntryRow)).where((table(EntryRow).c.incident == name) & damage))
        found += [fault.seq for _, _, fault in store.verify(name) if fault]
    assert found == [3, 3, 0]
    name = opened(store)
    run(store, delete(table(IncidentRow)).where(table(IncidentRow).c.id == name))
    assert [fault.what for incident, _, fault in store.verify() if incident == name] == [
        "has entries, but the incident itself is gone"
    ]


def test_verification_sees_one_moment(store: Store) -> None:
    """While another one writes, no entry looks forged."""
    name, enough = opened(store), Event()

    def write_on() -> None:
        while not enough.is_set():
            store.append(name, [NOTE], NOW).result(GENEROUS)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_on)
        looks = [fault for _ in range(60) for _, _, fault in store.verify()]
        enough.set()
        writing.result(GENEROUS)
    assert looks == [None] * 60


def write_from_another_process(url: str, name: str, count: int) -> None:
    """What the other process does."""
    store = Store(url)
    for number in range(count):
        store.append(name, [Draft(Kind.NOTE, "person:Other", {"n": number})], NOW).result(GENEROUS)
        store.open_incident(incident(), NOW).result(GENEROUS)
        store.accept_alert(alert(f"f{number}"), incident(), NOW).result(GENEROUS)
    store.close()


def test_two_processes_share_one_database(store: Store, database: str) -> None:
    """They write to one journal, give out numbers once and accept each alert once, at the same time."""
    name, count = opened(store), 30
    other = multiprocessing.get_context("spawn").Process(
        target=write_from_another_process, args=(database, name, count)
    )
    other.start()
    write_from_another_process(database, name, count)
    other.join(GENEROUS)
    assert other.exitcode == 0
    assert [entry.seq for entry in store.entries(name)] == list(range(1, 2 * count + 2))
    assert len(store.rows(IncidentRow)) == 1 + 2 * count + count
    assert {row["deliveries"] for row in store.rows(AlertRow)} == {2}
    assert all(fault is None for _, _, fault in store.verify())


def test_migrating_twice_or_at_once_changes_nothing(empty_database: str) -> None:
    """Several processes that start together find or make the schema."""
    stores = [Store(empty_database) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda one: migrate(one.engine), stores))
    assert True in made
    assert opened(stores[0]) == "INC-2026-0001"
    assert [migrate(one.engine) for one in stores] == [False] * 4
    for one in stores:
        one.close()


def test_an_account_outlives_the_lock_that_it_had(empty_database: str) -> None:
    """From the schema with locks on accounts: who there is stays, and the locks are gone."""
    store = Store(empty_database)
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parents[1] / "migrations"))
    with store.engine.connect().execution_options(firedoor_write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0011")
        known = {"name": "ada", "display": "Ada", "roles": "dpo", "created_at": "2026-11-20T00:00:00+00:00"}
        rows = MetaData()
        rows.reflect(connection, only=["account"])
        columns = rows.tables["account"].columns
        empty = {one.name: 3 if one.type.python_type is int else "" for one in columns if not one.nullable}
        connection.execute(insert(rows.tables["account"]).values(**{**empty, **known}))
    assert migrate(store.engine)
    assert [account.name for account in list_accounts(store)] == ["ada"]
    assert opened(store) == "INC-2026-0001"
    store.close()


def test_a_database_from_the_future_is_refused(store: Store) -> None:
    """An older Firedoor does not write into what it does not know."""
    run(store, text("UPDATE firedoor_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="S104"):
        migrate(store.engine)


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite, for what only a file can do."""
    store = Store(f"sqlite:///{tmp_path / 'firedoor.db'}")
    migrate(store.engine)
    yield store
    store.close()


def test_a_full_disk_is_refused_loudly_and_leaves_nothing(on_disk: Store) -> None:
    """The database says that it is full: the caller hears of it, and afterwards all goes on."""
    name = opened(on_disk)
    pages = on_disk.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar()).result()
    on_disk.execute(text(f"PRAGMA max_page_count={pages}")).result()
    large = Draft(Kind.NOTE, "person:Ada", {"text": "x" * 100_000})
    futures = [on_disk.append(name, [large], NOW) for _ in range(3)]
    assert all("full" in str(future.exception(GENEROUS)) and "S101" in str(future.exception()) for future in futures)
    on_disk.execute(text("PRAGMA max_page_count=100000")).result()
    assert [entry.seq for entry in on_disk.append(name, [large], NOW).result(GENEROUS)] == [2]


def test_a_database_that_may_not_be_written_is_refused_loudly(on_disk: Store, tmp_path: Path) -> None:
    """Read-only: nothing is stored, and it says so."""
    name = opened(on_disk)
    on_disk.execute(text("PRAGMA query_only=ON")).result()
    with pytest.raises(Unanswered, match="only be read"):
        on_disk.append(name, [NOTE], NOW).result(GENEROUS)
    assert len(on_disk.entries(name)) == 1


def test_a_database_that_is_none_is_refused_loudly(tmp_path: Path) -> None:
    """A file that holds something else is not written to."""
    (tmp_path / "firedoor.db").write_bytes(b"no database at all" * 100)
    store = Store(f"sqlite:///{tmp_path / 'firedoor.db'}")
    with pytest.raises(Unanswered, match="S101"):
        store.open_incident(incident(), NOW).result(GENEROUS)
    store.close()


def test_a_lock_that_somebody_holds_is_waited_for(on_disk: Store, tmp_path: Path) -> None:
    """A backup or another process that writes holds us up, and does us no harm."""
    name = opened(on_disk)
    other = sqlite3.connect(tmp_path / "firedoor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    future = on_disk.append(name, [NOTE], NOW)
    with pytest.raises(TimeoutError):
        future.result(0.05)
    other.execute("ROLLBACK")
    assert future.result(GENEROUS)[0].seq == 2
    other.close()


def test_a_counter_that_was_wound_back_cannot_hand_out_a_number_twice(store: Store) -> None:
    """The number is the incident's key: a second one of it is refused, and nothing is half made."""
    name = opened(store)
    run(store, update(table(CounterRow)).values(value=0))
    with pytest.raises(Unanswered):
        store.open_incident(incident(), NOW).result()
    assert len(store.entries(name)) == 1


def test_a_task_is_in_its_row_as_soon_as_it_is_in_the_journal(store: Store) -> None:
    """The rows that answer questions are written with the entry."""
    name = opened(store)
    body = {
        "task": "a", "op": "a", "kind": "do", "role": "dpo", "question": "?", "choices": [], "due_at": NOW.isoformat(),
        "escalate_to": "dpo",
    }  # fmt: skip
    store.append(name, [Draft(Kind.TASK_OPENED, "firedoor", body)], NOW).result()
    assert [(row["id"], row["number"], row["state"]) for row in store.rows(TaskRow)] == [("a", 1, "open")]
    with pytest.raises(Unanswered):
        store.write(
            lambda connection: connection.execute(insert(table(EntryRow)).values(incident=name, seq=1))
        ).result()
