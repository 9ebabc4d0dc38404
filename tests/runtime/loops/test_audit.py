"""The audit: whatever goes silent, hangs, is altered or taken back is noticed from outside, within a minute."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.support.command import Firedoor, _firedoor
from tests.support.outside import PAGE, alter, house, in_flight, lived
from tests.tampering import unguarded

from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import InvalidInput
from firedoor.runtime.loops.audit import Audit, Limits
from firedoor.store.database.engine import open_read_only
from firedoor.store.incidents import holds, leases
from firedoor.testing.house import House, plan_of

__all__ = ["_firedoor"]


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Iterator[House]:
    built = house(tmp_path)
    yield built
    built.close()


def auditor(here: House, **options) -> Audit:
    """An auditor over the house's database and clock."""
    return Audit(open_read_only(here.url), here.clock, **options)


def codes(audit: Audit) -> list[str]:
    """What it finds."""
    return [problem.code for problem in audit.look()]


async def test_a_living_house_is_well(here: House) -> None:
    """In the middle of an incident, and an hour later when the reminders have fired."""
    audit = auditor(here)
    await in_flight(here)
    assert codes(audit) == []
    here.wind(hours=1)
    await lived(here)
    await here.settle("INC-2026-0001")
    assert codes(audit) == []


@pytest.mark.parametrize("loop", ["watch", "recovery"])
async def test_a_loop_that_has_stopped_is_noticed_within_a_minute(here: House, loop: str) -> None:
    """Nothing is due and nothing is wrong yet, but nobody would hear of it."""
    audit = auditor(here)
    await in_flight(here)
    here.wind(seconds=40)
    if loop == "recovery":
        await here.watch.look()
        await here.watch.pulse()
    assert codes(audit) == (["M114", "M115"] if loop == "watch" else ["M115"])
    await lived(here)
    here.wind(seconds=6)
    await lived(here)
    assert codes(audit) == []


async def test_a_point_that_should_have_fired_is_named(here: House) -> None:
    """The watch gives signs of life, and yet fires nothing."""
    audit = auditor(here)
    incident = await in_flight(here)
    here.wind(minutes=15, seconds=31)
    await here.driver.look()
    await here.holding.look()
    here.watch.looked_at = here.clock()
    await here.watch.pulse()
    (problem,) = audit.look()
    assert problem.code == "M111"
    assert "half of task:" in problem.message
    assert incident in problem.message


async def test_a_timer_that_was_removed_is_noticed(here: House) -> None:
    """Nothing would ever be late in the list of points: the task itself says that it is."""
    audit = auditor(here)
    await in_flight(here)
    alter(here, "DELETE FROM timer")
    here.wind(minutes=31)
    await lived(here)
    assert codes(audit) == ["M112"]


async def test_a_lease_that_hangs_is_noticed_within_a_minute(here: House) -> None:
    """Its process is gone, and nobody takes over."""
    audit = auditor(here)
    incident = await in_flight(here)
    here.store.append(incident, [Draft(Kind.NOTE, "person:Ada", {"text": "go on"})], here.clock()).result()
    leases.take(here.store, incident, "elsewhere:1:a", here.clock()).result()
    here.wind(seconds=45)
    await here.watch.look()
    here.driver.looked_at = here.clock()  # it looks, and overlooks
    await here.watch.pulse()
    (problem,) = audit.look()
    assert (problem.code, "elsewhere:1:a" in problem.message) == ("M113", True)


async def test_a_driver_that_beats_and_does_not_get_on_is_noticed(here: House) -> None:
    """The process lives; the drive of this incident stands still."""
    audit = auditor(here, limits=Limits(stuck=timedelta(minutes=10)))
    incident = await in_flight(here)
    here.store.append(incident, [Draft(Kind.NOTE, "person:Ada", {"text": "go on"})], here.clock()).result()
    lease = leases.take(here.store, incident, "elsewhere:1:a", here.clock()).result()
    here.wind(minutes=11)
    assert lease is not None
    leases.beat(here.store, [lease], here.clock()).result()
    await here.watch.look()
    leases.pulse(here.store, "elsewhere:1:a", here.clock(), here.clock()).result()
    assert codes(audit) == ["M113"]


async def test_held_targets_that_nobody_looks_at_are_named(here: House) -> None:
    """The process lives and watches, and never looks whether the model that it closed serves again."""
    audit = auditor(here)
    incident = await in_flight(here)
    for minutes, expected in ((11, []), (1, ["M117"])):
        here.wind(minutes=minutes)
        await lived(here, holding=False)
        assert codes(audit) == expected
    assert f"{incident} holds chat-large closed" in audit.look()[0].message
    await lived(here)
    assert codes(audit) == []


