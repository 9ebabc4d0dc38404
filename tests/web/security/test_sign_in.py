"""Signing in on the console: passwords, tickets, the cookie, and forms that only our own pages may send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.api_house import House, house, problems

from firedoor.interfaces.web.http.session import COOKIE, way_back
from firedoor.store.identity.accounts import Account, create_account
from firedoor.store.identity.sessions import csrf_of
from firedoor.testing.passwords import quick

WORD = "a door that shuts by itself"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        world = built.runtime.world
        create_account(
            world.store, Account("ann", "Ann", frozenset({"responder", "commander"})), quick(WORD), world.now()
        )
        yield built


async def signed_in(built: House) -> httpx.AsyncClient:
    """A browser of Ann's."""
    browser = built.client()
    answer = await browser.post("/sign-in", data={"name": "ann", "password": WORD, "next": "/api/v1/me"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/api/v1/me")
    return browser


async def test_a_password_opens_a_session(built: House) -> None:
    """The cookie says who it is; scripts cannot read it, and other sites' forms do not send it."""
    browser = built.client()
    answer = await browser.post("/sign-in", data={"name": "ann", "password": WORD})
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=lax" in said
    me = (await browser.get("/api/v1/me")).json()
    assert (me["name"], me["roles"], me["local"]) == ("ann", ["commander", "responder"], False)


async def test_a_wrong_password_says_so_on_the_page(built: House) -> None:
    """The form comes back with the name, the problem and no cookie."""
    answer = await built.client().post("/sign-in", data={"name": "ann", "password": "not the one it is"})
    assert answer.status_code == 403
    assert "A306" in answer.text
    assert "set-cookie" not in answer.headers
    assert "not the one it is" not in answer.text


async def test_a_browser_without_a_session_is_sent_to_sign_in_and_back(built: House) -> None:
    """A program gets a 401 with words; a person gets the page, and comes back to where they were."""
    browser = built.client(headers={"accept": "text/html"})
    browser.cookies.set(COOKIE, "made-up")
    assert (await browser.get("/api/v1/me")).status_code == 401
    page = await browser.get("/sign-in?next=/incidents/INC-1")
    assert 'value="/incidents/INC-1"' in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]


async def test_a_change_needs_the_sessions_own_token(built: House) -> None:
    """With the cookie alone another site could act for somebody; the page's token is what makes it theirs."""
    browser = await signed_in(built)
    body = {"playbook": "model-data-leakage", "why": "test"}
    assert problems(await browser.post("/api/v1/incidents", json=body)) == ["W107"]
    token = csrf_of(browser.cookies[COOKIE])
    answer = await browser.post("/api/v1/incidents", json=body, headers={"x-csrf-token": token})
    assert answer.status_code == 201


async def test_signing_out_ends_it(built: House) -> None:
    """The cookie is worth nothing afterwards, wherever it was copied, and the browser keeps no page."""
    browser = await signed_in(built)
    secret = browser.cookies[COOKIE]
    left = await browser.post("/sign-out", data={"csrf": csrf_of(secret)})
    assert '"cache"' in left.headers["clear-site-data"]
    again = built.client()
    again.cookies.set(COOKIE, secret)
    assert (await again.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("header", [{"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}])
async def test_another_site_cannot_sign_somebody_in(built: House, header: dict[str, str]) -> None:
    """Else a person might work under a stranger's name without seeing it."""
    answer = await built.client(headers=header).post("/sign-in", data={"name": "ann", "password": WORD})
    assert problems(answer) == ["W181" if "origin" in header else "W107"]


async def test_this_machines_user_comes_by_a_ticket(built: House) -> None:
    """The local token buys a way in that works once; looking at it does not use it up."""
    path = (await built.local.post("/api/v1/console-ticket", json={})).json()["path"]
    browser = built.client()
    assert (await browser.get(path)).status_code == 200
    assert (await browser.post(path)).status_code == 303
    assert (await browser.get("/api/v1/me")).json()["local"] is True
    assert "W108" in (await built.client().post(path)).text
    answer = await built.holding("bob", "admin").post("/api/v1/console-ticket", json={})
    assert problems(answer) == ["W103"]


@pytest.mark.parametrize("given", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere", "x", "/a\nb"])
def test_nobody_is_led_away(given: str) -> None:
    """Only a path of ours is a way back."""
    assert way_back(given) == "/"
    assert way_back("/incidents/INC-1?x=1") == "/incidents/INC-1?x=1"


async def test_an_administrator_keeps_the_accounts(built: House) -> None:
    """Made, listed without secrets, changed, disabled: the session of a disabled account ends."""
    admin = built.holding("root", "admin")
    made = await admin.post("/api/v1/accounts", json={"name": "bo", "roles": ["viewer"], "password": WORD})
    assert made.status_code == 201
    browser = built.client()
    await browser.post("/sign-in", data={"name": "bo", "password": WORD})
    assert (await browser.get("/api/v1/me")).json()["roles"] == ["viewer"]
    listed = await admin.get("/api/v1/accounts")
    assert "argon2" not in listed.text
    assert (await admin.patch("/api/v1/accounts/bo", json={"disabled": True})).status_code == 200
    assert (await browser.get("/api/v1/me")).status_code == 401
    assert problems(await admin.patch("/api/v1/accounts/bo", json={"roles": ["no role"]})) == ["W130"]


OWN = {
    "accept": "text/html",
    "sec-fetch-site": "same-origin",
    "referer": "http://firedoor/incidents/INC-1/tasks/T1?x=1",
}
WROTE = {"why": "the record <b>fits</b>", "csrf": "x" * 20, "password": "a secret of mine", "choice": "yes"}


@pytest.mark.parametrize("known", [False, True], ids=["signed out", "signed in anew"])
async def test_what_somebody_wrote_is_given_back_when_it_cannot_be_taken(built: House, known: bool) -> None:
    """To copy, with the way back to the page; never a password, and nothing is done."""
    browser = await signed_in(built) if known else built.client()
    answer = await browser.post("/incidents/INC-1/tasks/T1", data=WROTE, headers=OWN)
    assert answer.status_code == (403 if known else 401)
    assert "the record &lt;b&gt;fits&lt;/b&gt;</textarea>" in answer.text
    assert "/incidents/INC-1/tasks/T1" in answer.text
    assert "a secret of mine" not in answer.text
    assert "x" * 20 not in answer.text


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
async def test_another_sites_form_is_not_repeated(built: House, site: str) -> None:
    """Its words would stand on a page of ours; it leads to signing in, as before."""
    headers = {**OWN, "sec-fetch-site": site, "referer": "https://elsewhere.example/incidents"}
    answer = await built.client().post("/incidents/INC-1/tasks/T1", data=WROTE, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2F")
