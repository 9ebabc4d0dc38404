"""Attack: one administrator takes every role that decides, or somebody's password, or becomes the only one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api_house import House, house, problems

from firedoor.core.access.administrators import why_second
from firedoor.core.access.security import SecurityKind
from firedoor.interfaces.cli.system.doctor_access import weak_access
from firedoor.runtime.loops.security_log import EVERY
from firedoor.store.identity.accounts import Account, create_account, find_account
from firedoor.store.identity.sessions import csrf_of, open_session
from firedoor.store.identity.tokens import create_token, list_tokens
from firedoor.store.incidents.security import security_entries
from firedoor.testing.passwords import quick

V1 = "/api/v1"
PASSWORD = "a sentence that is long"
GENERIC = {
    "id": "7", "detector": "d", "title": "t", "incident_type": "data_leakage_in_ai_models", "severity": "low",
    "method": "content_classifier", "occurred_at": "2026-11-20T09:00:00+00:00",
}  # fmt: skip


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        for name in ("ada", "bob"):
            put(built, name, "admin")
        put(built, "dora", "dpo")
        yield built


def put(built: House, name: str, *roles: str) -> None:
    """An account that is simply there."""
    create_account(
        built.runtime.world.store, Account(name, "", frozenset(roles)), quick(PASSWORD), built.runtime.world.now()
    )


def signed_in(built: House, name: str) -> httpx.AsyncClient:
    """A client in which somebody has signed in with their account."""
    secret = open_session(built.runtime.world.store, name, built.runtime.world.now())
    client = built.client(headers={"x-csrf-token": csrf_of(secret)})
    client.cookies.set("firedoor_session", secret)
    return client


def roles_of(built: House, name: str) -> set[str]:
    """The roles of an account now."""
    account = find_account(built.runtime.world.store, name)
    return set(account.roles) if account else set()


async def test_a_token_that_decides_counts_when_a_second_administrator_agrees(built: House) -> None:
    """It was usable at once; now neither its maker nor this machine's user makes it count."""
    ada, body = signed_in(built, "ada"), {"name": "Second Person", "roles": ["dpo"], "account": "dora"}
    made = await ada.post(f"{V1}/tokens", json=body)
    assert made.status_code == 202, made.text
    stranger, change = built.client(made.json()["token"]), made.json()["waits_for"]
    assert (await stranger.get(f"{V1}/me")).status_code == 401
    for who, code in ((ada, "A322"), (built.local, "A323"), (built.holding("x", "admin"), "A323")):
        assert problems(await who.post(f"{V1}/changes/{change}/approve")) == [code]
    assert (await signed_in(built, "bob").post(f"{V1}/changes/{change}/approve")).status_code == 200
    assert (await stranger.get(f"{V1}/me")).status_code == 200
    assert problems(await signed_in(built, "bob").post(f"{V1}/changes/{change}/approve")) == ["A321"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("ada", {"roles": ["admin", "dpo"]}), ("dora", {"password": "another long sentence"}), ("dora", {"totp": None}),
        ("dora", {"slack_id": "UATTACK"}), ("dora", {"email": "eve@example.org"}), ("bob", {"disabled": True}),
        ("bob", {"roles": ["viewer"]}),
    ],
)  # fmt: skip
async def test_no_administrator_does_it_alone(built: House, name: str, changes: dict[str, Any]) -> None:
    """A role that decides, a way in to an account that decides, or another administrator out of the way."""
    before = find_account(built.runtime.world.store, name)
    answer = await signed_in(built, "ada").patch(f"{V1}/accounts/{name}", json=changes)
    assert answer.status_code == 202, answer.text
    assert find_account(built.runtime.world.store, name) == before
    other = signed_in(built, "bob")
    assert (await other.post(f"{V1}/changes/{answer.json()['waits_for']}/approve")).status_code == 200
    after = find_account(built.runtime.world.store, name)
    assert after != before or changes.keys() & {"password", "totp"}


async def test_the_console_asks_for_the_second_as_the_api_does(built: House) -> None:
    """The same function: what is proposed stands on the page, and is approved there by somebody else."""
    ada, bob = signed_in(built, "ada"), signed_in(built, "bob")
    form = {"name": "carl", "roles": "commander", "password": PASSWORD}
    assert (await ada.post("/admin/accounts", data=form)).status_code == 303
    assert roles_of(built, "carl") == set()
    (change,) = (await ada.get(f"{V1}/changes")).json()["changes"]
    assert "carl" in (await bob.get("/admin")).text
    assert (await ada.post(f"/admin/changes/{change['change']}", data={"do": "approve"})).status_code == 409
    assert (await bob.post(f"/admin/changes/{change['change']}", data={"do": "approve"})).status_code == 303
    assert roles_of(built, "carl") == {"commander"}


async def test_what_was_declined_or_has_lapsed_is_gone(built: House) -> None:
    """Its proposer may take it back; nothing of it, such as the digest of a password, is kept."""
    ada = signed_in(built, "ada")
    made = await ada.patch(f"{V1}/accounts/dora", json={"password": "another long sentence"})
    change = made.json()["waits_for"]
    assert (await ada.post(f"{V1}/changes/{change}/decline")).status_code == 200
    assert problems(await signed_in(built, "bob").post(f"{V1}/changes/{change}/approve")) == ["A321"]
    with built.runtime.world.store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT body FROM proposed_change").scalars().all() == ["{}"]


