"""What only MLflow's registry shows: the tag that is our mark, several aliases, and what looks like a missing one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import RESUME, SUSPEND, driving
from tests.contract.rigs_support.pages import problems_of_page

from firedoor.core.problems import InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.targets import Door
from firedoor.core.ternary import NO, YES

TAG = "firedoor.closed_by.champion"


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("mlflow")()
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


def changed(door: Door, **config: Any) -> Door:
    """The door with something else in its configuration."""
    return door.model_copy(update={"config": {**door.config, **config}})


async def test_the_version_says_who_closed_it(rig: Any) -> None:
    """The mark is a tag that people see in MLflow, and a resume takes it away."""
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert rig.tags("chat-large") == [{"key": TAG, "value": f"firedoor:{SUSPEND}"}]
        await driven.open(snapshot, receipt)
    assert rig.tags("chat-large") == []


async def test_two_aliases_of_one_version_are_two_doors(rig: Any) -> None:
    """Each has a tag of its own, so that neither takes the other's work for its own."""
    rig.tell("POST", "/registered-models/alias", name="chat-large", alias="prod", version="1")
    async with driving(rig) as driven:
        first = await driven.close()
        prod = changed(rig.door, alias="prod")
        snapshot = await driven.connector.capture_state(rig.target, prod)
        receipt = await driven.connector.suspend(rig.target, prod, snapshot, "another-incident")
        assert {row["key"] for row in rig.tags("chat-large")} == {TAG, "firedoor.closed_by.prod"}
        assert (await driven.open(*first)).changed
        assert (await driven.connector.resume(rig.target, prod, snapshot, RESUME, receipt)).changed
    rig.tell("DELETE", "/registered-models/alias", name="chat-large", alias="prod")


async def test_a_model_that_is_not_there_is_no_closed_model(rig: Any) -> None:
    """A typing error in the name of the model is no answer, and nothing is captured."""
    async with driving(rig) as driven:
        with pytest.raises(Unanswered, match="not found"):
            await driven.connector.capture_state(rig.target, changed(rig.door, model="chat-larg"))


async def test_an_address_that_is_not_mlflow_is_no_closed_model(rig: Any) -> None:
    """A server that answers 404 to everything has not lost an alias."""
    async with driving(rig) as driven:
        with pytest.raises(Unanswered):
            await driven.connector.capture_state(rig.target, changed(rig.door, url=f"{rig.loader_url}/nothing"))


async def test_a_version_that_was_deleted_meanwhile_is_not_put_back(rig: Any) -> None:
    """The alias cannot point to it any more; the resume says what is missing and changes nothing."""
    number = rig.tell("POST", "/model-versions/create", name="chat-large", source="s3://models/x")
    version = number["model_version"]["version"]
    rig.tell("POST", "/registered-models/alias", name="chat-large", alias="champion", version=version)
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.tell("DELETE", "/model-versions/delete", name="chat-large", version=version)
        with pytest.raises(Refused, match="version was changed since"):
            await driven.open(snapshot, receipt)


async def test_killed_between_mark_and_closing_is_seen_as_open(rig: Any) -> None:
    """The tag alone closes nothing: the look says open, and the same order closes it."""
    mark = f"firedoor:{SUSPEND}"
    rig.tell("POST", "/model-versions/set-tag", name="chat-large", version="1", key=TAG, value=mark)
    async with driving(rig) as driven:
        seen = await driven.observe()
        assert (seen.closed, seen.ours) == (NO, YES)
        assert (await driven.close())[1].changed


async def test_a_resume_that_broke_off_after_the_alias_is_doubt(rig: Any) -> None:
    """The alias stands again, so the resumption is seen to have happened, although the tag was left behind."""
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        rig.proxy.refuse("delete-tag")
        with pytest.raises(InDoubt):
            await driven.open(snapshot, receipt)
        rig.proxy.refuse("")
        assert (await driven.observe()).closed is NO
        assert not (await driven.open(snapshot, receipt)).changed


async def test_the_plan_says_that_no_server_is_closed(rig: Any) -> None:
    """Whoever presses the button reads it before."""
    async with driving(rig) as driven:
        plan = await driven.connector.plan(rig.target, rig.door)
    assert any("control plane only" in said and "goes on serving" in said for said in plan.blast_radius)


@pytest.mark.parametrize("wrong", [{"alias": "a b"}, {"model": "it's"}, {"url": "mlflow.example.org"}])
async def test_a_door_that_cannot_be_asked_for_is_refused(rig: Any, wrong: dict[str, str]) -> None:
    """What MLflow could not have, or what its filter language could not say, is named before any call."""
    async with driving(rig) as driven:
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            driven.connector.check(rig.target, changed(rig.door, **wrong))


def test_the_inventory_on_the_page_has_no_problem() -> None:
    """What a reader copies passes the check."""
    assert problems_of_page("connect-with-mlflow.md") == []
