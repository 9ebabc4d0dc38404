"""Whichever way somebody says that a notice was sent, the text of it is kept, with its version and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.api_house import House, house, problems
from tests.runtime.test_console_incident import browser
from tests.runtime.test_console_task import head, submission
from tests.runtime.test_notices import CLOCK, FACTS, ORGANISATION, TEXT, read, send

from firedoor.core.notices import answerable

PLAIN = {"reference": "DPA-1", "reasons_for_delay": "found late"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        yield built


@pytest.fixture(name="incident")
async def _incident(built: House) -> str:
    return await built.open(**FACTS)


async def by_submit(built: House, incident: str, task: str) -> None:
    """A call about the clock."""
    body = {"why": "by the portal", "fields": PLAIN}
    await send(built.holding("dora", "dpo"), f"/api/v1/incidents/{incident}/clocks/{CLOCK}/submit", **body)


async def by_answer(built: House, incident: str, task: str) -> None:
    """A call about the task."""
    body = {"choice": "submitted", "why": "by the portal", "fields": PLAIN}
    await send(built.holding("dora", "dpo"), f"/api/v1/incidents/{incident}/tasks/{task}/answer", **body)


async def by_page(built: House, incident: str, task: str) -> None:
    """The page of the task."""
    dora = await browser(built, "dora", "dpo")
    given = {"choice": "submitted", "why": "by the portal", "head": await head(built, incident)}
    page = await dora.send(
        f"/incidents/{incident}/tasks/{task}", **{f"submitted.field.{k}": v for k, v in PLAIN.items()}, **given
    )
    assert page.status_code == 303, page.text


async def by_link(built: House, incident: str, task: str) -> None:
    """A link for somebody without an account."""
    body = {"role": "dpo", "to": "Dora", "choice": "submitted", "hours": 2}
    made = (await built.local.post(f"/api/v1/incidents/{incident}/tasks/{task}/link", json=body)).json()
    secret = made["url"].rpartition("/")[2]
    await built.runtime.service.use_link(secret, "submitted", "by the portal", PLAIN)


async def by_broken_glass(built: House, incident: str, task: str) -> None:
    """Somebody without the role."""
    body = {"choice": "submitted", "why": "nobody else is awake", "fields": PLAIN}
    await send(built.holding("Eve", "engineering"), f"/api/v1/incidents/{incident}/tasks/{task}/break-glass", **body)


WAYS = [by_submit, by_answer, by_page, by_link, by_broken_glass]


async def kept(built: House, incident: str) -> tuple[Any, Any]:
    """The settlement of the clock, and the entry that keeps what was sent."""
    view = await built.runtime.service.view(incident)
    pieces = [piece for piece in view.evidence if piece.get("kind") == "notice-sent"]
    return view.clocks[CLOCK]["settlement"], pieces[-1]


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_keeps_the_newest_text(built: House, incident: str, way: Any) -> None:
    """The draft of that moment, byte for byte, with its number and its digest, by the word of whoever said so."""
    task = await submission(built, incident)
    draft = await read(built.local, f"/api/v1/incidents/{incident}/notices/{CLOCK}")
    await way(built, incident, task)
    settled, piece = await kept(built, incident)
    number = draft["drafts"][-1]["number"]
    assert settled["as_sent"] == f"draft version {number}, by their word; nobody named the version"
    assert settled["as_sent_sha256"] == piece["sha256"] == draft["sha256"]
    content = built.runtime.world.vault.get(piece["sha256"])
    assert (hashlib.sha256(content).hexdigest(), piece["number"]) == (piece["sha256"], number)


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_prefers_what_was_approved_but_for_broken_glass(built: House, incident: str, way: Any) -> None:
    """An edit after the approval was approved by nobody; whoever breaks the glass has only the newest text."""
    dora, at = built.holding("dora", "dpo"), f"/api/v1/incidents/{incident}/notices/{CLOCK}"
    task = await submission(built, incident)
    one = await send(dora, f"{at}/edit", text=TEXT, why="worded")
    approved = await send(dora, f"{at}/approve", why="read", base=one["sha256"])
    later = await send(dora, f"{at}/edit", text=f"{TEXT}\nMore.\n", why="more")
    await way(built, incident, task)
    settled, _ = await kept(built, incident)
    wanted, word = (later, "edited") if way is by_broken_glass else (approved, "approved")
    assert settled["as_sent_sha256"] == wanted["sha256"]
    assert settled["as_sent"].startswith(f"{word} version ")


async def handed(built: House, incident: str, content: bytes = b"%PDF-1.4 the form") -> str:
    """A file among the evidence."""
    headers, query = {"Content-Type": "application/pdf"}, {"name": "form.pdf", "why": "what was sent"}
    address = f"/api/v1/incidents/{incident}/evidence"
    answer = await built.local.post(address, params=query, content=content, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["evidence"]["sha256"])


async def test_a_file_that_was_handed_in_stands_for_every_version(built: House, incident: str) -> None:
    """It is named with the answer, and has to be among the evidence; the report says which of the two it was."""
    await submission(built, incident)
    address = f"/api/v1/incidents/{incident}/clocks/{CLOCK}/submit"
    wrong = {"why": "sent", "fields": {**PLAIN, "as_sent_sha256": "0" * 64}}
    assert problems(await built.local.post(address, json=wrong)) == ["E101"]
    sha256 = await handed(built, incident)
    await send(built.local, address, why="sent", fields={**PLAIN, "as_sent_sha256": sha256})
    settled, piece = await kept(built, incident)
    assert (settled["as_sent"], piece["version"], piece["sha256"]) == ("the file handed in", "file", sha256)
    assert "As sent: the file handed in" in await told(built, incident)


async def test_a_file_can_be_handed_in_before_and_afterwards(built: House, incident: str) -> None:
    """Before, it is taken when somebody says `sent`; afterwards, it stands in place of the version."""
    await submission(built, incident)
    at = f"/api/v1/incidents/{incident}/notices/{CLOCK}"
    first = await handed(built, incident)
    assert (await send(built.local, f"{at}/as-sent", sha256=first, why="the form"))["state"] == "draft"
    await by_submit(built, incident, "")
    assert (await kept(built, incident))[0]["as_sent_sha256"] == first
    second = await handed(built, incident, b"%PDF-1.4 another")
    now = await send(built.local, f"{at}/as-sent", sha256=second, why="the right one")
    assert (now["state"], now["sent"]["sha256"]) == ("sent", second)
    assert second in await told(built, incident)


async def told(built: House, incident: str) -> str:
    """The report as Markdown."""
    return (await built.local.get(f"/api/v1/incidents/{incident}/report", params={"format": "md"})).text


async def test_the_report_says_whose_word_it_is(built: House, incident: str) -> None:
    """A version of ours is only by the word of whoever said that it was sent."""
    await by_answer(built, incident, await submission(built, incident))
    assert "As sent: draft version" in await told(built, incident)
    report = (await built.local.get(f"/api/v1/incidents/{incident}/report", params={"format": "json"})).json()
    line = next(clock for clock in report["clocks"] if clock["id"] == CLOCK)
    assert line["as_sent"]["says"].startswith("draft version")
    assert len(line["as_sent"]["sha256"]) == 64


async def test_no_button_says_that_a_notice_was_sent(built: House, incident: str) -> None:
    """In Slack the answer needs a reference, which a button cannot carry: it leads to the console."""
    task, service = await submission(built, incident), built.runtime.service
    view, plan = await service.view(incident), await service.plan_of(incident)
    asked = view.task(task)
    assert asked is not None
    assert answerable(view, plan, built.runtime.world.definitions(plan), asked) == ()
