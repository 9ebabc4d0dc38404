"""What only feature flags show: tags of one environment, two ways to be off, and a file that others write as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import SUSPEND, as_nobody, driving
from tests.contract.rigs_support.pages import problems_of_page

from firedoor.core.problems import Refused, Unanswered
from firedoor.core.ternary import NO, YES


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rigs: dict[str, Any] = {}

    def start(kind: str) -> Any:
        if kind not in rigs:
            rigs[kind] = rig_class(kind)()
            rigs[kind].start()
        rigs[kind].reset()
        return rigs[kind]

    try:
        yield start
    finally:
        for rig in rigs.values():
            rig.stop()


@pytest.fixture(name="unleash")
def _unleash(started: Any) -> Any:
    return started("unleash")


@pytest.fixture(name="flags")
def _flags(started: Any) -> Any:
    return started("openfeature")


def also(rig: Any, **config: Any) -> Any:
    """The door of the rig, with something else in its configuration."""
    return rig.door.model_copy(update={"config": {**rig.door.config, **config}})


async def test_the_flag_says_who_closed_it_until_it_is_opened(unleash: Any) -> None:
    """The mark is a tag that people see in Unleash, beside their own, and a resume takes ours only."""
    theirs = {"type": "simple", "value": "team-chat"}
    unleash.tell("PUT", "/api/admin/features/chat-large/tags", addedTags=[theirs], removedTags=[])
    async with driving(unleash) as driven:
        snapshot, receipt = await driven.close()
        ours = [tag["value"] for tag in unleash.tags("chat-large") if tag != theirs]
        assert len(ours) == 1
        assert ours[0].startswith(f"firedoor:{SUSPEND[:20]}")
        await driven.open(snapshot, receipt)
    assert unleash.tags("chat-large") == [theirs]


async def test_two_environments_of_one_flag_are_two_doors(unleash: Any) -> None:
    """What was closed in one is not taken for our work in the other, though tags belong to the flag."""
    unleash.switch("chat-large", "on", "development")
    elsewhere = also(unleash, environment="development")
    async with driving(unleash) as driven:
        closed = await driven.close()
        seen = await driven.connector.observe(unleash.target, elsewhere, SUSPEND)
        assert (seen.closed, seen.ours) == (NO, NO)
        snapshot = await driven.connector.capture_state(unleash.target, elsewhere)
        await driven.connector.suspend(unleash.target, elsewhere, snapshot, SUSPEND)
        assert len(unleash.tags("chat-large")) == 2
        await driven.open(*closed)
        seen = await driven.connector.observe(unleash.target, elsewhere, SUSPEND)
    assert (seen.closed, seen.ours, len(unleash.tags("chat-large"))) == (YES, YES, 1)


async def test_an_environment_that_is_not_there_is_no_closed_door(unleash: Any) -> None:
    """A typing error is no answer, and the names that exist are said."""
    async with driving(unleash) as driven:
        with pytest.raises(Unanswered, match="it has: development, production"):
            await driven.connector.capture_state(unleash.target, also(unleash, environment="prod"))


async def test_an_off_variant_is_for_everybody(flags: Any) -> None:
    """Targeting would still give some people the other variant, so it is set aside, and put back."""
    targeting = {"if": [{"==": [{"var": "team"}, "beta"]}, "on", None]}
    flags.edit("chat-large", targeting=targeting)
    flags.inventory = flags.listing(flags.file, off_variant="off")
    async with driving(flags) as driven:
        snapshot, receipt = await driven.close()
        assert (await driven.verify()).holds is YES
        assert (flags.flags()["chat-large"]["targeting"], flags.flags()["chat-large"]["state"]) == ({}, "ENABLED")
        await driven.open(snapshot, receipt)
    assert flags.flags()["chat-large"]["targeting"] == targeting
    assert flags.flags()["chat-large"]["metadata"] == {"owner": "chat"}


async def test_an_off_variant_that_is_not_there_closes_nothing(flags: Any) -> None:
    """A name that the flag does not have would be an error in every application."""
    flags.inventory = flags.listing(flags.file, off_variant="of")
    async with driving(flags) as driven:
        with pytest.raises(Unanswered, match="no variant 'of'"):
            await driven.close()
    assert flags.effects() == 0


async def test_a_flag_that_changed_between_look_and_change_is_left(flags: Any) -> None:
    """What a colleague has just written is not overwritten with what we saw before."""
    async with driving(flags) as driven:
        snapshot = await driven.capture()
        flags.edit("chat-large", defaultVariant="off")
        with pytest.raises(Refused, match="was changed while"):
            await driven.close(snapshot)
    assert flags.flags()["chat-large"]["state"] == "ENABLED"


async def test_other_flags_may_change_meanwhile(flags: Any) -> None:
    """Only the flag of the door is compared and written; what others did to theirs stays."""
    async with driving(flags) as driven:
        snapshot, receipt = await driven.close()
        flags.edit("chat-small", defaultVariant="off")
        assert (await driven.open(snapshot, receipt)).changed
    assert flags.flags()["chat-small"]["defaultVariant"] == "off"


@pytest.mark.parametrize("text", ["", "[]", '{"flags": {}}', '{"flags": {"chat-large": {}}}', "no JSON"])
async def test_a_file_without_the_flag_is_no_closed_door(flags: Any, text: str) -> None:
    """An application would fall back to its own default, which nobody here knows."""
    flags.file.write_text(text)
    async with driving(flags) as driven:
        with pytest.raises(Unanswered):
            await driven.capture()


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_closed(flags: Any) -> None:
    """The look fails where the change would."""
    imports = "import asyncio\nfrom firedoor.connectors.openfeature import OpenFeatureDoor, _read"
    config = json.dumps({"file": str(flags.file), "flag": "chat-large"})
    said = as_nobody(imports, f"_read(OpenFeatureDoor.model_validate_json({config!r}))")
    assert said.startswith("Unanswered")


def test_the_page_shows_inventories_that_check_accepts() -> None:
    """What a reader copies is right."""
    assert problems_of_page("connect-with-feature-flags.md") == []
