"""One person under several names, as somebody tries it who would like to be the second pair of eyes as well.

In the first release four eyes compared names: another spelling, a token, or this machine's own user counted as two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.attacks.eyes import written
from tests.attacks.people.test_administrators import put, signed_in
from tests.support.api_house import House, house, problems

from firedoor.core.names import alike, mixes_scripts
from firedoor.store.identity.accounts import Account, change_account, create_account, find_account
from firedoor.store.identity.tokens import create_token

V1 = "/api/v1"
ADA = "ada@example.org"
# ruff: noqa: RUF001 - look-alikes are what this is about
LOOK_ALIKES = (
    "Ada@example.org", "ADA@EXAMPLE.ORG", "ada＠example.org", "ａｄａ@example.org", "аda@example.org",
    "adа@example.org",
    "αda@example.org", "ada@exаmple.org", "ada@example․org", "ada@exampIe.org", "ada@example.0rg", "ada@examp1e.org",
)  # fmt: skip
OTHERS = ("ada.b@example.org", "adam@example.org", "ida@example.org", "ada@example.com", "Neil", "Nell", "Анна", "José")


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "data") as built:
        for name in (ADA, "bob"):
            put(built, name, "commander", "manager")
        yield built


async def opened(built: House, folder: Path, who: httpx.AsyncClient | None = None) -> str:
    """An incident of the playbook; only this machine's own user may name a file."""
    given = {"playbook": str(written(folder)), "facts": {}, "why": "test"}
    answer = await (who or built.local).post(f"{V1}/incidents", json=given)
    assert answer.status_code == 201, answer.text
    incident = str(answer.json()["incident"])
    await built.runtime.driver.settled(incident)
    return incident


async def both(built: House, incident: str) -> str:
    """The address of the question that takes two people."""
    found = (await built.local.get(f"{V1}/incidents/{incident}/tasks")).json()["tasks"]
    name = next(task["name"] for task in found if task["approvals"] == 2)
    return f"{V1}/incidents/{incident}/tasks/{name}/answer"


STAY = {"choice": "stay", "why": "seen"}


def token_of(built: House, account: str | None, *roles: str, name: str = "at night") -> httpx.AsyncClient:
    """A client with a token of an account, or of nobody's."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    return built.client(create_token(store, name, frozenset(roles), now, account=account)[1])


async def test_every_way_in_is_the_same_person(built: House, tmp_path: Path) -> None:
    """By session, then by token: asked twice, answered by one. Somebody else makes it two."""
    incident = await opened(built, tmp_path)
    path = await both(built, incident)
    assert (await signed_in(built, ADA).post(path, json=STAY)).status_code == 200
    for again in (signed_in(built, ADA), token_of(built, ADA, "manager"), token_of(built, ADA, "manager", name="bob")):
        assert problems(await again.post(path, json=STAY)) == ["T104"]
    assert (await token_of(built, "bob", "manager").post(path, json=STAY)).status_code == 200
    given = [e for e in built.runtime.world.store.entries(incident) if e.kind == "task.answered"]
    people = [find_account(built.runtime.world.store, name) for name in (ADA, "bob")]
    assert [e.body["by_id"] for e in given] == [one.id for one in people if one]
    assert [e.body["decides"] for e in given] == [False, True]


async def test_whoever_may_be_anybody_is_no_second_person(built: House, tmp_path: Path) -> None:
    """This machine's own user, and a token that is nobody's, neither first nor second."""
    incident = await opened(built, tmp_path)
    path = await both(built, incident)
    nobody = token_of(built, None, "manager", name="A DEMO PERSON")
    for who in (built.local, nobody):
        assert problems(await who.post(path, json=STAY)) == ["T111"]
    assert (await signed_in(built, ADA).post(path, json=STAY)).status_code == 200
    for who in (built.local, nobody):
        assert problems(await who.post(path, json=STAY)) == ["T111"]


async def test_accounts_of_before_whose_names_read_alike_are_one_person(built: House, tmp_path: Path) -> None:
    """They can no longer be made; where they are there, they are no second person."""
    store = built.runtime.world.store
    put(built, "Zoe", "manager")
    with store.engine.begin() as connection:  # as the first release made it
        connection.exec_driver_sql(
            "INSERT INTO account (name, person, display, roles, email, password, created_at) "
            "SELECT 'zoe', 'p_other', display, roles, email, password, created_at FROM account WHERE name = 'Zoe'"
        )
    path = await both(built, await opened(built, tmp_path))
    assert (await signed_in(built, "Zoe").post(path, json=STAY)).status_code == 200
    assert problems(await signed_in(built, "zoe").post(path, json=STAY)) == ["T104"]


@pytest.mark.parametrize("name", LOOK_ALIKES)
async def test_no_account_reads_like_another(built: House, name: str) -> None:
    """Over the API, with every way of writing the same name."""
    answer = await built.local.post(f"{V1}/accounts", json={"name": name, "roles": ["viewer"]})
    assert (answer.status_code, problems(answer)[0] in ("A301", "A307", "A308")) == (
        409 if problems(answer) != ["A308"] else 422,
        True,
    )


def test_names_that_differ_to_the_eye_are_two() -> None:
    """Nobody is refused for having a similar name; a whole name in another script is one."""
    assert not [(one, other) for one in OTHERS for other in OTHERS if one != other and alike(one, other)]
    assert not [name for name in OTHERS if mixes_scripts(name)]
    assert [name for name in LOOK_ALIKES if not alike(name, ADA)] == []


async def test_nobody_takes_the_name_of_this_machines_user(built: House) -> None:
    """Whose entries bear it."""
    user = built.app.state.keyring.user
    answer = await built.local.post(f"{V1}/accounts", json={"name": user.upper(), "roles": ["viewer"]})
    assert problems(answer) == ["A309"]


async def test_a_token_gives_nothing_that_its_account_has_not(built: House) -> None:
    """No name that is nobody's, no further role; and it ends when its account does, within its second of memory."""
    body = {"name": "Second Person", "roles": ["dpo"]}
    assert problems(await built.local.post(f"{V1}/tokens", json=body)) == ["W135"]
    assert problems(await built.local.post(f"{V1}/tokens", json={**body, "account": "bob"})) == ["W136"]
    bob = token_of(built, "bob", "manager")
    assert (await bob.get(f"{V1}/me")).json()["name"] == "bob"
    change_account(built.runtime.world.store, "bob", {"disabled": True}, built.runtime.world.now())
    built.app.state.keyring.forget()
    assert (await bob.get(f"{V1}/me")).status_code == 401


