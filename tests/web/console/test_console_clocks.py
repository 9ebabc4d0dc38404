"""The page of a clock: the law, the limit and its reasons, and what people do to it by forms, with the effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import House, house
from tests.web.console.test_console_incident import ROLES, SECRET, Browser, browser
from tests.web.console.test_console_task import LAW

from firedoor.interfaces.web.http.words import there
from firedoor.interfaces.web.reading.cache import forget

CLOCK = "eu.gdpr.art33.sa"
WORDS = {"document": "letter of the authority, ref. 7/26", "why": "Granted on the telephone and in writing."}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    forget()
    async with house(tmp_path) as built:
        yield built


def recently(**by: float) -> str:
    """An instant of the last days, in UTC."""
    return (datetime.now(UTC).replace(microsecond=0) - timedelta(**by)).isoformat()


async def opened(built: House, **facts: Any) -> str:
    """An incident with a clock that runs for another two days."""
    return await built.open(**{**LAW, "aware_at": recently(hours=20), **facts})


async def clock(built: House, incident: str) -> Any:
    """The clock, as the API tells it."""
    found = (await built.local.get(f"/api/v1/incidents/{incident}/clocks")).json()["clocks"]
    return next(one for one in found if one["id"] == CLOCK)


def later(**by: float) -> dict[str, str]:
    """The fields of a form for an instant ahead, in Berlin's zone written as UTC."""
    at = datetime.now(UTC).replace(microsecond=0, second=0) + timedelta(**by)
    return {"until": at.strftime("%Y-%m-%dT%H:%M"), "until.zone": "UTC"}


async def agreed(built: House, incident: str, by: Browser) -> None:
    """Somebody else agrees to the change that waits."""
    view = await built.runtime.service.view(incident)
    (task,) = [f"T{one.number}" for one in view.open_tasks() if one.kind == "clock"]
    sent = await by.send(f"/incidents/{incident}/tasks/{task}", choice="approve", why="It covers this case.")
    assert sent.status_code == 303


async def test_the_page_says_what_runs_out_when_and_why(built: House) -> None:
    """Article, confidence, both zones, the period, the fact with who set it, the later reading, and the history."""
    incident, ann = await opened(built, time_zone="Europe/Berlin"), await browser(built, "ann", *ROLES)
    page = (await ann.get(f"/incidents/{incident}/clocks/{CLOCK}")).text
    due = (await clock(built, incident))["due"]
    for words in (
        "Art 33(1), (3), (4)", "high; checked on", str(there(due, "Europe/Berlin")),
        "72 hours of elapsed time from awareness",
        f'href="/incidents/{incident}/facts?name=aware_at"', "counted in clock hours", "never used by default",
        "<strong>started</strong>", "data-countdown", "not legal advice",
    ):  # fmt: skip
        assert words in page, words
    assert page.count("<h1") == 1
    assert (await ann.get(f"/incidents/{incident}/clocks/eu.gdpr.art99")).status_code == 404


async def test_the_limit_is_shown_on_the_wall_of_the_authority() -> None:
    """With its day and the name of the zone, whatever the reader's own zone is."""
    assert "Mon 23 Nov 2026, 22:15 Europe/Berlin" in there("2026-11-23T21:15:00Z", "Europe/Berlin")
    assert "Tue 24 Nov 2026, 08:15 Australia/Sydney" in there("2026-11-23T21:15:00Z", "Australia/Sydney")


async def test_it_is_reached_from_where_clocks_are_named(built: House) -> None:
    """The incident, all clocks, the overview and the notice lead to it."""
    incident, ann = await opened(built), await browser(built, "ann", *ROLES)
    link = f'href="/incidents/{incident}/clocks/{CLOCK}"'
    for path in (f"/incidents/{incident}", "/clocks", "/", f"/incidents/{incident}/notices/{CLOCK}"):
        assert link in (await ann.get(path)).text, path


async def test_more_time_is_asked_for_and_somebody_else_agrees(built: House) -> None:
    """Until then nothing moves; afterwards the old limit, the document and both people are on record."""
    incident = await opened(built)
    ann, bo = await browser(built, "ann", *ROLES), await browser(built, "bo", *ROLES)
    here, before = f"/incidents/{incident}/clocks/{CLOCK}", await clock(built, incident)
    sent = await ann.send(f"{here}/extend", **later(days=9), **WORDS)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{here}?done=extend")
    assert (await clock(built, incident))["due"] == before["due"]
    assert "Needs a second person" in (await ann.get(here)).text
    await agreed(built, incident, bo)
    assert (await clock(built, incident))["state"] == "extended"
    page = (await ann.get(here)).text
    for words in ("asked for by ann, agreed by bo", WORDS["document"], "It covers this case.", "Deadline <time"):
        assert words in page, words
    assert page.index("<dt>Extended</dt>") < page.index('id="can"')


async def test_a_pause_is_asked_for_agreed_and_ended(built: House) -> None:
    """While it lasts the page says so and offers its end; the end takes effect at once."""
    incident = await opened(built)
    ann, bo = await browser(built, "ann", *ROLES), await browser(built, "bo", *ROLES)
    here = f"/incidents/{incident}/clocks/{CLOCK}"
    assert "End the pause: not possible. It is not paused." in (await ann.get(here)).text
    assert (await ann.send(f"{here}/pause", **later(days=20), **WORDS)).status_code == 303
    await agreed(built, incident, bo)
    page = (await ann.get(here)).text
    assert "It is paused already." in page
    assert 'st-waiting">paused' in page
    assert (await ann.send(f"{here}/resume", why=" ")).status_code == 409
    assert (await ann.send(f"{here}/resume", why="Lifted.")).status_code == 303
    assert (await clock(built, incident))["state"] == "running"


