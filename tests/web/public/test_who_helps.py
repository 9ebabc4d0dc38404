"""The page of who helps, as a person without scripts uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.api_house import House, house
from tests.web.public.test_takedown import HTML, ask, body, path_of

from firedoor.interfaces.web.public import pages


@pytest.fixture(name="firedoor")
async def _firedoor(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "data") as built:
        yield built


async def test_by_country_and_age_with_source_and_day(firedoor: House) -> None:
    """A child in France, an adult there, and a country that nobody names; nothing is kept."""
    stranger = firedoor.client()
    child = await stranger.get("/report/help?country=FR&age_under_18=yes&lang=fr", headers=HTML)
    assert child.status_code == 200
    assert "3018" in child.text
    assert "https://takeitdown.ncmec.org/" in child.text
    assert "stopncii" not in child.text
    assert "solidarites.gouv.fr" in child.text
    assert "2026-11-30" in child.text
    assert "set-cookie" not in child.headers
    adult = await stranger.get("/report/help?country=FR&age_under_18=no", headers=HTML)
    assert "https://stopncii.org/" in adult.text
    assert "takeitdown" not in adult.text
    nowhere = await stranger.get("/report/help?country=%3Cb%3E&age_under_18=x", headers=HTML)
    assert nowhere.status_code == 200
    assert "<b>" not in nowhere.text
    assert "https://stopncii.org/" in nowhere.text
    unsure = await stranger.get("/report/help?country=AT&age_under_18=yes&lang=de", headers=HTML)
    assert pages.words("de")["help_sure_low"] in unsure.text


async def test_the_status_page_of_a_child_leads_to_what_is_for_children(firedoor: House) -> None:
    """And that of anybody else to both; the form leads there as well."""
    receipt = await ask(firedoor, body(age_under_18=True))
    stranger = firedoor.client()
    assert "age_under_18=yes" in (await stranger.get(path_of(receipt), headers=HTML)).text
    assert "/report/help?lang=en" in (await stranger.get("/report", headers=HTML)).text
