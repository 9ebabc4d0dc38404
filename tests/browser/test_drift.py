"""A model that was closed serves again, and nobody opened it here: who sees it, where, and what they do about it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from tests.browser.site import SIZES, Site, decide, person
from tests.browser.tour import FACTS, confirmed

pytestmark = pytest.mark.slow
SOON = 30_000  # milliseconds


def look(site: Site, incident: str) -> None:
    """Let the next look at what an incident holds be due now, instead of in ten minutes."""
    with sqlite3.connect(site.folder / "firedoor.db", timeout=30) as connection:
        connection.execute("UPDATE hold SET next_look = since WHERE incident = ?", (incident,))
    connection.close()


@SIZES
def test_what_is_opened_behind_our_back_is_seen_and_closed_again(site: Site, browser: Any, size: Any) -> None:
    """The overview says so by itself and leads to the question; the answer closes it, and the alarm goes."""
    site.far_end.reset()
    incident = site.open(**FACTS)
    confirmed(site, incident)
    alarm = f".alarm li:has-text('{incident}')"
    with person(browser, site, "ann", viewport=size) as (page, _):
        page.wait_for_selector("body[data-line='open']", state="attached")
        assert page.locator(alarm).count() == 0
        site.far_end.put({"state": "active", "changed_by": "a colleague", "reason": "a deployment"})
        look(site, incident)
        page.wait_for_selector(alarm, timeout=SOON)
        heard = page.wait_for_selector("#heard:not(:empty)", state="attached", timeout=SOON).inner_text()
        assert f"{incident}: a target is not safely closed: chat-large is answering again" in heard
        page.click(f"{alarm} >> text=chat-large is answering again")
        assert "Should be closed, but is answering again" in page.inner_text("h2#now")
        page.click(f"li:has(a[href='/incidents/{incident}']) >> text=Open tasks")
        said = page.inner_text("section:has(#targets) li:has-text('chat-large') .problem")
        assert said.startswith("It is answering again.")
        page.click("text=A suspended target serves again: chat-large. Close it again?")
        decide(page, "close_again", "nobody agreed to this")
        site.wait_for(lambda: site.api.get(f"/incidents/{incident}").json()["targets"][0]["state"] == "suspended")
        page.goto(site.url)
        assert page.locator(alarm).count() == 0
