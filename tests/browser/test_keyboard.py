"""The console without a mouse and without seeing it: the order of the keys, what has the focus, and what is said."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.site import PHONE, SIZES, Site, person
from tests.browser.tour import FACTS, LEAK, confirmed

pytestmark = pytest.mark.slow
FOCUSED = "document.activeElement"
RING = f"(() => {{ const s = getComputedStyle({FOCUSED}); return [s.outlineStyle, parseFloat(s.outlineWidth)]; }})()"
HERE = f"[{FOCUSED}.tagName, {FOCUSED}.id || {FOCUSED}.name || {FOCUSED}.getAttribute('href') || ''].join(' ')"
SAID = "[aria-live], [role=status], [role=alert], [role=timer], [role=log], output"


def walk(page: Any, until: str, most: int = 120) -> list[str]:
    """Press Tab until something has the focus; return what had it on the way. Every one of them can be seen."""
    passed: list[str] = []
    while until not in (passed or [""])[-1]:
        assert len(passed) < most, f"{until} is not reached: {passed[-10:]}"
        page.keyboard.press("Tab")
        passed.append(page.evaluate(HERE))
        style, width = page.evaluate(RING)
        assert style != "none", f"nobody sees that {passed[-1]} has the focus"
        assert width >= 2, passed[-1]
    return passed


@SIZES
def test_the_first_key_leads_past_the_menu(site: Site, browser: Any, size: Any) -> None:
    """The skip link comes first, is seen, and leads to the content."""
    with person(browser, site, "ann", viewport=size) as (page, _):
        assert walk(page, "#main") == ["A #main"]
        assert page.locator(".skip").bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate(f"{FOCUSED}.closest('main') !== null")


def test_the_rest_of_the_menu_opens_by_keys_on_a_small_screen(site: Site, browser: Any) -> None:
    """Enter opens it, Tab walks into it, Escape closes it and gives the focus back; it needs no script."""
    with person(browser, site, "ann", viewport=PHONE, java_script_enabled=False) as (page, _):
        assert not page.is_visible("nav a[href='/targets']")
        walk(page, "BUTTON opens-more")
        page.keyboard.press("Enter")
        assert walk(page, "/targets") == ["A /targets"]
        page.keyboard.press("Escape")
        assert (page.is_visible("nav a[href='/targets']"), page.evaluate(HERE)) == (False, "BUTTON opens-more")
        page.keyboard.press("Enter")
        walk(page, "/targets")
        page.keyboard.press("Enter")
        page.wait_for_url("**/targets")
        assert page.is_visible("button.more")


@SIZES
def test_a_task_is_answered_by_keys_alone(site: Site, browser: Any, size: Any) -> None:
    """Tab reaches the choices, the reason and the button, in this order; arrows choose and Enter sends."""
    incident = site.open(**FACTS)
    task = site.task(incident, "identification.incident-type")
    with person(browser, site, "ann", f"/incidents/{incident}/tasks/{task}", viewport=size) as (page, _):
        passed = walk(page, "INPUT choice")
        assert passed[0] == "A #main"
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        walk(page, "TEXTAREA why")
        page.keyboard.type("A asked and got what B had typed")
        walk(page, "BUTTON")
        page.keyboard.press("Enter")
        assert "Another user's prompts" in page.inner_text("section:has(#answers)")


def test_the_start_form_is_sent_by_keys_alone(site: Site, browser: Any) -> None:
    """Enter in a field shows what would be done, and starts nothing by accident."""
    before = len(site.api.get("/incidents").json()["incidents"])
    with person(browser, site, "ann", f"/playbooks/{LEAK}/start") as (page, _):
        walk(page, "in-fact.endpoint")
        page.keyboard.type("chat-large")
        page.keyboard.press("Enter")
        page.wait_for_selector("#dry")
        assert len(site.api.get("/incidents").json()["incidents"]) == before


@pytest.mark.parametrize("where", ["/", "/incidents/{incident}", "/clocks"])
def test_no_second_is_read_aloud(site: Site, browser: Any, where: str) -> None:
    """No countdown stands in a part that is announced; what is announced is there before it has anything to say."""
    incident = site.open(**FACTS)
    confirmed(site, incident)
    with person(browser, site, "dee", where.format(incident=incident)) as (page, _):
        assert page.locator("time[data-countdown]").count() > 0
        assert page.locator(f":is({SAID}) time[data-countdown]").count() == 0
        assert page.locator("#heard[role=status]").inner_text() == ""
        assert page.locator("#line[role=status]").inner_text() == ""


def test_a_new_task_is_said_once_and_the_focus_stays(site: Site, browser: Any) -> None:
    """The part is renewed under a reader's hands: the question is announced, the link keeps the focus."""
    incident = site.open(**FACTS)
    with person(browser, site, "ann", f"/incidents/{incident}") as (page, _):
        page.wait_for_selector("body[data-line='open']", state="attached")
        walk(page, "/playbooks")
        site.answer(incident, site.task(incident, "identification.incident-type"), "training_data")
        page.wait_for_selector("#heard:has-text('Open task')", state="attached")
        assert "Is it real personal data" in page.text_content("#heard")
        assert page.evaluate(HERE) == "A /playbooks"


def test_a_lost_connection_is_seen_and_said(site: Site, browser: Any) -> None:
    """A page that can be old says so, and stops saying so when it is fresh again."""
    with person(browser, site, "ann") as (page, heard):
        heard.expected.append("net::ERR_FAILED")  # the line that is cut here
        page.wait_for_selector("body[data-line='open']", state="attached")
        page.route("**/api/v1/events*", lambda route: route.abort())
        page.reload()
        page.wait_for_selector("#line:has-text('What you see may be old')")
        page.unroute("**/api/v1/events*")
        page.wait_for_selector("body[data-line='open']", state="attached")
        assert page.inner_text("#line") == ""
