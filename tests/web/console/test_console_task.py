"""The page of a task: full knowledge before an answer, inputs for what it requires, and the decision afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.api_house import House, house
from tests.support.letters import writing
from tests.web.console.test_console_incident import ROLES, browser

from firedoor.interfaces.web.reading.cache import forget

LAW = {
    "established_in": "DE", "controller": "yes", "personal_data": "yes", "security_breach": "yes",
    "risk_to_people": "risk", "aware_at": "2026-11-10T10:00:00Z",
}  # fmt: skip
CHOICE = {"choice": "training_data", "why": "The record fits, by hash."}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    forget()
    async with house(tmp_path) as built:
        yield built


async def submission(built: House, incident: str) -> str:
    """The name of the task that settles the clock for the supervisory authority."""
    await built.runtime.driver.settled(incident)
    view = await built.runtime.service.view(incident)
    task = next(task for task in view.open_tasks() if task.kind == "submit" and task.clock == "eu.gdpr.art33.sa")
    return f"T{task.number}"


async def head(built: House, incident: str) -> str:
    """The number of the last entry."""
    return str((await built.runtime.service.view(incident)).head.seq)


async def test_every_choice_says_what_it_leads_to(built: House) -> None:
    """The question, the guidance, the consequences, what a choice records, and an input for what is asked."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    page = (await ann.get(f"/incidents/{incident}/tasks/T1")).text
    for words in ("What came out of", "Do not copy the output", "Treated as disclosed as soon as it is confirmed.",
                  "leak kind = training_data", 'name="fact.endpoint"', "You answer as <strong>commander"):  # fmt: skip
        assert words in page
    assert (await ann.get(f"/incidents/{incident}/tasks/T99")).status_code == 404


async def test_an_answer_leads_to_the_decision_with_what_was_known(built: House) -> None:
    """After it the same address shows who decided what and why; the facts of the form are set."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    here = f"/incidents/{incident}/tasks/T1"
    answer = await ann.send(here, head=await head(built, incident), **CHOICE, **{"fact.endpoint": "chat-large"})
    assert (answer.status_code, answer.headers["location"]) == (303, here)
    page = (await ann.get(here)).text
    assert "The record fits, by hash." in page
    assert "What was known then" in page
    assert 'type="radio"' not in page
    view = await built.runtime.service.view(incident)
    assert (view.facts["endpoint"], view.facts["leak_kind"]) == ("chat-large", "training_data")


async def test_a_refused_answer_keeps_what_was_typed(built: House) -> None:
    """Without a reason: the problem, the chosen answer and the endpoint stand on the form."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    fields = {"choice": "training_data", "why": " ", "fact.endpoint": "chat-xyz"}
    answer = await ann.send(f"/incidents/{incident}/tasks/T1", **fields)
    assert answer.status_code == 422
    for words in ("T109", 'value="chat-xyz"', 'value="training_data" required checked'):
        assert words in answer.text


async def test_nobody_answers_a_record_that_has_changed_unseen(built: House) -> None:
    """A fact was set after the page was made: it is shown, and the second answer counts."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    seen = await head(built, incident)
    await built.local.post(f"/api/v1/incidents/{incident}/facts", json={"facts": {"people_affected": 9}, "why": "x"})
    here = f"/incidents/{incident}/tasks/T1"
    refused = await ann.send(here, head=seen, **CHOICE)
    assert refused.status_code == 409
    assert "W143" in refused.text
    assert "people_affected = 9" in refused.text
    assert (await ann.send(here, head=await head(built, incident), **CHOICE)).status_code == 303


async def test_who_comes_too_late_is_told_who_decided(built: House) -> None:
    """Nobody is asked to answer again what has been decided meanwhile."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    seen, here = await head(built, incident), f"/incidents/{incident}/tasks/T1"
    assert (await ann.send(here, head=seen, **CHOICE)).status_code == 303
    late = await ann.send(here, head=seen, **CHOICE)
    assert late.status_code == 409
    assert "was answered by ann" in late.text
    assert "W143" not in late.text


