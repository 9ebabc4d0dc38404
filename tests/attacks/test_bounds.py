"""One who takes everything: event lines, documents, uploads, half-sent requests, bodies that are far too large."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from tests.support.api_house import House, house, problems

from firedoor.core.alerts.quota import Quota, Usage
from firedoor.interfaces.web.http.connections import protocol
from firedoor.interfaces.web.http.slots import Slots, TooMany
from firedoor.interfaces.web.system.events import MAXIMUM_EACH, MAXIMUM_LISTENERS, REPLACED, Line
from firedoor.runtime.service.facade import Service
from firedoor.runtime.service.quotas import Quotas, QuotaSpent
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DeliveryRow

JSON = {"content-type": "application/json"}
EXAMPLES = Path(__file__).parents[2] / "src" / "firedoor" / "alerts" / "examples"
GENERIC = json.loads((EXAMPLES / "generic.json").read_text())[0]
ALERTMANAGER = json.loads((EXAMPLES / "alertmanager.json").read_text())
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, request_patience=1.0) as built:
        yield built


@contextlib.asynccontextmanager
async def serving(app: FastAPI, patience: float = 1.0) -> AsyncIterator[int]:
    """The application behind a real socket, as `firedoor up` serves it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, lifespan="off", http=protocol(patience, most=200))
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]  # pytest has its own
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await running


# -- event lines -------------------------------------------------------------------------------------


async def test_one_viewer_does_not_take_the_lines_of_others(built: House) -> None:
    """505 lines of one viewer are ten: the oldest end, and everybody else still gets one."""
    hub = built.app.state.events
    lines = [await hub.listen(Line("viewer")) for _ in range(MAXIMUM_LISTENERS + 5)]
    assert None not in lines
    assert list(hub.listeners) == lines[-MAXIMUM_EACH:]
    assert lines[0].get_nowait() is REPLACED
    assert await hub.listen(Line("commander", decides=True)) is not None


async def test_somebody_who_decides_gets_a_line_whoever_has_come_before(built: House) -> None:
    """Many onlookers fill every line: one who decides takes the oldest of theirs, and another onlooker none."""
    hub = built.app.state.events
    first = [await hub.listen(Line(f"viewer {number}")) for number in range(MAXIMUM_LISTENERS)]
    assert await hub.listen(Line("one more")) is None
    for number in range(20):
        assert await hub.listen(Line(f"commander {number}", decides=True)) is not None
    assert [queue in hub.listeners for queue in first[:21]] == [False] * 20 + [True]
    assert len(hub.listeners) == MAXIMUM_LISTENERS


async def test_a_line_is_shared_fairly_among_those_who_decide(built: House) -> None:
    """Where all lines belong to people who decide, whoever has most gives one up to whoever has none."""
    hub = built.app.state.events
    for number in range(MAXIMUM_LISTENERS):
        await hub.listen(Line(f"commander {number // MAXIMUM_EACH}", decides=True))
    assert await hub.listen(Line("the last", decides=True)) is not None
    assert len(hub.listeners) == MAXIMUM_LISTENERS


async def test_a_line_that_ends_says_so_over_the_wire(built: House) -> None:
    """The page that is replaced is told not to come again at once."""
    viewer = built.holding("Vi", "viewer")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(viewer.get("/api/v1/events"))
        while not built.app.state.events.listeners:  # noqa: ASYNC110 - nobody tells that somebody listens
            await asyncio.sleep(0.01)
        more = [group.create_task(viewer.get("/api/v1/events")) for _ in range(MAXIMUM_EACH)]
        ended = await first
        built.app.state.events.dismiss()
    assert "event: closed" in ended.text
    assert "retry: 60000" in ended.text
    assert all(task.result().status_code == 200 for task in more)


# -- documents, searches, uploads --------------------------------------------------------------------


async def test_a_person_has_so_many_documents_made_at_once(built: House) -> None:
    """The third one at a time of one person is refused with a time; another person's is made."""
    incident = await built.open()
    ann, bob = built.holding("Ann", "commander"), built.holding("Bob", "commander")
    path = f"/api/v1/incidents/{incident}/report?format=pdf"
    answers = await asyncio.gather(*(ann.get(path) for _ in range(6)), bob.get(path))
    found = [answer.status_code for answer in answers]
    assert found.count(429) == 4
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (problems(refused), int(refused.headers["retry-after"]) > 0) == (["W129"], True)
    assert answers[-1].status_code != 429


