"""The first page, as it stands open all night: what happens shows, without scripts too, and to those who may know."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.site import SIZES, Site, person, sign_in, visitor

pytestmark = pytest.mark.slow


@SIZES
def test_what_happens_shows_by_itself(site: Site, browser: Any, size: Any) -> None:
    """A new incident stands on the page within seconds, without anybody loading it again."""
    with person(browser, site, "ann", viewport=size) as (page, _):
        incident = site.open()
        page.wait_for_selector(f"text={incident}", timeout=20_000)


@SIZES
def test_it_reads_without_scripts(site: Site, browser: Any, size: Any) -> None:
    """The same words, times in UTC."""
    incident = site.open()
    with visitor(browser, site, java_script_enabled=False, viewport=size) as (page, _):
        sign_in(page, site, "ann")
        text = page.inner_text("main")
        assert incident in text
        assert "UTC" in text


@SIZES
def test_a_reader_sees_of_a_closed_incident_its_number(site: Site, browser: Any, size: Any) -> None:
    """Need-to-know holds in the browser, too."""
    incident = site.open("nonconsensual-generation")
    with person(browser, site, "eve", viewport=size) as (page, _):
        row = page.inner_text(f"tr:has-text('{incident}')")
        assert "restricted: need to know" in row
        assert page.locator(f"a[href='/incidents/{incident}']").count() == 0
