"""Slack: one channel for each incident, decisions by signed buttons, and nothing for whoever need not know."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.patience import soon
from tests.support.api_house import House, house, problems
from tests.support.slack_house import APP_TOKEN, SIGNING, TOKEN, SlackHouse, slack_house
from websockets.asyncio.server import ServerConnection, serve

from firedoor.core.journal import Kind
from firedoor.core.targets import Inventory
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DeliveryRow
from firedoor.store.identity.accounts import Account, change_account, create_account

SECRET = "Mx Secret of the third office"
PEOPLE = {"cas": ("UCAS", "commander", "responder"), "dee": ("UDEE", "dpo"), "vic": ("UVIC", "viewer")}
ORGANISATION = "messages:\n  commander: [slack]\n  dpo: [slack]\n  legal: [slack]\n  engineering: [slack]\n"


@pytest.fixture(name="slack")
def _slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackHouse]:
    monkeypatch.setenv("TEST_SLACK_TOKEN", TOKEN)
    monkeypatch.setenv("TEST_SLACK_SIGNING", SIGNING)
    with slack_house() as slack:
        slack.users |= {person[0] for person in PEOPLE.values()}
        yield slack


@pytest.fixture(name="built")
async def _built(tmp_path: Path, slack: SlackHouse) -> AsyncIterator[House]:
    async with opened_house(tmp_path, slack) as built:
        for name, (slack_id, *roles) in PEOPLE.items():
            account = Account(name, "", frozenset(roles), slack_id=slack_id)
            create_account(built.runtime.world.store, account, None, built.runtime.world.now())
        yield built


def opened_house(folder: Path, slack: SlackHouse, **more: Any) -> Any:
    """A server that speaks with the workspace, at no pace."""
    (folder / "organisation.yaml").write_text(ORGANISATION)
    settings = {
        "slack_bot_token": "secret://env/TEST_SLACK_TOKEN", "slack_signing_secret": "secret://env/TEST_SLACK_SIGNING",
        "slack_api_url": f"{slack.url}/api/", "public_url": "https://firedoor.test",
    }  # fmt: skip
    return house(folder, **{**settings, **more})


async def until(seen: Callable[[], Any], what: str = "it") -> Any:
    """Wait until something is so."""

    async def found() -> Any:
        with contextlib.suppress(StopIteration, LookupError):
            return seen()
        return None

    return await soon(found, f"{what} did not happen")


async def incident_with_buttons(built: House, slack: SlackHouse) -> tuple[str, dict[str, Any]]:
    """An incident, and the message of a task that can be answered by a button."""
    built.app.state.slack.messenger.pace = 0.0
    incident = await built.open(endpoint=SECRET, severity="high")
    return incident, await until(lambda: buttons(slack, incident)[0], "a message with buttons")


def buttons(slack: SlackHouse, incident: str) -> list[dict[str, Any]]:
    return [
        post for post in slack.posts(incident.lower()) if any(block["type"] == "actions" for block in post["blocks"])
    ]


async def desk(built: House) -> None:
    """Wait until the desk has done its work."""
    await built.app.state.slack.settled()


def answers(built: House, incident: str) -> list[Any]:
    return [e for e in built.runtime.world.store.entries(incident) if e.kind == Kind.TASK_ANSWERED]


def words(slack: SlackHouse, hook: str) -> str:
    return str(slack.said.get(hook, []))


async def test_a_command_starts_an_incident_that_gets_a_channel(built: House, slack: SlackHouse) -> None:
    """A private channel with a neutral name, those with a role in it, and one pinned summary that is edited."""
    built.app.state.slack.messenger.pace = 0.0
    done = await slack.command(built.client(), "UCAS", "start model-data-leakage severity=high seen by hand", hook="c")
    assert (done.status_code, done.content) == (200, b"")
    await desk(built)
    assert "INC-" in words(slack, "c"), words(slack, "c")
    (row,) = (await built.local.get("/api/v1/incidents")).json()["incidents"]
    name = row["id"].lower()
    summary = await until(lambda: slack.posts(name, "firedoor_summary")[0], "the summary")
    channel = slack.channel(name)
    assert channel["is_private"]
    assert set(channel["members"]) == {"UBOT", "UCAS", "UDEE"}
    await until(lambda: channel["pins"] == [summary["ts"]], "the pin")
    entries = built.runtime.world.store.entries(row["id"])
    assert entries[0].actor == "person:cas"
    assert "signed request from Slack" in [e.body["name"] for e in entries if e.kind == Kind.EVIDENCE]


async def test_a_button_and_a_reason_become_a_decision(built: House, slack: SlackHouse) -> None:
    """Recorded by name, with the digest of what was signed; the buttons go, and the summary is edited in place."""
    incident, post = await incident_with_buttons(built, slack)
    assert (await slack.press(built.client(), "UCAS", post)).status_code == 200
    await desk(built)
    (form,) = slack.forms
    view = {**form["view"], "state": {"values": {"why": {"why": {"value": "seen in the log"}}}}}
    payload = {"type": "view_submission", "user": {"id": "UCAS"}, "view": view}
    raw = urlencode({"payload": json.dumps(payload)}).encode()
    done = await slack.send(built.client(), "/slack/actions", raw)
    assert "stand in the journal" in done.text, done.text
    (entry,) = answers(built, incident)
    assert (entry.actor, entry.body["via"], entry.body["why"]) == ("person:cas", "slack", "seen in the log")
    kept = [e.body for e in built.runtime.world.store.entries(incident) if e.kind == Kind.EVIDENCE]
    assert hashlib.sha256(raw).hexdigest() in {body["sha256"] for body in kept if body["source"] == "Slack"}
    await until(lambda: post["ts"] not in {p["ts"] for p in buttons(slack, incident)}, "the end of the buttons")
    await until(lambda: slack.posts(incident.lower(), "firedoor_summary")[0].get("edits"), "an edit of the summary")
    assert len(slack.posts(incident.lower(), "firedoor_summary")) == 1


@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"age": 400}, {"age": -400}])
async def test_a_wrong_or_old_signature_does_nothing(built: House, slack: SlackHouse, wrong: dict[str, Any]) -> None:
    """401 before anything is read, for commands and buttons."""
    incident, post = await incident_with_buttons(built, slack)
    for done in (
        await slack.command(built.client(), "UCAS", "start model-data-leakage", **wrong),
        await slack.press(built.client(), "UCAS", post, **wrong),
    ):
        assert (done.status_code, problems(done)) == (401, ["H122"])
    await desk(built)
    assert not slack.forms
    assert not slack.said
    assert len((await built.local.get("/api/v1/incidents")).json()["incidents"]) == 1
    assert not answers(built, incident)


async def test_an_unsigned_request_and_rubbish_are_refused(built: House) -> None:
    """Headers that are missing or odd are wrong signatures, not faults."""
    for headers in ({}, {"x-slack-signature": "v0=\xe9".encode("latin-1"), "x-slack-request-timestamp": b"1e9"}):
        done = await built.client().post("/slack/actions", content=b"payload={}", headers=headers)
        assert (done.status_code, problems(done)) == (401, ["H122"])


async def test_the_same_signed_request_counts_once(built: House, slack: SlackHouse) -> None:
    """Somebody who records a request and repeats it within its five minutes opens no second incident."""
    body = urlencode({"text": "start model-data-leakage again", "user_id": "UCAS"}).encode()
    for _ in range(3):
        assert (await slack.send(built.client(), "/slack/commands", body)).status_code == 200
    await desk(built)
    assert len((await built.local.get("/api/v1/incidents")).json()["incidents"]) == 1


async def test_somebody_unknown_is_told_so_alone(built: House, slack: SlackHouse) -> None:
    """A Slack user without an account gets words that only they see, and nothing happens."""
    incident, post = await incident_with_buttons(built, slack)
    await slack.press(built.client(), "UEVE", post, hook="eve")
    await slack.command(built.client(), "UEVE", "status", hook="eve2")
    await desk(built)
    assert "belongs to no account" in words(slack, "eve")
    assert incident not in words(slack, "eve") + words(slack, "eve2")
    assert slack.said["eve"][0]["response_type"] == "ephemeral"
    assert not slack.forms


async def test_the_second_click_comes_too_late(built: House, slack: SlackHouse) -> None:
    """A button that was on somebody's screen still, and a form that was open still, change nothing any more."""
    incident, post = await incident_with_buttons(built, slack)
    await slack.press(built.client(), "UCAS", dict(post))
    await desk(built)
    form, old = slack.forms[-1]["view"], dict(post)
    await slack.submit(built.client(), "UCAS", "first")
    done = await slack.submit(built.client(), "UCAS", "second", form)
    assert "waits for nobody" in done.text
    await slack.press(built.client(), "UCAS", old, hook="late", value=old["blocks"][-2]["elements"][0]["value"])
    await desk(built)
    assert "waits for nobody" in words(slack, "late")
    assert [entry.body["why"] for entry in answers(built, incident)] == ["first"]


