"""Attack: a word that is no role. Somebody with such a token or account read incidents and answered without a role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from tests.support.api_house import House, house, problems

from firedoor.core.access.roles import RoleList, deciding
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.cli.system.doctor_access import unknown_roles
from firedoor.interfaces.slack.people import person_of
from firedoor.interfaces.web.security.route_table import Access, allowed
from firedoor.store.identity.accounts import Account, create_account

V1 = "/api/v1"
OWN = "roles: [works_council]\n"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(OWN)
    async with house(tmp_path) as built:
        yield built


@pytest.mark.parametrize("word", ["detector", "sourec", "ADMIN", "", "participant"])
async def test_a_stored_word_that_is_no_role_opens_nothing(built: House, word: str) -> None:
    """Our own page told users to make such a token; it read every incident and broke the glass."""
    incident = await built.open()
    stranger = built.holding("Some detector", word)
    at = f"{V1}/incidents/{incident}"
    body = {"choice": "confirm", "why": "because I can"}
    for method, path, given in (
        ("GET", at, None), ("GET", f"{at}/journal", None), ("GET", f"/incidents/{incident}", None),
        ("POST", f"{at}/tasks/T1/break-glass", body), ("POST", f"{at}/tasks/T1/answer", body),
        ("POST", f"{V1}/alerts/generic", {}),
    ):  # fmt: skip
        answer = await stranger.request(method, path, json=given)
        assert (answer.status_code, problems(answer)) == (403, ["W103"]), (method, path)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tokens", {"name": "x", "roles": ["detector"]}),
        ("tokens", {"name": "x", "roles": ["viewer", "comander"]}),
        ("accounts", {"name": "eve@example.org", "roles": ["dop"], "password": "a long enough one"}),
    ],
)
async def test_nobody_can_be_given_a_word_that_is_no_role(built: House, path: str, body: dict[str, object]) -> None:
    """The refusal lists what is a role, and names the nearest."""
    answer = await built.local.post(f"{V1}/{path}", json=body)
    assert (answer.status_code, problems(answer)) == (422, ["W130"])
    assert any(role in answer.json()["problems"][0]["do"] for role in ("commander", "dpo"))


async def test_an_account_is_not_changed_to_a_word_that_is_no_role(built: House) -> None:
    """Neither over the API nor on the console, and an empty change is refused in words instead of a 503."""
    create_account(built.runtime.world.store, Account("eve", "Eve", frozenset({"viewer"})), None, _now(built))
    for changes, code in (({"roles": ["viewr"]}, "W130"), ({}, "W131")):
        answer = await built.local.patch(f"{V1}/accounts/eve", json=changes)
        assert (answer.status_code, problems(answer)) == (422, [code])
    for path, form in (
        ("accounts", {"name": "x", "roles": "viewr"}),
        ("tokens", {"token_name": "x", "roles": "viewr"}),
    ):
        answer = await _console(built, f"/admin/{path}", form)
        assert answer.status_code == 422
        assert "is no role here" in answer.text


async def test_a_role_of_ones_own_takes_part(built: House) -> None:
    """`roles:` of the profile names it; it reads and works as a playbook's role does, and no more."""
    council = built.holding("Ida", "works_council")
    assert (await council.get(f"{V1}/incidents")).status_code == 200
    assert (await council.get(f"{V1}/tokens")).status_code == 403
    made = await built.local.post(f"{V1}/accounts", json={"name": "ira", "roles": ["works_council"]})
    assert made.status_code in (201, 202), made.text


async def test_a_slack_user_has_the_roles_that_are_roles(built: House) -> None:
    """What is stored with the account counts there as little as anywhere."""
    account = Account("eve", "Eve", frozenset({"viewer", "detector"}), slack_id="U1")
    create_account(built.runtime.world.store, account, None, _now(built))
    assert person_of(built.runtime, "U1").roles == {"viewer"}


async def test_doctor_names_who_has_a_word_that_is_no_role(built: House) -> None:
    """Tokens and accounts of before are not changed: their holders are told what to ask for."""
    built.token("Some detector", "detector")
    create_account(built.runtime.world.store, Account("eve", "Eve", frozenset({"dop"})), None, _now(built))
    said = list(unknown_roles(built.runtime.world.store, built.runtime.roles, "staff=viewr"))
    assert [any(word in one for one in said) for word in ("detector", "dop", "viewr")] == [True] * 3


def test_a_role_that_no_playbook_names_any_more_grants_nothing() -> None:
    """What nobody names is stripped from whoever has it, and is not readable by its name alone."""
    held = frozenset({"radiology"})
    assert RoleList(held).holding(Person("ann", held)).roles == held
    assert not RoleList().holding(Person("ann", held)).roles
    assert not allowed(Access.READ, held)


def test_a_role_that_nobody_has_thought_of_decides() -> None:
    """Only reading, responding and sending are routine; a new role counts as one that decides."""
    assert deciding({"viewer", "responder", "source"}) == frozenset()
    assert deciding({"viewer", "dpo", "works_council"}) == {"dpo", "works_council"}


def _now(built: House) -> datetime:
    return built.runtime.world.now()


async def _console(built: House, path: str, form: dict[str, str]) -> httpx.Response:
    return await built.local.post(path, data=form, headers={"accept": "text/html"})
