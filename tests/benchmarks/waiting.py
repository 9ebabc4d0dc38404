"""What waiting costs: looks of the watch, the recovery and the audit, restart and memory, with many timers ahead.

The rows are inserted directly, ten timers and an open task to an incident, none of them due for a year. Each size has
a database of its own. Prints also how fast entries are appended, one by one and many at once, and verified, and how
soon a server that was killed in the middle of its work accepts alerts again and goes on with that work. The time of
the processor is given beside the time that passed: only that one can be compared on a machine with other work to do.
`python -m tests.benchmarks.waiting --json FILE` writes the figures to a file as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import yaml
from sqlalchemy import insert
from tests.benchmarks import figures
from tests.benchmarks.alert_to_suspend import HERE, PLAYBOOK, STEPS, alert_body, inventory, process, wait_for
from tests.benchmarks.starting import resident

from firedoor.core.journal import Draft, Kind, chain, genesis
from firedoor.runtime.config.container import World
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.loops.audit import Audit
from firedoor.runtime.loops.deadlines import due_timers
from firedoor.runtime.process.application import open_store
from firedoor.store.database.engine import open_read_only
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import CounterRow, DriveRow, EntryRow, IncidentRow, TaskRow, TimerRow
from firedoor.store.incidents import leases
from firedoor.store.incidents.journal import NewIncident, Store

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RESTARTED = (10_000, 1_000_000)
TIMERS = 10  # of one incident
LOOKS = 15
KILLED = 20  # incidents that are driven when the server is killed
RESTARTS = 3
NOW = datetime.now(UTC)
Call = tuple[str, str, int]  # method, path, nanoseconds of the shared clock
OPENED = Draft(Kind.OPENED, "source:bench", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})


def filled(folder: Path, timers: int) -> Store:
    """A database in which so many timers wait, in incidents that sleep."""
    store = open_store(Settings(data_dir=folder))
    ahead = text_of(NOW + timedelta(days=365))
    for first in range(0, timers // TIMERS, 10_000):
        names = [f"INC-{NOW.year}-{n:04d}" for n in range(first + 1, min(first + 10_000, timers // TIMERS) + 1)]
        store.write(partial(_fill, names=names, ahead=ahead)).result()
    given = insert(table(CounterRow)).values(name=f"incident-{NOW.year}", value=timers // TIMERS)
    store.execute(given).result()
    return store


def _fill(connection: object, names: list[str], ahead: str) -> None:
    entries = [chain(name, genesis(name), [OPENED], NOW)[0] for name in names]
    rows = {
        IncidentRow: [
            {"id": e.incident, "type": "data_leakage_in_ai_models", "title": "t", "severity": "high", "state": "open",
             "playbook": "bench", "opened_at": e.at, "opened_by": e.actor, "head_seq": 1, "head_hash": e.hash,
             "outcome": "", "version": "", "plan_digest": ""}
            for e in entries
        ],
        EntryRow: [
            {"incident": e.incident, "seq": 1, "at": e.at, "kind": str(e.kind), "actor": e.actor,
             "body": json.dumps(e.body, sort_keys=True, separators=(",", ":")), "prev": e.prev, "hash": e.hash}
            for e in entries
        ],
        DriveRow: [
            {"incident": name, "owner": "", "token": 1, "beaten_at": "", "head_seq": 1, "slept_seq": 1,
             "wake_at": ahead, "ended": False, "shown_seq": 0}
            for name in names
        ],
        TaskRow: [
            {"incident": name, "id": "t0", "number": 1, "kind": "confirm", "role": "dpo", "question": "Is it so?",
             "due_at": ahead, "opened_at": text_of(NOW), "state": "open"}
            for name in names
        ],
        TimerRow: [
            {"incident": name, "about": f"task:t{n}", "point": "T", "due_at": ahead}
            for name in names for n in range(TIMERS)
        ],
    }  # fmt: skip
    for row, values in rows.items():
        connection.execute(insert(table(row)), values)  # type: ignore[attr-defined]


def milliseconds(action: Callable[[], object], times: int = LOOKS) -> tuple[float, float, float]:
    """The median and the greatest time of an action, and the median of the processor's time for it."""
    values, busy = [], []
    for _ in range(times):
        began, worked = time.perf_counter(), time.thread_time()
        action()
        values.append((time.perf_counter() - began) * 1000)
        busy.append((time.thread_time() - worked) * 1000)
    return statistics.median(values), max(values), statistics.median(busy)


