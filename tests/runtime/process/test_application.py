"""Starting and stopping a process: it takes up what others left, says how each part is, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
from tests.runtime.execution.test_conductor import until
from tests.support.pages import HEAD, SUSPEND

from firedoor.core.problems import InvalidInput, NotRead
from firedoor.interfaces.cli.terminal.alone import application_here
from firedoor.interfaces.web.http.server_file import announce
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import Runtime, open_store, open_world, read_sources, remember_suspended
from firedoor.runtime.process.prefect_host import FlowHost
from firedoor.store.incidents import leases
from firedoor.testing import House, plan_of


def settings(folder: Path, **more: object) -> Settings:
    return Settings(data_dir=folder, prefect=False, **more)


async def test_a_runtime_starts_is_well_and_stops(tmp_path: Path) -> None:
    """Its loops look around, the store answers, and afterwards no task of it is left."""
    before = asyncio.all_tasks()
    runtime = Runtime(settings(tmp_path))
    await runtime.start()
    await until(lambda: {runtime.health()["parts"][name] for name in ("watch", "recovery")} == {"well"})
    health = runtime.health()
    assert (health["well"], health["parts"]["prefect"], health["parts"]["store"]) == (True, "off", "well")
    assert "model-data-leakage" in health["playbooks"]
    await runtime.stop()
    assert runtime.world.connectors._context.client.is_closed  # type: ignore[attr-defined]
    assert asyncio.all_tasks() == before


async def test_links_name_the_port_that_a_server_really_got(tmp_path: Path) -> None:
    """A worker beside a server with port 0 learns it from the server's note, also when that comes later."""
    here = House(tmp_path, plan_of(HEAD + SUSPEND))
    incident = await here.open(endpoint="chat-large")
    await here.settle(incident)
    host = FlowHost(here.service, settings(tmp_path, port=0).address)
    assert (await host.views(incident)).links == {}
    announce(tmp_path / "server.json", "http://127.0.0.1:43210", "token")
    assert (await host.views(incident)).links["incident"].startswith("http://127.0.0.1:43210/")
    assert settings(tmp_path, port=0, public_url="https://f.example").address() == "https://f.example"
    assert settings(tmp_path, port=8601).address() == "http://127.0.0.1:8601"
    here.close()


async def test_the_data_folder_is_for_its_user_only(tmp_path: Path) -> None:
    """It is made where it is missing."""
    world = open_world(settings(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    world.store.close()
    await world.connectors.close()  # type: ignore[attr-defined]


async def test_after_a_restart_it_is_known_what_is_closed_on_purpose(tmp_path: Path) -> None:
    """A neighbour that an open incident has closed proves nothing about another one's suspension."""
    house = House(tmp_path, plan_of(HEAD + SUSPEND))
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    other = house.again()
    assert other.world.closed_on_purpose() == frozenset()
    remember_suspended(other.world)
    assert other.world.closed_on_purpose() == {"chat-large"}
    await other.answer(incident, "remediation.open.approve", "approve")
    third = house.again()
    remember_suspended(third.world)
    assert other.world.closed_on_purpose() == third.world.closed_on_purpose() == frozenset()
    for one in (house, other, third):
        one.close()


@pytest.mark.parametrize(
    ("name", "text"),
    [("targets.yaml", "targets: {a: {doors: []}}"), ("targets.yaml", "targets: ["), ("organisation.yaml", "nmae: x"),
     ("organisation.yaml", "facts: {established_in: Atlantis, no_such: 1}")],
)  # fmt: skip
def test_a_wrong_file_of_ones_own_house_is_said_with_its_place(tmp_path: Path, name: str, text: str) -> None:
    """The process does not start on half an inventory."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput) as caught:
        open_world(settings(tmp_path))
    assert all(problem.place is not None and name in problem.place.file for problem in caught.value.problems)


def test_without_mappings_the_built_in_sources_are_there(tmp_path: Path) -> None:
    """A folder that does not exist is no error."""
    assert {"generic", "presidio", "alertmanager", "cloudevents"} <= set(read_sources(settings(tmp_path)))


async def test_a_command_without_a_server_takes_over_at_once_what_a_dead_process_drove(tmp_path: Path) -> None:
    """Its lease is given back before anything is asked, as a server's start does; a living one keeps its own."""
    house = House(tmp_path, plan_of(HEAD + SUSPEND))
    names = [await house.open(endpoint="chat-large") for _ in range(2)]
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    here, store = socket.gethostname(), house.store
    for name, owner in zip(names, (f"{here}:{gone.pid}:a", f"{here}:{os.getpid()}:b"), strict=True):
        await house.settle(name)
        assert await asyncio.wrap_future(leases.take(store, name, owner, house.clock()))
    async with application_here(settings(tmp_path)) as (_, runtime):
        assert leases.owners(runtime.world.store) == [f"{here}:{os.getpid()}:b"]
    house.close()


def test_a_database_that_cannot_be_opened_is_left_closed(tmp_path: Path) -> None:
    """What raises while it is opened is told, and holds no file open that a repair would have to wait for."""
    (tmp_path / "firedoor.db").write_bytes(b"no database at all, " * 500)
    with pytest.raises(NotRead, match="the file is no database"):
        open_store(settings(tmp_path))
    assert not [one for one in Path("/proc/self/fd").iterdir() if str(tmp_path) in os.path.realpath(one)]
