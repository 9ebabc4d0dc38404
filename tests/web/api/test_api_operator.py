"""Steering a run and passing tasks on over HTTP, and links that answer once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import select, update
from tests.support.api_house import House, problems
from tests.support.letters import Writing, writing

from firedoor.runtime.config.settings import Settings
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import AnswerLinkRow, TaskRow, TimerRow

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[Writing]:
    async with writing(tmp_path) as built:
        yield built


async def steer(built: House, incident: str, action: str, **more: Any) -> httpx.Response:
    """Steer as the commander Ada."""
    given = {"action": action, "why": "to be safe", **more}
    return await built.holding("Ada", "commander").post(f"/api/v1/incidents/{incident}/control", json=given)


async def task(built: House, incident: str, number: int = 1) -> dict[str, Any]:
    """A task as the API shows it."""
    tasks = (await built.local.get(f"/api/v1/incidents/{incident}/tasks")).json()["tasks"]
    return next(one for one in tasks if one["number"] == number)


async def link(built: Writing, incident: str, **more: Any) -> str:
    """A link for Cleo to the first task, as it stands in her letter; only its path."""
    asked = await task(built, incident)
    answer = await built.send_link(incident, "T1", asked["role"], built.holding("Ada", "commander"), **more)
    assert answer.status_code == 201, answer.text
    path = built.link()
    assert path.removeprefix("/answer/") not in answer.text
    return path


async def test_a_dry_run_tells_and_does_nothing(built: House) -> None:
    """What it would lead to, in words; the journal has not grown."""
    incident = await built.open()
    before = len(built.runtime.world.store.entries(incident))
    said = (await steer(built, incident, "abort", dry_run=True)).json()
    assert (said["done"], "cannot be taken back" in said["consequences"][0]) == (False, True)
    assert len(built.runtime.world.store.entries(incident)) == before


async def test_a_run_is_paused_and_goes_on(built: House) -> None:
    """It shows by whom and why; a second pause is refused; afterwards nothing of it remains."""
    incident = await built.open()
    assert (await steer(built, incident, "pause")).json()["paused"] is True
    shown = (await built.local.get(f"/api/v1/incidents/{incident}")).json()["paused"]
    assert (shown["by"], shown["why"]) == ("Ada", "to be safe")
    assert problems(await steer(built, incident, "pause")) == ["O112"]
    assert (await steer(built, incident, "unpause")).json()["paused"] is False


async def test_an_abort_takes_tasks_and_their_reminders_from_the_lists(built: House) -> None:
    """The rows of withdrawn tasks say so, no reminder of theirs is left, and a rebuild gives the same rows."""
    incident = await built.open()
    assert (await steer(built, incident, "abort")).json()["aborted"] is True
    store = built.runtime.world.store
    rows = store.rows(TaskRow, table(TaskRow).c.incident == incident, table(TaskRow).c.number)
    left = store.rows(TimerRow, (table(TimerRow).c.incident == incident) & table(TimerRow).c.fired_at.is_(None))
    assert [row["kind"] for row in rows if row["state"] == "open"] == ["review-abort"]
    assert {timer["about"].partition("#")[0] for timer in left} == {"task:abort"}
    store.rebuild(incident).result()
    assert store.rows(TaskRow, table(TaskRow).c.incident == incident, table(TaskRow).c.number) == rows


async def test_a_task_is_passed_on_and_taken_over(built: House) -> None:
    """The list shows the new role; the one who took it over is named."""
    incident = await built.open()
    first = await task(built, incident)
    roles = (await built.local.get(f"/api/v1/incidents/{incident}")).json()["roles"]
    role = next(role for role in roles if role not in first["roles"])
    path = f"/api/v1/incidents/{incident}/tasks/T1"
    moved = await built.holding("Ada", "commander").post(f"{path}/reassign", json={"role": role, "why": "asleep"})
    assert moved.json()["roles"] == [role]
    taken = await built.holding("Ben", role).post(f"{path}/claim", json={"why": "I am awake"})
    assert taken.json()["claimed_by"] == (await task(built, incident))["claimed_by"] == "Ben"
    rows = built.runtime.world.store.rows(TaskRow, table(TaskRow).c.incident == incident)
    assert rows[0]["role"] == role


async def test_glass_is_broken_over_http(built: House) -> None:
    """The answer counts, every role is told, and a review waits for somebody else."""
    incident = await built.open()
    first = await task(built, incident)
    given = {"choice": first["choices"][0]["id"], "why": "nobody answers the telephone"}
    path = f"/api/v1/incidents/{incident}/tasks/T1/break-glass"
    answer = await built.holding("Eve", "communications").post(path, json=given)
    assert answer.status_code == 200, answer.text
    told = (await built.local.get("/api/v1/messages", params={"incident": incident})).json()["messages"]
    assert any(message["subject"].startswith("BREAK GLASS") for message in told)
    tasks = (await built.local.get(f"/api/v1/incidents/{incident}/tasks")).json()["tasks"]
    assert [(one["state"], one["not_by"]) for one in tasks if one["kind"] == "review-break-glass"] == [
        ("open", ["Eve"])
    ]


async def test_a_link_answers_once_in_the_name_of_its_person(built: Writing) -> None:
    """Looking uses nothing up; the answer stands under Cleo's name; the second use is refused."""
    incident = await built.open()
    path, asked, client = await link(built, incident), await task(built, incident), built.client()
    for _ in range(2):
        page = await client.get(path)
        assert (page.status_code, "Cleo Adu" in page.text) == (200, True)
    form = f"choice={asked['choices'][0]['id']}&why=seen+by+me"
    assert (await client.post(path, content=form, headers=FORM)).status_code == 200
    given = (await task(built, incident))["answers"][0]
    assert (given["by"], given["role"], given["via"][:5]) == ("Cleo Adu", asked["role"], "link:")
    (entry,) = [one for one in built.runtime.world.store.entries(incident) if one.kind == "task.answered"]
    assert (entry.actor, entry.body["link_made_by"]) == (given["via"], "Ada")
    for again in (await client.get(path), await client.post(path, content=form, headers=FORM)):
        assert (again.status_code, "L102" in again.text) == (409, True)