def went() -> dict[str, str]:
    """What somebody says of a sending of just now, in the form's own fields."""
    at = datetime.now(UTC).isoformat(timespec="minutes").removesuffix("+00:00")
    return {"version": "none", "channel": "the portal", "sent_at": at, "sent_at.zone": "UTC"}


async def test_a_submission_is_recorded_with_its_reference(built: House) -> None:
    """The clock ends in time; nothing is offered any more, and the page says by whom and with which reference."""
    incident, dee = await opened(built), await browser(built, "dee", "dpo")
    here = f"/incidents/{incident}/clocks/{CLOCK}"
    given = {"reference": "LDI-2026-77", "why": "By the portal.", **(said := went())}
    assert (await dee.send(f"{here}/submit", **given)).status_code == 303
    found = await clock(built, incident)
    assert (found["state"], found["settlement"]["reference"]) == ("submitted", "LDI-2026-77")
    assert found["settlement"]["sent_at"] == f"{said['sent_at']}:00+00:00"
    page = (await dee.get(here)).text
    for words in ("sent in time", "LDI-2026-77", "by dee", '<p class="empty">The clock has ended: submitted.</p>'):
        assert words in page, words
    assert "<textarea" not in page


async def test_a_late_submission_asks_for_the_reasons_of_the_delay(built: House) -> None:
    """The form says that it is late, and without the reasons what was typed is kept."""
    incident, dee = await built.open(**LAW), await browser(built, "dee", "dpo")
    here = f"/incidents/{incident}/clocks/{CLOCK}"
    assert 'name="reasons_for_delay" required' in (await dee.get(here)).text
    refused = await dee.send(f"{here}/submit", reference="LDI-9", why="By the portal.", **went())
    assert refused.status_code == 422
    for words in ("C104", 'value="LDI-9"', "By the portal.</textarea>", '<details id="submit" open>'):
        assert words in refused.text, words
    given = {**went(), "reference": "LDI-9", "why": "By the portal.", "reasons_for_delay": "Nobody had the key."}
    assert (await dee.send(f"{here}/submit", **given)).status_code == 303
    assert (await clock(built, incident))["settlement"]["late"] is True
    assert "Reasons for the delay: Nobody had the key." in (await dee.get(here)).text


async def test_everything_that_is_missing_is_said_at_once(built: House) -> None:
    """The instant, the document and the reason; the words that were typed stay, and nothing was asked."""
    incident, ann = await opened(built), await browser(built, "ann", *ROLES)
    here = f"/incidents/{incident}/clocks/{CLOCK}"
    refused = await ann.send(f"{here}/extend", until="", document="", why="")
    assert refused.status_code == 422
    assert (refused.text.count("C105"), refused.text.count("W148")) == (2, 1)
    refused = await ann.send(f"{here}/extend", **{**later(days=1), "document": "ref. 7/26", "why": " "})
    assert 'value="ref. 7/26"' in refused.text
    for words in ({"until": "2026-10-25T02:30", "until.zone": "Europe/Berlin"}, {"until": "tomorrow"}):
        assert (await ann.send(f"{here}/extend", **words, **WORDS)).status_code == 422
    assert not [task for task in (await built.runtime.service.view(incident)).open_tasks() if task.kind == "clock"]


async def test_whoever_may_not_is_told_so_and_offered_nothing(built: House) -> None:
    """A viewer sees the limit and the history; each form is refused, and so is one without the session's token."""
    incident, eve = await opened(built), await browser(built, "eve", "viewer")
    here = f"/incidents/{incident}/clocks/{CLOCK}"
    page = (await eve.get(here)).text
    assert "<textarea" not in page
    assert "you have viewer" in page
    for action in ("submit", "extend", "pause", "resume"):
        assert (await eve.send(f"{here}/{action}", **later(days=9), **WORDS)).status_code == 403, action
    ann = await browser(built, "ann", *ROLES)
    unsigned = await ann.client.post(f"{here}/extend", data={**later(days=9), **WORDS}, headers={"accept": "text/html"})
    assert unsigned.status_code == 403
    assert (await clock(built, incident))["state"] == "running"


async def test_only_whoever_needs_to_know_reaches_it(built: House) -> None:
    """Outside the list of readers the page and its forms answer 403."""
    incident, ann = await opened(built), await browser(built, "ann", *ROLES)
    assert (await ann.send(f"/incidents/{incident}/readers", who="some", roles="dpo", why="x")).status_code == 303
    eve, here = await browser(built, "eve", "manager", "commander"), f"/incidents/{incident}/clocks/{CLOCK}"
    assert (await eve.get(here)).status_code == 403
    assert (await eve.send(f"{here}/extend", **later(days=9), **WORDS)).status_code == 403


async def test_sealed_words_stay_covered_on_it(built: House) -> None:
    """A reason that repeats a sealed fact is read by legal and not by a manager, nor is the assessment."""
    incident = await built.open("nonconsensual-generation", requester_contact=SECRET, **LAW)
    leo, mia = await browser(built, "leo", "legal"), await browser(built, "mia", "manager")
    found = (await built.local.get(f"/api/v1/incidents/{incident}/clocks")).json()["clocks"]
    here = f"/incidents/{incident}/clocks/{next(one['id'] for one in found if one['open'])}"
    assert (await leo.send(f"{here}/extend", **later(days=40), document="ref. 1", why=SECRET)).status_code == 303
    assert SECRET in (await leo.get(here)).text
    page = (await mia.get(here)).text
    assert SECRET not in page
    assert 'id="findings"' not in page
