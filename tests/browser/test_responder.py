"""What a responder does in a night, in a browser, at a desk and on a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.browser.site import SIZES, Site, decide, person
from tests.browser.tour import FACTS, LEAK, confirmed

pytestmark = pytest.mark.slow
CLOCK = "eu.gdpr.art33.sa"
SOON = 30_000  # milliseconds


@pytest.fixture(autouse=True)
def _open_again(site: Site) -> None:
    """Every journey finds every model answering."""
    site.far_end.reset()


@SIZES
def test_a_playbook_is_looked_at_and_then_started(site: Site, browser: Any, size: Any) -> None:
    """The dry run shows what would be called and does nothing; the start leads to the incident."""
    before = len(site.api.get("/incidents").json()["incidents"])
    with person(browser, site, "ann", "/playbooks", viewport=size) as (page, _):
        page.click(f"h2 a[href='/playbooks/{LEAK}']")
        page.click("main >> text=Start")
        page.fill("input[name='fact.endpoint']", "chat-large")
        page.select_option("select[name='fact.severity']", "medium")
        page.click("text=Dry run")
        assert "Nothing has been done" in page.inner_text("section:has(#dry)")
        assert len(site.api.get("/incidents").json()["incidents"]) == before
        assert page.input_value("input[name='fact.endpoint']") == "chat-large"
        page.fill("#why", "seen in the log of the gateway")
        page.click("text=Start now")
        page.wait_for_url(re.compile(r"/incidents/INC-[\d-]+$"))
        page.wait_for_selector("text=What came out of chat-large?", timeout=SOON)


@SIZES
def test_the_closing_of_an_endpoint_shows_by_itself(site: Site, browser: Any, size: Any) -> None:
    """Somebody else approves; the page shows the proof and says so to those who do not see it."""
    incident = site.open(**FACTS)
    confirmed(site, incident, close=False)
    task = site.task(incident, "containment.suspend")
    with person(browser, site, "ann", f"/incidents/{incident}", viewport=size) as (page, _):
        page.wait_for_selector("body[data-line='open']", state="attached")
        page.evaluate("window.sameDocument = true")
        site.answer(incident, task, "approve")
        page.wait_for_selector("section:has(#targets) h3:has-text('suspended')", timeout=SOON)
        assert page.evaluate("window.sameDocument")
        assert "chat-large suspended" in page.inner_text("#heard")
        assert "refuses" in page.inner_text("section:has(#targets)")


def test_a_server_that_is_busy_for_a_moment_reloads_no_page(site: Site, browser: Any) -> None:
    """What stands in a form, and where somebody reads, outlasts a 503; what happened meanwhile is shown afterwards."""
    with person(browser, site, "ann") as (page, heard):
        page.wait_for_selector("body[data-line='open']", state="attached")
        page.evaluate("window.sameDocument = true")
        heard.expected.append("503")
        page.route(f"{site.url}/", lambda route: route.fulfill(status=503, body="busy"), times=1)
        incident = site.open(**FACTS)
        page.wait_for_selector(f"main >> text={incident}", timeout=SOON)
        assert page.evaluate("window.sameDocument")


@SIZES
def test_a_task_is_answered_with_a_reason(site: Site, browser: Any, size: Any) -> None:
    """Without a reason the form is not sent; with one the decision stands there, with name and reason."""
    incident = site.open(**FACTS)
    task = site.task(incident, "identification.incident-type")
    with person(browser, site, "ann", f"/incidents/{incident}/tasks/{task}", viewport=size) as (page, _):
        decide(page, "other_user", "")
        assert page.evaluate("document.activeElement.id") == "why"
        assert site.tasks(incident)[0]["name"] == task
        decide(page, "other_user", "A asked and got what B had typed")
        text = page.inner_text("section:has(#answers)", timeout=SOON)
        assert "A asked and got what B had typed" in text
        assert "ann as commander" in text


@SIZES
def test_a_task_is_answered_without_scripts(site: Site, browser: Any, size: Any) -> None:
    """The form is a form: it is sent and answered without any script."""
    incident = site.open(**FACTS)
    task = site.task(incident, "identification.incident-type")
    at = f"/incidents/{incident}/tasks/{task}"
    with person(browser, site, "ann", at, java_script_enabled=False, viewport=size) as (page, _):
        decide(page, "training_data", "word for word")
        assert "word for word" in page.inner_text("section:has(#answers)")


@SIZES
def test_an_answer_to_an_old_page_is_shown_what_is_new(site: Site, browser: Any, size: Any) -> None:
    """Somebody corrects a fact meanwhile; nothing is decided, and what was typed is kept."""
    incident = site.open(**FACTS)
    task = site.task(incident, "identification.incident-type")
    with person(browser, site, "ann", f"/incidents/{incident}/tasks/{task}", viewport=size) as (page, heard):
        heard.expected.append("409")  # the answer that is not taken
        site.post(f"/incidents/{incident}/facts", {"facts": {"people_affected": "900"}, "why": "counted again"})
        decide(page, "training_data", "word for word")
        assert "counted again" in page.inner_text("section:has(#news)")
        assert page.input_value("#why") == "word for word"
        assert site.tasks(incident)[0]["name"] == task


@SIZES
def test_a_clock_starts_and_runs(site: Site, browser: Any, size: Any) -> None:
    """It stands there before the decision, which starts it no second time, and has less left an hour later."""
    incident = site.open(**FACTS)
    with person(browser, site, "dee", f"/incidents/{incident}", viewport=size) as (page, _):
        row = page.locator(f"[id='clock-{CLOCK}']")
        row.wait_for(timeout=SOON)
        confirmed(site, incident)
        assert "2 d 23 h" in row.locator(".countdown").inner_text()
        assert "provisional" not in row.locator(".countdown").get_attribute("class")
        page.clock.install()
        page.goto(page.url)
        page.clock.fast_forward("02:00:00")
        row.locator(".countdown:has-text('2 d 21 h')").wait_for(timeout=SOON)
