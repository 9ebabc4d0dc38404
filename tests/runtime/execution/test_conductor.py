"""The conductor: branches go on side by side, other people's entries are taken in, and every effect runs once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.patience import GENEROUS
from tests.support.pages import CLOSE, CLOSE_OTHER, HEAD, SUSPEND, TWO

from firedoor.core.journal import Draft, Kind
from firedoor.runtime.execution.conductor import Conductor, Ending
from firedoor.runtime.execution.performer import Effect, Json, OperationView, Performer
from firedoor.store.incidents import leases
from firedoor.store.incidents.leases import Lease
from firedoor.testing import House, plan_of

BOTH = {"endpoint": "chat-large", "other": "chat-small"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house with two targets that are closed at once, and two questions one after the other."""
    house = House(tmp_path, plan_of(HEAD + TWO))
    yield house
    await house.driver.stop()
    house.close()


async def conductor(house: House, incident: str, **more: Any) -> Conductor:
    """A conductor of its own, with a lease of its own."""
    lease = await asyncio.wrap_future(leases.take(house.store, incident, "process 1", house.clock()))
    assert lease is not None
    return Conductor(house.world, incident, lease, **more)


async def until(holds: Callable[[], Any]) -> None:
    """Let everything else run until something holds."""
    end = time.monotonic() + GENEROUS
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.001)


def done(house: House, incident: str) -> set[str]:
    """The operations that are finished."""
    return {op for op, record in house.view(incident).operations.items() if record.status == "finished"}


async def test_a_branch_that_hangs_holds_up_no_other(house: House) -> None:
    """The loop waits for any effect: the other endpoint is closed while the first one does not answer."""
    hold = house.far_end.holds["capture", "chat-large"] = asyncio.Event()
    incident = await house.open(**BOTH)
    await until(lambda: f"{CLOSE_OTHER}.suspend" in done(house, incident))
    assert f"{CLOSE}.capture" not in done(house, incident)
    hold.set()
    await house.settle(incident)
    assert f"{CLOSE}.suspend" in done(house, incident)


async def test_independent_effects_overlap(house: House) -> None:
    """Both captures are under way at the same moment."""
    holds = [asyncio.Event(), asyncio.Event()]
    house.far_end.holds = {
        ("capture", name): hold for name, hold in zip(("chat-large", "chat-small"), holds, strict=True)
    }
    incident = await house.open(**BOTH)
    await until(lambda: house.far_end.calls.total() == 2)
    for hold in holds:
        hold.set()
    await house.settle(incident)
    assert house.far_end.effects.total() == 2


async def test_an_answer_goes_on_while_an_effect_hangs(house: House) -> None:
    """Somebody answers: what follows from it does not wait for an effect of another branch."""
    hold = house.far_end.holds["capture", "chat-large"] = asyncio.Event()
    incident = await house.open(**BOTH)
    await until(lambda: f"{CLOSE_OTHER}.suspend" in done(house, incident))
    answering = asyncio.create_task(house.answer(incident, "identification.look", "done"))
    await until(lambda: [task.id for task in house.view(incident).open_tasks()] == ["identification.write"])
    assert f"{CLOSE}.capture" not in done(house, incident)
    hold.set()
    await answering


async def test_a_conflict_is_decided_anew(house: House) -> None:
    """Others write while effects are under way: nothing is lost, nothing is done twice, the chain holds."""
    hold = house.far_end.holds["capture", "chat-large"] = asyncio.Event()
    incident = await house.open(**BOTH)
    await until(lambda: house.far_end.calls["capture", "chat-large"] == 1)
    for number in range(5):
        await asyncio.wrap_future(house.store.append(incident, [Draft(Kind.NOTE, "x", {"n": number})], house.clock()))
    hold.set()
    await house.settle(incident)
    assert house.kinds(incident).count(Kind.NOTE) == 5
    assert set(house.far_end.effects.values()) == {1}
    assert [fault for _, _, fault in house.store.verify() if fault] == []


async def test_two_drivers_race_and_only_the_newer_one_writes(house: House) -> None:
    """The one that was thought dead ends with lost_lease, whatever it has in its hands."""
    entries = await house.opened(**BOTH)
    incident, late = entries[0].incident, asyncio.Event()
    house.far_end.holds["capture", "chat-large"] = late
    first = asyncio.create_task((await conductor(house, incident)).drive())
    await until(lambda: house.far_end.calls["capture", "chat-large"] == 1)
    house.wind(seconds=20)
    lease = await asyncio.wrap_future(leases.take(house.store, incident, "process 2", house.clock()))
    late.set()
    assert await first == "lost_lease"
    assert await Conductor(house.world, incident, lease).drive() == "waiting"
    assert set(house.far_end.effects.values()) == {1}
    finished = [e.body["op"] for e in house.entries(incident) if e.kind == Kind.FINISHED]
    assert len(finished) == len(set(finished))


