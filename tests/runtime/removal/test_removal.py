"""A removal through the engine against a platform on a real socket: found, removed, blocked, proved, watched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.contract.rigs_support.gallery import Gallery

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.core.access.redaction import seal
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Kind
from firedoor.core.person import Person
from firedoor.core.removal.copy import Copy
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.removal.systems import OpenSystems
from firedoor.testing.house import House, plan_of

PAGE = """
playbook: takedown
version: 1.0.0
title: Take it down
incident: nonconsensual_content_generation
facts:
  content_locators: {type: list, sealed: true, ask: Where is it?}
roles: [commander, engineering]
phases:
  identification: []
  containment:
    - preserve: [locators]
    - removal: gallery
      id: removal
      by: engineering
      again: [24h, 7d]
  remediation: []
  post_incident: []
"""
PDQ = "f8f8f0cce0f4a84d0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22"
ADA = Person("Ada", frozenset(("engineering", "commander")))
NEAR = f"{int(PDQ, 16) ^ 0b11011:064x}"


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    """With a picture, an identical copy, one that looks alike, and one of somebody else."""
    one = Gallery()
    one.put("posts/8812", b"invented bytes 1", PDQ)
    one.put("mirror/77", b"invented bytes 1", PDQ)
    one.put("edits/5", b"invented bytes 2", NEAR)
    one.put("others/9", b"nothing to do with it", "0" * 63 + "1")
    yield one
    one.close()


@asynccontextmanager
async def driven(folder: Path, gallery: Gallery, **more: object) -> AsyncIterator[House]:
    """A house over the gallery, with real HTTP."""
    house = House(folder, plan_of(PAGE), inventory=gallery.inventory(**more))
    house.world.retry_scale = 0.0
    client = open_client()
    house.world.stores = OpenSystems(
        ConnectorContext(client, ReferencedSecrets(), house.clock, house.inventory)
    )  # fmt: skip
    try:
        yield house
    finally:
        await house.driver.stop()
        await client.aclose()
        house.close()


def run(story: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run a story."""
    asyncio.run(story())


def named(view: IncidentView, locator: str) -> Copy:
    """The copy at a place."""
    return next(one for one in view.copies.values() if one.locator == locator)


async def begin(house: House) -> str:
    """Open an incident about one address, and wait for the search."""
    incident = await house.open(content_locators=["posts/8812"])
    await house.settle(incident)
    return incident


def question(view: IncidentView) -> str:
    """The one open question about something that failed."""
    return next(task.question for task in view.open_tasks() if task.kind == "rescue")


async def confirmed(house: House, incident: str) -> None:
    """Somebody says that the picture which looks alike is the same, and approves."""
    copy = named(house.view(incident), "edits/5")
    await house.service.decide_copy(incident, copy.name, "same", "the account is the same", ADA)
    await house.answer(incident, "containment.removal.approve", "approve")


def test_every_copy_is_found_removed_and_proved_gone(tmp_path: Path, gallery: Gallery) -> None:
    """Named, identical and confirmed copies go; others' content stays; after a day and a week it is looked at again."""

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            view = house.view(incident)
            how = {one.locator: (str(one.how), str(one.state), one.distance) for one in view.copies.values()}
            assert how == {
                "posts/8812": ("named", "found", None), "mirror/77": ("same_file", "found", None),
                "edits/5": ("near", "candidate", 4),
            }  # fmt: skip
            assert gallery.objects.keys() >= {"posts/8812", "mirror/77", "edits/5"}, "nothing goes without a person"
            await confirmed(house, incident)
            view = house.view(incident)
            assert {one.locator: str(one.state) for one in view.copies.values()} == dict.fromkeys(how, "gone")
            assert set(gallery.objects) == {"others/9"}
            assert view.operations["containment.removal.prove"].result["upload"] == "refused"
            assert ("pdq", PDQ) in gallery.blocked
            looks = len([call for call in gallery.calls if call[1].startswith("/media/")])
            house.wind(hours=25)
            await house.driver.look()
            await house.settle(incident)
            assert house.view(incident).operations["containment.removal.after-1d.prove"].outcome == "done"
            assert len([call for call in gallery.calls if call[1].startswith("/media/")]) == looks + 3
            house.wind(days=6, hours=1)
            await house.driver.look()
            view = await house.settle(incident)
            assert view.operations["containment.removal.after-7d.prove"].outcome == "done"
            assert view.closed_at is None or view.outcome

    run(story)


def test_a_surviving_copy_keeps_it_open_and_is_named(tmp_path: Path, gallery: Gallery) -> None:
    """The API says that it is gone, and a stranger still sees it."""
    gallery.stuck.add("mirror/77")

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            await confirmed(house, incident)
            view = house.view(incident)
            survivor = named(view, "mirror/77")
            assert view.operations["containment.removal.prove"].status == "failed"
            assert f"{survivor.name}: still there after its removal (status 200)" in question(view)
            assert named(view, "posts/8812").name + ":" not in question(view)
            gallery.stuck.clear()
            task = next(task for task in view.open_tasks() if task.kind == "rescue")
            view = await house.answer(incident, task.id, "retry")
            assert view.operations["containment.removal.prove"].outcome == "done"
            assert [str(step.state) for step in named(view, "mirror/77").story][-2:] == ["removed", "gone"]

    run(story)


