"""The first minute on the console: signing in, the overview, and what somebody without scripts reads."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.checks import faults
from tests.browser.site import Site, person, sign_in, visitor

pytestmark = pytest.mark.slow


def test_a_stranger_signs_in_and_comes_back_to_the_page_they_wanted(site: Site, browser: Any) -> None:
    """The page leads to the form, the form back to the page; signing out ends it."""
    with visitor(browser, site) as (page, _):
        page.goto(f"{site.url}/?from=mail")
        assert "/sign-in" in page.url
        assert not faults(page)
        page.fill("#name", "ann")
        page.fill("#password", "a door that shuts by itself")
        page.click("main button")
        page.wait_for_url("**/?from=mail")
        page.click("text=Sign out")
        page.goto(f"{site.url}/")
        assert "/sign-in" in page.url


def test_what_happens_shows_by_itself(site: Site, browser: Any) -> None:
    """A new incident stands on the page within seconds, without anybody loading it again."""
    with person(browser, site, "ann") as (page, heard):
        incident = site.open()
        page.wait_for_selector(f"text={incident}", timeout=20_000)
        assert not heard.errors


def test_it_reads_without_scripts(site: Site, browser: Any) -> None:
    """The same words, times in UTC."""
    incident = site.open()
    with visitor(browser, site, java_script_enabled=False) as (page, _):
        sign_in(page, site, "ann")
        text = page.inner_text("main")
        assert incident in text
        assert "UTC" in text


def test_a_reader_sees_of_a_closed_incident_its_number(site: Site, browser: Any) -> None:
    """Need-to-know holds in the browser, too."""
    incident = site.open("nonconsensual-generation")
    with person(browser, site, "eve") as (page, _):
        row = page.inner_text(f"tr:has-text('{incident}')")
        assert "open only to those who need to know" in row
        assert page.locator(f"a[href='/incidents/{incident}']").count() == 0