async def test_a_link_bears_the_public_address(tmp_path: Path) -> None:
    """Where one is set it stands in the link, also behind a path; what is no address is refused at the start."""
    async with writing(tmp_path, public_url="https://firedoor.example.org/night/") as built:
        path = await link(built, await built.open())
        assert f"https://firedoor.example.org/night{path}" in built.words()
        assert (await built.client().get(path)).status_code == 200
    for wrong in ("firedoor.example.org", "ftp://firedoor.example.org", "https://firedoor.example.org/?a=1"):
        with pytest.raises(ValidationError, match="public_url"):
            Settings(public_url=wrong)


async def test_a_refused_answer_does_not_use_the_link_up(built: Writing) -> None:
    """Without a reason it is refused and says so; with one it counts."""
    incident = await built.open()
    path, asked, client = await link(built, incident), await task(built, incident), built.client()
    choice = asked["choices"][0]["id"]
    assert "T109" in (await client.post(path, content=f"choice={choice}&why=", headers=FORM)).text
    assert (await client.post(path, content=f"choice={choice}&why=seen", headers=FORM)).status_code == 200


async def test_a_link_for_one_choice_gives_no_other(built: Writing) -> None:
    """Whoever forwards it cannot turn it round."""
    incident = await built.open()
    first, second = [choice["id"] for choice in (await task(built, incident))["choices"]][:2]
    path, client = await link(built, incident, choice=first), built.client()
    assert f'value="{second}"' not in (await client.get(path)).text
    assert "L104" in (await client.post(path, content=f"choice={second}&why=x", headers=FORM)).text


async def test_a_link_ends_with_its_time_and_with_its_task(built: Writing) -> None:
    """Expired, answered by somebody else, passed on, and made up: each says what is the matter."""
    store, client = built.runtime.world.store, built.client()
    expired, answered = await link(built, await built.open()), await link(built, second := await built.open())
    past = text_of(built.runtime.world.now() - timedelta(seconds=1))
    one = table(AnswerLinkRow).c.incident != second
    store.execute(update(table(AnswerLinkRow)).where(one).values(expires_at=past)).result()
    assert "L103" in (await client.get(expired)).text
    choice = (await task(built, second))["choices"][0]["id"]
    await built.local.post(f"/api/v1/incidents/{second}/tasks/T1/answer", json={"choice": choice, "why": "x"})
    assert "T102" in (await client.get(answered)).text
    passed_on, asked = await link(built, third := await built.open()), await task(built, third)
    role = next(role for role in ("dpo", "legal", "manager") if role not in asked["roles"])
    path = f"/api/v1/incidents/{third}/tasks/T1/reassign"
    assert (await built.local.post(path, json={"role": role, "why": "x"})).status_code == 200
    assert "L105" in (await client.get(passed_on)).text
    made_up = await client.get("/answer/made-up")
    assert (made_up.status_code, "L101" in made_up.text) == (404, True)


async def test_a_form_with_far_too_many_fields_is_refused(built: House) -> None:
    """By words on the page behind the link, and not as a fault of ours."""
    many = {f"field.{number}": "x" for number in range(60)}
    sent = await built.client().post("/answer/made-up", data=many)
    assert (sent.status_code, "W114" in sent.text) == (422, True)


async def test_only_a_digest_of_a_link_is_stored(built: Writing) -> None:
    """Neither the table nor the journal holds the secret, and a link lives for hours, not weeks."""
    incident = await built.open()
    secret = (await link(built, incident)).removeprefix("/answer/")
    with built.runtime.world.store.engine.connect() as connection:
        rows = str(connection.execute(select(table(AnswerLinkRow))).all())
    journal = (await built.local.get(f"/api/v1/incidents/{incident}/journal")).text
    assert (secret in rows, secret in journal) == (False, False)
    given = {"to": "Cleo Adu", "role": (await task(built, incident))["role"], "hours": 73}
    assert problems(await built.local.post(f"/api/v1/incidents/{incident}/tasks/T1/link", json=given)) == ["L106"]


async def test_the_page_of_a_link_loads_nothing_and_posts_only_here(built: Writing) -> None:
    """No script, no style, no picture; the policy lets the form go to this server alone."""
    page = await built.client().get(await link(built, await built.open()))
    assert page.headers["content-security-policy"].endswith("form-action 'self'")
    assert not re.search(r"<(script|style|img|link|iframe)|https?://", page.text)
