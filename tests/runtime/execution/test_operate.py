"""Steering a whole Firedoor over a folder: real effects, restarts, and a playbook whose file goes away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.patience import GENEROUS

from firedoor.core.execution.run_control import Action
from firedoor.core.journal import Kind
from firedoor.core.lifecycle import State
from firedoor.core.problems import Refused
from firedoor.core.tasks.answers import Person
from firedoor.runtime.config.inventory import Organisation
from firedoor.testing.house import STARTS, House, plan_of

ADA = Person("Ada", frozenset(("commander",)))
HEAD = """
playbook: night
version: 1.0.0
title: In the middle of the night
incident: data_leakage_in_ai_models
facts:
  endpoint: {type: target, ask: "Which endpoint?"}
roles: [commander, dpo, manager]
duties: []
phases:
  identification: []
  containment:
"""
REST = "  remediation: []\n  post_incident: []\n"
CLOSE = '    - suspend: "{{ facts.endpoint }}"\n      id: close\n      automatic: always\n'
OPEN = '    - task: "Look at it"\n      id: look\n    - resume: "{{ facts.endpoint }}"\n      id: open\n'
VERIFY = '    - task: "Look at it"\n      id: look\n    - verify: "{{ facts.endpoint }}"\n      id: proof\n'
AGAIN = '    - task: "Look again"\n      id: again\n'
SUSPEND, LOOK = "containment.close.reflex.suspend", "containment.look"


def page(*steps: str) -> str:
    return HEAD + "".join(steps) + REST


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path, plan_of(page(CLOSE, VERIFY, AGAIN)))
    yield built
    built.close()


async def steer(house: House, incident: str, action: Action, operation: str = "") -> None:
    await house.service.steer(action, incident, operation, "to be safe", ADA)
    await house.settle(incident)


async def opened_again(house: House) -> str:
    """An incident that closed its target and, with the approvals that it takes, opened it again."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    await house.answer(incident, LOOK, "done")
    for name in ("Max", "Mia"):
        for task in house.view(incident).open_tasks():
            if task.kind == "approve":
                await house.answer(incident, task.id, "approve", by=name)
    return incident


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + GENEROUS
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.001)


def calls(house: House, verb: str) -> int:
    return house.far_end.calls[verb, "chat-large"]


async def test_a_pause_outlives_the_process(house: House) -> None:
    """The next process begins nothing either; unpaused, it goes on and each effect happened once."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    await steer(house, incident, Action.PAUSE)
    await house.driver.stop()
    other = house.again()
    before = calls(house, "verify")
    await other.answer(incident, LOOK, "done")
    assert calls(house, "verify") == before
    await steer(other, incident, Action.UNPAUSE)
    assert (calls(house, "verify"), set(house.far_end.effects.values())) == (before + 1, {1})
    other.close()


async def test_an_effect_that_runs_at_the_pause_ends(house: House) -> None:
    """The suspension that was under way is finished and proved; nothing after it begins."""
    house.far_end.holds["suspend", "chat-large"] = hold = asyncio.Event()
    incident = await house.open(endpoint="chat-large")
    await until(lambda: calls(house, "suspend") > 0)
    await house.service.steer(Action.PAUSE, incident, "", "to look", ADA)
    hold.set()
    view = await house.settle(incident)
    assert (view.operations[SUSPEND].result["proved"], view.open_tasks()) == ("yes", [])


async def test_an_abort_lets_the_running_effect_end_and_starts_nothing_else(house: House) -> None:
    """What is closed stays closed; the incident stays open until a person ends it."""
    house.far_end.holds["suspend", "chat-large"] = hold = asyncio.Event()
    incident = await house.open(endpoint="chat-large")
    await until(lambda: calls(house, "suspend") > 0)
    await house.service.steer(Action.ABORT, incident, "", "the wrong endpoint", ADA)
    hold.set()
    view = await house.settle(incident)
    assert (view.operations[SUSPEND].status, [task.kind for task in view.open_tasks()]) == (
        "finished",
        ["review-abort"],
    )
    assert (await house.answer(incident, "T1", "close")).state is State.CLOSED


async def test_a_held_target_is_not_closed_a_second_time(house: House) -> None:
    """Its snapshot would show a closed door; nothing reaches the system."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    with pytest.raises(Refused, match="O134"):
        await steer(house, incident, Action.REDO, SUSPEND)
    assert sum(house.far_end.effects.values()) == 1


