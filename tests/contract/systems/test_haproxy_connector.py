"""What only HAProxy shows: a map's file in step with the map, several instances, entries that can be doubled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import TIMEOUT, rig_class
from tests.contract.rigs_support.driving import SUSPEND, as_nobody, driving
from tests.contract.rigs_support.faulty_proxy import FaultyStreamProxy
from tests.contract.rigs_support.gateways import LARGE, SMALL, with_door

from firedoor.connectors.parts.gateways.haproxy_socket import Socket
from firedoor.core.problems import InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.ternary import NO, YES


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("haproxy")()
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


async def test_a_restart_forgets_nothing(rig: Any) -> None:
    """The file says what the map says: a new process that reads it is closed, and its file keeps mode and comments."""
    rig.first.map.chmod(0o640)
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert rig.first.map.read_text() == f"# closed routes\n{LARGE} firedoor:{SUSPEND}\n"
        assert rig.first.map.stat().st_mode & 0o777 == 0o640
        assert (rig.restarted(), rig.first.answers(SMALL)) == (503, 200)
        assert (await driven.verify()).holds is YES
        await driven.open(snapshot, receipt)
    assert rig.first.map.read_text() == "# closed routes\n"
    assert rig.restarted() == 200


async def test_half_a_success_is_named_and_finished_by_doing_it_again(rig: Any) -> None:
    """One instance refuses: the other one is closed, the file stays, and the repetition adds no second entry."""
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        rig.proxy.plan("error")
        with pytest.raises(InDoubt, match=r"half done: at unix:\S+admin.sock, and not surely at unix:\S+faulty.sock"):
            await driven.close(snapshot)
        assert (rig.first.answers(LARGE), rig.second.answers(LARGE)) == (200, 503)
        assert LARGE in rig.first.map.read_text()
        assert (await driven.observe()).closed is NO
        assert (await driven.close(snapshot))[1].changed
    assert [haproxy.ask("show map #0").count(LARGE) for haproxy in (rig.first, rig.second)] == [1, 1]


async def test_half_of_the_entries_is_half_a_success(rig: Any) -> None:
    """The second of two entries is refused: that is doubt, not silence, and doing it again adds the second only."""
    second = "/v1/chat-large-beta"
    picky = FaultyStreamProxy(
        str(rig.first.folder / "admin.sock"),
        changes=lambda line: line.startswith(b"add") and second.encode() in line,
        answers={"error": b"Unable to allocate the entry.\n\n"},
    )
    rig.inventory = with_door(rig.inventory, instances=(f"127.0.0.1:{picky.address[1]}",), keys=(LARGE, second))
    picky.plan("error")
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        with pytest.raises(InDoubt, match="1 of 2 changes"):
            await driven.close(snapshot)
        assert (await driven.close(snapshot))[1].changed
    picky.stop()
    assert rig.first.ask("show map #0").count(LARGE) == 2  # one is the beginning of the other


async def test_a_resume_that_certainly_failed_leaves_the_file_closed(rig: Any) -> None:
    """A reload must not open what nobody opened."""
    rig.inventory = with_door(rig.inventory, instances=rig.instances()[:1])
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        closed = rig.first.map.read_text()
        rig.proxy.plan("error")
        with pytest.raises(Unanswered, match="Unable to allocate"):
            await driven.open(snapshot, receipt)
        assert (rig.first.map.read_text(), rig.first.answers(LARGE)) == (closed, 503)
        assert (await driven.open(snapshot, receipt)).changed


async def test_where_nothing_was_told_the_file_is_as_before(rig: Any) -> None:
    """A reload of tomorrow must not close what today's operator was told is open."""
    rig.inventory = with_door(rig.inventory, instances=rig.instances()[:1])
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        rig.proxy.plan("error")
        with pytest.raises(Unanswered, match="Unable to allocate"):
            await driven.close(snapshot)
    assert rig.first.map.read_text() == "# closed routes\n"


async def test_an_entry_of_somebody_else_stays(rig: Any) -> None:
    """A colleague closed one instance before us: we close the other, and take away only what is ours."""
    rig.second.ask(f"add map #0 {LARGE} maintenance")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        await driven.open(snapshot, receipt)
    assert "maintenance" in rig.second.ask("show map #0")
    assert LARGE not in rig.first.ask("show map #0")


async def test_a_second_entry_of_a_colleague_is_drift(rig: Any) -> None:
    """HAProxy takes the same key twice; who resumes is told, and nothing is opened."""
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.first.ask(f"add map #0 {LARGE} maintenance")
        with pytest.raises(Refused, match="changed"):
            await driven.open(snapshot, receipt)
    assert rig.first.answers(LARGE) == 503


async def test_the_socket_may_be_reached_over_tcp(rig: Any) -> None:
    """`host:port` works as `unix:/path` does."""
    upstream = str(rig.first.folder / "admin.sock")
    tcp = FaultyStreamProxy(upstream, changes=lambda line: line.startswith(b"add"))
    rig.inventory = with_door(rig.inventory, instances=(f"127.0.0.1:{tcp.address[1]}",))
    async with driving(rig) as driven:
        await driven.close()
    assert (tcp.effects, rig.first.answers(LARGE)) == (1, 503)
    tcp.stop()


@pytest.mark.parametrize("key", [r"/a\b", "/a;b", "/ä", "/a#b"])
async def test_odd_keys_arrive_as_they_are(rig: Any, key: str) -> None:
    """What splits the command line of HAProxy does not split a key."""
    socket = Socket(f"unix:{rig.first.folder}/admin.sock", TIMEOUT)
    await socket.add("#0", key, "firedoor:inc 7;x")
    (entry,) = await socket.entries("#0")
    assert (entry.key, entry.value) == (key, "firedoor:inc 7;x")
    await socket.delete("#0", entry)
    assert await socket.entries("#0") == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"instances": ("10.0.0.7:9999",)}, "allow_remote"),
        ({"instances": ("admin.sock",)}, "unix:/path or host:port"),
        ({"map": None}, "a map with keys, or servers"),
        ({"keys": ("a b",)}, "one word"),
        ({"servers": ("one",)}, "backend/server"),
    ],
)
async def test_a_door_that_cannot_work_is_refused_with_a_reason(rig: Any, config: Any, said: str) -> None:
    """Before anything is asked of HAProxy."""
    rig.inventory = with_door(rig.inventory, **config)
    async with driving(rig) as driven:
        with pytest.raises(InvalidInput, match=said):
            driven.connector.check(rig.target, rig.door)


async def test_a_map_or_a_server_that_is_not_there_is_found_before(rig: Any) -> None:
    """A name that HAProxy does not know ends at the capture."""
    for config in ({"map": "#9"}, {"servers": ("large/nine",)}, {"servers": ("nowhere/one",)}):
        rig.reset()
        rig.inventory = with_door(rig.inventory, **config)
        async with driving(rig) as driven:
            with pytest.raises(Unanswered):
                await driven.capture()


def test_a_socket_that_is_not_for_us_is_said_so(rig: Any) -> None:
    """A process without the right to the socket is told what to look at."""
    path = rig.first.folder / "admin.sock"
    imports = "import asyncio; from firedoor.connectors.parts.gateways.haproxy_socket import Socket"
    said = as_nobody(imports, f"asyncio.run(Socket('unix:{path}', 1).entries('#0'))")
    assert said.startswith("Unanswered")
    assert "Permission denied" in said