async def test_a_form_of_another_site_answers_nothing(built: House) -> None:
    """Without the token of the session nothing is taken."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    answer = await ann.client.post(f"/incidents/{incident}/tasks/T1", data=CHOICE)
    assert answer.status_code == 403
    assert (await built.runtime.service.view(incident)).task("T1").open


async def test_somebody_without_the_role_can_only_break_the_glass(built: House) -> None:
    """The page says why and what it costs; afterwards the review of it waits for somebody else."""
    incident, dora = await built.open(), await browser(built, "dora", "dpo")
    here = f"/incidents/{incident}/tasks/T1"
    page = (await dora.get(here)).text
    assert "You cannot answer this: the task T1 is for commander" in page
    assert "Break glass and answer" in page
    assert (await dora.send(here, **CHOICE)).status_code == 403
    assert (await dora.send(f"{here}/break-glass", **CHOICE)).status_code == 303
    view = await built.runtime.service.view(incident)
    assert [task.kind for task in view.open_tasks() if task.kind == "review-break-glass"]


async def test_a_task_is_taken_over_and_given_away(built: House) -> None:
    """Nobody else answers what somebody took over; who gives a decision away cannot take it."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    here, ben = f"/incidents/{incident}/tasks/T1", await browser(built, "ben", "commander")
    assert (await ann.send(f"{here}/claim", why="I know the record.")).status_code == 303
    assert "ann has taken over T1" in (await ben.get(here)).text
    assert (await ben.send(here, **CHOICE)).status_code == 409
    assert (await ann.send(f"{here}/reassign", role="legal", why="They know better.")).status_code == 303
    assert "asked for this" in (await ann.get(here)).text


async def test_a_link_is_sent_and_never_shown(tmp_path: Path) -> None:
    """The page says where it went; it stands in Cleo's letter alone, and answers in her name."""
    async with writing(tmp_path) as built:
        incident, ann = await built.open(), await browser(built, "ann", *ROLES)
        built.account("Cleo", "commander")
        here = f"/incidents/{incident}/tasks/T1"
        assert "W144" in (await ann.send(f"{here}/link", to="Cleo", role="commander", hours="two")).text
        page = (await ann.send(f"{here}/link", to="Cleo", role="commander", hours="2")).text
        address = built.link()
        assert ("To Cleo by email" in page, address in page) == (True, False)
        assert (await built.client().post(address, data=CHOICE)).status_code == 200
        assert "Cleo as commander" in (await ann.get(here)).text


WENT = {"version": "none", "channel": "the portal", "sent_at": "2026-11-20T12:00", "sent_at.zone": "UTC"}


async def test_a_late_submission_asks_for_its_reasons(built: House) -> None:
    """The draft and what it lacks, the limit in the zone of the authority, the reference and the reasons for delay."""
    incident, ann = await built.open(**LAW), await browser(built, "ann", *ROLES)
    task = await submission(built, incident)
    here = f"/incidents/{incident}/tasks/{task}"
    page = (await ann.get(here)).text
    for words in ("Still missing:", "Art 33", "overdue", 'name="submitted.field.reference"',
                  'name="submitted.field.reasons_for_delay"'):  # fmt: skip
        assert words in page
    fields = {"choice": "submitted", "why": "Sent by the portal.", "submitted.field.reference": "LDA-4711"}
    assert (await ann.send(here, **fields)).text.count("C107") == 3
    fields |= {f"submitted.field.{name}": word for name, word in WENT.items()}
    assert "C104" in (await ann.send(here, **fields)).text
    late = {"submitted.field.reasons_for_delay": "Found late."}
    assert (await ann.send(here, **fields, **late)).status_code == 303
    page = (await ann.get(f"/incidents/{incident}")).text
    for words in ("LDA-4711", "sent after the limit", "Found late."):
        assert words in page


async def test_whoever_may_not_read_sealed_facts_reads_no_draft(built: House) -> None:
    """That there is one, and who can read it; the page is whole otherwise."""
    incident = await built.open("nonconsensual-generation", minor="yes", **LAW)
    await built.runtime.driver.settled(incident)
    view = await built.runtime.service.view(incident)
    numbers = [task.number for task in view.open_tasks() if task.kind == "submit" and task.clock]
    eng = await browser(built, "eng", "engineering")
    pages = [await eng.get(f"/incidents/{incident}/tasks/T{number}") for number in numbers]
    assert {page.status_code for page in pages} == {200}
    assert any("It may contain sealed facts" in page.text for page in pages)
    assert not any('class="draft"' in page.text for page in pages)


async def test_a_viewer_reads_the_choices_and_has_no_button(built: House) -> None:
    """Consequences are for everybody who may read; answering is not."""
    incident, vic = await built.open(), await browser(built, "vic", "viewer")
    page = (await vic.get(f"/incidents/{incident}/tasks/T1")).text
    assert "Treated as disclosed as soon as it is confirmed." in page
    assert 'name="choice"' not in page
    assert (await vic.send(f"/incidents/{incident}/tasks/T1", **CHOICE)).status_code == 403
