"""The brake: what is never suspended, and how much is suspended without asking anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.pages import CLOSE, HEAD, SUSPEND

from firedoor.core.execution.automatic_limits import enough, why_ask
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.core.playbook.plan import Limits
from firedoor.core.targets import Inventory, inventory_problems
from firedoor.runtime.config.automatic_limits import HouseBrake
from firedoor.store.incidents import holds
from firedoor.testing import House, plan_of
from firedoor.testing.house import STARTS, targets

PAIR = HEAD + SUSPEND.replace(
    "  remediation:",
    '    - suspend: "{{ facts.other }}"\n      id: close-other\n      automatic: always\n  remediation:',
    1,
)
APPROVE = "containment.close.approve"


def limited(words: str, text: str = HEAD + SUSPEND) -> str:
    return text.replace("roles:", f"limits: {words}\nroles:", 1)


def braked(folder: Path, house: int = 20, text: str = HEAD + SUSPEND, url: str = "") -> House:
    here = House(folder, plan_of(text), inventory=targets(*(f"m{number}" for number in range(12))), url=url)
    return with_brake(here, house)


def with_brake(here: House, house: int) -> House:
    here.world.brake = HouseBrake(here.store, here.clock, house)
    return here


async def opened(house: House, endpoint: str, **facts: str) -> IncidentView:
    incident = await house.open(endpoint=endpoint, **facts)
    return await house.settle(incident)


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[House]:
    """A house with a moderation model that must not be closed."""
    plain = targets("chat-large", "moderation")
    kept = plain.targets["moderation"].model_copy(
        update={"never_suspend": True, "because": "it filters what others say"}
    )
    house = House(tmp_path, plan_of(HEAD + SUSPEND), inventory=Inventory(targets={**plain.targets, "moderation": kept}))
    yield house
    await house.driver.stop()
    house.close()


async def test_what_must_not_be_suspended_is_not(guarded: House) -> None:
    """Neither by the reflex nor when a person tries again: refused with the reason, and no call is made."""
    view = await opened(guarded, "moderation")
    (rescue,) = view.open_tasks()
    assert "it filters what others say" in rescue.question
    view = await guarded.answer(view.id, rescue.id, "retry")
    assert guarded.far_end.calls.total() == 0
    assert "K502" in view.open_tasks()[0].question


async def test_whoever_must_close_it_does_so_by_name(guarded: House) -> None:
    """It can be closed by hand, and then that person stands in the journal."""
    view = await opened(guarded, "moderation")
    view = await guarded.answer(view.id, view.open_tasks()[0].id, "by_hand", by="Eve", why="at the console")
    assert any(entry.actor == "person:Eve" for entry in guarded.entries(view.id))


@pytest.mark.parametrize("words", [{"never_suspend": True}, {"because": "it filters"}])
def test_never_needs_a_reason(words: dict[str, object]) -> None:
    """One without the other is refused."""
    target = targets("moderation").targets["moderation"].model_copy(update=words)
    problems = inventory_problems(Inventory(targets={"moderation": target}))
    assert any("never_suspend" in (problem.field or "") for problem in problems)


async def test_one_incident_closes_only_so_many_unasked(tmp_path: Path) -> None:
    """Two at once, one allowed: one is closed, a person is asked about the other one and told why."""
    house = braked(tmp_path, text=limited("{targets: 1}", PAIR))
    view = await opened(house, "m1", other="m2")
    assert len(house.far_end.closed) == 1
    (task,) = [task for task in view.open_tasks() if task.kind == "approve"]
    assert "its playbook allows 1" in task.guidance
    view = await house.answer(view.id, task.id, "approve")
    assert set(house.far_end.closed) == {"m1", "m2"}
    house.close()


async def test_one_playbook_closes_only_so_many_in_an_hour(tmp_path: Path) -> None:
    """The third one asks; an hour later the next one does not."""
    house = braked(tmp_path, text=limited("{per_hour: 2}"))
    for name in ("m1", "m2"):
        await opened(house, name)
    view = await opened(house, "m3")
    assert set(house.far_end.closed) == {"m1", "m2"}
    assert (
        "small suspended 2 targets automatically within the hour, and small allows 2"
        not in view.tasks[APPROVE].guidance
    )
    assert "2 targets were suspended automatically within the hour, and small allows 2" in view.tasks[APPROVE].guidance
    house.wind(minutes=61)
    await house.holding.look()
    await opened(house, "m4")
    assert "m4" in house.far_end.closed
    house.close()


async def test_the_house_counts_all_processes(tmp_path: Path) -> None:
    """Two processes that know nothing of each other: at the limit the store decides, and the third asks a person."""
    first = braked(tmp_path, house=2)
    second = with_brake(first.again(), 2)
    await opened(first, "m1")
    await opened(second, "m2")
    assert second.world.brake
    second.world.brake.counted.clear()
    view = await opened(second, "m3")
    assert set(first.far_end.closed) == {"m1", "m2"}
    (task,) = view.open_tasks()
    assert "the house allows 2" in task.question
    await second.answer(view.id, task.id, "retry")
    assert "m3" in first.far_end.closed
    second.close()
    first.close()


async def test_a_race_for_the_last_place_has_one_winner(tmp_path: Path, database: str) -> None:
    """Ten at the same moment in two processes with three places, on either database: three are closed unasked."""
    first = braked(tmp_path, house=3, url=database)
    second = with_brake(first.again(), 3)
    both = [(first, second)[number % 2].open(endpoint=f"m{number}") for number in range(10)]
    incidents = await asyncio.gather(*both)
    for number, incident in enumerate(incidents):
        await (first, second)[number % 2].settle(incident)
    assert len(first.far_end.closed) == 3
    second.close()
    first.close()


async def test_closing_the_same_target_again_costs_nothing(tmp_path: Path) -> None:
    """The second incident about it reaches nobody else, so no limit stands in its way."""
    house = braked(tmp_path, house=1)
    await opened(house, "m1")
    view = await opened(house, "m1")
    assert view.operations[f"{CLOSE}.suspend"].status == "finished"
    house.close()


async def test_what_a_person_starts_is_not_counted(tmp_path: Path) -> None:
    """The limit is one for machines; a named person decides."""
    house = braked(tmp_path, house=0)
    entries = await house.opened(actor="person:Ada", endpoint="m2")
    house.driver.accepted(entries[0].incident, entries)
    await house.settle(entries[0].incident)
    assert set(house.far_end.closed) == {"m2"}
    assert holds.count_automatic(house.store, house.clock()) == []
    house.close()


def alert(**words: object) -> dict[str, object]:
    return {"alert": {"source": "generic", "method": "content_classifier", "detector": "d1", **words}}


@pytest.mark.parametrize(
    ("alerts", "is_enough"),
    [
        ([alert(method="hash_match", bank="StopNCII", trusted_bank=True)], True),
        ([alert(method="hash_match", bank="somebody's list", trusted_bank=False)], False),
        ([alert(method="hash_match")], False),  # of an earlier version: nobody knows which bank
        ([alert(method="hash_match", score="40", threshold="31"), alert(score="0.97", detector="d2")], False),
        ([alert(method="canary")], True),
        ([alert(score="0.99")], False),
        ([alert(score="0.99"), alert(score="0.97", detector="d2")], True),
        ([alert(score="0.99"), alert(score="0.98")], False),  # the same detector twice
        ([alert(score="0.99"), alert(score="0.80", detector="d2")], False),
        ([alert(score="0.92", threshold="0.95"), alert(score="0.97", detector="d2")], False),  # below its own threshold
        ([alert(score="0.99"), alert(score="0.99", detector="d2", method="membership_inference")], False),
        ([alert(score="0.99"), alert(score="0.99", detector="d2", status="resolved")], False),
        ([alert(score="0.99"), alert(detector="d2")], False),  # no score is no certainty
        ([], False),
    ],
)
def test_what_is_enough_to_act_without_a_person(alerts: list[dict[str, object]], is_enough: bool) -> None:
    """A trusted hash, a canary, or two independent detectors that are both sure; nothing else."""
    assert enough(alerts) is is_enough


@pytest.mark.parametrize(("method", "asked"), [("canary", False), ("content_classifier", True)])
@pytest.mark.parametrize("opener", ["source:generic", "person:Ada"])
def test_evidence_decides_whether_a_machine_may_act(method: str, opener: str, *, asked: bool) -> None:
    """Whatever the playbook's condition says; a person who started it has decided already."""
    view = IncidentView("INC-1")
    opened = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
    drafts = [Draft(Kind.OPENED, opener, opened), Draft(Kind.ALERT, opener, alert(method=method, score="0.99"))]
    suppose(view, drafts, STARTS)
    why = why_ask(view, set(), None, "m1", _Open())
    assert bool(why) is (asked and opener != "person:Ada")
    assert not why or "two independent detectors" in why


class _Open:
    """A brake that knows of no other suspension."""

    evidence = True

    def why_not(self, playbook: str, limits: Limits | None, target: str) -> str:
        """Nothing stands against it."""
        return ""