def failing(where: str) -> Performer:
    """Whoever shows it fails: before the effect, after it, instead of it, or performs it twice."""

    async def performer(_: OperationView, effect: Effect) -> Json:
        match where:
            case "before":
                raise RuntimeError("cannot show it")
            case "after":
                await effect()
                raise RuntimeError("cannot show it")
            case "cancelled before":
                raise asyncio.CancelledError
            case "cancelled after":
                await effect()
                raise asyncio.CancelledError
            case "twice":
                await asyncio.gather(effect(), effect())
                return await effect()
            case "gives up midway":
                await asyncio.wait_for(effect(), 0.01)
        return {}

    return performer


@pytest.mark.parametrize("where", ["before", "after", "never", "cancelled before", "cancelled after", "twice"])
async def test_whoever_shows_it_may_fail_and_the_effect_runs_once(house: House, where: str) -> None:
    """The effect is what counts: it is performed once, whatever its performer does."""
    incident = (await house.opened(**BOTH))[0].incident
    assert await (await conductor(house, incident, performer=failing(where))).drive() == "waiting"
    assert set(house.far_end.effects.values()) == {1}
    assert house.far_end.calls["suspend", "chat-large"] == house.far_end.calls["capture", "chat-large"] == 1
    assert {f"{CLOSE}.suspend", f"{CLOSE_OTHER}.suspend"} <= done(house, incident)


async def test_a_performer_that_gives_up_midway_leaves_an_effect_in_doubt(house: House) -> None:
    """It had begun, so it is observed before it is done again."""
    incident = (await house.opened(**BOTH))[0].incident
    hold = house.far_end.holds["verify", "chat-large"] = asyncio.Event()
    driving = asyncio.create_task((await conductor(house, incident, performer=failing("gives up midway"))).drive())
    await until(lambda: house.far_end.calls["observe", "chat-large"] == 1)
    hold.set()
    assert await driving == "waiting"
    assert house.far_end.calls["suspend", "chat-large"] == 1


async def test_stopping_in_the_middle_leaves_nothing_running(house: House) -> None:
    """When the drive is cancelled its effects have stopped before it returns; the next one observes them."""
    incident = (await house.opened(**BOTH))[0].incident
    house.far_end.holds["verify", "chat-large"] = asyncio.Event()
    first = await conductor(house, incident)
    driving = asyncio.create_task(first.drive())
    await until(lambda: house.far_end.calls["verify", "chat-large"] == 1)
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)
    assert all(task.done() for task in first._running.values())
    house.far_end.holds.clear()
    assert await (await conductor(house, incident)).drive() == "waiting"
    assert house.far_end.calls["suspend", "chat-large"] == 1
    assert house.far_end.calls["observe", "chat-large"] == 1


async def test_entries_of_a_fresh_incident_are_not_in_doubt(house: House) -> None:
    """The reflex that was written with the incident is performed at once, without looking first."""
    entries = await house.opened(**BOTH)
    lease = Lease(entries[0].incident, "process 1", 1)
    await Conductor(house.world, lease.incident, lease, fresh=True).drive(entries)
    assert house.far_end.calls["observe", "chat-large"] == 0
    assert house.far_end.effects.total() == 2


async def test_what_others_finished_is_shown_once_in_the_order_of_the_journal(tmp_path: Path) -> None:
    """A view that joins later is shown everything; one that fails stops nothing."""
    house = House(tmp_path, plan_of(HEAD + SUSPEND))
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    seen: list[str] = []

    async def shown(operation: OperationView, _: Json) -> None:
        seen.append(operation.id)
        raise RuntimeError("the view fails")

    ending: Ending = await (await conductor(house, incident, shown=shown)).drive()
    finished = [e.body["op"] for e in house.entries(incident) if e.kind == Kind.FINISHED]
    assert (ending, seen) == ("waiting", finished)
    house.close()


async def test_the_end_is_said(tmp_path: Path) -> None:
    """Driven to its end it says so, and driving it again changes nothing."""
    house = House(tmp_path, plan_of(HEAD + SUSPEND))
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    await house.answer(incident, "remediation.open.approve", "refuse")
    count = len(house.entries(incident))
    assert await (await conductor(house, incident)).drive() == "closed"
    assert len(house.entries(incident)) == count
    house.close()


PAUSE = """
duties: []
phases:
  identification: []
  containment:
    - parallel:
        - wait: 1s
          id: pause
        - suspend: "{{ facts.endpoint }}"
          id: close
          automatic: always
  remediation: []
  post_incident: []
"""


async def test_what_is_due_does_not_wait_for_an_effect_that_hangs(tmp_path: Path) -> None:
    """A wait that runs out while an effect takes hours ends at its time: time alone wakes the loop."""
    house = House(tmp_path, plan_of(HEAD + PAUSE))
    hold = house.far_end.holds["capture", "chat-large"] = asyncio.Event()
    incident = await house.open(endpoint="chat-large")
    await until(lambda: house.far_end.calls.total() == 1)
    assert "containment.pause" not in done(house, incident)
    house.wind(seconds=2)
    await until(lambda: "containment.pause" in done(house, incident))
    assert f"{CLOSE}.capture" not in done(house, incident)
    hold.set()
    await house.settle(incident)
    await house.driver.stop()
    house.close()
