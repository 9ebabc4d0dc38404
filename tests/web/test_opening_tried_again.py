"""Closing and opening by hand at a far end that fails once: told, asked of nobody anew, and done at the next try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.patience import soon
from tests.support.api_house import House, house
from tests.support.human_actions import Here
from tests.support.letters import Writing
from tests.support.pages import HEAD, SUSPEND
from tests.web.console.test_console_library import (
    _stage,  # noqa: F401 - a fixture
    browser,
    send,
)

from firedoor.demo.stage import Stage

V1 = "/api/v1"
KEY = "FIREDOOR_DEMO_ADMIN_KEY"


@pytest.fixture(name="built")
async def _built(tmp_path: Path, stage: Stage) -> AsyncIterator[House]:
    async with house(tmp_path / "house", targets=stage.data / "targets.yaml") as built:
        yield built


async def opened(built: House, folder: Path) -> str:
    """An incident that has closed the model and asks two people before it is opened."""
    file = folder / "two.yaml"
    file.write_text(HEAD + SUSPEND.replace("approvals: 1", "approvals: 2"))
    return await built.open(str(file), endpoint="chat-large")


async def tasks(built: House, incident: str) -> list[dict[str, Any]]:
    """What is asked now."""
    await built.runtime.driver.settled(incident)
    found = (await built.local.get(f"{V1}/incidents/{incident}/tasks")).json()["tasks"]
    return [one for one in found if one["state"] == "open"]


async def answered(built: House, incident: str, who: str, choice: str) -> None:
    """Somebody answers the one task that is open."""
    (task,) = await tasks(built, incident)
    given = {"choice": choice, "why": f"{who} has looked"}
    path = f"{V1}/incidents/{incident}/tasks/{task['name']}/answer"
    answer = await built.holding(who, "manager", "commander").post(path, json=given)
    assert answer.status_code == 200, answer.text


async def test_an_opening_that_failed_is_tried_again_without_asking_anew(
    built: House, tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two have agreed and the platform refuses: one task says why, one answer opens, and nobody agrees twice."""
    incident = await opened(built, tmp_path)
    monkeypatch.setenv(KEY, "not the one")
    for who in ("Ada", "Bob"):
        await answered(built, incident, who, "approve")

    async def asked() -> bool:
        return bool(await tasks(built, incident))

    await soon(asked)  # a step tries a few times by itself
    (task,) = await tasks(built, incident)
    assert (task["kind"], task["approvals"]) == ("rescue", 1)
    monkeypatch.setenv(KEY, stage.admin_key)
    await answered(built, incident, "Ada", "retry")
    assert await tasks(built, incident) == []
    assert "suspended" not in str(await held(built))


async def held(built: House) -> list[Any]:
    """What is held closed."""
    found: list[Any] = (await built.local.get(f"{V1}/holds")).json()["holds"]
    return found


async def agree(built: House, incident: str, who: str) -> dict[str, Any]:
    """Somebody agrees to open what an ended incident keeps closed."""
    path = f"{V1}/incidents/{incident}/targets/chat-large/open"
    answer = await built.holding(who, "manager", "commander").post(path, json={"why": f"{who} has looked"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_ended_incident_opens_at_the_next_try(
    built: House, tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its opening fails after two have agreed: it asks whether to try again, and one word is enough."""
    incident = await opened(built, tmp_path)
    await answered(built, incident, "Ada", "refuse")

    async def ended() -> bool:
        return (await built.runtime.service.view(incident)).closed_at is not None

    await soon(ended)
    assert [one["target"] for one in await held(built)] == ["chat-large"]
    monkeypatch.setenv(KEY, "not the one")
    assert (await agree(built, incident, "Ada"))["people_missing"] == 1
    assert (await agree(built, incident, "Bob"))["agreed"]

    async def asked() -> bool:
        await built.runtime.holding.look()
        return bool(await tasks(built, incident))

    await soon(asked)
    (task,) = await tasks(built, incident)
    assert (task["kind"], task["approvals"], "could not be opened" in task["question"]) == ("open", 1, True)
    monkeypatch.setenv(KEY, stage.admin_key)
    assert (await agree(built, incident, "Cleo"))["agreed"]

    async def open_again() -> bool:
        await built.runtime.holding.look()
        return not await held(built)

    await soon(open_again)
    assert await tasks(built, incident) == []


async def test_a_model_that_is_closed_twice_by_hand_has_one_incident(built: House) -> None:
    """The button is pressed twice at once, and once more: the same incident is shown."""
    here = Here(Writing(built.app, built.runtime))
    ann = await browser(built)
    given = {"why": "it leaks", "once": here.new("key")}
    first = await asyncio.gather(*(send(ann, "/targets/chat-large/suspend", **given) for _ in range(2)))
    then = await send(ann, "/targets/chat-large/suspend", **given)
    assert len({one.headers["location"] for one in (*first, then)}) == 1
    await built.runtime.driver.settled(then.headers["location"].rpartition("/")[2])


async def test_a_model_that_is_opened_twice_by_hand_is_opened_once(built: House, stage: Stage) -> None:
    """The button is pressed twice at once, and once more: one person's word is recorded once, and nothing breaks."""
    here = Here(Writing(built.app, built.runtime))
    ann = await browser(built)
    closed = await send(ann, "/targets/chat-large/suspend", why="it leaks", once=here.new("key"))
    incident = closed.headers["location"].rpartition("/")[2]
    await built.runtime.driver.settled(incident)
    assert [one["target"] for one in await held(built)] == ["chat-large"]
    given = {"why": "mended and tested"}
    pressed = await asyncio.gather(*(send(ann, "/targets/chat-large/resume", **given) for _ in range(2)))
    await built.runtime.driver.settled(incident)
    then = await send(ann, "/targets/chat-large/resume", **given)
    assert {one.status_code for one in (*pressed, then)} <= {303, 403, 404, 409, 422}
    assert 303 in {one.status_code for one in pressed}
    entries = [one.kind for one in built.runtime.world.store.entries(incident)]
    assert (entries.count("task.answered"), await held(built)) == (1, [])