async def test_places_are_given_in_the_order_of_coming(built: House) -> None:
    """One place at a time, three each, four in all: whoever came first is first, and the fifth is refused."""
    slots, order, gate = Slots("things", at_once=1, each=3, most=4), [], asyncio.Event()

    async def work(person: str, number: int) -> None:
        async with slots.place(person):
            await gate.wait()
            order.append((person, number))

    tasks = [asyncio.create_task(work(person, number)) for person, number in (("a", 1), ("a", 2), ("b", 3), ("a", 4))]
    await asyncio.sleep(0)
    for person in ("a", "c"):
        with pytest.raises(TooMany):
            await work(person, 9)
    gate.set()
    await asyncio.gather(*tasks)
    assert [number for _, number in order] == [1, 2, 3, 4]


# -- slow and large ----------------------------------------------------------------------------------


def _opened(port: int, head: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.sendall(head)
    return made


def _ends(connection: socket.socket) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            said += part
    return said


async def test_half_sent_heads_end_and_hold_up_nobody(built: House) -> None:
    """300 heads that never become whole: the server answers others meanwhile, and closes every one of them."""
    async with serving(built.app) as port:
        slow = [
            await asyncio.to_thread(_opened, port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ") for _ in range(300)
        ]
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
        ended = await asyncio.gather(*(asyncio.to_thread(_ends, connection) for connection in slow))
    assert all(said.startswith(b"HTTP/1.1 408") for said in ended)


async def test_half_sent_bodies_are_so_many_and_the_silent_ones_go_first(tmp_path: Path) -> None:
    """Of 300 bodies 100 make room at once, long before their time is over; one of which something comes is not it."""
    body = b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    async with house(tmp_path, request_patience=600.0) as built, serving(built.app, patience=600.0) as port:
        token = built.app.state.keyring.local_token
        head = f"POST /api/v1/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        alive = await asyncio.to_thread(_opened, port, head.encode() + body)
        silent = []
        for number in range(300):
            silent.append(await asyncio.to_thread(_opened, port, head.encode() + body))
            if number % 10 == 0:
                await asyncio.to_thread(alive.sendall, b" ")
        ended = await asyncio.gather(*(asyncio.to_thread(_ends, one) for one in silent[:100]))
        await asyncio.to_thread(alive.sendall, b" " * 968 + b"}")  # 1 + 30 came before
        answered = await asyncio.to_thread(alive.recv, 65536)
        for one in (alive, *silent):
            one.close()
    assert all(said.startswith(b"HTTP/1.1 408") for said in ended)
    assert answered.startswith(b"HTTP/1.1 422"), answered


@pytest.mark.parametrize("rest", [b"", b"{"], ids=("nothing", "a piece"))
async def test_a_half_sent_body_ends(built: House, rest: bytes) -> None:
    """The sender of a body that does not come is told so, and the connection is closed."""
    token = built.app.state.keyring.local_token
    head = f"POST /api/v1/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    body = b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    async with serving(built.app) as port:
        connection = await asyncio.to_thread(_opened, port, head.encode() + body + rest)
        said = await asyncio.to_thread(_ends, connection)
    assert said.startswith(b"HTTP/1.1 408"), said
    assert b"W121" in said


def _endless(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b" " * 65536


def _posted(port: int, path: str, size: int, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """As a plain client sends it, which reads no answer before it has written everything."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        chunked = "content-length" not in headers
        given = {"connection": "close", **headers}
        connection.request("POST", path, _endless(size), given, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("chunked", [False, True], ids=("with a length", "chunked"))
@pytest.mark.parametrize("path", ["/api/v1/incidents", "/api/v1/alerts/generic"])
async def test_five_megabytes_of_json_are_refused_in_words(built: House, path: str, *, chunked: bool) -> None:
    """The sender hears 413, and no broken connection."""
    token = built.app.state.keyring.local_token
    headers = {**JSON, "authorization": f"Bearer {token}", **({} if chunked else {"content-length": "5242880"})}
    async with serving(built.app, 20) as port:
        status, said = await asyncio.to_thread(_posted, port, path, 5_242_880, headers)
    assert (status, json.loads(said)["problems"][0]["code"]) == (413, "W113")


async def test_a_refused_upload_hears_why(built: House) -> None:
    """A token that counts for nothing with four megabytes behind it: 401, and no broken connection."""
    path, headers = "/api/v1/incidents/INC-2026-0001/evidence?name=x&why=y", {"authorization": "Bearer wrong"}
    async with serving(built.app, 20) as port:
        status, _ = await asyncio.to_thread(_posted, port, path, 4_194_304, headers)
    assert status == 401


@pytest.mark.parametrize("path", ["/api/v1/incidents", "/api/v1/alerts/generic"])
async def test_whoever_stops_sending_at_a_refusal_hears_all_of_it(built: House, path: str) -> None:
    """As curl does, which then waits for the words: they do not wait for the rest of its body."""
    token = built.app.state.keyring.local_token
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n".encode()
    head += b"Content-Type: application/json\r\nContent-Length: 5242880\r\n\r\n" + b" " * 1_000_000
    async with serving(built.app, 20) as port:
        said = b""
        with contextlib.closing(await asyncio.to_thread(_opened, port, head)) as connection:
            while b"W113" not in said:
                part = await asyncio.to_thread(connection.recv, 65536)
                assert part, said
                said += part
    assert said.startswith(b"HTTP/1.1 413")


# -- sources of alerts -------------------------------------------------------------------------------

SMALL = {"generic": Quota(per_day=3), "presidio": Quota(megabytes_per_day=1), "sdk": Quota(per_minute=60, burst=2)}


def alert(number: int) -> dict[str, Any]:
    """A detection of the generic source that differs from every other one."""
    return {**GENERIC, "id": f"flood-{number}"}


@pytest.fixture(name="guarded")
async def _guarded(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, alert_quotas=SMALL) as built:
        yield built


async def _flood(built: House, *numbers: int) -> list[httpx.Response]:
    return [await built.local.post("/api/v1/alerts/generic", json=alert(number)) for number in numbers]


async def test_a_source_that_floods_is_refused_and_told_of_once(guarded: House) -> None:
    """The fourth detection of the day: 429 with a time, a counter, a word of health, and one letter however often."""
    answers = await _flood(guarded, 1, 2, 3, 4, 5)
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert problems(answers[3]) == ["D130"]
    assert int(answers[3].headers["retry-after"]) > 0
    counted = (await guarded.local.get("/metrics")).text
    assert 'firedoor_alerts_refused_total{quota="per_day",source="generic"} 2' in counted
    ready = await guarded.local.get("/readyz")
    assert (ready.status_code, "generic is refused" in ready.json()["parts"]["alerts"]) == (200, True)
    rows = guarded.runtime.world.store.rows(DeliveryRow, table(DeliveryRow).c.kind == "quota")
    assert [row["roles"] for row in rows] == ["admin,manager,commander"]


async def test_a_flood_of_one_source_hides_nothing_of_another(guarded: House) -> None:
    """While one is refused, another one's detection is taken; so is what was delivered before, which costs nothing."""
    await _flood(guarded, 1, 2, 3, 4)
    other = await guarded.local.post("/api/v1/alerts/alertmanager", json=ALERTMANAGER)
    assert other.status_code == 202
    (again,) = await _flood(guarded, 2)
    assert (again.status_code, again.json()["alerts"][0]["decision"]) == (202, "duplicate")


async def test_another_process_knows_what_was_stored_today(guarded: House) -> None:
    """After a restart the day is not begun anew, and a known detection is still taken."""
    await _flood(guarded, 1, 2, 3)
    fresh = Service(guarded.runtime.world, guarded.runtime.driver, guarded.runtime.shelf)
    fresh.quotas = Quotas(guarded.runtime.world, SMALL)
    fresh.quotas.look()
    with pytest.raises(QuotaSpent):
        await fresh.receive("generic", json.dumps(alert(4)).encode(), JSON)
    (again,) = await fresh.receive("generic", json.dumps(alert(3)).encode(), JSON)
    assert again.decision == "duplicate"


def test_a_burst_comes_back_with_time_and_a_day_with_midnight() -> None:
    """Two at once, one more each second; the bytes of a day are there again on the next one."""
    quota, used = Quota(per_minute=60, burst=2, megabytes_per_day=1), Usage(NOON)
    assert [used.passes(quota, 1, 10, NOON) is None for _ in range(3)] == [True, True, False]
    assert used.passes(quota, 1, 10, NOON + timedelta(seconds=1)) is None
    spent = used.passes(quota, 1, 2_000_000, NOON + timedelta(minutes=1))
    assert spent is not None
    assert (spent.quota, spent.seconds) == ("megabytes_per_day", 12 * 3600 - 60)
    assert used.passes(quota, 1, 999_000, NOON + timedelta(days=1)) is None


def test_a_storm_of_a_thousand_a_second_passes_the_usual_quota() -> None:
    """Ten minutes of it, a kilobyte each: the usual quota guards the disk and loses no detection."""
    used = Usage(NOON)
    assert all(used.passes(Quota(), 1000, 1_100_000, NOON + timedelta(seconds=second)) is None for second in range(600))
