"""The lessons of an incident: agenda, measures, policies, governance, and the playbook's change as a diff to read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.api_house import House, house
from tests.web.console.test_console_incident import ROLES, SECRET, browser

from firedoor.core.journal import Body, Draft, Kind
from firedoor.interfaces.web.reading.cache import forget

CHOICES = [{"id": "done", "label": "Done", "consequence": ""}, {"id": "not_possible", "label": "Cannot be done"}]


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    forget()
    async with house(tmp_path) as built:
        yield built


def write(built: House, incident: str, kind: str, actor: str, body: Body, hours: float = 0) -> None:
    """Write an entry as the runtime would, so many hours from now, without waiting for a night to pass."""
    at = built.runtime.world.now() + timedelta(hours=hours)
    built.runtime.world.store.append(incident, [Draft(kind, actor, body)], at).result()


def ask(built: House, incident: str, op: str, role: str, question: str, kind: str = "do") -> None:
    """A task of the time after."""
    due = (built.runtime.world.now() + timedelta(days=30)).isoformat()
    body = {
        "task": op, "op": op, "kind": kind, "role": role, "escalate_to": "manager", "asks": [], "question": question,
        "guidance": "", "choices": CHOICES, "due_at": due,
    }  # fmt: skip
    write(built, incident, Kind.TASK_OPENED, "firedoor", body)


def answered_late(built: House, incident: str, task: str, choice: str, why: str = "slept") -> None:
    """An answer three hours after the question."""
    body = {
        "task": task, "choice": choice, "why": why, "by": "bo", "role": "commander", "fields": {}, "seen": "",
        "decides": True, "late": True,
    }  # fmt: skip
    write(built, incident, Kind.TASK_ANSWERED, "person:bo", body, hours=3)


async def test_a_running_incident_says_that_its_page_grows(built: House) -> None:
    """The phase, no measure yet, and the steps of the governance as not asked yet."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    page = (await ann.get(f"/incidents/{incident}/lessons")).text
    for words in ("The incident is still open (phase: Identification)", "None yet.", "Facts nobody knew",
                  "No changes proposed",
                  "Update the impact assessment", "Record of the governance review"):  # fmt: skip
        assert words in page, words
    assert page.count('st-pending">not asked yet') == 4
    assert f'href="/incidents/{incident}/lessons"' in (await ann.get(f"/incidents/{incident}")).text


async def test_the_agenda_and_the_change_of_the_playbook_come_from_the_record(built: House) -> None:
    """An answer that came late is talked about, and the limit is proposed as a line of a diff."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    answered_late(built, incident, "identification.incident-type", "training_data")
    page = (await ann.get(f"/incidents/{incident}/lessons")).text
    assert "Answers that came late" in page
    assert '<span class="del">-' in page
    assert '<span class="add">+      within: ' in page
    said = (await built.local.get(f"/api/v1/incidents/{incident}/lessons")).json()
    assert said["proposals"][0]["because"] in page
    assert said["diff"].count("\n+ ") == page.count('<span class="add">+ ')


async def test_measures_stand_with_owner_day_and_state(built: House) -> None:
    """Work of remediation, open and done; what a review promised in its own words; a way to all measures."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    ask(built, incident, "remediation.corrective-measures", "engineering", "Close the index for good")
    ask(built, incident, "post_incident.agreed-measures[1]", "manager", "Train the staff")
    answered_late(built, incident, "post_incident.agreed-measures[1]", "done")
    page = (await ann.get(f"/incidents/{incident}/lessons")).text
    table = page[page.index("Table of measures") : page.index("Measures of all incidents")]
    for words in ("Close the index for good", "engineering", "data-countdown", "Train the staff", "bo: slept",
                  'st-finished">done'):  # fmt: skip
        assert words in table, words
    assert 'href="/measures"' in page


async def test_policies_and_governance_lead_to_their_tasks(built: House) -> None:
    """Whose turn it is finds the link to answer; everybody else sees that it is open, then who said what."""
    incident = await built.open()
    ask(built, incident, "post_incident.update-assessment", "dpo", "Review the assessment")
    ask(built, incident, "post_incident.governance-review", "manager", "Do you accept the risk?", "decide")
    dee, eve = await browser(built, "dee", "dpo"), await browser(built, "eve", "viewer")
    at = f'href="/incidents/{incident}/tasks/T2'
    page = (await dee.get(f"/incidents/{incident}/lessons")).text
    assert f'{at}#choices"' in page
    assert f'href="/incidents/{incident}/tasks/T3#choices"' not in page
    page = (await eve.get(f"/incidents/{incident}/lessons")).text
    assert f'{at}"' in page
    assert "#choices" not in page
    assert (await dee.send(f"/incidents/{incident}/tasks/T2", choice="done", why="Risk raised.")).status_code == 303
    page = (await eve.get(f"/incidents/{incident}/lessons")).text
    assert "Risk raised." in page
    assert 'st-finished">Done' in page
    assert "Review the assessment" not in page[page.index('id="measures"') : page.index('id="policies"')]


async def test_a_review_that_was_held_stands_with_what_it_found(built: House) -> None:
    """Who was there, what was found, and each promise as a line of its own."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    ask(built, incident, "post_incident.review", "commander", "Hold the review", "review")
    fields = {
        "attended": "ann, bo",
        "findings": "the filter was off",
        "measures": "test the filter; ann; Friday\nread logs",
    }
    body = {"task": "post_incident.review", "choice": "done", "why": "held", "by": "bo", "role": "commander",
            "fields": fields, "seen": "", "decides": True, "late": False}  # fmt: skip
    write(built, incident, Kind.TASK_ANSWERED, "person:bo", body)
    page = (await ann.get(f"/incidents/{incident}/lessons")).text
    for words in ("ann, bo", "the filter was off", "<span>test the filter</span>", "ann · Friday", "no owner named"):
        assert words in page, words


async def test_sealed_words_and_closed_incidents_stay_so(built: House) -> None:
    """A measure that repeats a sealed fact is covered; outside the readers there is no page."""
    incident = await built.open("nonconsensual-generation", requester_contact=SECRET)
    ask(built, incident, "remediation.corrective-measures", "engineering", f"Write to {SECRET}")
    ask(built, incident, "post_incident.update-policies", "dpo", "Review the policies")
    answered_late(built, incident, "post_incident.update-policies", "done", f"spoken about with {SECRET}")
    mia, leo = await browser(built, "mia", "manager"), await browser(built, "leo", "legal")
    here = f"/incidents/{incident}/lessons"
    assert SECRET not in (await mia.get(here)).text
    assert (await leo.get(here)).text.count(SECRET) == 2  # the measure, and the reason at the policies
    ann = await browser(built, "ann", *ROLES)
    assert (await ann.send(f"/incidents/{incident}/readers", who="some", roles="dpo", why="x")).status_code == 303
    assert (await mia.get(here)).status_code == 403