def spent(pid: int) -> float:
    """Seconds of the processor's time that a process has had, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(name: str, value: float, unit: str, more: str = "") -> None:
    """Print a figure and keep it for the file."""
    figures.keep(name, value, unit)
    print(f"  {name:56} {value:10,.2f} {unit}{more}", flush=True)


def looks(store: Store, timers: int) -> None:
    """Print what each look costs when nothing is due."""
    world: World = object.__new__(World)
    world.store = store
    audit = Audit(open_read_only(str(store.engine.url)), lambda: datetime.now(UTC))
    for name, action, times in (
        ("watch", lambda: due_timers(world, datetime.now(UTC)), LOOKS),
        ("recovery", lambda: leases.needing(store, datetime.now(UTC)), LOOKS),
        ("audit, the first, of every entry", audit.look, 1),
        ("audit, later ones", audit.look, 3),
    ):
        middle, most, busy = milliseconds(action, times)
        say(f"{timers:,} timers: {name}", middle, "ms", f" (n={times}, greatest {most:.2f})" if times > 1 else "")
        say(f"{timers:,} timers: {name}, processor", busy, "ms")


def prepared(folder: Path, sink: str) -> dict[str, str]:
    """Give the data a playbook of many calls and targets at the sink; return the server's environment."""
    playbooks = folder / "playbooks"
    playbooks.mkdir()
    more = "".join(f'    - preserve: part_{n}\n      of: "{{{{ facts.endpoint }}}}"\n' for n in range(1, STEPS))
    (playbooks / "bench.yaml").write_text(PLAYBOOK.format(steps=STEPS, more=more))
    (folder / "targets.yaml").write_text(yaml.safe_dump(inventory(sink)))
    return {
        "FIREDOOR_DATA_DIR": str(folder), "FIREDOOR_PLAYBOOKS": str(playbooks), "FIREDOOR_PREFECT": "false",
        "FIREDOOR_AUTOMATIC_EVIDENCE": "any", "FIREDOOR_AUTOMATIC_SUSPENSIONS_PER_HOUR": "1000000",
    }  # fmt: skip


def restart(folder: Path, timers: int) -> None:
    """Kill a server in the middle of its work, start it again; print until it accepts and until it goes on."""
    accepted, went_on, worked, memory = [], [], [], 0.0
    with process(sys.executable, str(HERE / "sink.py")) as sink:
        environment = prepared(folder, sink)
        for round_ in range(RESTARTS):
            names = [f"m{number}" for number in range(round_ * 50, round_ * 50 + KILLED)]
            killed, before = kill_midway(folder, environment, sink, names)
            with process(sys.executable, str(HERE / "server.py"), environment=environment) as url:
                accepted.append(until_accepted(url, folder, f"m{round_ * 50 + KILLED}") - killed)
                pid = wait_for(folder / "server.json")["pid"]
                worked.append(spent(pid))
                calls = until_done(sink, names, before)
                went_on.append(min(at for _, _, at in calls) / 1e9 - killed)
                memory = max(memory, resident(pid))
            (folder / "server.json").unlink(missing_ok=True)
    for what, values in (("kill -9 to the next accepted alert", accepted), ("kill -9 to the next call", went_on)):
        more = f" (n={RESTARTS}, {min(values):.2f} to {max(values):.2f})"
        say(f"{timers:,} timers: {what}", statistics.median(values), "s", more)
    say(f"{timers:,} timers: processor until it accepts", statistics.median(worked), "s")
    say(f"{timers:,} timers: memory of the server", memory, "MB")


