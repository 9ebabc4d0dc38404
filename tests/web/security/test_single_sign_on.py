"""Single sign-on against a provider on the loopback: what leads in, and everything that does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.support.api_house import House, house
from tests.support.provider import SECRET, Provider, provider

from firedoor.interfaces.web.security.oidc import checked_email, name_of_subject
from firedoor.store.identity.accounts import Account, change_account, create_account, list_accounts


@pytest.fixture(name="both")
async def _both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[House, Provider]]:
    monkeypatch.setenv("CLIENT_SECRET", SECRET)
    with provider() as there:
        settings = {
            "oidc_issuer": there.issuer, "oidc_client_id": "firedoor", "oidc_roles": "ir=responder, ir=commander,x=dpo",
            "oidc_client_secret": "secret://env/CLIENT_SECRET", "public_url": "http://firedoor",
        }  # fmt: skip
        async with house(tmp_path, **settings) as built:
            yield built, there


async def come(built: House, there: Provider, way: str = "/api/v1/me") -> tuple[httpx.AsyncClient, httpx.Response]:
    """Go to the provider and back with one browser."""
    browser = built.client()
    sent = await browser.get(f"/sign-in/single?next={way}")
    assert sent.status_code == 303, sent.text
    return browser, await browser.get(there.allow(sent.headers["location"]))


async def test_a_group_leads_in_with_its_roles(both: tuple[House, Provider]) -> None:
    """The account is made on the first visit; other groups of theirs give nothing; the way back is kept."""
    built, there = both
    there.claims["groups"] = ["ir", "everybody"]
    browser, back = await come(built, there)
    assert (back.status_code, back.headers["location"]) == (303, "/api/v1/me")
    me = (await browser.get("/api/v1/me")).json()
    assert (me["name"], me["roles"]) == ("ann@example.org", ["commander", "responder"])


async def test_the_groups_of_today_count(both: tuple[House, Provider]) -> None:
    """Another group, other roles, and the sessions of yesterday end; no group, no way in."""
    built, there = both
    old, _ = await come(built, there)
    there.claims["groups"] = ["x"]
    new, _ = await come(built, there)
    assert (await old.get("/api/v1/me")).status_code == 401
    assert (await new.get("/api/v1/me")).json()["roles"] == ["dpo"]
    there.claims["groups"] = []
    assert "none of your groups" in (await come(built, there))[1].text
    assert len(list_accounts(built.runtime.world.store)) == 1


@pytest.mark.parametrize("fault", ["state", "issuer", "audience", "azp", "nonce", "expired", "unsigned", "key"])
async def test_an_answer_that_is_not_for_us_leads_nowhere(both: tuple[House, Provider], fault: str) -> None:
    """Another browser's state, another issuer, client, sign-in or key, an old token, one without a signature."""
    built, there = both
    there.wrong = fault
    browser, back = await come(built, there)
    assert back.status_code == 403
    assert "W109" in back.text
    assert (await browser.get("/api/v1/me")).status_code == 401
    assert not list_accounts(built.runtime.world.store)


async def test_a_code_works_once_and_in_its_own_browser(both: tuple[House, Provider]) -> None:
    """The address of the way back, sent by somebody else, opens nothing."""
    built, there = both
    browser = built.client()
    sent = await browser.get("/sign-in/single")
    address = there.allow(sent.headers["location"])
    assert "W109" in (await built.client().get(address)).text
    assert (await browser.get(address)).status_code == 303
    assert (await browser.get(address)).status_code == 403


@pytest.mark.parametrize("methods", [["client_secret_post"], ["private_key_jwt", "client_secret_basic"]])
async def test_we_prove_ourselves_as_the_provider_wants_it(both: tuple[House, Provider], methods: list[str]) -> None:
    """In the form only where Basic is not taken; what is no letter in the secret is written as in a form."""
    built, there = both
    there.methods = methods
    assert (await come(built, there))[1].status_code == 303


async def test_keys_may_change_at_any_time(both: tuple[House, Provider]) -> None:
    """A provider that signs with a new key is believed at once: its keys are asked for again."""
    built, there = both
    await come(built, there)
    there.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert (await come(built, there))[1].status_code == 303


async def test_a_disabled_account_stays_out_and_a_provider_that_is_away_is_named(both: tuple[House, Provider]) -> None:
    """Disabling here is enough, whatever the provider says; an outage says what to do."""
    built, there = both
    await come(built, there)
    change_account(built.runtime.world.store, "ann@example.org", {"disabled": True}, built.runtime.world.now())
    assert "disabled" in (await come(built, there))[1].text
    built.runtime.settings.oidc_issuer = "http://127.0.0.1:9"
    assert "W110" in (await built.client().get("/sign-in/single")).text


async def test_issuer_and_subject_say_whose_account_it_is(both: tuple[House, Provider]) -> None:
    """Another address later on is the same account; the same address of another subject is somebody else's."""
    built, there = both
    await come(built, there)
    there.claims |= {"email": "ann.married@example.org", "preferred_username": "root"}
    browser, _ = await come(built, there)
    assert (await browser.get("/api/v1/me")).json()["name"] == "ann@example.org"
    there.claims |= {"sub": "43", "email": "ann@example.org"}
    stranger, back = await come(built, there)
    assert "A301" in back.text
    assert (await stranger.get("/api/v1/me")).status_code == 401
    assert [account.name for account in list_accounts(built.runtime.world.store)] == ["ann@example.org"]


@pytest.mark.parametrize("said", [False, "false", "False", 0, None, "no"])
async def test_an_address_that_nobody_checked_names_nobody(both: tuple[House, Provider], said: object) -> None:
    """Else one would take the name, and what is open to it by name, of whoever has not been here yet."""
    built, there = both
    there.claims |= {"email": "chief@example.org", "email_verified": said, "preferred_username": "chief@example.org"}
    browser, _ = await come(built, there)
    assert (await browser.get("/api/v1/me")).json()["name"] == name_of_subject(f"{there.issuer} 42")
    account = list_accounts(built.runtime.world.store)[0]
    assert (account.display, account.email) == ("Ann", "")
    there.claims |= {"sub": "44", "email_verified": True}
    checked, _ = await come(built, there)
    assert (await checked.get("/api/v1/me")).json()["name"] == "chief@example.org"


async def test_a_local_account_is_not_taken_over(both: tuple[House, Provider]) -> None:
    """Whoever comes with its name by single sign-on is refused, and it stays what it was."""
    built, there = both
    world = built.runtime.world
    create_account(world.store, Account("ann@example.org", "", frozenset({"viewer"})), "a word of her own", world.now())
    browser, back = await come(built, there)
    assert "A301" in back.text
    assert (await browser.get("/api/v1/me")).status_code == 401
    assert list_accounts(world.store)[0].subject == ""


def test_what_counts_as_a_checked_address() -> None:
    """Said to be checked, as a value or a word, or nothing said; and an address at all."""
    assert checked_email({"email": "a@b.example", "email_verified": "true"}) == "a@b.example"
    assert checked_email({"email": "a@b.example"}) == "a@b.example"
    for email in (None, "", "no address", f"{'a' * 100}@b.example"):
        assert not checked_email({"email": email, "email_verified": True})
    assert checked_email({"email": "a\u202e\u200b@b.example"}) == "a@b.example"  # or it would look like another's
