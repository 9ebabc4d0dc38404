"""One server and one Chromium for all journeys of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser.site import CHROMIUM, Site, launched
from tests.conftest import require


@pytest.fixture(name="site", scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    site = Site(folder)
    yield site
    site.stop()


@pytest.fixture(name="browser", scope="module")  # Playwright keeps an event loop running in this thread meanwhile
def _browser() -> Iterator[Any]:
    require("Chromium", CHROMIUM.exists())
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _nothing_wrong_is_heard(site: Site) -> Iterator[None]:
    """No journey forgets to ask: an error of the console, or a request to anybody else, fails it."""
    yield
    assert [wrong for heard in site.heard for wrong in heard.wrong()] == []
