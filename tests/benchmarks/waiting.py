"""What waiting costs: looks of the watch, the recovery and the audit, restart and memory, with many timers ahead.

The rows are inserted directly, ten timers to an incident, none of them due for a year. Each size has a database of
its own. Prints also how fast entries are appended, one by one and many at once, and verified.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert
from tests.benchmarks.starting import resident

from firedoor.core.journal import Draft, Kind, chain, genesis
from firedoor.runtime.audit import Audit
from firedoor.runtime.settings import Settings
from firedoor.runtime.start import open_store
from firedoor.runtime.watch import due_timers
from firedoor.runtime.world import World
from firedoor.store import drives
from firedoor.store.database import open_read_only
from firedoor.store.journal import NewIncident, Store
from firedoor.store.projections import table, text_of
from firedoor.store.tables import DriveRow, EntryRow, IncidentRow, TimerRow

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RESTARTED = (10_000, 1_000_000)
TIMERS = 10  # of one incident
LOOKS = 15
NOW = datetime.now(UTC)
OPENED = Draft(Kind.OPENED, "source:bench", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})

# A process that starts on the data, looks until everything has looked once, writes an operation, and says so.
PROCESS = """
import asyncio, json, sys, time
from firedoor.runtime.settings import Settings
from firedoor.runtime.start import Runtime
from firedoor.core.journal import Draft, Kind
async def main():
    runtime = Runtime(Settings(prefect=False))
    await runtime.start()
    while runtime.watch.looked_at is None or runtime.driver.looked_at is None:
        await asyncio.sleep(0.005)
    note = Draft(Kind.NOTE, "person:Ada", {"text": "after the restart"})
    await asyncio.wrap_future(runtime.world.store.append("INC-2026-0000001", [note], runtime.world.now()))
    print(json.dumps({"pid": 0}), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def filled(folder: Path, timers: int) -> Store:
    """A database in which so many timers wait, in incidents that sleep."""
    store = open_store(Settings(data_dir=folder))
    ahead = text_of(NOW + timedelta(days=365))
    for first in range(0, timers // TIMERS, 10_000):
        names = [f"INC-2026-{n:07d}" for n in range(first + 1, min(first + 10_000, timers // TIMERS) + 1)]
        store.write(lambda connection, names=names: _fill(connection, names, ahead)).result()
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
        TimerRow: [
            {"incident": name, "about": f"task:t{n}", "point": "T", "due_at": ahead}
            for name in names for n in range(TIMERS)
        ],
    }  # fmt: skip
    for row, values in rows.items():
        connection.execute(insert(table(row)), values)  # type: ignore[attr-defined]


def milliseconds(action: Callable[[], object], times: int = LOOKS) -> tuple[float, float]:
    """The median and the greatest time of an action."""
    values = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        values.append((time.perf_counter() - began) * 1000)
    return statistics.median(values), max(values)


def looks(store: Store, timers: int) -> None:
    """Print what each look costs when nothing is due."""
    world: World = object.__new__(World)
    world.store = store
    audit = Audit(open_read_only(str(store.engine.url)), lambda: datetime.now(UTC))
    began = time.perf_counter()
    audit.look()
    first = time.perf_counter() - began
    for name, action in (
        ("watch", lambda: due_timers(world, datetime.now(UTC))),
        ("recovery", lambda: drives.needing(store, datetime.now(UTC))),
    ):
        middle, most = milliseconds(action)
        print(f"  {timers:9,} timers: {name:10} {middle:9.2f} ms (greatest {most:.2f})", flush=True)
    middle, most = milliseconds(audit.look, 1)
    print(f"  {timers:9,} timers: {'audit':10} {middle:9.0f} ms (the first, of every entry, {first:.1f} s)", flush=True)


def restart(folder: Path, timers: int) -> None:
    """Kill a process and start it again; print the time to the next write, and its memory."""
    environment = {**os.environ, "FIREDOOR_DATA_DIR": str(folder)}
    times = []
    for _ in range(3):
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", PROCESS], stdout=subprocess.PIPE, env=environment)
        assert child.stdout
        assert child.stdout.readline()
        times.append(time.perf_counter() - began)
        memory = resident(child.pid)
        child.send_signal(signal.SIGKILL)
        child.wait()
    values = f"{statistics.median(times):.2f} s (n=3, {min(times):.2f} to {max(times):.2f})"
    print(f"  {timers:9,} timers: kill -9 to the next write {values}, memory {memory:.0f} MB", flush=True)


def journal(folder: Path) -> None:
    """Print how fast entries are appended and verified."""
    store = open_store(Settings(data_dir=folder))
    new = NewIncident("data_leakage_in_ai_models", "t", "high", "bench", "source:bench", (OPENED,))
    names = [store.open_incident(new, NOW).result()[0].incident for _ in range(20)]
    note = Draft(Kind.NOTE, "person:Ada", {"text": "x" * 200})
    began = time.perf_counter()
    for number in range(500):
        store.append(names[number % 20], [note], NOW).result()
    print(f"  append, each waited for: {500 / (time.perf_counter() - began):8,.0f} entries/s")
    began = time.perf_counter()
    for future in [store.append(names[number % 20], [note], NOW) for number in range(5000)]:
        future.result()
    print(f"  append, many at once:    {5000 / (time.perf_counter() - began):8,.0f} entries/s")
    began = time.perf_counter()
    found = list(store.verify())
    seconds = time.perf_counter() - began
    assert all(fault is None for _, _, fault in found)
    print(f"  verify:                  {sum(number for _, number, _ in found) / seconds:8,.0f} entries/s")
    store.close()


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="firedoor-bench-") as scratch:
        print("journal")
        journal(Path(scratch) / "journal")
        for timers in SIZES:
            folder = Path(scratch) / str(timers)
            store = filled(folder, timers)
            print(f"{timers:,} timers of {timers // TIMERS:,} incidents")
            looks(store, timers)
            store.close()
            if timers in RESTARTED:
                restart(folder, timers)


if __name__ == "__main__":
    run()