async def test_a_permission_that_was_lost_counts_no_more(built: House, slack: SlackHouse) -> None:
    """Between the button and the reason the role was taken away, or the account disabled."""
    incident, post = await incident_with_buttons(built, slack)
    await slack.press(built.client(), "UCAS", post)
    await desk(built)
    world = built.runtime.world
    change_account(world.store, "cas", {"roles": ["viewer"]}, world.now())
    assert "another role" in (await slack.submit(built.client(), "UCAS", "as seen")).text
    change_account(world.store, "cas", {"roles": ["commander"], "disabled": True}, world.now())
    assert "belongs to no account" in (await slack.submit(built.client(), "UCAS", "as seen again")).text
    assert not answers(built, incident)


async def test_another_role_is_refused_before_any_form(built: House, slack: SlackHouse) -> None:
    """Somebody in the channel who is not asked gets words that only they see."""
    incident, post = await incident_with_buttons(built, slack)
    await slack.press(built.client(), "UDEE", post, hook="dee")
    await desk(built)
    assert "another role" in words(slack, "dee")
    assert not slack.forms
    assert not answers(built, incident)


async def test_a_reason_is_needed_and_a_made_up_button_is_nothing(built: House, slack: SlackHouse) -> None:
    """Neither an empty form nor a value that nobody made decides anything."""
    incident, post = await incident_with_buttons(built, slack)
    await slack.press(built.client(), "UCAS", post)
    await desk(built)
    assert "reason is needed" in (await slack.submit(built.client(), "UCAS", "  ")).text
    for value in ("made-up.0", post["blocks"][-2]["elements"][0]["value"].partition(".")[0] + ".99", "." * 2000):
        await slack.press(built.client(), "UCAS", post, value=value, hook="odd")
    await desk(built)
    assert words(slack, "odd").count("Nothing was changed") + words(slack, "odd").count("open the task") >= 3
    assert not answers(built, incident)


