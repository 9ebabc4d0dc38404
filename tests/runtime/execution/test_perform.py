"""One effect: what counts as done, what is tried again, and that nothing is repeated unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.pages import CLOSE, HEAD, OPEN, SUSPEND

from firedoor.core.incident.view import suspended_targets
from firedoor.core.journal import Kind
from firedoor.core.ports import CallPlan, Reversible
from firedoor.core.problems import InDoubt, InvalidInput, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.testing import House, plan_of
from firedoor.testing.far_end import FarEnd
from firedoor.testing.house import targets

SUSPENDED, CAPTURED = f"{CLOSE}.suspend", f"{CLOSE}.capture"
PLAN = plan_of(HEAD + SUSPEND)
SILENT = Unanswered(Problem(code="D1", message="no answer"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with one target of one door."""
    house = House(tmp_path, PLAN)
    yield house
    house.close()


@pytest.fixture
def two_doors(tmp_path: Path) -> Iterator[House]:
    """A house whose target has two doors."""
    house = House(tmp_path, PLAN, inventory=targets("chat-large", doors=2))
    yield house
    house.close()


async def closed(house: House) -> str:
    """Open an incident and let the reflex do what it can."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    return incident


async def test_a_suspension_is_done_when_the_data_plane_says_so(house: House) -> None:
    """One effect, with the snapshot kept as evidence before it and the probes as proof after it."""
    incident = await closed(house)
    record = house.view(incident).operations[SUSPENDED]
    assert (record.outcome, record.result["proved"], house.far_end.effects.total()) == ("done", "yes", 1)
    kinds = house.kinds(incident)
    assert kinds.index(Kind.EVIDENCE) < [e.body.get("op") for e in house.entries(incident)].index(SUSPENDED)
    assert suspended_targets(house.view(incident)) == {"chat-large"} == house.world.suspended


async def test_a_system_that_lies_is_not_suspended(house: House) -> None:
    """It said yes and went on answering: tried again, then a person is asked."""
    house.far_end.behaviours["chat-large"] = "lies"
    incident = await closed(house)
    for _ in range(3):
        house.wind(seconds=10)
        await house.driver.look()
        await house.settle(incident)
    (rescue,) = house.view(incident).open_tasks()
    assert "is not suspended" in rescue.question
    assert house.view(incident).operations[SUSPENDED].attempts == 3
    assert suspended_targets(house.view(incident)) == set()


async def test_a_call_that_breaks_off_is_looked_at_and_not_repeated(house: House) -> None:
    """The connection broke after it had closed: observed, found closed, done with one effect."""
    house.far_end.behaviours["chat-large"] = "in-doubt"
    incident = await closed(house)
    record = house.view(incident).operations[SUSPENDED]
    assert (record.status, house.far_end.effects.total()) == ("finished", 1)
    assert record.result["doors"][0]["receipt"]["detail"]["observed"] is True


async def test_what_cannot_be_seen_is_not_repeated_either(house: House) -> None:
    """In doubt, and the look shows nothing: no second effect, a person is asked in the end."""
    house.far_end.behaviours["chat-large"] = "in-doubt"
    house.far_end.blind = True
    incident = await closed(house)
    for _ in range(4):
        house.wind(seconds=10)
        await house.driver.look()
        await house.settle(incident)
    assert house.far_end.effects.total() == 1
    assert "cannot be seen" in house.view(incident).open_tasks()[0].question


@pytest.mark.parametrize(
    ("error", "tries"),
    [(SILENT, 2), (Refused(SILENT.problems), 1), (InvalidInput(SILENT.problems), 1), (KeyError("x"), 1),
     (asyncio.CancelledError(), 1), (TimeoutError(), 2), (RecursionError("deep"), 1)],
)  # fmt: skip
async def test_only_silence_is_tried_again(house: House, error: BaseException, tries: int) -> None:
    """A refusal, a wrong configuration and a fault inside a connector go to a person at once; none stops the drive."""
    house.far_end.raises["capture", "chat-large"] = error
    incident = await closed(house)
    house.wind(seconds=10)
    await house.driver.look()
    await house.settle(incident)
    view = house.view(incident)
    assert house.far_end.calls["capture", "chat-large"] == tries
    assert [task.kind for task in view.open_tasks()] == (["approve"] if tries == 2 else ["rescue"])
    assert house.driver.failing == {}


async def test_a_first_door_that_is_silent_does_not_keep_the_second_open(two_doors: House) -> None:
    """Its state cannot be captured, so it is left alone; the next door closes the target."""
    two_doors.far_end.raises["capture", "chat-large"] = SILENT
    incident = await closed(two_doors)
    view = two_doors.view(incident)
    assert list(view.operations[CAPTURED].result["not_captured"]) == ["door-1"]
    first, second = view.operations[SUSPENDED].result["doors"]
    assert (first["problem"], second["proved"]) == ("its state was not captured", "yes")


class OneWay(FarEnd):
    """A far end whose doors cannot be opened again, and whose plan asks the far end."""

    async def plan(self, target: Target, door: Door) -> CallPlan:
        """A plan that says so, after a call."""
        self.calls["plan", target.id] += 1
        return (await super().plan(target, door)).model_copy(update={"reversible": "no"})


class KnownOneWay(OneWay):
    """The same, known from the door's configuration alone."""

    def reversibility(self, target: Target, door: Door) -> Reversible:
        """Without a call."""
        return "no"