async def test_a_single_administrator_is_written_down_as_such(tmp_path: Path) -> None:
    """Somebody has to be first; the journal says that there was nobody to ask, and doctor that there should be."""
    async with house(tmp_path) as built:
        body = {"name": "ada", "roles": ["admin"], "password": PASSWORD}
        assert (await built.local.post(f"{V1}/accounts", json=body)).status_code == 201
        ada = signed_in(built, "ada")
        assert (await ada.patch(f"{V1}/accounts/ada", json={"roles": ["admin", "dpo"]})).status_code == 200
        store = built.runtime.world.store
        alone = security_entries(store, kinds=(SecurityKind.ALONE,))
        assert [entry.body["about"] for entry in alone] == ["ada", "ada"]
        assert any("no second administrator" in said for said in weak_access(store, (), built.runtime.world.now()))


async def test_the_local_user_is_the_way_out_and_no_second_person(built: House) -> None:
    """They may take an administrator away, which is on record; what they give waits as everybody's does."""
    answer = await built.local.patch(f"{V1}/accounts/dora", json={"roles": ["dpo", "legal"]})
    assert answer.status_code == 202
    assert (await built.local.patch(f"{V1}/accounts/bob", json={"disabled": True})).status_code == 200
    assert security_entries(built.runtime.world.store, kinds=(SecurityKind.ACCOUNT_DISABLED,))


async def test_administrators_and_the_dpo_are_told(built: House) -> None:
    """A message goes to their roles; it says that there is a change, and nothing of it."""
    await signed_in(built, "ada").patch(f"{V1}/accounts/ada", json={"roles": ["admin", "dpo"]})
    built.runtime.world.store.write(lambda _: None).result()
    with built.runtime.world.store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT kind, roles FROM delivery").all()
    assert ("security", "admin,dpo") in [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("before", "changes", "needs"),
    [
        ((), {"roles": {"viewer", "responder"}}, False), ((), {"roles": {"works_council"}}, True),
        (("viewer",), {"password": "x", "email": "y"}, False), (("dpo",), {"display": "x"}, False),
        (("dpo",), {"roles": frozenset()}, False), (("dpo",), {"disabled": True}, False),
        (("dpo",), {"disabled": False}, True), (("admin",), {"disabled": True}, True),
    ],
)  # fmt: skip
def test_only_what_gives_or_takes_over_needs_a_second(
    before: tuple[str, ...], changes: dict[str, Any], *, needs: bool
) -> None:
    """Taking away is quick, except an administrator: who does that makes themselves the only one."""
    assert bool(why_second(frozenset(before), changes)) is needs


async def test_tokens_end_and_say_when_they_were_used(built: House) -> None:
    """In ninety days, in a year at most; an ended one is refused, and its end stands in the journal once."""
    now = built.runtime.world.now()
    create_account(built.runtime.world.store, Account("vic", "vic", frozenset({"viewer"})), None, now)
    made = (await built.local.post(f"{V1}/tokens", json={"name": "vic", "roles": ["viewer"]})).json()
    approved = await signed_in(built, "bob").post(f"{V1}/changes/{made['waits_for']}/approve")
    assert approved.status_code == 200
    late = {"name": "vic", "roles": ["viewer"], "expires_at": (now + timedelta(days=400)).isoformat()}
    assert problems(await built.local.post(f"{V1}/tokens", json=late)) == ["W134"]
    store = built.runtime.world.store
    old = create_token(store, "old", frozenset({"viewer"}), now, expires_at=now - timedelta(minutes=1))[1]
    assert (await built.client(old).get(f"{V1}/me")).status_code == 401
    await built.client(made["token"]).get(f"{V1}/me")
    for _ in range(2):
        built.runtime.security.look(last=True)
    (row,) = [row for row in list_tokens(store) if row["name"] == "vic"]
    assert row["last_used_at"] and timedelta(days=89) < _until(row) - now < timedelta(days=91)  # noqa: PT018
    kinds = [entry.kind for entry in security_entries(store)]
    assert (kinds.count("token.expired"), kinds.count("token.first_used")) == (1, 1)
    assert timedelta(minutes=1) <= EVERY


def _until(row: Any) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(row["expires_at"])


async def test_a_source_sends_for_itself_alone(built: House) -> None:
    """A new token names its source; one of before is bound to the first that it sends to."""
    for name, code in (("Some detector", "W133"), ("source:nobody", "W133")):
        answer = await built.local.post(f"{V1}/tokens", json={"name": name, "roles": ["source"]})
        assert problems(answer) == [code]
    mixed = await built.local.post(f"{V1}/tokens", json={"name": "source:generic", "roles": ["source", "viewer"]})
    assert problems(mixed) == ["W132"]
    old = built.holding("Some detector", "source")
    assert (await old.post(f"{V1}/alerts/generic", json=GENERIC)).status_code == 202
    for source in ("cloudevents", "presidio", "alertmanager"):
        assert problems(await old.post(f"{V1}/alerts/{source}", json=GENERIC)) == ["W103"]
    assert (await old.post(f"{V1}/alerts/generic", json=GENERIC)).status_code == 202
