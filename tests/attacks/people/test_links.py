"""One-time links, as the attacker uses them: a responder who would like to be somebody else for a minute.

Each of these succeeded in the first release: a link "to" an invented person came back to its maker, who opened it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.slack.test_slack import opened_house
from tests.support.api_house import House, problems
from tests.support.letters import Writing, writing
from tests.support.slack_house import SIGNING, TOKEN, slack_house

from firedoor.store.identity.accounts import Account, create_account

V1 = "/api/v1"
LAW = {
    "endpoint": "chat-large", "established_in": "DE", "controller": "yes", "personal_data": "yes",
    "security_breach": "yes", "risk_to_people": "risk", "aware_at": "2026-11-10T10:00:00Z",
}  # fmt: skip


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[Writing]:
    async with writing(tmp_path) as built:
        yield built


async def tasks(built: House, incident: str) -> list[dict[str, Any]]:
    """The tasks of an incident."""
    found = (await built.local.get(f"{V1}/incidents/{incident}/tasks")).json()["tasks"]
    return list(found)


async def ask(who: httpx.AsyncClient, incident: str, task: str, to: str, role: str) -> httpx.Response:
    """Ask for a link."""
    path = f"{V1}/incidents/{incident}/tasks/{task}/link"
    return await who.post(path, json={"to": to, "role": role, "hours": 1})


async def test_nobody_invents_the_person_whom_a_link_is_for(built: Writing) -> None:
    """To a name that nobody has, to somebody without the role, to oneself under any of one's names."""
    incident = await built.open()
    (first, *_) = await tasks(built, incident)
    role = first["role"]
    eve = built.holding("Eve", "responder", role)
    built.account("Vic", "viewer")
    for to, code in (("INVENTED NAME (DPO)", "L107"), ("Vic", "L108"), ("Eve", "O109")):
        assert problems(await ask(eve, incident, "T1", to, role)) == [code]
    assert built.mail.letters == []


@pytest.mark.parametrize("name", ["eu.gdpr.art33.sa", "confirm"])
async def test_no_link_settles_a_clock_or_confirms(built: Writing, name: str) -> None:
    """Not for anybody, however true: whoever decides that signs in."""
    incident = await built.open(**LAW)
    for _ in range(20):
        await built.runtime.driver.settled(incident)
        found = [t for t in await tasks(built, incident) if t["state"] == "open" and name in (t["clock"], t["kind"])]
        if found:
            break
        await answer_first(built, incident)
    built.account("dora", found[0]["role"])
    refused = await ask(built.holding("Eve", "responder"), incident, found[0]["name"], "dora", found[0]["role"])
    assert problems(refused) == ["O107"]
    assert built.mail.letters == []


async def answer_first(built: House, incident: str) -> None:
    """Answer what is asked first, as this machine's user may."""
    first = next(t for t in await tasks(built, incident) if t["state"] == "open" and not t["clock"])
    path = f"{V1}/incidents/{incident}/tasks/{first['name']}/answer"
    body = {"choice": first["choices"][0]["id"], "why": "seen"}
    assert (await built.local.post(path, json=body)).status_code == 200


async def test_its_maker_never_sees_it(built: Writing) -> None:
    """Not in the answer, the journal, the page, the security journal or what waits to be sent; Cleo's letter has it."""
    incident = await built.open()
    role = (await tasks(built, incident))[0]["role"]
    eve = built.holding("Eve", "responder", "admin")
    sent = await built.send_link(incident, "T1", role, eve)
    assert (sent.status_code, sent.json()["sent_by"]) == (201, "email")
    secret = built.link().removeprefix("/answer/")
    assert [letter["To"] for letter in built.mail.letters] == ["cleo.adu@house.test"]
    for path in (f"incidents/{incident}/journal", f"incidents/{incident}/tasks", "security", "messages", "deliveries"):
        assert secret not in (await built.local.get(f"{V1}/{path}")).text
    with built.runtime.world.store.engine.connect() as connection:
        tables = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()  # noqa: S608 - names of our tables
            assert secret not in str(rows), table


async def test_the_journal_names_what_answered(built: Writing) -> None:
    """By which link, made by whom, for whom: never simply the person."""
    incident = await built.open()
    first = (await tasks(built, incident))[0]
    made = await built.send_link(incident, "T1", first["role"], built.holding("Eve", "responder"))
    form = {"choice": first["choices"][0]["id"], "why": "seen"}
    assert (await built.client().post(built.link(), data=form)).status_code == 200
    entries = built.runtime.world.store.entries(incident)
    (given,) = [entry for entry in entries if entry.kind == "task.answered"]
    assert given.actor == f"link:{made.json()['link']}"
    assert (given.body["by"], given.body["link_made_by"]) == ("Cleo Adu", "Eve")
    cleo = (await built.holding("Cleo Adu", first["role"]).get(f"{V1}/me")).json()
    assert given.body["by_id"] and cleo["name"] == "Cleo Adu"  # noqa: PT018
    shown = (await built.local.get(f"{V1}/incidents/{incident}/timeline")).text
    assert f"by link {made.json()['link']}, made by Eve" in shown


async def test_a_link_is_worth_what_its_account_is_worth_now(built: Writing) -> None:
    """Once the account is off, or has lost the role, the link answers nothing."""
    incident = await built.open()
    first = (await tasks(built, incident))[0]
    await built.send_link(incident, "T1", first["role"], built.holding("Eve", "responder"))
    form = {"choice": first["choices"][0]["id"], "why": "seen"}
    for change, code in (({"roles": ["viewer"]}, "L108"), ({"disabled": True}, "L107")):
        assert (await built.local.patch(f"{V1}/accounts/Cleo Adu", json=change)).status_code == 200
        for answer in (await built.client().get(built.link()), await built.client().post(built.link(), data=form)):
            assert code in answer.text
    assert (await tasks(built, incident))[0]["state"] == "open"


async def test_what_did_not_leave_counts_for_nothing(built: Writing) -> None:
    """The mail server refuses: no link is left over, and the journal says so."""
    incident = await built.open()
    role = (await tasks(built, incident))[0]["role"]
    built.mail.answers = ["554 no"]
    refused = await built.send_link(incident, "T1", role, built.holding("Eve", "responder"))
    assert (problems(refused), refused.status_code) == (["L110"], 502)
    with built.runtime.world.store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM answer_link").scalar() == 0
    assert built.runtime.world.store.entries(incident)[-1].kind == "note"


async def test_it_goes_to_the_persons_own_conversation_in_slack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never into the channel of the incident, where its maker reads along."""
    monkeypatch.setenv("TEST_SLACK_TOKEN", TOKEN)
    monkeypatch.setenv("TEST_SLACK_SIGNING", SIGNING)
    with slack_house() as slack:
        slack.users |= {"U0CLEO", "U0EVE"}
        async with opened_house(tmp_path, slack) as built:
            store, now = built.runtime.world.store, built.runtime.world.now()
            create_account(store, Account("cleo", "", frozenset({"commander"}), slack_id="U0CLEO"), None, now)
            incident = await built.open()
            sent = await ask(built.holding("Eve", "responder"), incident, "T1", "cleo", "commander")
            assert (sent.status_code, sent.json().get("sent_by")) == (201, "slack"), sent.text
        alone = [channel for channel in slack.channels.values() if "/answer/" in str(channel["messages"])]
        assert [channel["members"] for channel in alone] == [["UBOT", "U0CLEO"]]
        assert not slack.invalid