async def test_looks_that_show_nothing_are_noticed(here: House) -> None:
    """Whoever takes the look dies each time: it is never late, and the target was never seen since it was closed."""
    audit = auditor(here)
    incident = await in_flight(here)
    for _ in range(9):  # ten minutes until the first look, and then one that dies in every 90 s
        here.wind(seconds=99)
        for row in holds.due(here.store, here.clock()):
            holds.claim(here.store, row, here.clock()).result()
        await lived(here, holding=False)
    (problem,) = audit.look()
    assert (problem.code, f"{incident} counts chat-large as closed" in problem.message) == ("M118", True)


async def test_a_target_that_left_the_inventory_is_noticed(here: House) -> None:
    """It is held and looked at on time, but nobody can see it any more: a task says so, and so does the audit."""
    audit = auditor(here)
    incident = await in_flight(here)
    here.world.inventory.targets.pop("chat-large")
    for minutes in (10, 4):
        here.wind(minutes=minutes)
        await lived(here)
        await here.settle(incident)  # a busy machine may still be at it, which the audit would say as well
    assert codes(audit) == ["M119", "M118"]


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("an old body", "UPDATE entry SET body = replace(body, 'because of a test', 'because') WHERE seq = 1"),
        ("a time", "UPDATE entry SET at = '2026-11-20T03:00:00.000000+00:00' WHERE seq = 2"),
        ("a line in the middle", "DELETE FROM entry WHERE seq = 3"),
        ("the end", "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)"),
        ("the head", "UPDATE incident SET head_hash = 'x'"),
        ("a stranger", "INSERT INTO entry SELECT 'INC-2026-0009', seq, at, kind, actor, body, prev, hash FROM entry"),
    ],
)
async def test_an_altered_journal_is_noticed(here: House, what: str, statement: str) -> None:
    """At the start, and also when it was verified before: old lines are read again and again."""
    audit = auditor(here)
    await in_flight(here)
    assert codes(audit) == []
    alter(here, statement)
    assert codes(audit) == ["M121"], what
    assert codes(auditor(here)) == ["M121"], what
    assert codes(audit) == ["M121"], "it stays said"


async def test_everything_is_read_again_in_slices(here: House) -> None:
    """A look reads what is new and one slice of the rest; a round reads all."""
    audit = auditor(here, limits=Limits(slice=1))
    for _ in range(3):
        await in_flight(here)
    assert codes(audit) == []
    alter(here, "UPDATE entry SET body = replace(body, 'because of', 'for') WHERE incident = 'INC-2026-0003' AND seq=1")
    looks = [codes(audit) for _ in range(3)]
    assert looks == [[], [], ["M121"]]
    assert audit.rounds == 2


async def test_only_what_is_new_is_read_of_a_journal_that_was_verified(here: House) -> None:
    """The first look reads every entry, the next one those that were written since."""
    audit = auditor(here, limits=Limits(slice=0))
    incidents = [await in_flight(here) for _ in range(3)]
    codes(audit)
    assert audit.verified == sum(len(here.entries(incident)) for incident in incidents)
    here.store.append(incidents[1], [Draft(Kind.NOTE, "person:Ada", {"text": "go on"})], here.clock()).result()
    await lived(here)
    await here.settle(incidents[1])
    before = audit.verified
    assert (codes(audit), 0 < audit.verified < before / 3) == ([], True)


async def test_an_incident_that_was_removed_is_noticed(here: House) -> None:
    """By an auditor that saw it, and by one that never did: a number is missing. The last one leaves a gap, too."""
    audit = auditor(here)
    for _ in range(3):
        await in_flight(here)
    assert codes(audit) == []
    for name, column in (("incident", "id"), ("entry", "incident"), ("drive", "incident"), ("task", "incident")):
        alter(here, f"DELETE FROM {name} WHERE {column} = 'INC-2026-0003'")  # noqa: S608 - the test's own
    assert codes(audit) == ["M122"]
    (problem,) = auditor(here).look()
    assert (problem.code, problem.message.split(" is ")[-1]) == ("M124", "INC-2026-0003")


async def test_an_entry_of_which_recovery_cannot_know_is_noticed(here: House) -> None:
    """The number by which a driver is found stands still: nobody would ever take the incident up."""
    audit = auditor(here)
    incident = await in_flight(here)
    alter(here, "UPDATE drive SET head_seq = 1")
    (problem,) = audit.look()
    assert (problem.code, incident in problem.message) == ("M116", True)


