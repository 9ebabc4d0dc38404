"""What only Envoy shows: several instances that have to agree, layers, and an admin API without keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import driving
from tests.contract.rigs_support.gateways import LARGE, SMALL, with_door
from tests.parts import free_port

from firedoor.core.problems import InDoubt, InvalidInput, Unanswered
from firedoor.core.ternary import NO, YES

KEY = "firedoor.closed.chat-large"


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("envoy")()
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


async def test_half_a_success_is_named_and_finished_by_doing_it_again(rig: Any) -> None:
    """One instance fails: who is closed and who is not is said; the repetition closes the other one only."""
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        rig.proxy.plan("error")
        with pytest.raises(InDoubt, match=f"half done: at {rig.second.admin}, and not surely at {rig.proxy.url}"):
            await driven.close(snapshot)
        assert (rig.first.answers(LARGE), rig.second.answers(LARGE)) == (200, 503)
        assert (await driven.observe()).closed is NO
        snapshot_again, receipt = await driven.close(snapshot)
        assert receipt.changed
        assert (rig.first.answers(LARGE), rig.second.answers(LARGE)) == (503, 503)
        assert (await driven.open(snapshot_again, receipt)).changed
        assert (rig.first.answers(LARGE), rig.second.answers(LARGE)) == (200, 200)


async def test_an_instance_that_does_not_answer_stops_all_before_any_change(rig: Any) -> None:
    """Nothing is closed at the one that could have been: what cannot be read cannot be brought back."""
    rig.inventory = with_door(rig.inventory, admins=(rig.first.admin, f"http://127.0.0.1:{free_port()}"))
    async with driving(rig) as driven:
        with pytest.raises(Unanswered):
            await driven.close()
    assert rig.first.answers(LARGE) == 200


async def test_an_override_of_somebody_else_comes_back(rig: Any) -> None:
    """A value that was set before is set again, at that instance only; our mark goes."""
    rig.second.set(firedoor__closed__chat_large="0")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert rig.second.entries()[f"firedoor.mark.{KEY}"]["final_value"].startswith("firedoor:inc-7")
        await driven.open(snapshot, receipt)
    assert rig.second.entries()[KEY]["final_value"] == "0"
    assert rig.first.entries() == {}
    assert f"firedoor.mark.{KEY}" not in rig.second.entries()


async def test_a_share_of_the_requests_is_neither_open_nor_closed(rig: Any) -> None:
    """Half of the callers are let through: that is not closed, and closing it closes it."""
    rig.second.set(firedoor__closed__chat_large="50")
    async with driving(rig) as driven:
        assert (await driven.close())[1].changed
        assert (await driven.verify()).holds is YES
    assert (rig.second.answers(LARGE), rig.second.answers(SMALL)) == (503, 200)


async def test_an_envoy_without_an_admin_layer_is_found_out_before(rig: Any) -> None:
    """Overrides would have no effect there: the capture says which layers there are."""
    rig.inventory = with_door(rig.inventory, layer="overrides")
    async with driving(rig) as driven:
        with pytest.raises(Unanswered, match='no runtime layer "overrides": known: base, admin'):
            await driven.capture()


async def test_an_admin_api_beyond_this_machine_has_to_be_meant(rig: Any) -> None:
    """Whoever reaches it may do everything, so the inventory has to say that something else keeps others out."""
    async with driving(rig) as driven:
        for far in ("http://10.0.0.7:9901", "http://envoy.example.org:9901"):
            rig.inventory = with_door(rig.inventory, admins=(far,))
            with pytest.raises(InvalidInput, match="allow_remote"):
                driven.connector.check(rig.target, rig.door)
            rig.inventory = with_door(rig.inventory, allow_remote=True)
            driven.connector.check(rig.target, rig.door)
            rig.inventory = with_door(rig.inventory, allow_remote=False)