def kill_midway(folder: Path, environment: dict[str, str], sink: str, names: list[str]) -> tuple[float, list[Call]]:
    """Have a server contain many models and kill it in between. Returns when, in seconds, and the calls until then."""
    with process(sys.executable, str(HERE / "server.py"), environment=environment) as url, httpx.Client() as client:
        server = wait_for(folder / "server.json", every=0.005)
        calls_of(client, sink)
        for name in names:
            post(client, url, server["token"], name).raise_for_status()
        os.kill(server["pid"], signal.SIGKILL)
        killed = time.monotonic()
        (folder / "server.json").unlink()
        time.sleep(0.02)  # what it has sent still arrives
        calls = [call for call in calls_of(client, sink) if call[1].rsplit("/", 1)[-1] in names]
        assert sum(method == "PUT" for method, _, _ in calls) < len(names), "nothing was left to do"
    return killed, calls


def until_accepted(url: str, folder: Path, name: str) -> float:
    """When the server has accepted an alert, in seconds of the shared clock."""
    token = wait_for(folder / "server.json", every=0.005)["token"]
    with httpx.Client() as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                post(client, url, token, name).raise_for_status()
                return time.monotonic()
            time.sleep(0.005)


def post(client: httpx.Client, url: str, token: str, name: str) -> httpx.Response:
    """Deliver an alert about a model."""
    headers = {"authorization": f"Bearer {token}"}
    return client.post(f"{url}/api/v1/alerts/alertmanager", json=alert_body(name), headers=headers)


def until_done(sink: str, names: list[str], before: list[Call]) -> list[Call]:
    """Wait until every one of these models is suspended, once, and all is kept. Returns the calls since the kill."""
    calls: list[Call] = []
    with httpx.Client() as client:
        for _ in range(2000):
            calls += [call for call in calls_of(client, sink) if call[1].rsplit("/", 1)[-1] in names]
            changes = Counter(path for method, path, _ in before + calls if method == "PUT")
            kept = {path for _, path, _ in before + calls if path.startswith("/keep/")}
            if len(changes) == len(names) and len(kept) == len(names) * (STEPS - 1):
                assert set(changes.values()) == {1}, f"something was changed twice: {changes}"
                return calls
            time.sleep(0.01)
    raise RuntimeError("what was under way did not go on")


def calls_of(client: httpx.Client, sink: str) -> list[Call]:
    """What the sink has heard since it was last asked: method, path, when."""
    return [(method, path, at) for method, path, at in client.get(f"{sink}/log").json()]


def journal(folder: Path) -> None:
    """Print how fast entries are appended and verified."""
    store = open_store(Settings(data_dir=folder))
    new = NewIncident("data_leakage_in_ai_models", "t", "high", "bench", "source:bench", (OPENED,))
    names = [store.open_incident(new, NOW).result()[0].incident for _ in range(20)]
    note = Draft(Kind.NOTE, "person:Ada", {"text": "x" * 200})
    began = time.perf_counter()
    for number in range(500):
        store.append(names[number % 20], [note], NOW).result()
    say("append, each waited for", 500 / (time.perf_counter() - began), "entries/s")
    began, worked = time.perf_counter(), time.process_time()
    for future in [store.append(names[number % 20], [note], NOW) for number in range(5000)]:
        future.result()
    say("append, many at once", 5000 / (time.perf_counter() - began), "entries/s")
    say("append, many at once, processor", (time.process_time() - worked) / 5, "ms each")
    began = time.perf_counter()
    found = list(store.verify())
    seconds = time.perf_counter() - began
    assert all(fault is None for _, _, fault in found)
    say("verify", sum(number for _, number, _ in found) / seconds, "entries/s")
    store.close()


def per_wait() -> None:
    """Print what one wait more costs a server, by the difference between the smallest and the largest."""
    few, many = (figures.FIGURES[f"{timers:,} timers: memory of the server, MB"] for timers in RESTARTED)
    say("memory of a wait", (many - few) * 1000 / (RESTARTED[1] - RESTARTED[0]), "KB")


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="firedoor-bench-") as scratch:
        journal(Path(scratch) / "journal")
        for timers in SIZES:
            folder = Path(scratch) / str(timers)
            store = filled(folder, timers)
            say(f"{timers:,} timers: open incidents", timers // TIMERS, "")
            looks(store, timers)
            store.close()
            if timers in RESTARTED:
                restart(folder, timers)
    per_wait()


if __name__ == "__main__":
    figures.main(run, __doc__)
