"""What only model servers with a repository API show: replicas, dependents, and unloading what is not loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import driving
from tests.contract.rigs_support.pages import problems_of_page

from firedoor.core.problems import InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.ternary import NO, UNKNOWN, YES


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("open-inference")()
    try:
        rig.start()
        rig.add_replica()
        yield rig
    finally:
        rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


@pytest.fixture(name="replicas")
def _replicas(rig: Any) -> Any:
    """The rig with both servers in the door."""
    rig.inventory = rig.listing(rig.proxy.url, rig.second.url)
    return rig


async def test_every_replica_is_closed_and_opened(replicas: Any) -> None:
    """One order reaches all of them, and one resume brings all of them back."""
    async with driving(replicas) as driven:
        snapshot, receipt = await driven.close()
        assert [server.serves("chat-large") for server in (replicas.server, replicas.other)] == [False, False]
        assert (await driven.verify()).holds is YES
        await driven.open(snapshot, receipt)
        assert [server.serves("chat-large") for server in (replicas.server, replicas.other)] == [True, True]
        assert (await driven.capture()).state == snapshot.state


async def test_a_replica_that_loads_it_again_opens_the_door(replicas: Any) -> None:
    """Callers may still be refused where they ask; the platform's word is enough not to call it closed."""
    async with driving(replicas) as driven:
        snapshot, receipt = await driven.close()
        replicas.other.load("chat-large")
        assert (await driven.verify()).holds is UNKNOWN
        assert (await driven.observe()).closed is NO
        with pytest.raises(Refused, match="open, but not as captured"):
            await driven.open(snapshot, receipt)


async def test_half_a_success_is_doubt_and_is_finished_by_doing_it_again(replicas: Any) -> None:
    """One replica turned the order down: the others are closed all the same, and the repetition closes this one."""
    async with driving(replicas) as driven:
        snapshot = await driven.capture()
        replicas.second.plan("conflict")
        with pytest.raises(InDoubt, match="1 of 2 replicas did it"):
            await driven.close(snapshot)
        assert [server.serves("chat-large") for server in (replicas.server, replicas.other)] == [False, True]
        assert (await driven.close(snapshot))[1].changed
        assert (await driven.verify()).holds is YES
    assert (replicas.proxy.effects, replicas.second.effects) == (1, 1)


async def test_a_replica_that_is_silent_keeps_the_state_from_being_captured(replicas: Any) -> None:
    """What is not known of one replica is not restored from a guess: nothing is closed here."""
    replicas.inventory = replicas.listing(replicas.proxy.url, "http://127.0.0.1:9")
    async with driving(replicas) as driven:
        with pytest.raises(Unanswered):
            await driven.capture()


async def test_unloading_what_was_unloaded_meanwhile_claims_nothing(rig: Any) -> None:
    """MLServer answers 404 to the second of two: the door is closed, and the work was somebody else's."""
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        assert rig.server.unload("chat-large") == 200
        assert rig.server.unload("chat-large") == 404
        assert not (await driven.close(snapshot))[1].changed


async def test_a_model_that_is_not_listed_is_no_closed_model(rig: Any) -> None:
    """A typing error in the inventory is named, with what the server does list."""
    door = rig.door.model_copy(update={"config": {**rig.door.config, "model": "chat-larg"}})
    async with driving(rig) as driven:
        with pytest.raises(Unanswered, match="lists no model 'chat-larg'; it lists: chat-large, chat"):
            await driven.connector.capture_state(rig.target, door)


async def test_the_plan_names_who_fails_with_it(rig: Any) -> None:
    """Ensembles that call the model, models that go with it, and replicas that nobody listed."""
    config = {**rig.door.config, "dependents": ["moderated-chat"], "unload_dependents": True}
    door = rig.door.model_copy(update={"config": config})
    async with driving(rig) as driven:
        plan = await driven.connector.plan(rig.target, door)
    said = " ".join((*plan.blast_radius, *(call.summary for call in plan.calls)))
    assert "moderated-chat calls chat-large and fails with it" in said
    assert "a replica that is not listed" in said
    assert "unload with unload_dependents: true" in said


async def test_one_replica_twice_is_refused(rig: Any) -> None:
    """Two looks at one server would agree about nothing."""
    door = rig.door.model_copy(update={"config": {**rig.door.config, "urls": ["http://a", "http://a"]}})
    async with driving(rig) as driven:
        with pytest.raises(InvalidInput, match="URL of its own"):
            driven.connector.check(rig.target, door)


def test_the_inventory_on_the_page_has_no_problem() -> None:
    """What a reader copies passes the check."""
    assert problems_of_page("connect-with-open-inference.md") == []
