"""Coming in and going out in a browser: wrong words, one-time codes, the way back, and what a session's end leaves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import sqlite3
import struct
import time
from typing import Any

import pytest
from tests.browser.checks import faults
from tests.browser.site import SIZES, WORD, Site, visitor

pytestmark = pytest.mark.slow
PAGE = "/incidents?open=true&severity=high"


@pytest.fixture(name="name")
def _name(site: Site, size: Any) -> str:
    """Somebody of this journey alone, so that no failed attempt counts against anybody else."""
    name = f"kim{len(site.heard)}-{size['width']}"
    site.post("/accounts", {"name": name, "display": "Kim", "roles": ["responder"], "password": WORD})
    return name


def fill(page: Any, name: str, password: str, code: str = "") -> None:
    """Fill the form in and send it."""
    for field, value in (("name", name), ("password", password), ("code", code)):
        page.fill(f"#{field}", value)
    page.click("main button")


def one_time_code(secret: str) -> str:
    """The six digits that an authenticator shows now (RFC 6238 with SHA-1 and steps of 30 s)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def expire(site: Site, name: str) -> None:
    """Let the whole time of a session pass, as its row says."""
    with sqlite3.connect(site.folder / "firedoor.db", timeout=30) as connection:
        connection.execute("UPDATE session SET expires_at = opened_at WHERE account = ?", (name,))
    connection.close()


@SIZES
def test_wrong_words_are_told_and_the_way_back_is_kept(site: Site, browser: Any, size: Any, name: str) -> None:
    """The name stays, the password does not; with the right one the page opens that was wanted in the first place."""
    with visitor(browser, site, viewport=size) as (page, heard):
        page.goto(site.url + PAGE)
        assert "/sign-in" in page.url
        assert not faults(page)
        heard.expected.append("403")  # the answer to wrong words
        fill(page, name, "not the one it is")
        assert "[A306]" in page.inner_text("[role=alert]")
        assert not faults(page)
        assert (page.input_value("#name"), page.input_value("#password")) == (name, "")
        fill(page, name, WORD)
        page.wait_for_url(site.url + PAGE)
        assert page.input_value("#severity") == "high"


@SIZES
def test_a_one_time_code_is_asked_for_and_good_once(site: Site, browser: Any, size: Any, name: str) -> None:
    """The password alone does not do; the code of now does; whoever looked on cannot use it again."""
    secret = site.post(f"/accounts/{name}/one-time-codes", {})["secret"]
    with visitor(browser, site, viewport=size) as (page, heard):
        heard.expected.append("403")
        page.goto(f"{site.url}/sign-in")
        fill(page, name, WORD)
        assert "code" in page.inner_text("[role=alert]")
        code = one_time_code(secret)
        fill(page, name, WORD, code)
        page.wait_for_url(f"{site.url}/")
        page.click("text=Sign out")
        page.wait_for_url("**/sign-in")
        fill(page, name, WORD, code)
        assert page.locator("[role=alert]").count() == 1


@SIZES
def test_who_signed_out_leaves_nothing_behind(site: Site, browser: Any, size: Any, name: str) -> None:
    """Going back in the browser shows the form, not the page that was open before."""
    with visitor(browser, site, viewport=size) as (page, _):
        page.goto(site.url + PAGE)
        fill(page, name, WORD)
        page.wait_for_url(site.url + PAGE)
        page.click("text=Sign out")
        page.wait_for_url("**/sign-in")
        page.go_back()
        page.wait_for_url("**/sign-in?next=*")
        assert page.locator("h1").inner_text() == "Sign in"


@SIZES
def test_a_session_that_ended_leads_back_to_the_page(site: Site, browser: Any, size: Any, name: str) -> None:
    """A page that stands open all night asks for the password by itself when something happens, and comes back."""
    incident = site.open()
    with visitor(browser, site, viewport=size) as (page, heard):
        heard.expected += ["401", "net::ERR"]  # the line for events that ends with the session
        page.goto(f"{site.url}/incidents/{incident}")
        fill(page, name, WORD)
        page.wait_for_selector("body[data-line='open']", state="attached")
        expire(site, name)
        site.post(f"/incidents/{incident}/facts", {"facts": {"severity": "high"}, "why": "seen"})
        page.wait_for_url("**/sign-in?next=*", timeout=30_000)
        fill(page, name, WORD)
        page.wait_for_url(f"{site.url}/incidents/{incident}")


@SIZES
def test_words_that_come_too_late_are_given_back(site: Site, browser: Any, size: Any, name: str) -> None:
    """Signed out while writing: the page waits, and what is sent all the same is shown to be copied."""
    incident = site.open()
    task = site.tasks(incident)[0]["name"]
    with visitor(browser, site, viewport=size) as (page, heard):
        heard.expected += ["401", "net::ERR"]
        page.goto(f"{site.url}/incidents/{incident}/tasks/{task}")
        fill(page, name, WORD)
        page.fill("#why", "half a sentence")
        expire(site, name)
        site.post(f"/incidents/{incident}/facts", {"facts": {"severity": "high"}, "why": "seen"})
        page.wait_for_timeout(2500)
        assert page.input_value("#why") == "half a sentence"
        page.check("input[name='choice'] >> nth=0")
        page.click("section:has(#choices) form p:last-child button")
        page.wait_for_selector("h1:has-text('Not sent')")
        assert page.locator("textarea").filter(has_text="half a sentence").count() == 1
        page.click("main a:text-is('Sign in')")
        fill(page, name, WORD)
        page.wait_for_url(f"{site.url}/incidents/{incident}/tasks/{task}")
