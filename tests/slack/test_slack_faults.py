"""Slack: a fault of ours over one thing is told to whoever did it, and everything after it is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.slack.test_slack import (
    PEOPLE,
    _built,
    _slack,
    answers,
    desk,
    incident_with_buttons,
    opened_house,
    until,
    words,
)
from tests.support.api_house import House
from tests.support.slack_house import SlackHouse

from firedoor.interfaces.slack import commands
from firedoor.interfaces.slack.deciding import Deciding

__all__ = ["_built", "_slack"]
CAS = PEOPLE["cas"][0]


async def stumble(*_: Any) -> Any:
    """Raise what nobody foresaw."""
    raise ZeroDivisionError("INC-2026-0001")


async def test_a_command_that_raises_is_answered_and_so_is_the_next(
    built: House, slack: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever typed it is told that it is our fault; what it said stays in the log."""
    client = built.client()
    with monkeypatch.context() as broken:
        broken.setattr(commands, "answer", stumble)
        await slack.command(client, CAS, "status", hook="first")
        await desk(built)
    assert ("A fault of ours" in words(slack, "first"), "INC-" in words(slack, "first")) == (True, False)
    await slack.command(client, CAS, "status", hook="second")
    await desk(built)
    assert "A fault of ours" not in words(slack, "second")
    assert (await built.local.get("/readyz")).status_code == 200


async def test_a_button_and_a_form_that_raise_change_nothing_and_can_be_used_again(
    built: House, slack: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both say so to that person alone; pressed again, the decision is recorded once."""
    incident, post = await incident_with_buttons(built, slack)
    client = built.client()
    with monkeypatch.context() as broken:
        broken.setattr(Deciding, "ask", stumble)
        await slack.press(client, CAS, post, hook="pressed")
        await desk(built)
    assert ("Nothing was changed" in words(slack, "pressed"), slack.forms) == (True, [])
    await slack.press(client, CAS, post, hook="again")
    await desk(built)
    with monkeypatch.context() as broken:
        broken.setattr(Deciding, "decide", stumble)
        told = await slack.submit(client, CAS, "seen in the log")
    assert ("A fault of ours" in told.text, answers(built, incident)) == (True, [])
    await slack.submit(client, CAS, "seen in the log, again")
    await desk(built)
    assert len(answers(built, incident)) == 1


async def test_a_line_that_cannot_be_opened_is_tried_again(
    tmp_path: Path, slack: SlackHouse, caplog: pytest.LogCaptureFixture
) -> None:
    """Its token is not there: the server is ready all the same, log and health say why, and it goes on trying."""
    token = "secret://env/TEST_SLACK_APP_OF_NOBODY"
    async with opened_house(tmp_path, slack, slack_app_token=token, slack_signing_secret="") as built:
        await until(lambda: "slack line: secret://" in caplog.text, "a try")
        assert built.runtime.failing["slack line"].what == "K103"
        assert (await built.local.get("/readyz")).status_code == 200
