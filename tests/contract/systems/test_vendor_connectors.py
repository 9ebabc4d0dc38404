"""What only one vendor's description shows; the common suite runs on the doubles of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import driving
from tests.contract.rigs_support.pages import problems_of_page

from firedoor.connectors.parts.platform_api import part
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, Refused, Unanswered
from firedoor.core.ternary import NO, UNKNOWN, YES

Start = Callable[[str], Any]


@pytest.fixture(scope="module", name="rigs")
def _rigs() -> Iterator[dict[str, Any]]:
    rigs: dict[str, Any] = {}
    yield rigs
    for rig in rigs.values():
        rig.stop()


@pytest.fixture(name="start")
def _start(rigs: dict[str, Any]) -> Start:
    def start(name: str) -> Any:
        if name not in rigs:
            rigs[name] = rig_class(name)()
            rigs[name].start()
        rigs[name].reset()
        return rigs[name]

    return start


def other(rig: Any, without: str = "", **config: Any) -> None:
    """Give the rig's door something else to be for."""
    kept = {name: value for name, value in rig.door.config.items() if name != without}
    door = rig.door.model_copy(update={"config": {**kept, **config}})
    rig.replace(doors=(door, *rig.target.doors[1:]))


async def test_an_endpoint_of_azure_keeps_all_that_is_not_its_traffic(start: Start) -> None:
    """The whole resource is sent back: what we do not know of must not be lost."""
    rig = start("azure__learning")
    rig.row["properties"]["mirrorTraffic"] = {"green": 20}
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert rig.row["tags"]["owner"] == "chat"
        assert rig.row["properties"]["mirrorTraffic"] == {}
        await driven.open(snapshot, receipt)
    assert rig.row["properties"]["traffic"] == {"blue": 90, "green": 10}
    assert (rig.row["properties"]["mirrorTraffic"], rig.row["tags"]) == ({"green": 20}, {"owner": "chat"})


async def test_traffic_that_moved_between_look_and_change_is_left(start: Start) -> None:
    """Azure has no lock here, so the endpoint is looked at once more."""
    rig = start("azure__learning")
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        rig.row["properties"]["traffic"] = {"blue": 0, "green": 100}
        with pytest.raises(Refused, match="somebody else"):
            await driven.close(snapshot)
    assert rig.effects() == 0


@pytest.mark.parametrize(
    ("state", "closed"), [("Paused", YES), ("Running", NO), ("Disabled", UNKNOWN), (None, UNKNOWN)]
)
async def test_a_state_that_azure_does_not_describe_is_unknown(start: Start, state: Any, closed: Any) -> None:
    """What is neither Running nor Paused is neither open nor closed."""
    rig = start("azure")
    rig.row["properties"]["deploymentState"] = state
    async with driving(rig) as driven:
        assert (await driven.observe()).closed is closed


async def test_an_endpoint_of_vertex_that_moved_since_is_not_opened(start: Start) -> None:
    """Its etag is the lock: a change that we do not look at counts as well."""
    rig = start("vertex")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.row["displayName"], rig.row["etag"] = "renamed", "77"
        with pytest.raises(Refused, match="version 77"):
            await driven.open(snapshot, receipt)


async def test_a_change_whose_answer_cannot_be_read_is_made_all_the_same(start: Start) -> None:
    """Vertex did as it was told; a receipt without a lock is right, and "nothing happened" would be wrong."""
    rig = start("vertex")
    whole = type(rig.double).calls
    place = next(shape for shape in whole if shape.startswith("PATCH"))
    rig.double.calls = {**whole, place: lambda double, heard: (whole[place](double, heard)[0], None)}
    try:
        async with driving(rig) as driven:
            snapshot, receipt = await driven.close()
            assert (receipt.changed, receipt.detail["version_token"]) == (True, None)
            assert (await driven.open(snapshot, receipt)).changed
    finally:
        del rig.double.calls


async def test_an_endpoint_that_is_scaled_to_zero_is_open(start: Start) -> None:
    """It wakes up for the next caller, so it is paused."""
    rig = start("huggingface")
    rig.row["status"]["state"] = "scaledToZero"
    async with driving(rig) as driven:
        assert (await driven.observe()).closed is NO
        assert (await driven.close())[1].changed
    assert rig.row["status"]["state"] == "paused"


async def test_an_endpoint_that_starts_is_not_called_closed(start: Start) -> None:
    """Databricks says that it is not ready, and not that it is stopped."""
    rig = start("databricks")
    rig.row["state"] = {"ready": "NOT_READY", "config_update": "IN_PROGRESS"}
    async with driving(rig) as driven:
        assert (await driven.observe()).closed is UNKNOWN


async def test_a_tag_of_a_colleague_stays(start: Start) -> None:
    """Ours is added and taken away; theirs is not touched."""
    rig = start("databricks")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert {tag["key"] for tag in rig.row["tags"]} == {"team", "firedoor_closed_by"}
        await driven.open(snapshot, receipt)
    assert [tag["key"] for tag in rig.row["tags"]] == ["team"]


