"""Extensions and pauses of clocks, in a whole Firedoor over a folder, with a clock wound by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from firedoor.core.problems import Refused
from firedoor.core.targets import Inventory
from firedoor.core.tasks.answers import MoreTime, Person
from firedoor.testing.house import EVERYBODY, STARTS, House, plan_of

SA = "eu.gdpr.art33.sa"
PAGE = """
playbook: clocks
version: 1.0.0
title: A clock that is asked about
incident: data_leakage_in_ai_models
roles: [commander, dpo]
duties: [eu.gdpr.art33.sa]
phases:
  identification:
    - confirm: "Is it real?"
      by: commander
      within: 30m
  containment:
    - notify_authorities: due
      by: dpo
  remediation: []
  post_incident: []
"""
FACTS = {
    "established_in": "DE", "controller": "yes", "personal_data": "yes", "security_breach": "yes",
    "risk_to_people": "risk", "aware_at": STARTS.isoformat(),
}  # fmt: skip
ANNA, BEN = (Person(name, frozenset(EVERYBODY)) for name in ("Anna", "Ben"))


@pytest.fixture(name="firedoor")
def _firedoor(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path, plan_of(PAGE), inventory=Inventory())
    yield built
    built.close()


async def paused(firedoor: House, until: datetime) -> str:
    """An incident whose clock Ben asked to pause and Anna agreed to."""
    incident = await firedoor.open(**FACTS)
    await firedoor.settle(incident)
    asked = MoreTime(until, "request of the prosecutor, 3 Js 12/26", "it would warn the suspect")
    await firedoor.service.ask_for_time(incident, SA, asked, BEN, pause=True)
    (task,) = [task for task in firedoor.view(incident).open_tasks() if task.kind == "clock"]
    await firedoor.answer(incident, task.id, "approve", by="Anna")
    return incident


async def test_a_pause_ends_by_itself_at_its_end(firedoor: House) -> None:
    """Nobody is there: the watch sets the clock going, the limit is the end of the pause, and then it is missed."""
    incident = await paused(firedoor, STARTS + timedelta(days=30))
    firedoor.wind(days=29)
    await firedoor.watch.look()
    assert firedoor.view(incident).clocks[SA].state == "paused"
    firedoor.wind(days=1, minutes=1)
    await firedoor.watch.look()
    clock = firedoor.view(incident).clocks[SA]
    assert (clock.state, datetime.fromisoformat(clock.due)) == ("extended", STARTS + timedelta(days=30))
    await firedoor.watch.look()
    assert firedoor.view(incident).clocks[SA].state == "missed"


async def test_a_pause_does_not_fire_the_limit_that_passes_meanwhile(firedoor: House) -> None:
    """Four days into a pause of thirty the 72 hours are over, and nothing was missed."""
    incident = await paused(firedoor, STARTS + timedelta(days=30))
    firedoor.wind(days=4)
    await firedoor.watch.look()
    assert "missed" not in [one["what"] for one in firedoor.view(incident).clocks[SA].history]


async def test_an_extension_moves_the_reminders_with_the_limit(firedoor: House) -> None:
    """The old limit passes in silence; the new one is watched."""
    incident = await firedoor.open(**FACTS)
    await firedoor.settle(incident)
    asked = MoreTime(STARTS + timedelta(days=9), "letter of the authority, ref 7", "granted")
    await firedoor.service.ask_for_time(incident, SA, asked, BEN, pause=False)
    (task,) = [task for task in firedoor.view(incident).open_tasks() if task.kind == "clock"]
    with pytest.raises(Refused, match="asked for this"):
        await firedoor.answer(incident, task.id, "approve", by="Ben")
    await firedoor.answer(incident, task.id, "approve", by="Anna")
    firedoor.wind(days=4)
    await firedoor.watch.look()
    assert firedoor.view(incident).clocks[SA].state == "extended"
    firedoor.wind(days=6)
    await firedoor.watch.look()
    assert firedoor.view(incident).clocks[SA].state == "missed"


async def test_a_correction_to_later_waits_and_is_on_record_after_a_restart(firedoor: House) -> None:
    """Set by Ben, refused to Ben, agreed by Anna; another process reads the same history."""
    incident = await firedoor.open(**FACTS)
    await firedoor.settle(incident)
    later = (STARTS - timedelta(hours=1)).isoformat()
    await firedoor.service.set_facts(incident, {"aware_at": later}, "the mail of 02:00", BEN)
    assert datetime.fromisoformat((await firedoor.settle(incident)).clocks[SA].due) == STARTS + timedelta(hours=71)
    await firedoor.service.set_facts(incident, {"aware_at": STARTS.isoformat()}, "it was about another case", BEN)
    (task,) = [task for task in (await firedoor.settle(incident)).open_tasks() if task.kind == "clock"]
    with pytest.raises(Refused, match="set the facts"):
        await firedoor.answer(incident, task.id, "approve", by="Ben")
    await firedoor.answer(incident, task.id, "approve", by="Anna")
    clock = firedoor.again().view(incident).clocks[SA]
    assert datetime.fromisoformat(clock.due) == STARTS + timedelta(hours=72)
    assert [one.get("approver") for one in clock.history] == [None, None, "Anna"]