async def test_nothing_of_an_incident_stands_in_slack(built: House, slack: SlackHouse) -> None:
    """Numbers, roles, times and the playbook's own words; no title, no fact, no reason."""
    incident, post = await incident_with_buttons(built, slack)
    await slack.press(built.client(), "UCAS", post)
    for text in ("status", "tasks", "clocks", f"status {incident}"):
        await slack.command(built.client(), "UCAS", text)
    await desk(built)
    await slack.submit(built.client(), "UCAS", SECRET)
    await until(lambda: built.runtime.outbox.state == "well")
    assert slack.said
    for form in slack.forms:
        assert SECRET not in str(form)
    assert SECRET not in slack.everything()
    title = (await built.local.get(f"/api/v1/incidents/{incident}")).json()["title"]
    assert title not in slack.everything()
    assert "{{" not in slack.everything()


async def test_whoever_need_not_know_learns_that_it_exists(built: House, slack: SlackHouse) -> None:
    """No place in the channel, no tasks, no clocks, no buttons; and whoever is left out later is taken out."""
    incident, post = await incident_with_buttons(built, slack)
    channel = slack.channel(incident.lower())
    await until(lambda: "UCAS" in channel["members"])
    readers = {"roles": ["dpo"], "why": SECRET}
    assert (await built.local.post(f"/api/v1/incidents/{incident}/readers", json=readers)).status_code == 200
    await until(lambda: "UCAS" not in channel["members"], "the commander's leaving")
    assert "UDEE" in channel["members"]
    for text in ("status", "tasks", "clocks", f"tasks {incident}"):
        await slack.command(built.client(), "UCAS", text, hook="cas")
    await slack.press(built.client(), "UCAS", post, hook="cas")
    await desk(built)
    assert words(slack, "cas").count("need to know") == 5
    assert not slack.forms
    for word in ("T1", "waits", "severity", "Art"):
        assert word not in words(slack, "cas")


