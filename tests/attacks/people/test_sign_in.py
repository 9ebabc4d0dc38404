"""Attack: a password that everybody tries, a cookie that a neighbour host sets, a server that speaks in clear."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from tests.support.api_house import House, house, problems
from tests.support.command import Firedoor, _firedoor

from firedoor.interfaces.cli.system.doctor_access import without_codes
from firedoor.interfaces.web.http.session import BOUND, COOKIE
from firedoor.store.database.tables import SessionRow
from firedoor.store.identity.accounts import change_account
from firedoor.store.identity.passwords import common, is_common
from firedoor.testing.passwords import quick

__all__ = ["_firedoor"]
V1 = "/api/v1"
LONG = "a door that shuts by itself"

# Accepted by the version before, and tried early by every guesser.
EASY = [
    "aaaaaaaaaaaa", "password1234", "Password123!", "P@ssw0rd2026", "qwertyuiop12", "123456789012", "monkeymonkey",
    "dragonmonkey", "abcdefghijkl", "1qaz2wsx3edc", "letmein!!!!!", "iloveyou2026", "      123456", "zxcvbnm,./12",
]  # fmt: skip


@pytest.mark.parametrize("password", EASY)
async def test_a_common_password_is_refused_at_every_door(tmp_path: Path, password: str) -> None:
    """Making an account, changing a password; the words do not repeat it."""
    async with house(tmp_path) as built:
        made = await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": [], "password": password})
        assert (made.status_code, problems(made)) == (422, ["A307"]), made.text
        assert password not in made.text
        await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": [], "password": LONG})
        changed = await built.local.patch(f"{V1}/accounts/ada", json={"password": password})
        assert problems(changed) == ["A307"]


def test_long_ones_of_the_list_are_refused_and_sentences_are_not() -> None:
    """Every common one that is long enough; nothing that somebody made up of several words."""
    assert len(common()) > 19_000
    assert all(is_common(word) for word in common())
    for good in (LONG, "correct horse battery staple", "Zug nach Bern um halb neun", "vqhx7rtwm2pd"):
        assert not is_common(good), good


@pytest.mark.parametrize(("public", "name"), [("https://firedoor.example.org", BOUND), ("", COOKIE)])
async def test_over_tls_the_cookie_is_bound_to_its_host(tmp_path: Path, public: str, name: str) -> None:
    """With Secure, Path=/ and no Domain; one under the plain name, as another host may set it, counts for nothing."""
    async with house(tmp_path, public_url=public) as built:
        await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": ["viewer"], "password": LONG})
        form = {"name": "ada", "password": LONG}
        answer = await built.client().post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
        (kept,) = [line for line in answer.headers.get_list("set-cookie") if "firedoor_session" in line]
        assert kept.startswith(f"{name}=")
        assert ("secure" in kept.lower()) == bool(public)
        assert "path=/;" in kept.lower()
        assert "domain" not in kept.lower()
        secret = kept.split(";")[0].partition("=")[2]
        reached = {}
        for which in (BOUND, COOKIE):
            client = built.client(headers={"cookie": f"{which}={secret}"})
            reached[which] = (await client.get(f"{V1}/incidents")).status_code
        assert reached[name] == 200
        assert reached[COOKIE if public else BOUND] == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "firedoor.example.org"])  # noqa: S104 - what is refused
def test_it_does_not_listen_in_clear_to_other_machines(firedoor: Firedoor, host: str) -> None:
    """Refused before the port is taken, with what to do about it."""
    done = firedoor("up", "--no-prefect", "--host", host, "--port", "0")
    assert (done.code, "U125" in done.err, "FIREDOOR_TRUSTED_PROXIES" in done.err) == (3, True, True), done.err


def code_of(secret: str, at: datetime) -> str:
    """What the authenticator shows."""
    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - RFC 6238
    return totp.generate(int(at.timestamp())).decode()


async def joins(built: House, name: str, *roles: str) -> None:
    """An account as the API makes it, with a password that is quick to check."""
    made = await built.local.post(f"{V1}/accounts", json={"name": name, "roles": roles})
    assert made.status_code == 201, made.text
    change_account(built.runtime.world.store, name, {"password": quick(LONG)}, built.runtime.world.now())


async def tried(built: House, name: str, code: str = "") -> tuple[int, str]:
    """Sign in from a new browser, and say what came of it."""
    form = {"name": name, "password": LONG, "code": code}
    answer = await built.client().post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    return answer.status_code, answer.text if answer.status_code != 303 else answer.headers["set-cookie"]


@pytest.mark.parametrize("role", ["commander", "dpo", "legal", "approver", "manager", "admin"])
async def test_whoever_decides_needs_a_code_where_codes_are_demanded(tmp_path: Path, role: str) -> None:
    """The right password alone opens nothing; whoever reads and responds is let in; with the code, everybody is."""
    async with house(tmp_path, codes_for_deciding=True) as built:
        await joins(built, "ada", role)
        await joins(built, "carl", "viewer", "responder")
        status, said = await tried(built, "ada")
        assert (status, "W115" in said, "firedoor account codes" in said) == (403, True, True)
        assert built.runtime.world.store.rows(SessionRow) == []
        assert (await tried(built, "carl"))[0] == 303
        secret = (await built.local.post(f"{V1}/accounts/ada/one-time-codes")).json()["secret"]
        assert (await tried(built, "ada"))[0] == 403
        status, cookie = await tried(built, "ada", code_of(secret, built.runtime.world.now()))
        assert (status, "firedoor_session" in cookie) == (303, True)


async def test_a_wrong_password_is_told_nothing_about_codes(tmp_path: Path) -> None:
    """Only whoever proved the password learns that the account decides."""
    async with house(tmp_path, codes_for_deciding=True) as built:
        await joins(built, "ada", "dpo")
        form = {"name": "ada", "password": LONG + "!", "code": ""}
        answer = await built.client().post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
        assert (answer.status_code, "A306" in answer.text, "W115" in answer.text) == (403, True, False)


async def test_two_administrators_without_codes_are_not_shut_out_for_good(tmp_path: Path) -> None:
    """This machine's own user gives the first codes alone; other ones, and an administrator's, wait for the second."""
    async with house(tmp_path, codes_for_deciding=True) as built:
        for name in ("ada", "bob"):
            await joins(built, name, "viewer")
            change_account(built.runtime.world.store, name, {"roles": ["admin"]}, built.runtime.world.now())
        assert {(await tried(built, name))[0] for name in ("ada", "bob")} == {403}
        made = (await built.local.post(f"{V1}/accounts/ada/one-time-codes")).json()
        status, cookie = await tried(built, "ada", code_of(made["secret"], built.runtime.world.now()))
        assert status == 303
        again = (await built.local.post(f"{V1}/accounts/ada/one-time-codes")).json()
        ada = built.client(headers={"cookie": cookie.split(";")[0]})
        assert again["waits_for"]
        assert "has no one-time codes" in "".join(without_codes(built.runtime.world.store))
        assert (await ada.get("/admin")).status_code == 200


async def test_sessions_of_before_end_when_codes_are_demanded(tmp_path: Path) -> None:
    """Whoever signed in by password alone yesterday decides nothing today; whoever does not decide stays."""
    async with house(tmp_path) as built:
        await joins(built, "ada", "dpo")
        await joins(built, "carl", "viewer")
        cookies = {name: (await tried(built, name))[1].split(";")[0] for name in ("ada", "carl")}
    async with house(tmp_path, codes_for_deciding=True) as built:
        reached = {
            name: (await built.client(headers={"cookie": cookie}).get(f"{V1}/incidents")).status_code
            for name, cookie in cookies.items()
        }
    assert reached == {"ada": 401, "carl": 200}
