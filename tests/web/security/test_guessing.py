"""Guessing at sign-in: slow for strangers, the same for names that nobody has, and no way to lock anybody out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.support.api_house import House, house

from firedoor.core.problems import NotPermitted
from firedoor.interfaces.web.security.known_browser import COOKIE
from firedoor.runtime.config.settings import Settings
from firedoor.store.database.keyring import Keyring, new_ring
from firedoor.store.database.migrate import migrate
from firedoor.store.database.sign_in_tables import HouseSecretRow, SignInSlotRow
from firedoor.store.identity import login_throttle
from firedoor.store.identity.accounts import Account, change_account, create_account, new_totp
from firedoor.store.identity.known_browsers import LASTS, known_from_now, recognised
from firedoor.store.identity.login_throttle import ADDRESS, BROWSER, NAME, PAIR, TooOften, attempt, place, sign_in
from firedoor.store.incidents.journal import Store
from firedoor.testing.passwords import quick

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KEYS = partial(Keyring, new_ring(NOW).keys)
WORD, WRONG = "a door that shuts by itself", "not the word that it is"
HOME, AWAY = "198.51.100.7", "203.0.113.9"


@pytest.fixture(name="known")
def _known(database: str) -> Iterator[Store]:
    store = Store(database, KEYS)
    migrate(store.engine)
    create_account(store, Account("ann", "Ann Lee", frozenset({"commander"})), quick(WORD), NOW)
    yield store
    store.close()


def tries(store: Store, name: str, password: str, address: str = AWAY, cookie: str = "", now: datetime = NOW) -> str:
    """What came of one attempt."""
    try:
        sign_in(store, attempt(store, name, (password, ""), address, cookie, now), now)
    except (TooOften, NotPermitted) as error:
        return error.problems[0].code
    return "in"


def test_one_place_has_few_tries_at_one_name(known: Store) -> None:
    """After some wrong ones even the right password waits; later it counts, and the count starts anew."""
    assert [tries(known, "ann", WRONG) for _ in range(PAIR.most)] == ["A306"] * PAIR.most
    assert tries(known, "ann", WORD) == "A303"
    assert tries(known, "ann", WORD, now=NOW + PAIR.forgets) == "in"
    assert [tries(known, "ann", WRONG, now=NOW + PAIR.forgets) for _ in range(PAIR.most)] == ["A306"] * PAIR.most


def test_a_stranger_does_not_hold_up_the_person(known: Store) -> None:
    """Whatever is tried elsewhere, Ann comes in: from another place, and with her own browser even from the same."""
    browser = known_from_now(known, "", "ann", NOW)
    for _ in range(PAIR.most):
        tries(known, "ann", WRONG)
    assert tries(known, "ann", WORD, HOME) == "in"
    for number in range(NAME.most):
        tries(known, "ann", WRONG, f"192.0.2.{number}")
    assert tries(known, "ann", WORD, HOME) == "A303"
    assert tries(known, "ann", WORD, AWAY, browser) == "in"


def test_a_name_that_nobody_has_reads_the_same(known: Store) -> None:
    """The same answers in the same order, to the last word."""
    seen = [[tries(known, name, WRONG, place) for _ in range(PAIR.most + 2)] for name, place in
            (("ann", HOME), ("nobody at all", AWAY))]  # fmt: skip
    assert seen[0] == seen[1]
    assert seen[0][-1] == "A303"


def test_nothing_is_looked_at_while_one_waits(known: Store) -> None:
    """The right word while waiting is refused like a wrong one, and neither makes the wait longer."""
    for _ in range(PAIR.most):
        tries(known, "ann", WRONG)
    held = known.rows(SignInSlotRow)
    assert {tries(known, "ann", word) for word in (WORD, WRONG)} == {"A303"}
    assert known.rows(SignInSlotRow) == held


def test_one_place_has_so_many_tries_whatever_the_names(known: Store) -> None:
    """Trying one password at many names ends soon, and an account of one's own does not wipe it out."""
    create_account(known, Account("eve", "Eve", frozenset({"viewer"})), quick(WORD), NOW)
    answers = []
    for number in range(ADDRESS.most + 1):
        if number % 4:  # names that somebody has, and names that nobody has
            create_account(known, Account(f"person {number}", "", frozenset()), quick(WORD), NOW)
        answers.append(tries(known, f"person {number}", WRONG))
        tries(known, "eve", WORD)
    assert answers == ["A306"] * ADDRESS.most + ["A303"]
    assert tries(known, "ann", WORD, HOME) == "in"


