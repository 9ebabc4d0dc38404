"""How a hold ends: by its people, after the incident by as many as its playbook asks, never under a legal hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.pages import HEAD, OPEN, SUSPEND

from firedoor.core.journal import Kind
from firedoor.core.problems import NotFound, NotPermitted, Refused
from firedoor.core.tasks.answers import Person
from firedoor.testing import House, plan_of
from firedoor.testing.house import EVERYBODY

ADA, BOB, LEE = (Person(name, frozenset(EVERYBODY)) for name in ("Ada", "Bob", "Lee"))
TWO_AGREE = SUSPEND.replace("approvals: 1", "approvals: 2")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose playbook asks two managers before anything is opened."""
    house = House(tmp_path, plan_of(HEAD + TWO_AGREE))
    yield house
    await house.driver.stop()
    house.close()


async def ended(house: House) -> str:
    """An incident that closed a target, and ended with it closed."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    view = await house.answer(incident, f"{OPEN}.approve", "refuse")
    assert (str(view.state), set(house.far_end.closed)) == ("closed", {"chat-large"})
    return incident


async def test_two_people_open_what_an_ended_incident_keeps_closed(house: House) -> None:
    """The first one asks the second; then it is opened as it was, proved, and held no more."""
    incident = await ended(house)
    view = await house.service.open_again(incident, "chat-large", "withdrawn in error", ADA)
    assert [task.kind for task in view.open_tasks()] == ["open"]
    assert await house.holding.look() == 0
    await house.service.open_again(incident, "chat-large", "I agree", BOB)
    assert await house.holding.look() == 1
    view = house.view(incident)
    assert (view.holds, house.far_end.closed, str(view.state)) == ({}, {}, "closed")
    assert [record.result["changed"] for op, record in view.operations.items() if "~open-1" in op] == [True]


async def test_one_person_is_not_two(house: House) -> None:
    """Whoever agreed once may not agree again; a refusal leaves it closed."""
    incident = await ended(house)
    await house.service.open_again(incident, "chat-large", "withdrawn in error", ADA)
    with pytest.raises(Refused, match="T104"):
        await house.service.open_again(incident, "chat-large", "again", ADA)
    await house.answer(incident, "open:chat-large#1", "refuse", by="Bob")
    await house.holding.look()
    assert set(house.far_end.closed) == {"chat-large"}


async def test_while_it_goes_on_only_its_own_step_opens(house: House) -> None:
    """The incident is open: its own task is the way; a target that it does not hold is named as such."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    with pytest.raises(Refused, match="K511"):
        await house.service.open_again(incident, "chat-large", "impatience", ADA)
    with pytest.raises(NotFound, match="K510"):
        await house.service.open_again(incident, "chat-small", "impatience", ADA)


async def test_under_a_legal_hold_nothing_is_opened(house: House) -> None:
    """Two agreed, and it stays closed: a person is told what to do; after its release the same step opens it."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    await house.service.legal_hold(incident, "a court asks for it", LEE, release=False)
    await house.answer(incident, f"{OPEN}.approve", "approve", by="Ada")
    view = await house.answer(incident, f"{OPEN}.approve", "approve", by="Bob")
    (rescue,) = view.open_tasks()
    assert "K501" in rescue.question
    assert "firedoor legal-hold" in view.operations[f"{OPEN}.resume"].problem
    await house.service.legal_hold(incident, "the court has it", LEE, release=True)
    view = await house.answer(incident, rescue.id, "retry")
    assert (str(view.state), house.far_end.closed) == ("closed", {})


async def test_a_legal_hold_is_a_named_persons(house: House) -> None:
    """For legal, the DPO or a manager; placed once, released once, and both stand in the journal."""
    incident = await ended(house)
    with pytest.raises(NotPermitted, match="K512"):
        await house.service.legal_hold(incident, "x", Person("Cy", frozenset({"engineering"})), release=False)
    await house.service.legal_hold(incident, "a court asks", LEE, release=False)
    with pytest.raises(Refused, match="K513"):
        await house.service.legal_hold(incident, "twice", LEE, release=False)
    with pytest.raises(Refused, match="K501"):
        await house.service.open_again(incident, "chat-large", "please", ADA)
    assert [entry.actor for entry in house.entries(incident) if entry.kind == Kind.CUSTODY] == ["person:Lee"]