async def test_no_administrator_makes_a_token_to_act_as_somebody(built: House) -> None:
    """However little it may do: it waits for the other one. One's own token for routine work does not."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    for name, roles in (("root-1", {"admin", "viewer"}), ("root-2", {"admin"}), ("vic", {"viewer"})):
        create_account(store, Account(name, "", frozenset(roles)), None, now)
    one = signed_in(built, "root-1")
    made = await one.post(f"{V1}/tokens", json={"name": "x", "roles": ["viewer"], "account": "vic"})
    assert (made.status_code, "waits_for" in made.json()) == (202, True)
    assert (await built.client(made.json()["token"]).get(f"{V1}/me")).status_code == 401
    own = await one.post(f"{V1}/tokens", json={"name": "y", "roles": ["viewer"], "account": "root-1"})
    assert own.status_code == 201
    change = made.json()["waits_for"]
    mine = token_of(built, "root-1", "admin")
    assert problems(await mine.post(f"{V1}/changes/{change}/approve")) == ["A322"]
    assert problems(await token_of(built, None, "admin").post(f"{V1}/changes/{change}/approve")) == ["A323"]
    assert (await token_of(built, "root-2", "admin").post(f"{V1}/changes/{change}/approve")).status_code == 200


async def test_every_entry_of_a_person_says_who_it_was(built: House, tmp_path: Path) -> None:
    """Opening, facts, taking over, passing on, answering, steering: each with the id beside the name."""
    incident = await opened(built, tmp_path)
    here, ada = f"{V1}/incidents/{incident}", signed_in(built, ADA)
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/facts", {"facts": {"controller": "yes"}, "why": "x"}), ("/tasks/T1/claim", {"why": "x"}),
        ("/control", {"action": "pause", "why": "x"}), ("/control", {"action": "unpause", "why": "x"}),
        ("/tasks/T1/answer", {"choice": "done", "why": "x"}),
    )  # fmt: skip
    for path, body in calls:
        answer = await ada.post(f"{here}{path}", json=body)
        assert answer.status_code == 200, (path, answer.text)
    people = [e for e in built.runtime.world.store.entries(incident) if e.actor.startswith(("person:", "link:"))]
    assert len(people) > len(calls)
    assert [e.kind for e in people if not e.body.get("by_id")] == []