@pytest.mark.parametrize(
    ("before", "during"),
    [
        (None, {"mode": "deny_list", "model_ids": ["gpt-5"]}),
        ({"mode": "allow_list", "model_ids": ["gpt-4", "gpt-5"]}, {"mode": "allow_list", "model_ids": ["gpt-4"]}),
        ({"mode": "deny_list", "model_ids": ["old"]}, {"mode": "deny_list", "model_ids": ["gpt-5", "old"]}),
    ],
)
async def test_every_kind_of_list_is_closed_and_put_back(start: Start, before: Any, during: Any) -> None:
    """None, one that allows and one that denies."""
    rig = start("openai")
    rig.row["permissions"] = before
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert rig.row["permissions"] == during
        await driven.open(snapshot, receipt)
    assert rig.row["permissions"] == before


async def test_a_deleted_key_is_gone_for_good(start: Start) -> None:
    """The plan says so, and a resume is refused."""
    rig = start("openai")
    other(rig, without="models", key_id="key_application")
    async with driving(rig) as driven:
        assert (await driven.connector.plan(rig.target, rig.door)).reversible == "no"
        snapshot, receipt = await driven.close()
        assert rig.row["keys"] == set()
        assert not (await driven.close())[1].changed
        with pytest.raises(Refused, match="cannot be undone"):
            await driven.open(snapshot, receipt)


async def test_a_project_that_is_not_there_has_no_deleted_key(start: Start) -> None:
    """A typing error in the project is no answer about a key or a list."""
    rig = start("openai")
    for config in ({"project": "proj_other"}, {"project": "proj_other", "models": (), "key_id": "key_application"}):
        other(rig, **config)
        async with driving(rig) as driven:
            with pytest.raises(Unanswered):
                await driven.capture()


async def test_an_archived_key_is_not_opened(start: Start) -> None:
    """Anthropic turns the call down, and the receipt of success is never written."""
    rig = start("anthropic")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.row["status"] = "archived"
        with pytest.raises(Unanswered):
            await driven.open(snapshot, receipt)


async def test_sleep_is_never_the_only_door(start: Start) -> None:
    """A server that sleeps turns nobody away for sure."""
    rig = start("vllm")
    alone = rig.target.model_copy(update={"doors": (rig.door, rig.door.model_copy(update={"name": "replica-2"}))})
    async with driving(rig) as driven:
        driven.connector.check(rig.target, rig.door)
        with pytest.raises(InvalidInput, match="no door that turns callers away"):
            driven.connector.check(alone, rig.door)


@pytest.mark.parametrize("part", [{"enabled": False}, {"config": {"trigger": "x"}}, {"consumer": {"id": "one"}}])
async def test_a_plugin_that_is_not_for_everybody_closes_nothing(start: Start, part: dict[str, Any]) -> None:
    """It is off, waits for a header, or is for one consumer."""
    rig = start("kong")
    rig.close_behind_our_back()
    rig.row["plugins"][-1].update(part)
    async with driving(rig) as driven:
        assert (await driven.observe()).closed is NO


async def test_a_tag_has_no_comma_and_no_slash(start: Start) -> None:
    """Kong turns such tags down, and the key of an operation may hold both."""
    rig = start("kong")
    async with driving(rig) as driven:
        snapshot = await driven.capture()
        key = "inc-7:suspend[eu/chat,us/chat]:0a1b2c"
        await driven.connector.suspend(rig.target, rig.door, snapshot, key)
        assert (await driven.connector.observe(rig.target, rig.door, key)).ours is YES
    assert rig.row["plugins"][-1]["tags"] == ["firedoor", "firedoor:inc-7:suspend[eu-chat-us-chat]:0a1b2c"]


async def test_a_disabled_plugin_of_a_colleague_is_not_overwritten(start: Start) -> None:
    """Kong allows one of its kind on a route, and turns ours down."""
    rig = start("kong")
    rig.close_behind_our_back()
    rig.row["plugins"][-1]["enabled"] = False
    async with driving(rig) as driven:
        with pytest.raises(Refused, match="409"):
            await driven.close()
    assert rig.row["plugins"][-1]["id"] == "theirs"


@pytest.mark.parametrize("traffic", ["all", 100, ["blue"]])
def test_what_cannot_be_read_never_looks_like_nothing(traffic: Json) -> None:
    """An endpoint whose traffic has a form that nobody knows would count as closed."""
    with pytest.raises(Unanswered, match="traffic"):
        part({"traffic": traffic}, "traffic")
    assert part({"traffic": {"blue": 100}}, "traffic") == {"blue": 100}
    assert part({}, "traffic") == part({"traffic": None}, "traffic") == {}


def test_the_page_shows_inventories_that_check_accepts() -> None:
    """What a reader copies is right."""
    assert problems_of_page("connect-with-vendor-platforms.md") == []
