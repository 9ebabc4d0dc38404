"""Every page of the console: whole for everybody, at every width, in light and dark, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.browser.checks import OUTLINE, looks
from tests.browser.site import Site, person
from tests.browser.tour import NO_PAGES, PAGES, Tour

from firedoor.interfaces.web.security.route_table import ROUTES

pytestmark = pytest.mark.slow


@pytest.fixture(name="tour", scope="module")
def _tour(site: Site) -> Tour:
    return Tour(site)


@pytest.fixture(name="window", scope="module")
def _window(site: Site, browser: Any) -> Iterator[Any]:
    with person(browser, site, "ann", reduced_motion="reduce") as (page, _):  # no colour is caught half way
        yield page


@pytest.fixture(name="plain", scope="module")
def _plain(site: Site, browser: Any) -> Iterator[Any]:
    with person(browser, site, "ann", java_script_enabled=False) as (page, _):
        yield page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_for_everybody(site: Site, tour: Tour, window: Any, plain: Any, path: str) -> None:
    """No serious fault at any look, and without scripts the same page."""
    answer = window.goto(site.url + tour.address(path))
    assert answer.status == 200, window.inner_text("body")[:500]
    assert looks(window) == []
    plain.goto(site.url + tour.address(path))
    assert plain.evaluate(OUTLINE) == window.evaluate(OUTLINE)


def test_what_is_no_page_is_in_the_table() -> None:
    """The list of exceptions holds nothing that is gone."""
    assert [path for path in NO_PAGES if ("GET", path) not in ROUTES] == []


def test_the_menu_names_every_page_once(site: Site, window: Any) -> None:
    """Two people who add the same page to the menu add it twice."""
    window.goto(site.url)
    named = window.eval_on_selector_all("header nav a", "(links) => links.map((link) => link.getAttribute('href'))")
    assert len(named) == len(set(named))
