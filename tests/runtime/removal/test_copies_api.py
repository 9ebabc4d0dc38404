"""Copies by the API and for the person: what is told to whom, what people may decide, and what is put back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.contract.rigs_support.gallery import Gallery
from tests.runtime.removal.test_removal import ADA, begin, confirmed, driven, gallery, named

from firedoor.core.notices.copies import in_words
from firedoor.core.person import Person
from firedoor.core.problems import NotPermitted, Refused
from firedoor.core.reporting.copies import receipt, told
from firedoor.core.tasks.request_actions import Told

__all__ = ["gallery"]


def test_a_person_gets_a_receipt_without_the_places_of_others(tmp_path: Path, gallery: Gallery) -> None:
    """Their own places by number, further copies by count, when it was looked at; no place of anybody."""

    async def story() -> None:
        async with driven(tmp_path, gallery) as house:
            incident = await begin(house)
            mine = Told(locators=(f"{gallery.url}/media/posts/8812", "https://elsewhere.example/1"), requester="Ann")
            await house.service.receive_request(incident, "removal", None, mine, "a letter", ADA)
            await confirmed(house, incident)
            view = house.view(incident)
            given = receipt(view, next(iter(view.requests.values())))
            assert given is not None
            assert [one["state"] for one in given["places"]] == ["gone", "open"]
            counts = [given[name] for name in ("copies", "copies_away", "copies_gone", "copies_open")]
            assert (counts, given["upload_refused"]) == ([2, 2, 2, 0], True)
            assert "mirror/77" not in str(given)
            places, copies = in_words(view)
            assert "gone, seen from outside" in places
            assert "among 4 stored items" in copies
            assert not any(place in places + copies for place in ("mirror", "posts", "edits"))

    asyncio.run(story())


def test_what_was_removed_wrongly_is_put_back_and_looked_at(tmp_path: Path, gallery: Gallery) -> None:
    """Where the store can: it is there again, and is no longer watched. Where it cannot, that is said."""
    can = {"via": "http", "config": {
        "base": gallery.url, "path": "/api/objects", "restore": {"method": "POST", "suffix": ""},
        "headers": {"authorization": "Bearer the-gallery-trusts-this"},
    }}  # fmt: skip

    async def story() -> None:
        async with driven(tmp_path, gallery, removal=can) as house:
            incident = await begin(house)
            await confirmed(house, incident)
            copy = named(house.view(incident), "edits/5")
            with pytest.raises(NotPermitted):
                await house.service.restore_copy(incident, copy.name, "wrong", Person("Vic", frozenset(("viewer",))))
            view = await house.service.restore_copy(incident, copy.name, "it is a painting", ADA)
            assert str(named(view, "edits/5").state) == "not_the_same"
            assert "edits/5" in gallery.objects
            with pytest.raises(Refused):
                await house.service.restore_copy(incident, copy.name, "again", ADA)
            assert [one["name"] for one in told(view) if one["can_be_put_back"]] == ["C1", "C2", "C3"]

    asyncio.run(story())
