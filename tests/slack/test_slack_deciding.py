"""Before somebody decides in Slack: what the answer leads to, what is known in numbers, and what is new."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.slack.test_slack import (
    SECRET,
    _built,  # noqa: F401 - a fixture
    _slack,  # noqa: F401 - a fixture
    answers,
    desk,
    incident_with_buttons,
    opened_house,
    until,
    words,
)
from tests.support.api_house import House
from tests.support.slack_house import APP_TOKEN, SlackHouse
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def pressed(built: House, slack: SlackHouse) -> tuple[str, dict[str, Any]]:
    """An incident, and the form that a button opened."""
    incident, post = await incident_with_buttons(built, slack)
    await slack.press(built.client(), "UCAS", post)
    await desk(built)
    return incident, slack.forms[-1]["view"]


async def heard(line: ServerConnection, acknowledged: list[str]) -> None:
    """Take acknowledgements in until the line breaks."""
    with contextlib.suppress(ConnectionClosed):
        async for said in line:
            acknowledged.append(json.loads(said)["envelope_id"])  # noqa: PERF401 - the line breaks midway


async def test_a_form_says_what_the_answer_and_the_others_lead_to(built: House, slack: SlackHouse) -> None:
    """In the playbook's own words; how much is known in numbers, and no value."""
    incident, form = await pressed(built, slack)
    task = (await built.local.get(f"/api/v1/incidents/{incident}/tasks?open=true")).json()["tasks"][0]
    shown = json.dumps(form, ensure_ascii=False)
    for choice in task["choices"]:
        assert choice["consequence"]
        assert choice["consequence"] in shown
    assert "facts are known" in shown
    assert "Read them in the console" in shown
    assert SECRET not in shown


async def test_a_record_that_changed_since_is_said_before_anything_counts(built: House, slack: SlackHouse) -> None:
    """The same form again, with what is new by its kind; the reason stays, and the next press counts."""
    incident, form = await pressed(built, slack)
    facts = {"facts": {"people_affected": {"min": 7, "max": 9}}, "why": SECRET}
    assert (await built.local.post(f"/api/v1/incidents/{incident}/facts", json=facts)).status_code == 200
    await built.runtime.driver.settled(incident)
    done = (await slack.submit(built.client(), "UCAS", "as the log shows", form)).json()
    assert done["response_action"] == "update"
    assert "The record has changed since you opened this form" in str(done["view"])
    assert "facts were set" in str(done["view"])
    assert SECRET not in str(done)
    assert not answers(built, incident)
    kept = [b["element"]["action_id"] for view in (form, done["view"]) for b in view["blocks"] if b["type"] == "input"]
    assert kept == ["why", "why"], "Slack keeps what was typed under the same name"
    again = await slack.submit(built.client(), "UCAS", "as the log shows", done["view"])
    assert "stand in the journal" in again.text
    assert len(answers(built, incident)) == 1


async def test_what_turns_nothing_asks_nothing_again(built: House, slack: SlackHouse) -> None:
    """A note, a message, somebody else's look are no reason to ask twice."""
    incident, form = await pressed(built, slack)
    claim = {"why": "mine"}
    task = (await built.local.get(f"/api/v1/incidents/{incident}/tasks?open=true")).json()["tasks"][-1]
    await built.local.post(f"/api/v1/incidents/{incident}/tasks/{task['name']}/claim", json=claim)
    done = await slack.submit(built.client(), "UCAS", "as the log shows", form)
    assert "record has changed" not in done.text


@pytest.mark.parametrize(("error", "status"), [("expired_trigger_id", 200), ("ratelimited", 429), ("", 500)])
async def test_a_form_that_does_not_open_says_so(built: House, slack: SlackHouse, error: str, status: int) -> None:
    """Slack takes one within three seconds of the press; after that the person presses again."""
    _, post = await incident_with_buttons(built, slack)
    slack.refuse("views.open", error, status)
    await slack.press(built.client(), "UCAS", post, hook="late")
    await desk(built)
    assert "press the button again" in words(slack, "late")
    await slack.press(built.client(), "UCAS", post)
    await desk(built)
    assert len(slack.forms) == 1


async def test_a_line_that_slack_renews_loses_nothing(
    tmp_path: Path, slack: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack says that it will close the line: a new one is opened, and the command over it is answered."""
    monkeypatch.setenv("TEST_SLACK_APP", APP_TOKEN)
    lines: list[ServerConnection] = []
    acknowledged: list[str] = []

    async def talk(line: ServerConnection) -> None:
        lines.append(line)
        number = len(lines)
        await line.send(json.dumps({"type": "hello", "num_connections": number}))
        if number == 1:
            await line.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        payload = {"text": "status", "user_id": "UNOBODY", "response_url": f"{slack.url}/hooks/line{number}"}
        envelope = {"type": "slash_commands", "envelope_id": f"E{number}", "payload": payload}
        await line.send(json.dumps(envelope))
        await heard(line, acknowledged)

    async with serve(talk, "127.0.0.1", 0) as server:
        slack.line = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/link"
        async with opened_house(
            tmp_path, slack, slack_app_token="secret://env/TEST_SLACK_APP", slack_signing_secret=""
        ):
            await until(lambda: slack.said.get("line2"), "an answer over the second line")
            await asyncio.sleep(0.2)
    assert len(lines) >= 2
    assert "E2" in acknowledged


async def test_what_was_not_taken_in_is_not_acknowledged(
    tmp_path: Path, slack: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack then tells the person that it failed; and whatever comes next is taken in."""
    monkeypatch.setenv("TEST_SLACK_APP", APP_TOKEN)
    acknowledged: list[str] = []
    good = {"text": "status", "user_id": "UNOBODY", "response_url": f"{slack.url}/hooks/good"}

    async def talk(line: ServerConnection) -> None:
        await line.send(json.dumps({"type": "hello", "num_connections": 1}))
        broken = {**good, "text": "half a character: \ud800"}  # no bytes can be made of it
        for name, payload in (("BAD", broken), ("GOOD", good)):
            await line.send(json.dumps({"type": "slash_commands", "envelope_id": name, "payload": payload}))
        await heard(line, acknowledged)

    async with serve(talk, "127.0.0.1", 0) as server:
        slack.line = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/link"
        async with opened_house(
            tmp_path, slack, slack_app_token="secret://env/TEST_SLACK_APP", slack_signing_secret=""
        ):
            await until(lambda: slack.said.get("good"), "an answer")
            await asyncio.sleep(0.2)
    assert acknowledged == ["GOOD"]
