"""Somebody opens a real model server's door behind Firedoor's back: seen from outside, on record, and closed again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.contract.rigs.http import Rig
from tests.support.pages import CLOSE, HEAD, OPEN, SUSPEND
from tests.support.real_doors import house_before

from firedoor.core.history.containment import containment
from firedoor.core.history.operation_titles import Names
from firedoor.core.history.timeline import timeline
from firedoor.testing import House, plan_of

AGAIN = f"{CLOSE}.suspend~close-1"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """The demonstration's model server, a process of its own."""
    rig = Rig()
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(name="house")
async def _house(tmp_path: Path, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose doors are real, and a playbook that closes again."""
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)
    async with house_before(rig, tmp_path) as house:
        yield house


def answers(rig: Rig, model: str) -> int:
    """Ask as a caller does."""
    headers = {"authorization": f"Bearer {os.environ['FIREDOOR_DEMO_API_KEY']}"}
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return httpx.post(f"{rig.url}/v1/chat/completions", json=body, headers=headers, trust_env=False).status_code


async def closed(house: House) -> str:
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    return incident


async def test_opened_behind_our_back_it_is_closed_again_and_told(house: House, rig: Rig) -> None:
    """Within the interval: callers are refused again, the neighbour serves, and the record names who had opened it."""
    incident = await closed(house)
    assert (answers(rig, "chat-large"), answers(rig, "chat-small")) == (423, 200)
    rig.put({"state": "active", "changed_by": "argo-cd", "reason": "sync"})
    assert answers(rig, "chat-large") == 200
    house.wind(minutes=1)
    assert await house.holding.look() == 1
    assert (answers(rig, "chat-large"), answers(rig, "chat-small")) == (423, 200)
    view = await house.settle(incident)
    drift = view.holds["chat-large"].drifts[0]
    assert "callers are answered again (200)" in drift.seen
    assert any("argo-cd" in words or "sync" in words for words in drift.who), drift.who
    assert [door["door"] for door in view.operations[AGAIN].result["doors"]] == ["platform"]


async def test_the_story_is_told_in_words_and_it_opens_again_as_it_was(house: House, rig: Rig) -> None:
    """The timeline and the report's part on containment say it; the way back is the state before the first change."""
    incident = await closed(house)
    rig.put({"state": "active", "changed_by": "a colleague"})
    house.wind(minutes=1)
    await house.holding.look()
    assert house.plan
    names = Names(house.plan, house.world.definitions(house.plan))
    lines = [line["what"] for line in timeline(house.entries(incident), names, house.world.definitions(house.plan))]
    assert any("chat-large is not kept closed any more (last confirmed closed at" in line for line in lines)
    assert any("closed again (1): done" in line for line in lines)
    (target,) = containment(house.view(incident), names)
    assert (target["state"], target["held"]["drifts"]) == ("suspended", 1)
    view = await house.answer(incident, f"{OPEN}.approve", "approve")
    assert (str(view.state), answers(rig, "chat-large")) == ("closed", 200)


async def test_a_platform_that_does_not_answer_is_no_drift(house: House, rig: Rig) -> None:
    """The data plane times out: unknown, recorded, and nothing is closed or told to be open."""
    incident = await closed(house)
    rig.break_with("dark")
    house.world.inventory = house.inventory = rig.inventory
    house.wind(minutes=1)
    await house.holding.look()
    assert house.view(incident).holds["chat-large"].state in ("unseen", "held")
    assert house.view(incident).holds["chat-large"].drifts == ()


async def test_a_door_that_lies_is_not_suspended_and_the_next_one_is(house: House, rig: Rig) -> None:
    """It answers 200 and does nothing: said so door by door, and the second door closes the target."""
    rig.fault(fault="lie", times=10)
    incident = await closed(house)
    assert answers(rig, "chat-large") != 200
    assert house.plan
    names = Names(house.plan, house.world.definitions(house.plan))
    (target,) = containment(house.view(incident), names)
    (event,) = [event for event in target["events"] if event["verb"] == "suspend"]
    first, second = event["doors"]
    assert (first["door"], first["proved"], second["proved"]) == ("platform", "no", "yes")
    assert "callers are answered" in first["seen"]


ALL = HEAD + SUSPEND.lstrip("\n").replace("automatic: always", "automatic: always\n      doors: all", 1)


def doors_of(house: House, incident: str) -> dict[str, str]:
    """Every door that was tried, and whether it was proved closed."""
    record = house.view(incident).operations[f"{CLOSE}.suspend"]
    return {door["door"]: door.get("proved", door.get("problem", "")) for door in record.result.get("doors", [])}


async def test_every_door_is_closed_where_the_playbook_says_so(house: House, rig: Rig) -> None:
    """`doors: all`: both are closed and proved, and the way back opens both."""
    house.plan = plan_of(ALL)
    incident = await closed(house)
    assert doors_of(house, incident) == {"platform": "yes", "gateway": "yes"}
    view = await house.answer(incident, f"{OPEN}.approve", "approve")
    assert (str(view.state), answers(rig, "chat-large")) == ("closed", 200)


async def test_one_open_door_of_all_is_not_suspended(house: House, rig: Rig) -> None:
    """Callers are refused, and one door only says that it closed: a person is asked, and told which door."""
    house.plan = plan_of(ALL)
    rig.fault(fault="lie", times=10)
    incident = await closed(house)
    for _ in range(3):
        house.wind(seconds=10)
        await house.driver.look()
        await house.settle(incident)
    record = house.view(incident).operations[f"{CLOSE}.suspend"]
    assert (record.status, "platform:" in record.problem) == ("failed", True)
    assert [task.kind for task in house.view(incident).open_tasks()] == ["rescue"]