async def test_a_restored_old_backup_is_noticed(here: House, tmp_path: Path) -> None:
    """By an auditor that was there before, and by a new one with the checkpoint; a new one without it cannot know."""
    checkpoint = tmp_path / "elsewhere.json"
    audit = auditor(here, checkpoint=checkpoint)
    incident = await in_flight(here)
    alter(here, "VACUUM INTO '" + str(tmp_path / "old.db") + "'")
    await here.answer(incident, "T1", "yes")
    assert codes(audit) == []
    here.close()
    for name in ("firedoor.db-wal", "firedoor.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    audit.engine.dispose()
    shutil.copy(tmp_path / "old.db", tmp_path / "firedoor.db")
    assert codes(audit) == ["M122"]
    assert codes(auditor(here, checkpoint=checkpoint)) == ["M122"]
    assert codes(auditor(here, checkpoint=checkpoint)) == ["M122"], "the checkpoint never goes back"
    assert codes(auditor(here)) == []


async def test_another_history_of_the_same_length_is_noticed(here: House, tmp_path: Path) -> None:
    """Whoever rewrites a chain with all its hashes is found by the checkpoint."""
    checkpoint = tmp_path / "elsewhere.json"
    incident = await in_flight(here)
    assert codes(auditor(here, checkpoint=checkpoint)) == []
    digest = here.entries(incident)[-1].hash
    checkpoint.write_text(checkpoint.read_text().replace(digest, "0" * 64))
    (problem,) = auditor(here, checkpoint=checkpoint).look()
    assert (problem.code, "stood there before" in problem.message) == ("M121", True)
    checkpoint.write_text("[")
    with pytest.raises(InvalidInput, match="M123"):
        auditor(here, checkpoint=checkpoint)


async def test_a_clock_that_jumps_back_and_a_full_disk_are_noticed(here: House) -> None:
    """Entries and signs of life that are later than now; hardly any room left."""
    await in_flight(here)
    here.wind(hours=-1)
    assert set(codes(auditor(here, free=lambda: 1))) == {"M131", "M132"}


async def test_the_audit_can_write_nothing(here: House) -> None:
    """The database itself refuses, whatever the audit would try."""
    await in_flight(here)
    with open_read_only(here.url).connect() as connection, pytest.raises(DBAPIError, match="readonly"):
        connection.execute(text("UPDATE incident SET title = 'x'"))


async def test_a_database_that_is_gone_is_a_problem_and_no_end(here: House, tmp_path: Path) -> None:
    """The audit goes on looking; it makes no file."""
    audit = Audit(open_read_only(f"sqlite:///{tmp_path / 'nowhere.db'}"), here.clock)
    assert codes(audit) == ["M101"]
    assert not (tmp_path / "nowhere.db").exists()


async def test_the_audit_looks_into_postgresql_and_cannot_write(cluster, tmp_path: Path) -> None:
    """The same findings, in a session that the server keeps from writing."""
    here = House(tmp_path, plan_of(PAGE), url=cluster.new_database())
    incident = await in_flight(here)
    audit = auditor(here)
    assert codes(audit) == []
    with here.store.engine.begin() as connection:
        unguarded(connection).execute(text("UPDATE entry SET actor = 'person:Eve' WHERE seq = 2"))
    assert [problem.message.split(":")[0] for problem in audit.look()] == [incident]
    with audit.engine.connect() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("UPDATE incident SET title = 'x'"))
    here.wind(minutes=31)
    assert set(codes(audit)) == {"M111", "M114", "M115", "M117", "M121"}
    audit.engine.dispose()
    here.close()


class _Receiver(BaseHTTPRequestHandler):
    beats: list[str]

    def do_POST(self) -> None:
        self.beats.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[tuple[str, list[str]]]:
    beats: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Receiver", (_Receiver,), {"beats": beats}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/beat", beats
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_heartbeat_goes_out_only_while_all_is_well(firedoor: Firedoor, receiver, tmp_path: Path) -> None:
    """Its silence is the alarm; `--once` says the same by its exit code."""
    url, beats = receiver
    (tmp_path / "data").mkdir(exist_ok=True)
    here = House(tmp_path / "data", plan_of(PAGE))
    said = firedoor("audit", "--once", "--heartbeat-url", url)
    assert (said.code, beats) == (1, [])
    assert "M114" in said.err
    from firedoor.runtime.config.container import utc_now  # the command reads the wall clock

    leases.pulse(here.store, "here", utc_now(), utc_now() + timedelta(seconds=1)).result()
    said = firedoor("audit", "--once", "--heartbeat-url", url, "--format", "json")
    assert (said.code, said.json["well"], beats) == (0, True, ["/beat"])
    here.close()


def test_a_heartbeat_that_nobody_takes_is_told(firedoor: Firedoor, tmp_path: Path) -> None:
    """All is well here, and the exit code says so; the words say that nobody heard it."""
    (tmp_path / "data").mkdir(exist_ok=True)
    here = House(tmp_path / "data", plan_of(PAGE))
    from firedoor.runtime.config.container import utc_now

    leases.pulse(here.store, "here", utc_now(), utc_now()).result()
    said = firedoor("audit", "--once", "--heartbeat-url", "http://127.0.0.1:9/x")
    assert said.code == 0
    assert "heartbeat was not taken" in said.err
    assert firedoor("audit", "--every", "soon").code == 1
    here.close()
