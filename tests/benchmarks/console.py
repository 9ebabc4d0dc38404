"""How quick the console is: the overview over ten thousand incidents, a page of five thousand entries, many viewers.

The rows of the large house are put into the projections directly (they are what the overview reads); the long incident
is written entry by entry through the store, as any incident is. Server time is measured in process, from the request
that goes into the application to the last byte that comes out. The viewers are another matter: real connections on the
loopback to a server in a process of its own. Prints figures and asserts nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from types import SimpleNamespace
from typing import Any

import httpx
from sqlalchemy import insert
from tests.benchmarks import figures

INCIDENTS, CLOCKS, ENTRIES, VIEWERS = 10_000, 1_000, 5_000, 200
TIMES = 30
COUNTED = 2_000  # incidents with a journal of their own, for the figures
WARM = 12  # seconds after which a server has read what it reads ahead
PAGE = {"accept": "text/html"}


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="firedoor-bench-") as folder:
        asyncio.run(_in_process(Path(folder) / "large"))
        asyncio.run(_figures(Path(folder) / "figures"))
        asyncio.run(_viewers(Path(folder) / "live"))


async def _in_process(folder: Path) -> None:
    from tests.support.api_house import house

    async with house(folder) as built:
        long = await built.open()
        plan = built.runtime.world.store.incident(long)["plan_digest"]
        await asyncio.to_thread(fill, built.runtime.world.store, plan)
        await asyncio.to_thread(lengthen, built.runtime.world.store, long)
        await built.runtime.driver.settled(long)
        officer = built.holding("Officer", "manager", "viewer")
        await _pages(built, built.local, long, "this machine's user")
        await _pages(built, officer, long, "a manager, from whom sealed facts are covered")


async def _figures(folder: Path) -> None:
    """The figures of many real journals: counted for the first time, taken from the database, and asked for again."""
    from tests.support.api_house import house

    from firedoor.interfaces.web.api.figures import Wanted, figures_for
    from firedoor.runtime.loops.metrics import Counting

    async with house(folder) as built:
        runtime = built.runtime
        entries = runtime.world.store.entries(await built.open())
        await asyncio.to_thread(_copies, runtime.world.store, entries)
        local, day = SimpleNamespace(local=True, person=None), datetime.now(UTC).date()
        print(f"figures of {COUNTED} incidents of {len(entries)} entries each:")
        for what, fresh in (
            ("counted for a moment", True),
            ("counted to the end", False),
            ("from the rows", True),
            ("again", False),
        ):
            if fresh:
                runtime.counting = Counting(runtime.world)
            if what == "counted to the end":
                start = time.process_time()
                while await asyncio.to_thread(runtime.counting.count_some):
                    pass
                each = 1000 * (time.process_time() - start) / COUNTED
                figures.keep("figures, counting one incident in the background, at most, processor", each, "ms")
                continue
            start = time.perf_counter()
            found, _ = await asyncio.to_thread(figures_for, runtime, local, Wanted(day - timedelta(days=1), day))
            took = 1000 * (time.perf_counter() - start)
            figures.keep(f"figures of {COUNTED} incidents, {what}", took, "ms")
            print(f"  {what:<52} {took:8.1f} ms   {len(found.figures)} counted, {found.waiting} not yet", flush=True)


def _copies(store: Any, entries: list[Any]) -> None:
    """The same journal, again and again."""
    from firedoor.core.journal import Draft, Kind
    from firedoor.store.incidents.journal import NewIncident

    opened, drafts = entries[0].body, tuple(Draft(Kind(one.kind), one.actor, one.body) for one in entries)
    new = NewIncident(opened["type"], opened["title"], opened["severity"], "copied", "person:bench", drafts)
    for done in [store.open_incident(new, datetime.now(UTC)) for _ in range(COUNTED - 1)]:
        done.result()


async def _pages(built: Any, client: httpx.AsyncClient, incident: str, who: str) -> None:
    page = f"/incidents/{incident}"
    print(f"as {who}:")
    await show(f"overview, {INCIDENTS} incidents, {CLOCKS} open clocks", lambda: get(client, "/"), "100 ms")
    await show("the list of incidents", lambda: get(client, "/incidents"))
    await show("the list, searched", lambda: get(client, "/incidents?q=number+777&open=true"))
    await show("all open clocks", lambda: get(client, "/clocks"))
    await show("everybody's tasks", lambda: get(client, "/tasks?whose=all"))
    await show(f"incident of {ENTRIES} entries, never read before", lambda: cold(client, page), "200 ms", times=10)
    await show("the same, read before", lambda: get(client, page), "200 ms")
    await show("the same, one entry later each time", lambda: later(built, client, incident), "200 ms")
    await show("its timeline, a page", lambda: get(client, f"{page}/timeline"))
    await show("its facts, one with every value it had", lambda: get(client, f"{page}/facts?name=people_affected"))
    api = f"/api/v1{page}"
    await show("by the API: the incident", lambda: get(client, api))
    await show("by the API: its whole timeline", lambda: get(client, f"{api}/timeline"), times=10)
    await show("by the API: 100 lines of its timeline", lambda: get(client, f"{api}/timeline?after=4000&limit=100"))
    await show("by the API: 100 entries of its journal", lambda: get(client, f"{api}/journal?after=4000&limit=100"))
    await show("the duties", lambda: get(client, "/duties"))


def fill(store: Any, plan: str = "") -> None:
    """Ten thousand incidents, a fifth of them open, and a thousand open clocks, as the projections hold them."""
    from firedoor.runtime.loops.metrics import VERSION
    from firedoor.store.database.result_tables import FigureRow
    from firedoor.store.database.sql import table, text_of
    from firedoor.store.database.tables import ClockRow, IncidentRow

    now = datetime.now(UTC)
    severities = ("critical", "high", "medium", "low")
    incidents = [
        {
            "id": f"INC-2025-{number:05}", "type": "data_leakage_in_ai_models", "title": f"A leak, number {number}",
            "severity": severities[number % 4], "state": "confirmed" if number % 5 == 0 else "closed", "outcome": "",
            "playbook": "model-data-leakage", "version": "1", "plan_digest": plan, "opened_by": "person:bench",
            "opened_at": text_of(now - timedelta(minutes=number)), "head_seq": 1, "head_hash": f"{number:064}",
            "closed_at": None if number % 5 == 0 else text_of(now), "readers": None,
        }
        for number in range(INCIDENTS)
    ]  # fmt: skip
    clocks = [
        {
            "incident": f"INC-2025-{5 * number:05}", "id": "eu.gdpr.art33", "duty": "eu.gdpr.art33",
            "title": "Notify the authority", "authority": "an authority", "state": "running",
            "due_at": text_of(now + timedelta(minutes=number - 20)),
        }
        for number in range(CLOCKS)
    ]  # fmt: skip
    counted = [
        {"incident": one["id"], "head_seq": 1, "head_hash": one["head_hash"], "formula": VERSION, "body": "{}"}
        for one in incidents
    ]
    write = store.write(
        lambda connection: (
            connection.execute(insert(table(IncidentRow)), incidents),
            connection.execute(insert(table(ClockRow)), clocks),
            connection.execute(insert(table(FigureRow)), counted),  # they have no journal that could be counted
        )
    )
    write.result()


def lengthen(store: Any, incident: str) -> None:
    """Add entries of many kinds until the incident has so many: looks, alerts, notes, facts, messages, evidence."""
    from firedoor.core.journal import Draft, Kind

    now, have = datetime.now(UTC), store.incident(incident)["head_seq"]
    drafts = [_draft(number, now) for number in range(ENTRIES - have)]
    for start in range(0, len(drafts), 500):
        store.append(
            incident, [Draft(Kind(kind), actor, body) for kind, actor, body in drafts[start : start + 500]], now
        ).result()


def _draft(number: int, now: datetime) -> tuple[str, str, dict[str, Any]]:
    at = now.isoformat()
    match number % 6:
        case 0:
            seen = {"target": "chat-large", "op": "containment.suspend.suspend", "seen": "refuses", "before": "held"}
            return "hold.seen", "firedoor", {**seen, "since": at}
        case 1:
            alert = {"source": "generic", "title": f"Finding {number}", "severity": "high", "endpoint": "chat-large"}
            return "alert.attached", "source:generic", {"alert": alert, "reasons": ["The same place."]}
        case 2:
            return "note", "person:Ann", {"text": f"Looked at sample {number}."}
        case 3:
            values = {"people_affected": {"min": number, "max": 2 * number}}
            return "facts.set", "person:Ann", {"values": values, "before": {}, "why": f"Counted again, {number}."}
        case 4:
            told = {"to": ["commander"], "subject": f"Message {number}", "text": "A look was taken."}
            return "message.sent", "firedoor", told
        case _:
            piece = {
                "op": None,
                "name": f"piece {number}",
                "sha256": f"{number:064}",
                "size": number,
                "source": "bench",
            }
            return (
                "evidence.kept",
                "person:Ann",
                {**piece, "mode": "digest", "media_type": "text/plain", "taken_at": at},
            )


async def get(client: httpx.AsyncClient, path: str) -> None:
    """Ask for a page."""
    answer = await client.get(path, headers=PAGE)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")


async def later(built: Any, client: httpx.AsyncClient, incident: str) -> float:
    """The page after somebody has written one more entry; writing is not counted."""
    from firedoor.core.journal import Draft, Kind

    world = built.runtime.world
    note = Draft(Kind.NOTE, "person:Ann", {"text": "One more."})
    await asyncio.wrap_future(world.store.append(incident, [note], world.now()))
    start = time.perf_counter()
    await get(client, f"/incidents/{incident}")
    return time.perf_counter() - start


async def cold(client: httpx.AsyncClient, path: str) -> float:
    """The page when nothing of it was read in this process."""
    from firedoor.interfaces.web.reading import cache

    cache.forget()
    start = time.perf_counter()
    await get(client, path)
    return time.perf_counter() - start


async def show(
    what: str, work: Callable[[], Awaitable[float | None]], aim: str = "", times: int = TIMES
) -> None:  # fmt: skip
    """Print the median and the 95th percentile of some runs, in milliseconds."""
    await work()
    took = []
    for _ in range(times):
        start = time.perf_counter()
        own = await work()
        took.append(1000 * (own if own is not None else time.perf_counter() - start))
    p95 = quantiles(took, n=20)[-1]
    figures.keep(f"{what}, median", median(took), "ms")
    figures.keep(f"{what}, p95", p95, "ms")
    print(f"  {what:<52} median {median(took):7.1f} ms   p95 {p95:7.1f} ms   {f'aim {aim}' if aim else ''}", flush=True)


async def _viewers(folder: Path) -> None:
    """Two hundred open lines, entries that are written, and pages that each viewer fetches anew."""
    from firedoor.runtime.config.settings import Settings
    from firedoor.runtime.process.application import open_store

    await asyncio.to_thread(folder.mkdir, parents=True)
    store = open_store(Settings(data_dir=folder))
    fill(store)
    store.close()
    environment = {**os.environ, "FIREDOOR_DATA_DIR": str(folder), "FIREDOOR_PREFECT": "no"}
    command = (sys.executable, "-m", "tests.benchmarks.server")
    server = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{(await server.stdout.readline()).decode().strip()}"
        await _watch(server.pid, url, await _token(url, folder))
    finally:
        server.terminate()
        await server.wait()


async def _token(url: str, folder: Path) -> str:
    from firedoor.interfaces.web.http import server_file as local

    for _ in range(200):
        found = local.read(folder / "server.json")
        if found is not None:
            return str(found["token"])
        await asyncio.sleep(0.1)
    raise RuntimeError(f"{url} did not start")


async def _watch(pid: int, url: str, token: str) -> None:
    limits = httpx.Limits(max_connections=None)
    head = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=head, limits=limits, timeout=60) as client:
        heard = Heard()
        lines = [asyncio.create_task(_line(client, heard)) for _ in range(VIEWERS)]
        await asyncio.sleep(WARM)
        quiet = _seconds(pid)
        await asyncio.sleep(5)
        busy = (_seconds(pid) - quiet) / 5
        print(f"{VIEWERS} viewers listen, {INCIDENTS} incidents, nothing happens: {busy:.1%} of a core")
        opened = await client.post("/api/v1/incidents", json={"playbook": "model-data-leakage", "why": "bench"})
        incident = opened.json()["incident"]
        await asyncio.sleep(2)
        await _write(client, heard, incident, pid)
        await _reload(client, incident, pid)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)


class Heard:
    """When the entry that is waited for reached each viewer."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.all = asyncio.Event()

    def one(self, text: str) -> None:
        """Take in a line of a viewer's stream."""
        if text.startswith("event: facts.set"):
            self.at.append(time.perf_counter())
            if len(self.at) == VIEWERS:
                self.all.set()