def test_many_at_once_get_no_more_tries(known: Store, database: str) -> None:
    """An attempt counts before its password is looked at, in whichever process."""
    other = Store(database, KEYS)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: tries((known, other)[number % 2], "ann", WRONG), range(24)))
    assert answers.count("A306") == PAIR.most
    other.close()


def test_codes_cannot_be_guessed_any_faster(known: Store) -> None:
    """Whoever has the password and not the telephone is held up like anybody who guesses."""
    new_totp(known, "ann", NOW)
    assert [tries(known, "ann", WORD) for _ in range(PAIR.most + 1)] == ["A306"] * PAIR.most + ["A303"]


def test_a_known_browser_counts_by_itself(known: Store) -> None:
    """Whoever took it has a few tries, too; the person at another browser is not held up by that."""
    stolen, own = known_from_now(known, "", "ann", NOW), known_from_now(known, "", "ann", NOW)
    assert [tries(known, "ann", WRONG, cookie=stolen) for _ in range(BROWSER.most + 1)][-2:] == ["A306", "A303"]
    assert tries(known, "ann", WORD, cookie=own) == "in"
    assert tries(known, "ann", WORD, HOME) == "in"


def test_a_browser_is_known_for_its_account_and_its_password(known: Store) -> None:
    """Another account, another password, half a year, or one changed letter: unknown."""
    create_account(known, Account("bo", "Bo", frozenset({"viewer"})), quick(WORD), NOW)
    both = known_from_now(known, known_from_now(known, "", "ann", NOW), "bo", NOW)
    assert recognised(known, both, "ann", NOW) != recognised(known, both, "bo", NOW) != ""
    assert not recognised(known, both.split("~")[0], "ann", NOW)
    assert not recognised(known, both[:-1] + ("0" if both[-1] != "0" else "1"), "ann", NOW)
    assert not recognised(known, both, "ann", NOW + LASTS + timedelta(days=1))
    for made_up in ("", "a.b.c", "..", "~~~", "é.b.c", "x" * 5000, f"x.{NOW.date()}.{'0' * 64}"):
        assert not recognised(known, made_up, "ann", NOW)
    change_account(known, "ann", {"password": f"{WORD} again"}, NOW)
    assert not recognised(known, both, "ann", NOW)


def test_a_flood_fills_nothing(known: Store) -> None:
    """Names and addresses go into so many slots and no more, are written nowhere, and are forgotten."""
    key = b"0" * 32
    assert len({login_throttle._slot(key, "name", f"name {number}") for number in range(200_000)}) <= 65_536
    for number in range(8):
        tries(known, f"my-password-in-the-wrong-field-{number}", WRONG, f"2001:db8:{number:x}::1")
    held = str(known.rows(SignInSlotRow))
    assert "my-password" not in held
    assert "2001" not in held
    login_throttle.sweep(known, NOW + login_throttle.FORGOTTEN + timedelta(seconds=1))
    assert not known.rows(SignInSlotRow)


def test_the_key_of_the_slots_is_one_for_all_processes(known: Store, database: str) -> None:
    """A second process on the same database counts in the same slots; nobody outside can work out which."""
    other = Store(database, KEYS)
    for store in (known, other, known, other, known):
        assert tries(store, "ann", WRONG) == "A306"
    assert tries(other, "ann", WORD) == "A303"
    assert len({row["value"] for row in known.rows(HouseSecretRow)}) == 2
    other.close()


@pytest.mark.parametrize(("address", "counted"), [
    ("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"), ("testclient", "elsewhere"), ("", "elsewhere"),
])  # fmt: skip
def test_what_counts_as_one_place(address: str, counted: str) -> None:
    """Somebody with IPv6 has 2^64 addresses, which are one."""
    assert place(address) == counted