async def test_what_was_opened_again_is_closed_again_under_another_key(tmp_path: Path) -> None:
    """After a resume the suspension is a second effect: one more call, with a key of its own."""
    house = House(tmp_path, plan_of(page(CLOSE, OPEN, AGAIN)))
    incident = await opened_again(house)
    await steer(house, incident, Action.REDO, SUSPEND)
    closed = [key for key in house.far_end.effects if ".close." in key]
    assert (len(closed), ":again-1:" in closed[1], set(house.far_end.effects.values())) == (2, True, {1})
    house.close()


async def test_a_redo_that_was_cut_off_is_observed_and_not_doubled(tmp_path: Path) -> None:
    """The process dies after the second effect and before its entry: the next one looks, with the same new key."""
    house = House(tmp_path, plan_of(page(CLOSE, OPEN, AGAIN)))
    incident = await opened_again(house)
    house.far_end.holds["verify", "chat-large"] = asyncio.Event()
    await house.service.steer(Action.REDO, incident, SUSPEND, "it leaks again", ADA)
    await until(lambda: len([key for key in house.far_end.effects if ".close." in key]) == 2)
    await house.driver.stop()
    house.far_end.holds.clear()
    other = house.again()
    house.wind(minutes=5)
    await other.driver.look()
    view = await other.settle(incident)
    assert (view.operations[SUSPEND].status, set(house.far_end.effects.values())) == ("finished", {1})
    other.close()
    house.close()


async def test_skipped_and_done_by_hand_the_run_comes_to_its_end(house: House) -> None:
    """One proof left out, one task left out: it closes, and both stand in the journal by name."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    await steer(house, incident, Action.BY_HAND, "containment.proof")
    await steer(house, incident, Action.SKIP, LOOK)
    assert (await house.answer(incident, "containment.again", "done")).state is State.CLOSED
    actors = {e.kind: e.actor for e in house.entries(incident) if e.actor == "person:Ada"}
    assert {Kind.FINISHED, Kind.SKIPPED} <= set(actors)


@pytest.mark.parametrize("fate", ["changed", "broken", "deleted"])
async def test_a_run_goes_on_with_its_pinned_plan_whatever_becomes_of_the_file(tmp_path: Path, fate: str) -> None:
    """Changed, broken or deleted while it runs, and the process started anew: the old steps are taken to the end."""
    file = tmp_path / "night.yaml"
    file.write_text(page(CLOSE, VERIFY, AGAIN))
    house = House(tmp_path)
    incident = await house.service.open(file, {"endpoint": "chat-large"}, "", "seen", ADA)
    pinned = (await house.settle(incident)).plan_digest
    await house.driver.stop()
    file.unlink() if fate == "deleted" else file.write_text("playbook: [" if fate == "broken" else page(CLOSE))
    house.close()
    other = house.again()
    await other.answer(incident, LOOK, "done")
    view = await other.answer(incident, "containment.again", "done")
    assert (view.state, view.plan_digest, calls(house, "suspend")) == (State.CLOSED, pinned, 1)
    assert view.operations["containment.proof"].status == "finished"
    other.close()


async def test_clocks_are_reminded_of_through_a_pause_and_once_by_two_watches(tmp_path: Path) -> None:
    """Paused, with two watches that race: each point of the clock fires exactly once."""
    plan = plan_of(page(AGAIN).replace("duties: []", "duties: [eu.gdpr.art33.sa]"))
    house = House(tmp_path, plan, organisation=Organisation())
    facts = {"established_in": "DE", "controller": "yes", "personal_data": "yes", "security_breach": "yes",
             "risk_to_people": "risk", "aware_at": STARTS.isoformat()}  # fmt: skip
    incident = await house.open(**facts)
    await house.settle(incident)
    await steer(house, incident, Action.PAUSE)
    other = house.again()
    house.wind(hours=73)
    for _ in range(20):
        await asyncio.gather(house.watch.look(), other.watch.look())
        await asyncio.gather(house.settle(incident), other.settle(incident))
    fired = [(e.body["about"], e.body["point"]) for e in house.entries(incident) if e.kind == Kind.REMINDED]
    assert len(fired) == len(set(fired))
    assert len([point for about, point in fired if about.startswith("clock:")]) >= 5
    other.close()
    house.close()