def test_a_reupload_that_gets_through_keeps_it_open_and_is_named(tmp_path: Path, gallery: Gallery) -> None:
    """The filter lets our drawn picture in: that is named, and the picture is taken away again."""
    gallery.deaf = True

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            await confirmed(house, incident)
            view = house.view(incident)
            assert view.operations["containment.removal.prove"].status == "failed"
            assert "re-upload of the test picture got through" in question(view)
            assert "re-upload of the test picture, saved again got through" in question(view)
            gallery.deaf = False
            task = next(task for task in view.open_tasks() if task.kind == "rescue")
            view = await house.answer(incident, task.id, "retry")
            assert view.operations["containment.removal.prove"].outcome == "done"
            assert set(gallery.objects) == {"others/9"}, "what was let in is away too"

    run(story)


def test_what_comes_back_within_a_week_is_named_and_removed_again(tmp_path: Path, gallery: Gallery) -> None:
    """It was proved gone, and is there again after six days: told, removed again, proved again."""

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            await confirmed(house, incident)
            house.wind(hours=25)
            await house.driver.look()
            await house.settle(incident)
            gallery.objects["posts/8812"] = b"invented bytes 1"
            house.wind(days=6, hours=1)
            await house.driver.look()
            view = await house.settle(incident)
            states = [str(step.state) for step in named(view, "posts/8812").story]
            assert states[-3:] == ["back", "removed", "gone"]
            failed = [e.body["problem"] for e in house.entries(incident) if e.kind == Kind.FAILED]
            assert any("was gone and is there again" in one for one in failed)
            assert "posts/8812" not in gallery.objects

    run(story)


def test_where_it_lies_is_sealed_and_no_hash_is_written(tmp_path: Path, gallery: Gallery) -> None:
    """Places are covered from whoever need not know; the hashes that the index gave stand nowhere in the journal."""

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            await confirmed(house, incident)
            entries = house.entries(incident)
            assert PDQ not in json.dumps([entry.as_json() for entry in entries])
            covered = seal(house.world.definitions(house.plan), entries)
            shown = json.dumps(covered.cover([entry.as_json() for entry in entries]))
            assert "mirror/77" not in shown
            assert "posts/8812" not in shown

    run(story)


@pytest.mark.parametrize("place", ["https://elsewhere.example/7", "../../etc/passwd", "http://127.0.0.1:1/x"])
def test_no_stranger_chooses_a_host(tmp_path: Path, gallery: Gallery, place: str) -> None:
    """An address outside the store is told as such and never asked."""

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await house.open(content_locators=["posts/8812", place])
            await house.settle(incident)
            await confirmed(house, incident)
            view = house.view(incident)
            assert str(named(view, place).state) == "elsewhere"
            assert view.operations["containment.removal.prove"].outcome == "done"
            assert all(place not in path for _, path, _ in gallery.calls)

    run(story)


def test_a_stranger_has_no_credentials(tmp_path: Path, gallery: Gallery) -> None:
    """Looks from outside carry no key of ours, and removals carry the key of their operation."""

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            await confirmed(house, incident)
            outside = [headers for _, path, headers in gallery.calls if path.startswith(("/media/", "/upload"))]
            assert outside
            assert not any({"authorization", "cookie"} & set(headers) for headers in outside)
            keys = [h["idempotency-key"] for method, _, h in gallery.calls if method == "DELETE"]
            assert len(keys) == len(set(keys)) == 3

    run(story)


@pytest.mark.parametrize(
    ("what", "words"), [("hidden", "hidden from strangers, not gone"), ("elsewhere", "nothing shows from outside")]
)
def test_hidden_and_redirected_are_not_gone(tmp_path: Path, gallery: Gallery, what: str, words: str) -> None:
    """A 403 and a redirect to a page that is no sign-in prove nothing, unless the store says that hidden is enough."""

    async def story(**more: object) -> IncidentView:
        async with driven(tmp_path / str(len(more)), gallery, **more) as house:
            incident = await begin(house)
            await confirmed(house, incident)
            return house.view(incident)

    if what == "hidden":
        gallery.hidden.add("posts/8812")
    else:
        gallery.redirects["posts/8812"] = "/front"
    (tmp_path / "0").mkdir()
    (tmp_path / "1").mkdir()
    assert words in question(asyncio.run(story()))
    if what == "hidden":
        view = asyncio.run(story(outside={"base": f"{gallery.url}/media/", "hidden_is_gone": True}))
        assert view.operations["containment.removal.prove"].outcome == "done"


def test_nothing_is_removed_that_nobody_approved(tmp_path: Path, gallery: Gallery) -> None:
    """Refused: nothing is removed, blocked or uploaded, and the step is over."""

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            view = await house.answer(incident, "containment.removal.approve", "refuse")
            assert not {f"containment.removal.{one}" for one in ("remove", "block", "prove")} & set(view.operations)
            assert len(gallery.objects) == 4
            assert not gallery.blocked
            assert not [call for call in gallery.calls if call[0] == "DELETE" or call[1] == "/upload"]

    run(story)
