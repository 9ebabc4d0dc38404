"""What only LiteLLM shows: groups of several deployments, keys and teams, and what cannot be blocked."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import driving
from tests.contract.rigs_support.pages import problems_of_page

from firedoor.core.problems import InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.ternary import NO, YES

HASH = hashlib.sha256(b"sk-leaked").hexdigest()


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("litellm")()
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


@pytest.fixture(name="group")
def _group(rig: Any) -> Any:
    """The rig with two more deployments in the group, one of which somebody blocked before."""
    for number, blocked in ((2, False), (3, True)):
        more = copy.deepcopy(rig.row[0])
        more["info"] |= {"id": f"chat-large-{number}", "blocked": blocked}
        rig.row.append(more)
    return rig


def blocked(rig: Any) -> list[bool]:
    return [row["info"]["blocked"] for row in rig.row]


async def test_every_deployment_of_a_group_is_blocked(group: Any) -> None:
    """The router would send callers to any that is left; what others had blocked stays so after the resume."""
    async with driving(group) as driven:
        snapshot, receipt = await driven.close()
        assert blocked(group) == [True, True, True]
        await driven.open(snapshot, receipt)
    assert blocked(group) == [False, False, True]


async def test_a_group_of_which_half_was_blocked_is_in_doubt(group: Any) -> None:
    """One call fails and another succeeds: that is no failure without effect."""
    async with driving(group) as driven:
        snapshot = await driven.capture()
        group.proxy.plan("error")
        with pytest.raises(InDoubt, match="1 of 2"):
            await driven.close(snapshot)
        assert (await driven.observe()).closed is NO
        assert (await driven.close())[1].changed


async def test_a_deployment_that_was_added_meanwhile_opens_the_door(rig: Any) -> None:
    """It serves the group, and a resume does not overlook it."""
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.row.append({"model": "new", "info": {"id": "chat-large-9", "db_model": True, "blocked": False}})
        assert (await driven.observe()).closed is NO
        with pytest.raises(Refused):
            await driven.open(snapshot, receipt)


async def test_a_deployment_from_the_file_is_said_before_anything_is_blocked(group: Any) -> None:
    """LiteLLM cannot block it, and callers would go on with it."""
    group.row[1]["info"]["db_model"] = False
    async with driving(group) as driven:
        with pytest.raises(Unanswered, match="cannot be blocked"):
            await driven.close()
    assert group.effects() == 0


async def test_a_group_that_is_not_there_is_no_closed_group(rig: Any) -> None:
    """A typing error is no answer, and the names that exist are said."""
    door = rig.door.model_copy(update={"config": {**rig.door.config, "model": "chat-larg"}})
    async with driving(rig) as driven:
        with pytest.raises(Unanswered, match="it has: chat-large, chat-small"):
            await driven.connector.capture_state(rig.target, door)


@pytest.mark.parametrize(("whom", "name"), [("key", HASH), ("team", "team-1")])
async def test_a_key_and_a_team_are_blocked_by_their_own_calls(rig: Any, whom: str, name: str) -> None:
    """The paths, the bodies and the places in the answers differ."""
    row: dict[str, Any] = {"blocked": None, "team_id": "team-1", "models": ["chat-large"]}
    argument, within = {"key": ("key", "info"), "team": ("team_id", "team_info")}[whom]

    def info(_double: Any, heard: Any) -> tuple[int, Any]:
        return (200, {argument: name, within: row}) if heard.query == {argument: name} else (404, {})

    def setting(value: bool) -> Any:
        return lambda _double, heard: (200, row.update(blocked=value)) if heard.body == {argument: name} else (404, {})

    rig.double.calls = {
        f"GET /{whom}/info": info,
        f"POST /{whom}/block": setting(True),
        f"POST /{whom}/unblock": setting(False),
    }
    config = {k: v for k, v in rig.door.config.items() if k != "model"} | {
        "key_hash" if whom == "key" else "team": name
    }
    rig.replace(doors=(rig.door.model_copy(update={"config": config}),))
    try:
        async with driving(rig) as driven:
            snapshot, receipt = await driven.close()
            assert (row["blocked"], (await driven.observe()).closed) == (True, YES)
            await driven.open(snapshot, receipt)
        assert row["blocked"] is False
    finally:
        del rig.double.calls


@pytest.mark.parametrize("more", [{"team": "team-1"}, {"key_hash": HASH}, {"model": None}, {"key_hash": "sk-leaked"}])
async def test_a_door_is_for_one_thing(rig: Any, more: dict[str, Any]) -> None:
    """A group, a key or a team; and a key by its hash, never by itself."""
    config = {name: value for name, value in {**rig.door.config, **more}.items() if value is not None}
    async with driving(rig) as driven:
        with pytest.raises(InvalidInput):
            driven.connector.check(rig.target, rig.door.model_copy(update={"config": config}))


def test_the_page_shows_inventories_that_check_accepts() -> None:
    """What a reader copies is right."""
    assert problems_of_page("connect-with-litellm.md") == []