async def test_a_restricted_incident_has_neither_questions_nor_buttons(built: House, slack: SlackHouse) -> None:
    """Of generated intimate images even the playbook's questions say too much: people answer in the console."""
    built.app.state.slack.messenger.pace = 0.0
    incident = await built.open("nonconsensual-generation")
    post = await until(lambda: slack.posts(incident.lower())[0], "a message")
    assert not buttons(slack, incident)
    await until(lambda: slack.posts(incident.lower(), "firedoor_summary"))
    assert not [word for word in ("content", "image", "person", "child", "asks") if word in str(post["blocks"]).lower()]
    assert f"https://firedoor.test/incidents/{incident}" in str(post["blocks"])


async def test_away_for_a_while_loses_and_doubles_nothing(built: House, slack: SlackHouse) -> None:
    """What waits is shown; then it comes, once each, also where an answer was lost on the way."""
    built.app.state.slack.messenger.pace = 0.0
    slack.away = True
    incident = await built.open(endpoint="chat-large", severity="high")
    await until(lambda: "wait for a far end" in built.runtime.outbox.state, "the word of it")
    waiting = (await built.local.get("/api/v1/deliveries?state=queued")).json()["deliveries"]
    waiting += (await built.local.get("/api/v1/deliveries?state=sending")).json()["deliveries"]
    assert incident in {row["incident"] for row in waiting}
    assert built.runtime.health()["parts"]["messages"] != "well"
    slack.away, slack.lost = False, ["conversations.create", "chat.postMessage", "chat.postMessage"]
    rows = table(DeliveryRow).c

    def nothing_waits() -> bool:
        return not built.runtime.world.store.rows(DeliveryRow, rows.state.in_(("new", "queued", "sending")))

    await until(nothing_waits, "the end of the queue")
    keys = [post["metadata"]["event_payload"]["key"] for post in slack.posts(incident.lower())]
    sent = built.runtime.world.store.rows(DeliveryRow, (rows.state == "sent") & (rows.kind != "state"))
    assert sorted(keys) == sorted(row["handle"] for row in sent)
    assert len(slack.channels) == 1
    assert len(slack.posts(incident.lower(), "firedoor_summary")) == 1
    await until(lambda: built.runtime.outbox.state == "well", "the word that all is well")


async def test_limits_and_faults_are_waited_for(built: House, slack: SlackHouse) -> None:
    """429 with Retry-After, 500, and an error of Slack's own."""
    slack.limit("conversations.create", 1)
    slack.refuse("conversations.create", "internal_error")
    slack.faults.append(("chat.postMessage", 500, {}, {}))
    incident, _ = await incident_with_buttons(built, slack)
    keys = [post["metadata"]["event_payload"]["key"] for post in slack.posts(incident.lower())]
    assert len(keys) == len(set(keys))


async def test_a_name_that_is_taken_is_taken_up_only_where_it_is_ours(built: House, slack: SlackHouse) -> None:
    """Somebody else's channel of that name is left alone, even where the app was invited into it."""
    year = built.runtime.world.now().year
    foreign = slack.make(f"inc-{year}-0001", creator="UEVE")
    foreign["members"].append("UBOT")
    incident = await built.open(endpoint="chat-large")
    await until(lambda: slack.posts(f"{incident.lower()}-2"), "a message elsewhere")
    assert not foreign["messages"]


async def test_a_channel_that_went_is_made_anew(built: House, slack: SlackHouse) -> None:
    """Somebody archived it: what comes next comes into another."""
    incident, _ = await incident_with_buttons(built, slack)
    slack.channel(incident.lower())["is_archived"] = True
    await built.local.post(
        f"/api/v1/incidents/{incident}/facts", json={"facts": {"severity": "critical"}, "why": "counted"}
    )
    await built.local.post(
        f"/api/v1/incidents/{incident}/readers", json={"roles": ["dpo", "commander"], "why": "fewer"}
    )
    await until(lambda: slack.posts(f"{incident.lower()}-2", "firedoor_summary"), "another channel")


async def test_one_message_a_second_into_a_channel(built: House, slack: SlackHouse) -> None:
    """As Slack asks for; other channels do not wait."""
    await built.open(endpoint="chat-large", severity="high")
    await until(lambda: len(slack.posted_at) >= 2, "two messages")
    gaps = [later - earlier for earlier, later in zip(slack.posted_at, slack.posted_at[1:], strict=False)]
    assert min(gaps) > 0.9


