"""Keeping closed what was closed: looked at on a timer, drift told once, closed again within bounds and never twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from pathlib import Path

import pytest
from tests.patience import GENEROUS
from tests.support.pages import CLOSE, HEAD, OPEN, SUSPEND

from firedoor.core.execution.run_control import Action
from firedoor.core.journal import Entry, Kind
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.tasks.answers import Person
from firedoor.store.incidents.holds import holders
from firedoor.testing import House, plan_of
from firedoor.testing.house import EVERYBODY, targets

SUSPENDED = f"{CLOSE}.suspend"
AGAIN = f"{SUSPENDED}~close-"


def page(drift: str = "ask", extra: str = "") -> str:
    return HEAD + f"hold: {{reverify: 5m, on_drift: {drift}}}\n{extra}" + SUSPEND.lstrip("\n")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose playbook asks about drift."""
    house = House(tmp_path, plan_of(page()))
    yield house
    await house.driver.stop()
    house.close()


@pytest.fixture
async def stubborn(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose playbook closes again what opened."""
    house = House(tmp_path, plan_of(page("suspend_again")))
    yield house
    await house.driver.stop()
    house.close()


async def closed(house: House) -> str:
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    return incident


async def look(house: House, incident: str, **by: float) -> int:
    """Some time later, one look, and whatever follows from it."""
    house.wind(**(by or {"minutes": 5}))
    count = await house.holding.look()
    await house.settle(incident)
    return count


def of_kind(house: House, incident: str, *kinds: Kind) -> list[Entry]:
    return [entry for entry in house.entries(incident) if entry.kind in kinds]


async def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + GENEROUS
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)


async def test_it_is_looked_at_as_long_as_it_is_held(house: House) -> None:
    """Not a second before its time, then every five minutes; the first look is on record, and then one a day."""
    incident = await closed(house)
    assert await look(house, incident, seconds=299) == 0
    for _ in range(300):
        assert await look(house, incident) == 1
    assert len(of_kind(house, incident, Kind.HELD)) == 2
    assert of_kind(house, incident, Kind.DRIFTED, Kind.UNSEEN) == []


async def test_drift_is_told_once_and_asked_about(house: House) -> None:
    """It serves again behind our back: an entry, a message, a task for the commander; then nothing new is said."""
    incident = await closed(house)
    house.far_end.closed.clear()
    await look(house, incident)
    await look(house, incident)
    (drift,) = of_kind(house, incident, Kind.DRIFTED)
    assert (drift.body["target"], "callers are answered again" in drift.body["seen"]) == ("chat-large", True)
    task = next(task for task in house.view(incident).open_tasks() if task.kind == "drift")
    assert (task.role, "serves again" in task.question) == ("commander", True)
    assert house.far_end.effects.total() == 1


async def test_a_person_has_it_closed_again(house: House) -> None:
    """Answered, and closed at the next look with a key of its own; opened in the end as it was before all of it."""
    incident = await closed(house)
    house.far_end.closed.clear()
    await look(house, incident)
    await house.answer(incident, "drift:chat-large#1.0", "close_again", roles=["commander"])
    assert await look(house, incident, seconds=1) == 1
    record = house.view(incident).operations[f"{AGAIN}1"]
    assert (record.status, record.result["proved"], len(house.far_end.effects)) == ("finished", "yes", 2)
    view = await house.answer(incident, f"{OPEN}.approve", "approve")
    assert (str(view.state), house.far_end.closed, view.holds) == ("closed", {}, {})
    assert holders(house.store, "chat-large") == []


async def test_it_is_closed_again_but_not_for_ever(stubborn: House) -> None:
    """Three times within the hour, each with its own key; then it stops, asks, and names who probably opens it."""
    incident = await closed(stubborn)
    for _ in range(5):
        stubborn.far_end.closed.clear()
        await look(stubborn, incident)
    assert [op.removeprefix(AGAIN) for op in stubborn.view(incident).operations if op.startswith(AGAIN)] == [
        "1",
        "2",
        "3",
    ]
    assert set(stubborn.far_end.effects.values()) == {1}
    (task,) = [task for task in stubborn.view(incident).open_tasks() if task.kind == "drift"]
    assert "3 times within the hour" in task.guidance
    assert "autoscaler" in task.guidance
    assert len(of_kind(stubborn, incident, Kind.DRIFTED)) == 4


async def test_after_an_hour_it_may_close_again(stubborn: House) -> None:
    """The bound is one of an hour, not of an incident."""
    incident = await closed(stubborn)
    for _ in range(4):
        stubborn.far_end.closed.clear()
        await look(stubborn, incident, minutes=25)
    assert f"{AGAIN}4" in stubborn.view(incident).operations
    assert stubborn.far_end.closed


async def test_unknown_is_neither_closed_nor_drift(house: House) -> None:
    """No answer: recorded once, told to people when it lasts, nothing is closed; seen again, that is on record too."""
    incident = await closed(house)
    house.far_end.behaviours["chat-large"] = "down"
    for _ in range(6):
        await look(house, incident)
    said = [entry.body["told"] for entry in of_kind(house, incident, Kind.UNSEEN)]
    assert said == [False, True]
    assert house.view(incident).holds["chat-large"].state == "unseen"
    del house.far_end.behaviours["chat-large"]
    await look(house, incident)
    assert of_kind(house, incident, Kind.HELD)[-1].body["before"] == "unseen"
    assert of_kind(house, incident, Kind.DRIFTED) == []


async def test_our_mark_taken_away_is_drift(house: House) -> None:
    """Callers are refused, but it is somebody else's closing now: it would open when they open it."""
    incident = await closed(house)
    house.far_end.closed["chat-large"] = "somebody else"
    await look(house, incident)
    (drift,) = of_kind(house, incident, Kind.DRIFTED)
    assert "our mark at door-1 is gone" in drift.body["seen"]
    assert "callers are still refused" in drift.body["seen"]


async def test_several_processes_look_once(tmp_path: Path, database: str) -> None:
    """Two that race at the same moment, on either database: one look, one entry, one closing."""
    stubborn = House(tmp_path, plan_of(page("suspend_again")), url=database)
    incident = await closed(stubborn)
    other = stubborn.again()
    stubborn.far_end.closed.clear()
    stubborn.wind(minutes=5)
    counts = await asyncio.gather(stubborn.holding.look(), other.holding.look(), stubborn.holding.look())
    await asyncio.gather(stubborn.settle(incident), other.settle(incident))
    assert (sum(counts), len(of_kind(stubborn, incident, Kind.DRIFTED)), stubborn.far_end.effects.total()) == (1, 1, 2)
    other.close()
    stubborn.close()


async def test_a_process_that_dies_while_closing_is_succeeded(stubborn: House) -> None:
    """Killed between the effect and its entry: another one observes, and nothing is closed twice."""
    incident = await closed(stubborn)
    stubborn.far_end.closed.clear()
    stubborn.wind(minutes=5)
    stubborn.far_end.holds["verify", "chat-large"] = held = asyncio.Event()
    dying = asyncio.create_task(stubborn.holding.look())
    await until(lambda: stubborn.far_end.calls["verify", "chat-large"] >= 2)
    held.set()
    stubborn.far_end.holds["verify", "chat-large"] = asyncio.Event()  # the proof of the second closing never comes
    await until(lambda: stubborn.far_end.effects.total() >= 2)
    dying.cancel()
    for task in list(stubborn.holding._tasks):
        task.cancel()
    stubborn.far_end.holds.clear()
    other = stubborn.again()
    assert await look(other, incident, seconds=91) == 1
    view = other.view(incident)
    assert (view.operations[f"{AGAIN}1"].status, stubborn.far_end.effects.total()) == ("finished", 2)
    assert view.holds["chat-large"].state == "held"
    other.close()


async def test_what_cannot_be_closed_again_is_a_persons(stubborn: House) -> None:
    """The door refuses: one try, a task with the reason, and no try after that by itself."""
    incident = await closed(stubborn)
    stubborn.far_end.closed.clear()
    stubborn.far_end.behaviours["chat-large"] = "fails"
    for _ in range(3):
        await look(stubborn, incident)
    (task,) = [task for task in stubborn.view(incident).open_tasks() if task.kind == "drift"]
    assert "could not be closed again" in task.guidance
    assert stubborn.far_end.calls["suspend", "chat-large"] == 2


@pytest.mark.parametrize("stop", [Action.PAUSE, Action.ABORT])
async def test_a_stopped_run_keeps_its_doors_closed(stubborn: House, stop: Action) -> None:
    """Paused or aborted: what is suspended stays suspended, and is kept so."""
    incident = await closed(stubborn)
    await stubborn.service.steer(stop, incident, "", "to think", Person("Ada", frozenset(EVERYBODY)))
    await stubborn.settle(incident)
    stubborn.far_end.closed.clear()
    await look(stubborn, incident)
    assert stubborn.far_end.closed
    assert stubborn.view(incident).operations[f"{AGAIN}1"].status == "finished"


async def test_a_target_that_is_kept_closed_outlives_its_incident(stubborn: House) -> None:
    """People decided to keep it closed, and the incident ended: it is still looked at, and closed again."""
    incident = await closed(stubborn)
    view = await stubborn.answer(incident, f"{OPEN}.approve", "refuse")
    assert str(view.state) == "closed"
    stubborn.far_end.closed.clear()
    await look(stubborn, incident)
    assert stubborn.far_end.closed
    assert stubborn.view(incident).holds["chat-large"].state == "held"


async def test_an_incident_does_not_end_over_an_open_door(house: House) -> None:
    """While nobody has decided about the drift it stays open; then it ends."""
    incident = await closed(house)
    house.far_end.closed.clear()
    await look(house, incident)
    view = await house.answer(incident, f"{OPEN}.approve", "refuse")
    assert str(view.state) != "closed"
    view = await house.answer(incident, "drift:chat-large#1.0", "leave", roles=["commander"])
    assert (str(view.state), view.holds["chat-large"].state) == ("closed", "drifted")


async def test_what_was_opened_by_hand_is_not_held(house: House) -> None:
    """The door is broken, so they opened it themselves and said so: nothing is looked at, and no alarm is raised."""
    incident = await closed(house)
    house.far_end.raises["resume", "chat-large"] = Unanswered(Problem(code="D1", message="no answer"))
    await house.answer(incident, f"{OPEN}.approve", "approve")
    house.far_end.closed.clear()
    person = Person("Ada", frozenset(EVERYBODY))
    await house.service.steer(Action.BY_HAND, incident, f"{OPEN}.resume", "opened at the console", person)
    await house.settle(incident)
    await look(house, incident)
    assert of_kind(house, incident, Kind.DRIFTED) == []
    assert (house.view(incident).holds, holders(house.store, "chat-large")) == ({}, [])


async def test_one_broken_target_silences_no_other(house: House) -> None:
    """The first one's connector raises what none should; the second one's drift is seen."""
    first, second = await closed(house), await house.open(endpoint="chat-small")
    await house.settle(second)
    house.far_end.raises["verify", "chat-large"] = KeyError("x")
    del house.far_end.closed["chat-small"]
    assert await look(house, second) == 2
    assert len(of_kind(house, second, Kind.DRIFTED)) == 1
    assert of_kind(house, first, Kind.DRIFTED) == []


async def test_two_incidents_that_hold_one_target(tmp_path: Path) -> None:
    """Whoever came second lets go without touching it; whoever closed it opens it last."""
    house = House(tmp_path, plan_of(page()), inventory=targets("chat-large"))
    first, second = await closed(house), await closed(house)
    view = await house.answer(first, f"{OPEN}.approve", "approve")
    assert "held closed by" in view.operations[f"{OPEN}.resume"].problem
    view = await house.answer(second, f"{OPEN}.approve", "approve")
    assert (str(view.state), list(house.far_end.closed)) == ("closed", ["chat-large"])
    rescue = next(task for task in house.view(first).open_tasks() if task.kind == "rescue")
    view = await house.answer(first, rescue.id, "retry")
    assert (str(view.state), house.far_end.closed) == ("closed", {})
    house.close()


async def test_every_process_knows_what_any_has_closed(house: House) -> None:
    """Neighbours closed on purpose prove nothing, whoever closed them; a restart knows them, too."""
    await closed(house)
    other = house.again()
    await other.holding.look()
    assert other.world.closed_on_purpose() == {"chat-large"}
    other.close()


async def test_what_an_earlier_version_closed_is_held_after_the_upgrade(house: House) -> None:
    """The migration reads it from the journals: what is closed is due for a look at once, what was opened is not."""
    migration = import_module("firedoor.store.migrations.versions.0006_what_is_held_closed")
    first, second = await closed(house), await house.open(endpoint="chat-small")
    await house.settle(second)
    await house.answer(second, f"{OPEN}.approve", "approve")
    with house.store.engine.connect() as connection:
        held = migration._held(connection)
    assert list(held) == [(first, "chat-large")]
    assert held[first, "chat-large"]["op"] == SUSPENDED
    house.store.rebuild(first).result()
    assert [row["target"] for row in holders(house.store, "chat-large")] == ["chat-large"]
