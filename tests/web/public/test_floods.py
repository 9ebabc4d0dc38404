"""Many at once: who works or waits comes through, one proof is one request, and who has a link is held up by nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from tests.support.api_house import House, problems
from tests.web.public.test_takedown import DOOR, HTML, ask, body, path_of, platform

from firedoor.core.requests.proof import BITS, WAIT, Proof, Shown, solves
from firedoor.interfaces.web.public import door_limits, pages
from firedoor.interfaces.web.public.door_limits import DoorLimits, NeedsProof, TooMany
from firedoor.store.database.request_tables import TakedownRequestRow


@pytest.fixture(name="firedoor")
async def _firedoor(tmp_path: Path) -> AsyncIterator[House]:
    async with platform(tmp_path, report_proof="always") as built:
        yield built


def kept(firedoor: House) -> int:
    return len(firedoor.runtime.world.store.rows(TakedownRequestRow))


async def test_a_program_that_solves_the_token_comes_through_once(firedoor: House) -> None:
    """The answer names a token; its number lets one request in, however often that is repeated, and no second one."""
    stranger = firedoor.client()
    asked = await stranger.post(DOOR, json=body())
    assert (asked.status_code, problems(asked)) == (429, ["Q122"])
    assert (kept(firedoor), asked.headers["firedoor-proof-bits"]) == (0, str(BITS))
    token = asked.headers["firedoor-proof"]
    number = next(str(n) for n in count() if solves(Proof(token, str(n)), BITS))
    wrong = await stranger.post(DOOR, json=body(), headers={"firedoor-proof": f"{token} {int(number) + 1}"})
    assert wrong.status_code == 429
    proof = {"firedoor-proof": f"{token} {number}"}
    first, again = [await stranger.post(DOOR, json=body(), headers=proof) for _ in range(2)]
    assert (first.status_code, first.text) == (202, again.text)
    other = await stranger.post(DOOR, json=body(2), headers=proof)
    assert (other.status_code, kept(firedoor)) == (422, 1)
    keyed = {**proof, "idempotency-key": "another-key-of-this-program"}
    assert (await stranger.post(DOOR, json=body(2), headers=keyed)).status_code == 429
    assert kept(firedoor) == 1


async def test_a_browser_without_scripts_waits_and_loses_nothing(firedoor: House) -> None:
    """The form comes back whole with the same token; after half a minute it is taken."""
    stranger, world = firedoor.client(), firedoor.runtime.world
    page = (await stranger.get("/report", headers=HTML)).text
    assert "proof.js" in page
    once = page.split('name="once" value="')[1].split('"')[0]
    form = {"is": "me", "locators": "album 7", "once": once, "number": ""}
    early = await stranger.post("/report", data=form, headers=HTML)
    assert (early.status_code, pages.words("en")["problem_Q122"] in early.text) == (429, True)
    assert "album 7" in early.text
    assert f'name="once" value="{once}"' in early.text
    assert 0 < int(early.headers["retry-after"]) <= WAIT.seconds + 1
    later = world.now() + WAIT
    world.now = lambda: later
    assert (await stranger.post("/report", data=form, headers=HTML)).status_code == 303
    assert kept(firedoor) == 1


def test_an_ordinary_day_asks_for_nothing_and_a_flood_for_work() -> None:
    """Until so many have come; those who work go on when those who wait have filled their lane."""
    limits = DoorLimits()
    for _ in range(int(door_limits.BUSY) + 1):
        limits.admit("127.0.0.1")
    with pytest.raises(NeedsProof):
        limits.admit("127.0.0.1")
    for n in range(int(door_limits.WAITED)):
        limits.admit("127.0.0.1", Shown.WAITED, f"w{n}", f"w{n}")
    with pytest.raises(TooMany):
        limits.admit("127.0.0.1", Shown.WAITED, "one more", "one more")
    limits.admit("127.0.0.1", Shown.WORKED, "worked", "worked")
    limits.admit_holder("127.0.0.1")


async def test_who_has_a_link_is_held_up_by_no_flood(tmp_path: Path) -> None:
    """They add to their request while new ones are asked for work."""
    async with platform(tmp_path) as firedoor:
        receipt = await ask(firedoor, body(declares=[]))
        firedoor.app.state.door_limits.everybody.full = door_limits.ALL
        stranger = firedoor.client()
        assert (await stranger.post(DOOR, json=body(2))).status_code == 429
        more = {"do": "add", "statement": "It is at album 8 too.", "asked": "declares", "declares": "intimate"}
        assert (await stranger.post(path_of(receipt), data=more, headers=HTML)).status_code == 303