async def test_without_slack_there_is_nothing_at_its_addresses(tmp_path: Path, slack: SlackHouse) -> None:
    """Not even a word about signatures."""
    async with house(tmp_path) as built:
        for path in ("/slack/commands", "/slack/actions"):
            assert (await slack.send(built.client(), path, b"")).status_code == 404


async def test_a_role_is_needed_to_start(built: House, slack: SlackHouse) -> None:
    """A viewer starts nothing, and an unknown playbook or a missing fact is said in words."""
    await slack.command(built.client(), "UVIC", "start model-data-leakage", hook="v")
    await slack.command(built.client(), "UCAS", "start no-such-thing", hook="n")
    await slack.command(built.client(), "UCAS", "start ../../etc/passwd", hook="p")
    await slack.command(built.client(), "UCAS", "dance", hook="h")
    await desk(built)
    assert "may not do this" in words(slack, "v")
    assert "no-such-thing" in words(slack, "n")
    assert "Which playbook" in words(slack, "p")
    assert "/firedoor status" in words(slack, "h")
    assert not (await built.local.get("/api/v1/incidents")).json()["incidents"]


async def test_the_same_by_a_line_that_firedoor_opens(
    tmp_path: Path, slack: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Socket Mode: a command over the line is acknowledged and answered, and nothing need be signed."""
    monkeypatch.setenv("TEST_SLACK_APP", APP_TOKEN)
    acknowledged: list[Any] = []
    payload = {"text": "status", "user_id": "UNOBODY", "response_url": f"{slack.url}/hooks/line"}

    async def talk(line: ServerConnection) -> None:
        await line.send(json.dumps({"type": "hello", "num_connections": 1}))
        await line.send(json.dumps({"type": "slash_commands", "envelope_id": "E1", "payload": payload}))
        acknowledged.append(json.loads(await line.recv()))
        await line.wait_closed()

    async with serve(talk, "127.0.0.1", 0) as server:
        slack.line = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/link"
        async with opened_house(
            tmp_path, slack, slack_app_token="secret://env/TEST_SLACK_APP", slack_signing_secret=""
        ) as built:
            await until(lambda: slack.said.get("line"), "an answer")
            assert (await slack.send(built.client(), "/slack/commands", b"")).status_code == 404
    assert "belongs to no account" in words(slack, "line")
    assert acknowledged[0]["envelope_id"] == "E1"


async def test_deliveries_of_a_closed_incident_are_shown_to_its_readers_only(built: House, slack: SlackHouse) -> None:
    """The list of what leaves says nothing about an incident that somebody may not read."""
    incident, _ = await incident_with_buttons(built, slack)
    await built.local.post(f"/api/v1/incidents/{incident}/readers", json={"roles": ["dpo"], "why": SECRET})
    eve: httpx.AsyncClient = built.holding("eve", "legal")
    assert (await eve.get("/api/v1/deliveries")).json()["deliveries"] == []
    shown = (await built.holding("dan", "dpo").get("/api/v1/deliveries")).json()["deliveries"]
    assert {row["incident"] for row in shown} == {incident}


async def test_a_start_that_the_checks_refuse_says_how_it_starts_all_the_same(built: House, slack: SlackHouse) -> None:
    """With a reason at the end of the command; practice is labelled from here as from every other door."""
    door = {"name": "gateway", "connector": "http"}
    known = Inventory.model_validate({"targets": {"chat-large": {"doors": [door]}}})
    built.runtime.world.inventory = known
    start = "start model-data-leakage endpoint=chat-larg by telephone"
    await slack.command(built.client(), "UCAS", start, hook="r")
    await desk(built)
    refused = words(slack, "r")
    assert ("chat-large" in refused, "anyway: REASON" in refused) == (True, True)
    assert (await built.local.get("/api/v1/incidents")).json()["incidents"] == []
    practice = start.replace("endpoint", "practice endpoint")
    await slack.command(built.client(), "UCAS", f"{practice} anyway: it was renamed", hook="s")
    await desk(built)
    assert "it was renamed" in words(slack, "s")
    (one,) = (await built.local.get("/api/v1/incidents")).json()["incidents"]
    found = (await built.local.get(f"/api/v1/incidents/{one['id']}")).json()
    assert (one["title"].startswith("Practice: "), "it was renamed" in found["in_spite"][0]) == (True, True)