# -- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        world = built.runtime.world
        create_account(world.store, Account("ann", "Ann", frozenset({"responder"})), quick(WORD), world.now())
        yield built


def at(built: House, address: str, **headers: str) -> httpx.AsyncClient:
    """A browser at an address."""
    transport = httpx.ASGITransport(built.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://firedoor", headers=headers)


async def post(browser: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await browser.post("/sign-in", data={"name": name, "password": password})


async def test_the_page_reads_the_same_for_nobody(built: House) -> None:
    """Status, headers and words of a wrong and of a held-up attempt are the same but for the name that was typed."""
    pages: list[list[tuple[int, str, str]]] = []
    for name, address in (("ann", HOME), ("bob", AWAY)):
        answers = [await post(at(built, address), name, WRONG) for _ in range(PAIR.most + 1)]
        pages.append(
            [(a.status_code, a.headers.get("retry-after", "")[:2], a.text.replace(name, "X")) for a in answers]
        )
    assert [status for status, *_ in pages[0]] == [403] * PAIR.most + [429]
    assert [(status, len(wait)) for status, wait, _ in pages[0]] == [
        (status, len(wait)) for status, wait, _ in pages[1]
    ]
    assert pages[0][0] == pages[1][0]


async def test_the_browser_of_yesterday_comes_in(built: House) -> None:
    """Its cookie is for the page of signing in alone, is no session, and lets it in while others are held up."""
    browser = at(built, HOME)
    said = (await post(browser, "ann", WORD)).headers.get_list("set-cookie")
    kept = next(line.lower() for line in said if line.startswith(COOKIE))
    assert all(word in kept for word in ("httponly", "samesite=strict", "path=/sign-in"))
    assert "ann" not in kept
    for _ in range(PAIR.most):
        await post(at(built, HOME), "ann", WRONG)
    assert (await post(at(built, HOME), "ann", WORD)).status_code == 429
    assert (await post(browser, "ann", WORD)).status_code == 303


async def test_a_line_that_is_too_long_ends(built: House) -> None:
    """So many wait for their turn, the next are asked to come back; a known browser has a line of its own."""
    lanes = built.app.state.sign_in_lanes
    browser = at(built, HOME)
    await post(browser, "ann", WORD)
    lanes.others.inside = 1000
    answer = await post(at(built, AWAY), "ann", WORD)
    assert (answer.status_code, "W112" in answer.text) == (503, True)
    assert (await post(browser, "ann", WORD)).status_code == 303


async def test_only_a_named_proxy_says_where_somebody_comes_from(tmp_path: Path, built: House) -> None:
    """From anybody else the header is a word; from the proxy the last address counts that is not one of ours."""
    for _ in range(PAIR.most):
        await post(at(built, AWAY, **{"x-forwarded-for": HOME}), "ann", WRONG)
    assert (await post(at(built, HOME), "ann", WORD)).status_code == 303
    assert (await post(at(built, AWAY, **{"x-forwarded-for": "192.0.2.1"}), "ann", WORD)).status_code == 429
    async with house(tmp_path / "behind", trusted_proxies="10.0.0.0/24") as behind:
        for number in range(PAIR.most):
            await post(at(behind, "10.0.0.5", **{"x-forwarded-for": f"192.0.2.{number}, {AWAY}, 10.0.0.6"}), "x", WRONG)
        assert (await post(at(behind, "10.0.0.5", **{"x-forwarded-for": AWAY}), "x", WRONG)).status_code == 429
        assert (await post(at(behind, "10.0.0.5", **{"x-forwarded-for": HOME}), "x", WRONG)).status_code == 403


@pytest.mark.parametrize("given", ["*", "proxy.example.org", "10.0.0.5/24", "10.0.0.5;10.0.0.6"])
def test_a_proxy_is_named_by_its_address(given: str) -> None:
    """Everybody, a name that somebody else may answer to, and slips of the pen are refused."""
    with pytest.raises(ValueError, match="addresses or networks"):
        Settings(trusted_proxies=given)
    assert Settings(trusted_proxies="10.0.0.5, fd00::/64").trusted_proxies == "10.0.0.5/32,fd00::/64"
