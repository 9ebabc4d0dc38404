"""Whichever way somebody says that a notice was sent, the text of it is kept, with its version and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import httpx
import pytest
from tests.support.api_house import House, house, problems
from tests.web.api.test_notices import CLOCK, FACTS, ORGANISATION, TEXT, read, send
from tests.web.console.test_console_incident import browser
from tests.web.console.test_console_task import head, submission

from firedoor.core.notices.notifications import answerable

BARE = {"reference": "DPA-1", "reasons_for_delay": "found late"}
PLAIN = {**BARE, "channel": "the portal", "sent_at": "now"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        yield built


@pytest.fixture(name="incident")
async def _incident(built: House) -> str:
    return await built.open(**FACTS)


Fields = dict[str, str]
PEOPLE: WeakKeyDictionary[House, Any] = WeakKeyDictionary()  # whoever has signed in there


async def by_submit(built: House, incident: str, task: str, fields: Fields) -> httpx.Response:
    """A call about the clock."""
    body = {"why": "by the portal", "fields": fields}
    dora = built.holding("dora", "dpo")
    return await dora.post(f"/api/v1/incidents/{incident}/clocks/{CLOCK}/submit", json=body)


async def by_answer(built: House, incident: str, task: str, fields: Fields) -> httpx.Response:
    """A call about the task."""
    body = {"choice": "submitted", "why": "by the portal", "fields": fields}
    return await built.holding("dora", "dpo").post(f"/api/v1/incidents/{incident}/tasks/{task}/answer", json=body)


async def by_page(built: House, incident: str, task: str, fields: Fields) -> httpx.Response:
    """The page of the task."""
    dora = PEOPLE.get(built) or PEOPLE.setdefault(built, await browser(built, "dora", "dpo"))
    given = {"choice": "submitted", "why": "by the portal", "head": await head(built, incident)}
    at = built.runtime.world.now().isoformat(timespec="minutes").partition("+")[0]
    words = {name: at if (name, word) == ("sent_at", "now") else word for name, word in fields.items()}
    return await dora.send(
        f"/incidents/{incident}/tasks/{task}", **{f"submitted.field.{k}": v for k, v in words.items()}, **given
    )


async def by_broken_glass(built: House, incident: str, task: str, fields: Fields) -> httpx.Response:
    """Somebody without the role."""
    body = {"choice": "submitted", "why": "nobody else is awake", "fields": fields}
    eve = built.holding("Eve", "engineering")
    return await eve.post(f"/api/v1/incidents/{incident}/tasks/{task}/break-glass", json=body)


WAYS = [by_submit, by_answer, by_page, by_broken_glass]


async def kept(built: House, incident: str) -> tuple[Any, Any]:
    """The settlement of the clock, and the entry that keeps what was sent."""
    view = await built.runtime.service.view(incident)
    pieces = [piece for piece in view.evidence if piece.get("kind") == "notice-sent"]
    return view.clocks[CLOCK].settlement, pieces[-1]


@pytest.mark.parametrize("way", WAYS)
async def test_no_way_meets_a_deadline_with_a_draft_full_of_gaps(built: House, incident: str, way: Any) -> None:
    """Nothing said, or a draft that nobody approved, in any disguise: refused, with what to do; the clock runs on."""
    task = await submission(built, incident)
    draft = await read(built.local, f"/api/v1/incidents/{incident}/notices/{CLOCK}")
    assert draft["missing"]
    view = await built.runtime.service.view(incident)
    kept = next(one["sha256"] for one in view.evidence if one["name"] == f"draft for {CLOCK}")
    for fields, codes in (
        (BARE, {"C107"}), (PLAIN, {"C107"}), ({**PLAIN, "version": "draft"}, {"G115"}),
        ({**PLAIN, "as_sent": "approved version 1, by their word"}, {"C107"}),
        ({**PLAIN, "version": draft["sha256"][:12]}, {"G109"}), ({**PLAIN, "version": "approved"}, {"G115"}),
        ({**PLAIN, "version": "file"}, {"G117"}),
    ):  # fmt: skip
        refused = await way(built, incident, task, dict(fields))
        assert refused.status_code in (409, 422), refused.text
        assert all(code in refused.text for code in codes), (fields, refused.text)
    if way is not by_page:  # its form has no such field
        assert "G116" in (await way(built, incident, task, {**PLAIN, "as_sent_sha256": kept})).text
    view = await built.runtime.service.view(incident)
    assert view.clocks[CLOCK].state in {"running", "missed"}
    assert not [one for one in view.evidence if one.get("kind") == "notice-sent"]


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_keeps_the_version_that_was_approved(built: House, incident: str, way: Any) -> None:
    """Byte for byte, with who, by which channel, when; an edit after the approval was approved by nobody."""
    dora, at = built.holding("dora", "dpo"), f"/api/v1/incidents/{incident}/notices/{CLOCK}"
    task = await submission(built, incident)
    one = await send(dora, f"{at}/edit", text=TEXT, why="worded")
    approved = await send(dora, f"{at}/approve", why="read", base=one["sha256"])
    await send(dora, f"{at}/edit", text=f"{TEXT}\nMore.\n", why="more")
    if way is not by_broken_glass:
        assert "G115" in (await way(built, incident, task, {**PLAIN, "version": "edited"})).text
    done = await way(built, incident, task, {**PLAIN, "version": "approved"})
    assert done.status_code in (200, 303), done.text
    settled, piece = await kept(built, incident)
    assert settled["as_sent_sha256"] == piece["sha256"] == approved["sha256"]
    assert settled["as_sent"].startswith("approved version ")
    assert (settled["channel"], settled["by"].lower() in {"dora", "eve"}) == ("the portal", True)
    assert hashlib.sha256(built.runtime.world.vault.get(piece["sha256"])).hexdigest() == piece["sha256"]


async def test_whoever_breaks_the_glass_finds_nobody_who_could_approve(built: House, incident: str) -> None:
    """A worded text without open places stands for them, and the report names it as weak."""
    task = await submission(built, incident)
    await send(built.holding("dora", "dpo"), f"/api/v1/incidents/{incident}/notices/{CLOCK}/edit", text=TEXT, why="w")
    done = await by_broken_glass(built, incident, task, {**PLAIN, "version": "edited"})
    assert done.status_code == 200, done.text
    assert (await kept(built, incident))[0]["as_sent"].startswith("edited version ")
    assert "Weakness: The text that is kept was approved by nobody." in await told(built, incident)


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2026-11-19T10:00:00+00:00", "before there was anything to tell"), ("2031-01-01T10:00:00+00:00", "ahead"),
        ("2026-11-21T10:00:00", "has no offset"), ("0001-01-01T00:00:00Z", "not"), ("yesterday", "is not an instant"),
    ],
)  # fmt: skip
async def test_it_was_sent_at_an_instant_that_can_be(built: House, incident: str, at: str, says: str) -> None:
    """Not before the incident, not ahead, not a guess."""
    task = await submission(built, incident)
    refused = await by_answer(built, incident, task, {**PLAIN, "version": "none", "sent_at": at})
    assert (refused.status_code, says in refused.text) == (422, True), refused.text


async def test_no_text_was_sent_before_it_was_approved(built: House, incident: str) -> None:
    """What went earlier was another text."""
    dora, at = built.holding("dora", "dpo"), f"/api/v1/incidents/{incident}/notices/{CLOCK}"
    task = await submission(built, incident)
    one = await send(dora, f"{at}/edit", text=TEXT, why="worded")
    await send(dora, f"{at}/approve", why="read", base=one["sha256"])
    fields = {**PLAIN, "version": "approved", "sent_at": "2026-11-21T10:00:00+00:00"}
    assert "was approved at" in (await by_answer(built, incident, task, fields)).text


async def test_nobody_signs_for_somebody_else(built: House, incident: str) -> None:
    """What comes with an answer never stands in place of who gave it, or of whether it was late."""
    task = await submission(built, incident)
    fields = {**PLAIN, "version": "none", "by": "the DPO", "late": "no", "why": "forged"}
    assert (await by_answer(built, incident, task, fields)).status_code == 200
    view = await built.runtime.service.view(incident)
    settled = view.clocks[CLOCK].settlement
    assert (settled["by"], settled["late"], settled["why"]) == ("dora", True, "by the portal")


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
    assert (await by_submit(built, incident, "", {**PLAIN, "version": "file"})).status_code == 200
    assert (await kept(built, incident))[0]["as_sent_sha256"] == first
    second = await handed(built, incident, b"%PDF-1.4 another")
    now = await send(built.local, f"{at}/as-sent", sha256=second, why="the right one")
    assert (now["state"], now["sent"]["sha256"]) == ("sent", second)
    assert second in await told(built, incident)


async def told(built: House, incident: str) -> str:
    """The report as Markdown."""
    return (await built.local.get(f"/api/v1/incidents/{incident}/report", params={"format": "md"})).text


async def test_the_report_says_that_no_copy_is_kept(built: House, incident: str) -> None:
    """It is said, and it counts as a weakness."""
    done = await by_answer(built, incident, await submission(built, incident), {**PLAIN, "version": "none"})
    assert done.status_code == 200, done.text
    text = await told(built, incident)
    for words in ("no copy of what was sent is kept here, by their word", "Weakness: No copy", "1 of the sendings is"):
        assert words in text, words
    report = (await built.local.get(f"/api/v1/incidents/{incident}/report", params={"format": "json"})).json()
    line = next(clock for clock in report["clocks"] if clock["id"] == CLOCK)
    assert (line["as_sent"]["sha256"], line["channel"]) == (None, "the portal")


async def test_no_button_says_that_a_notice_was_sent(built: House, incident: str) -> None:
    """In Slack the answer needs a reference, which a button cannot carry: it leads to the console."""
    task, service = await submission(built, incident), built.runtime.service
    view, plan = await service.view(incident), await service.plan_of(incident)
    asked = view.task(task)
    assert asked is not None
    assert answerable(view, plan, built.runtime.world.definitions(plan), asked) == ()
