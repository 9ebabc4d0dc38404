"""Single sign-on at a provider that others wrote, as a process of its own: a person clicks, and is in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.parts import free_port, python_part
from tests.patience import stop, until
from tests.support.api_house import House, house

USERS = (
    {"sub": "7", "email": "ann@example.org", "email_verified": True, "name": "Ann", "groups": ["ir", "everybody"]},
    {"sub": "8", "email": "eve@example.org", "email_verified": True, "groups": ["everybody"]},
)
BACK = "http://firedoor/sign-in/single/back"
pytestmark = pytest.mark.slow


@pytest.fixture(name="issuer", scope="module")
def _issuer() -> Iterator[str]:
    port = free_port()
    strict = ["--require-nonce", "1", "--require-registration", "1"]
    users = [word for user in USERS for word in ("--user-claims", json.dumps(user))]
    program = [str(python_part("oidc") / "oidc-provider-mock"), "--port", str(port), *strict, *users]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(port), process, "the provider")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/jwks", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(name="built")
async def _built(issuer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house that is registered at the provider as a client."""
    async with httpx.AsyncClient(base_url=issuer, trust_env=False) as there:
        client = (await there.post("/oauth2/clients", json={"redirect_uris": [BACK]})).json()
    monkeypatch.setenv("CLIENT_SECRET", client["client_secret"])
    settings = {
        "oidc_issuer": issuer, "oidc_client_id": client["client_id"], "oidc_roles": "ir=responder",
        "oidc_client_secret": "secret://env/CLIENT_SECRET", "public_url": "http://firedoor",
    }  # fmt: skip
    async with house(tmp_path, **settings) as built:
        yield built


async def clicked(browser: httpx.AsyncClient, **form: str) -> httpx.Response:
    """Go to the provider, fill its form in, and come back with what it says."""
    sent = await browser.get("/sign-in/single?next=/api/v1/me")
    assert sent.status_code == 303, sent.text
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        leads = await elsewhere.post(sent.headers["location"], data=form)
    assert leads.headers["location"].startswith(BACK), leads.text
    return await browser.get(leads.headers["location"])


async def test_somebody_clicks_and_is_in(built: House) -> None:
    """With the roles of their groups, where they wanted to go, and again the next day as the same account."""
    for _ in range(2):
        browser = built.client()
        back = await clicked(browser, sub="7")
        assert (back.status_code, back.headers.get("location")) == (303, "/api/v1/me"), back.text
        me = (await browser.get("/api/v1/me")).json()
        assert (me["name"], me["roles"]) == ("ann@example.org", ["responder"])


@pytest.mark.parametrize("form", [{"sub": "8"}, {"action": "deny"}], ids=["no group of ours", "denied there"])
async def test_others_stay_out(built: House, form: dict[str, str]) -> None:
    """Somebody without a group that has a role here, and somebody who did not consent."""
    browser = built.client()
    back = await clicked(browser, **form)
    assert (back.status_code, "W109" in back.text) == (403, True)
    assert (await browser.get("/api/v1/me")).status_code == 401