async def _line(client: httpx.AsyncClient, heard: Heard) -> None:
    async with client.stream("GET", "/api/v1/events") as answer:
        async for text in answer.aiter_lines():
            heard.one(text)


async def _write(client: httpx.AsyncClient, heard: Heard, incident: str, pid: int) -> None:
    delays: list[float] = []
    before, started = _seconds(pid), time.perf_counter()
    for number in range(1, 11):
        heard.at.clear()
        heard.all.clear()
        body = {"facts": {"people_affected": number}, "why": "bench"}
        await client.post(f"/api/v1/incidents/{incident}/facts", json=body)
        written = time.perf_counter()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(heard.all.wait(), 10)
        delays += [max(0.0, 1000 * (at - written)) for at in heard.at]
    busy = (_seconds(pid) - before) / (time.perf_counter() - started)
    times = f"median {median(delays):.0f} ms, p95 {quantiles(delays, n=20)[-1]:.0f} ms (one look every 300 ms)"
    print(f"an entry reaches {len(delays) / 10:.0f} of {VIEWERS} viewers: {times}")
    print(f"  with an entry after the other, without pause, the server takes {busy:.1%} of a core")


async def _reload(client: httpx.AsyncClient, incident: str, pid: int) -> None:
    """What two hundred open pages ask for when something happened: each within a second, spread by chance."""
    for path in ("/", f"/incidents/{incident}"):
        start, before = time.perf_counter(), _seconds(pid)
        took: list[float] = []

        async def one(place: int, path: str = path, took: list[float] = took) -> None:
            await asyncio.sleep(0.4 * place / VIEWERS)
            begun = time.perf_counter()
            await get(client, path)
            took.append(1000 * (time.perf_counter() - begun))

        await asyncio.gather(*(one(place) for place in range(VIEWERS)))
        whole, worked = time.perf_counter() - start, _seconds(pid) - before
        times = f"median {median(took):.0f} ms, p95 {quantiles(took, n=20)[-1]:.0f} ms"
        print(f"{VIEWERS} pages {path} within 0.4 s: all there after {whole:.1f} s, {times}")
        print(f"  the server worked {1000 * worked / VIEWERS:.1f} ms for each")


def _seconds(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    figures.main(run, __doc__)
