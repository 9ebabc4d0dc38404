"""Nobody answers: who hears of it then, how often, and that the audit says what it holds up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from firedoor.core.journal import Kind
from firedoor.core.tasks.reminders import TIMES
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.loops.audit import Audit
from firedoor.runtime.process.application import inherit
from firedoor.store.database.sql import table
from firedoor.store.database.tables import TimerRow
from firedoor.testing import House, plan_of
from firedoor.testing.house import targets

PAGE = """
playbook: approvals-late
version: 1.0.0
title: Nobody answers
incident: data_leakage_in_ai_models
duties: []
facts:
  endpoint: {type: target, ask: "Which endpoint?"}
roles: [commander, dpo, legal, manager, engineering]
phases:
  identification: []
  containment:
    - suspend: "{{ facts.endpoint }}"
      within: 1h
      escalate_to: [dpo, legal]
  remediation:
    - task: "Say what was learned"
      within: 1h
  post_incident: []
"""
CHAIN = Organisation(escalation=("legal", "manager"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A suspension that waits for an approval, in an organisation with a chain of its own."""
    house = House(tmp_path, plan_of(PAGE), inventory=targets("chat"), organisation=CHAIN)
    yield house
    await house.driver.stop()
    house.close()


async def days(house: House, incident: str, hours: int, step: int = 1) -> None:
    """Let time pass, looking as the watch does."""
    for _ in range(0, hours, step):
        house.wind(hours=step)
        while await house.watch.look():
            await house.settle(incident)


def told(house: House, incident: str) -> list[tuple[str, list[str]]]:
    return [(e.body["subject"], e.body["to"]) for e in house.entries(incident) if e.kind == Kind.MESSAGE]


async def test_it_goes_to_one_after_the_other_and_then_to_everybody(house: House) -> None:
    """The step's own roles, then the organisation's, each once; at the end of the chain all of the playbook hear."""
    incident = await house.open(endpoint="chat")
    await house.settle(incident)
    await days(house, incident, 40)
    asked = [e.body["role"] for e in house.entries(incident) if e.kind == Kind.TASK_ESCALATED]
    assert asked == ["dpo", "legal", "manager"]
    words = told(house, incident)
    assert [subject.partition(" ")[0] for subject, _ in words[:5]] == [
        "Reminder:", "Escalated:", "STILL", "STILL", "NOBODY"
    ]  # fmt: skip
    assert [len(to) for _, to in words[:5]] == [1, 2, 3, 4, 5]  # louder each time
    assert set(words[4][1]) == {"commander", "dpo", "legal", "manager", "engineering"}
    view = await house.answer(incident, "T1", "approve", roles=["manager"])
    assert view.holds


async def test_the_noise_has_an_end_that_is_written_down(house: House) -> None:
    """So many reminders in all, none of them twice, across restarts; the last one says that it is the last."""
    incident = await house.open(endpoint="chat")
    await house.settle(incident)
    await days(house, incident, 12)
    other = house.again()
    await days(other, incident, 24 * 40, step=12)
    points = [e.body["point"] for e in other.entries(incident) if e.kind == Kind.REMINDED]
    assert len(points) == len(set(points))
    assert points[-1] == f"T+{TIMES}"
    last = [e.body["text"] for e in other.entries(incident) if e.kind == Kind.MESSAGE][-1]
    assert "This is the last reminder" in last
    other.close()


async def test_an_answer_ends_it(house: House) -> None:
    """Nobody hears of what is done."""
    incident = await house.open(endpoint="chat")
    await house.settle(incident)
    await days(house, incident, 5)
    await house.answer(incident, "T1", "approve", roles=["dpo"])
    before = len([one for one in told(house, incident) if "T1" in one[0]])
    await days(house, incident, 48)
    assert len([one for one in told(house, incident) if "T1" in one[0]]) == before


async def test_the_audit_says_what_it_holds_up(house: House) -> None:
    """A question behind which a door stays open is told; one behind which nothing stands, and one in time, are not."""
    incident = await house.open(endpoint="chat")
    await house.settle(incident)
    audit = Audit(house.world.store.engine, house.world.now)
    assert "M120" not in {problem.code for problem in audit.look()}
    await days(house, incident, 2)
    said = [problem for problem in audit.look() if problem.code == "M120"]
    assert len(said) == 1
    assert f"{incident}: nobody answers T1" in said[0].message
    assert "it holds up:" in said[0].message
    await house.answer(incident, "T1", "approve", roles=["dpo"])
    await house.settle(incident)
    await days(house, incident, 3)
    assert [task.question for task in house.view(incident).open_tasks()] == ["Say what was learned"]
    assert "M120" not in {problem.code for problem in audit.look()}


async def test_the_audit_tells_practice_from_the_real_thing(house: House) -> None:
    """Somebody who is woken up by it must know at once which of the two it is."""
    incident = await house.open(endpoint="chat", practice=True)
    await house.settle(incident)
    await days(house, incident, 2)
    (said,) = [problem for problem in Audit(house.world.store.engine, house.world.now).look() if problem.code == "M120"]
    assert said.message.startswith(f"{incident} (practice): nobody answers T1")


async def test_a_database_of_before_is_taken_up(house: House) -> None:
    """A task whose time was over before reminders went on gets its next point when the server starts, once."""
    incident = await house.open(endpoint="chat")
    await house.settle(incident)
    await days(house, incident, 1)
    timers = table(TimerRow)
    with house.world.store.engine.begin() as connection:
        connection.execute(delete(timers).where(timers.c.point.startswith("T+")))
    await days(house, incident, 3)
    assert told(house, incident)[-1][0].startswith("Escalated:")
    for _ in range(2):
        await inherit(house.world)
    await days(house, incident, 5)
    assert told(house, incident)[-1][0].startswith("STILL UNANSWERED")