@pytest.mark.parametrize(("kind", "asked"), [(OneWay, True), (KnownOneWay, False)])
async def test_what_could_not_be_opened_again_is_left_alone(house: House, kind: type[FarEnd], *, asked: bool) -> None:
    """Whether it is known at once or takes a plan: nothing is closed; a plan is made only where it is needed."""
    house.far_end = kind(house.clock, {})
    house = house.again()
    incident = await closed(house)
    record = house.view(incident).operations[SUSPENDED]
    assert "could not be opened again" in record.problem
    assert house.far_end.effects.total() == 0
    assert (house.far_end.calls["plan", "chat-large"] > 0) is asked


async def test_a_capture_is_not_taken_again_after_its_snapshot_is_in_the_journal(house: House) -> None:
    """The state before the first change is the one that counts; after a failed suspension it still stands."""
    house.far_end.raises["suspend", "chat-large"] = SILENT
    incident = await closed(house)
    house.wind(seconds=10)
    await house.driver.look()
    await house.settle(incident)
    assert house.view(incident).operations[SUSPENDED].status == "finished"
    assert house.far_end.calls["capture", "chat-large"] == 1


async def test_opening_again_gives_back_what_was_closed(house: House) -> None:
    """After approval, once, and proved by an answer from the data plane."""
    incident = await closed(house)
    view = await house.answer(incident, f"{OPEN}.approve", "approve")
    assert (str(view.state), view.operations[f"{OPEN}.resume"].result["changed"]) == ("closed", True)
    assert (house.far_end.closed, house.far_end.effects.total()) == ({}, 2)
    assert suspended_targets(view) == set() == house.world.suspended


async def test_opening_that_breaks_off_is_looked_at(house: House) -> None:
    """The connection broke before it opened: it is seen to be closed still, and opened at the next attempt."""
    incident = await closed(house)
    house.far_end.raises["resume", "chat-large"] = InDoubt(SILENT.problems)
    await house.answer(incident, f"{OPEN}.approve", "approve")
    house.wind(seconds=10)
    await house.driver.look()
    view = await house.settle(incident)
    assert str(view.state) == "closed"
    assert house.far_end.calls["observe", "chat-large"] >= 1
    assert set(house.far_end.effects.values()) == {1}


async def test_nothing_is_opened_that_this_incident_did_not_close(house: House) -> None:
    """The endpoint that somebody else closed stays closed."""
    house.far_end.behaviours["chat-large"] = "fails"
    house.far_end.closed["chat-large"] = "somebody else"
    incident = await house.open(endpoint="chat-small")
    await house.settle(incident)
    await house.answer(incident, f"{OPEN}.approve", "approve")
    assert house.far_end.closed == {"chat-large": "somebody else"}


async def test_a_target_that_nobody_knows_is_a_question_to_a_person(house: House) -> None:
    """An unknown fact and an unknown name become a rescue task that says so."""
    first, second = await house.open(), await house.open(endpoint="nowhere")
    (task,) = (await house.settle(first)).open_tasks()
    assert "not known yet" in task.question
    (task,) = (await house.settle(second)).open_tasks()
    assert 'no target "nowhere"' in task.question
