"""What only nginx shows: a file that is tested, workers that replace each other, and streams that run to their end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import SUSPEND, as_nobody, driving
from tests.contract.rigs_support.gateways import LARGE, SMALL, with_door

from firedoor.core.problems import InvalidInput, Refused, Unanswered
from firedoor.core.ternary import NO, YES

MORE_THAN_BUFFERS_HOLD = 48 << 20
OURS = f"# firedoor:{SUSPEND}\n# a note\n"


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("nginx")()
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


def files(rig: Any) -> list[str]:
    """The names in the folder that the map includes."""
    return sorted(file.name for file in rig.nginx.closed.iterdir())


async def test_the_file_says_whose_it_is_and_only_it_is_removed(rig: Any) -> None:
    """Our mark is its first line; a colleague's file in the same folder is as it was after the resume."""
    other = rig.nginx.closed / "maintenance.conf"
    other.write_text('"/v1/chat-old" 1;\n')
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert rig.nginx.ours.read_text().startswith(f"# firedoor:{SUSPEND}\n")
        assert f'\n"{LARGE}" 1;\n' in rig.nginx.ours.read_text()
        await driven.open(snapshot, receipt)
    assert (files(rig), other.read_text()) == (["maintenance.conf"], '"/v1/chat-old" 1;\n')


async def test_what_nginx_would_not_load_is_taken_back(rig: Any) -> None:
    """The test refuses a second entry of the same key: our file goes, nobody is told, callers are served."""
    (rig.nginx.closed / "open.conf").write_text(f"{LARGE} 0;\n")
    async with driving(rig) as driven:
        with pytest.raises(Unanswered, match="conflicting parameter"):
            await driven.close()
    assert (files(rig), rig.effects(), rig.nginx.answers(LARGE)) == (["open.conf"], 0, 200)


async def test_a_stream_under_way_runs_to_its_end_and_is_counted(rig: Any) -> None:
    """The receipt says that an old worker still serves; the caller gets the whole answer, a new one is refused."""
    (rig.nginx.folder / "long").write_bytes(b"x" * MORE_THAN_BUFFERS_HOLD)
    with socket.create_connection(("127.0.0.1", rig.nginx.port)) as caller:
        caller.sendall(b"GET /long HTTP/1.0\r\n\r\n")  # not read on before the door is shut: the stream waits for us
        received = len(caller.recv(10))
        async with driving(rig) as driven:
            _, receipt = await driven.close()
            assert (await driven.verify()).holds is YES
        received += sum(map(len, iter(lambda: caller.recv(65536), b"")))
    assert receipt.detail["workers_that_drain_streams"] >= 1
    assert received > MORE_THAN_BUFFERS_HOLD


async def test_a_file_that_nobody_was_told_of_is_no_closed_door(rig: Any) -> None:
    """Killed between file and reload: the workers are older than the file, so closing goes on from there."""
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        rig.nginx.ours.write_text(f'{OURS}"{LARGE}" 1;\n')
        assert (await driven.observe()).closed is NO
        assert (await driven.close(snapshot))[1].changed
        assert (await driven.verify()).holds is YES


async def test_a_file_set_aside_that_nobody_was_told_of_is_a_closed_door(rig: Any) -> None:
    """Killed between setting the file aside and the reload: it counts as closed, and a resume goes on from there."""
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.nginx.ours.rename(rig.nginx.ours.with_suffix(".leaving"))
        assert ((await driven.observe()).closed, (await driven.observe()).ours) == (YES, YES)
        assert (await driven.open(snapshot, receipt)).changed
        assert (await driven.verify("serving")).holds is YES
    assert files(rig) == []


async def test_a_failed_reload_leaves_the_closed_door_as_it_was(rig: Any) -> None:
    """Opening fails: the file is back in its place, and the next attempt opens."""
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.break_with("error")
        with pytest.raises(Unanswered, match="failed"):
            await driven.open(snapshot, receipt)
        assert (files(rig), rig.nginx.answers(LARGE)) == ([rig.nginx.ours.name], 503)
        assert (await driven.open(snapshot, receipt)).changed


async def test_a_file_of_our_name_that_is_not_ours_is_left_alone(rig: Any) -> None:
    """Somebody wrote it between our look and our change."""
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        rig.nginx.ours.write_text("# not yours\n")
        with pytest.raises(Refused, match="somebody else"):
            await driven.close(snapshot)
    assert rig.nginx.ours.read_text() == "# not yours\n"


@pytest.mark.parametrize("key", [r"~^/v1/chat-l\w+e$", r"~^/v1/chat-l[^\\]rge$", "~*LARGE", LARGE])
async def test_keys_are_regular_expressions_or_words(rig: Any, key: str) -> None:
    """As the map of nginx reads them; the neighbour is spared."""
    rig.inventory = with_door(rig.inventory, keys=(key,), reload="signal")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert (await driven.verify()).holds is YES
        await driven.open(snapshot, receipt)
    assert (rig.nginx.answers(LARGE), rig.nginx.answers(SMALL)) == (200, 200)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"keys": ("default",)}, "reads otherwise"),
        ({"keys": ('/a" 1; "/b',)}, "no quotes"),
        ({"keys": ("/a\n",)}, "no quotes"),
        ({"reload": "signal", "pid_file": None}, "pid_file"),
        ({"file": "../nginx.conf"}, "file"),
        ({"folder": "closed.d"}, "folder"),
    ],
)
async def test_a_door_that_cannot_work_or_closes_more_is_refused(rig: Any, config: Any, said: str) -> None:
    """`default` would close every route; a quote would write entries of its own."""
    rig.inventory = with_door(rig.inventory, **config)
    async with driving(rig) as driven:
        with pytest.raises(InvalidInput, match=said):
            driven.connector.check(rig.target, rig.door)


async def test_a_reload_that_replaced_no_worker_is_not_claimed(rig: Any) -> None:
    """The command ended well and did nothing: the receipt says what was seen, and the door does not count as closed."""
    rig.break_with("lie")
    async with driving(rig) as driven:
        _, receipt = await driven.close()
        assert receipt.detail["reloaded"].startswith("no worker was replaced")
        assert (await driven.observe()).closed is NO


async def test_without_a_pid_file_the_receipt_does_not_claim_a_reload(rig: Any) -> None:
    """Nobody looked at the workers; the proof is the caller's look, as ever."""
    rig.inventory = with_door(rig.inventory, pid_file=None, settle_seconds=0.5)
    async with driving(rig) as driven:
        _, receipt = await driven.close()
        assert receipt.detail["reloaded"] == "not seen: no pid_file"
        assert (await driven.verify()).holds is YES


def test_a_folder_that_is_not_for_us_is_said_so(rig: Any) -> None:
    """A process without the right to the folder is told before anything is changed."""
    imports = "from firedoor.connectors.parts import kept_file"
    said = as_nobody(imports, f"kept_file.may_change(Path('{rig.nginx.closed}'))")
    assert said.startswith("Unanswered")
    assert "no right" in said
