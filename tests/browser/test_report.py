"""The page for people whose image is used, in a browser: with scripts and without, and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.checks import looks
from tests.browser.site import PHONE, Site, visitor
from tests.support import drawn

pytestmark = pytest.mark.slow
STATUS = "**/report/status/**"


def shown(page: Any) -> str:
    return str(page.inner_text("main"))


def requests(site: Site, number: str) -> list[dict[str, Any]]:
    """The requests of all incidents that have this number."""
    found = []
    for incident in site.api.get("/incidents?limit=200").json()["incidents"]:
        told = site.api.get(f"/incidents/{incident['id']}/requests").json()["requests"]
        found += [one for one in told if one["reference"] == number]
    return found


def test_an_adult_with_a_hash_made_in_the_page(site: Site, browser: Any) -> None:
    """From the form on a phone to the status page: a number, the hash with the request, and no cookie on the way."""
    with visitor(browser, site, viewport=PHONE) as (page, _):
        page.goto(f"{site.url}/report?lang=en")
        page.check("input[name='is'][value='me']")
        page.check("input[name='age_under_18'][value='no']")
        page.fill("#locators", "https://example.org/post/8812")
        picture = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": drawn.jpeg(drawn.drawn(1, (640, 480)), 90)}
        page.set_input_files("#picture", [picture])
        page.wait_for_function("() => document.querySelector('input[name=hashes]').value.includes('pdq:')")
        for word in ("no_consent", "intimate", "standing", "truth"):
            page.check(f"input[name='declares'][value='{word}']")
        page.fill("#contact", "person@example.org")
        page.fill("#signature", "Invented Person")
        page.click("text=Send the request")
        page.wait_for_url(STATUS)
        assert "Save this address" in shown(page)
        number = page.inner_text("dd strong")
        told = site.wait_for(lambda: requests(site, number))
        page.reload()
        assert "It is with the people who decide about it." in shown(page)
        assert page.context.cookies() == []
    assert "https://example.org/post/8812" in told[0]["request_locators"]


def test_a_parent_without_scripts_who_adds_the_rest(site: Site, browser: Any) -> None:
    """The advice for a child shows by itself; what comes later is added on the status page."""
    with visitor(browser, site, java_script_enabled=False) as (page, _):
        page.goto(f"{site.url}/report?lang=de")
        assert not page.is_visible(".child")
        page.check("input[name='is'][value='parent']")
        page.check("input[name='age_under_18'][value='yes']")
        assert "keine Screenshots" in page.inner_text(".child")
        assert not page.is_visible("#picture")
        page.fill("#statement", "Das Konto heisst example7.")
        page.check("input[name='declares'][value='truth']")
        page.click("form button")
        page.wait_for_url(STATUS)
        number = page.inner_text("dd strong")
        site.wait_for(lambda: requests(site, number))
        page.reload()
        page.fill("#contact", "eltern@example.org")
        page.fill("#signature", "Erfundene Person")
        page.fill("#locators", "https://example.org/example7")
        page.click("form button")
        page.wait_for_load_state()
        assert number in shown(page)
    (request,) = requests(site, number)
    assert (request["requester"], request["requester_contact"]) == ("Erfundene Person", "eltern@example.org")


def test_what_is_wrong_is_said_beside_what_was_typed(site: Site, browser: Any) -> None:
    """Nothing is lost, and the first words that a screen reader meets are what is wrong."""
    with visitor(browser, site) as (page, heard):
        heard.expected.append("422")
        page.goto(f"{site.url}/report?lang=fr")
        page.check("input[name='is'][value='me']")
        page.fill("#statement", "gardez ceci")
        page.fill("#locators", "data:image/png;base64,AAAA")
        page.click("form button")
        assert "image elle-même" in page.inner_text("[role=alert]")
        assert page.input_value("#statement") == "gardez ceci"
        assert looks(page) == []
        assert page.is_checked("input[name='is'][value='me']")
