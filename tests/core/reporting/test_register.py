"""The register of breaches: one row for each notice, with the reasons for sending late or not at all."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

from tests.core.clocks.test_incident_law import ANNA, AWARE, BEN, BREACH, DUTIES, SA, Incident
from tests.sending import SENT

from firedoor.core.journal import Draft, Kind
from firedoor.core.reporting.register import COLUMNS, as_csv, register
from firedoor.core.tasks.answers import Answer, answer_task, submit_clock


def row(incident: Incident, duty: str = SA) -> dict[str, Any]:
    (found,) = [one for one in register([incident.view], DUTIES.facts) if one["duty"] == duty]
    return found


def test_facts_effects_and_remedial_action_stand_in_every_row() -> None:
    """GDPR Art 33(5), in words; what nobody knows is unknown, not empty."""
    known = {"likely_consequences": "unwanted mail", "measures_taken": "endpoint closed", "people_affected": "20..60"}
    found = row(Incident(**BREACH, **known))
    assert found["incident_description"] == "A model recited e-mail addresses."
    assert (found["likely_consequences"], found["measures_taken"]) == ("unwanted mail", "endpoint closed")
    assert (found["people_affected"], found["records_affected"]) == ("20 to 60", "unknown")
    assert (found["personal_data_breach"], found["outcome"]) == ("yes", "still running")


def test_the_reasoning_for_not_notifying_is_in_it_under_a_name() -> None:
    """A decision of a person, with the reason that was given."""
    incident = Incident(**BREACH)
    incident.asks_to_send(SA)
    given = Answer("not_required", "the addresses were made up by the model")
    incident.write(answer_task(incident.view, f"notify[{SA}]", given, ANNA, DUTIES.facts, incident.now))
    found = row(incident)
    assert found["reasons_for_not_notifying"] == "the addresses were made up by the model"
    assert (found["decided_by"], found["outcome"]) == ("anna", "ended by a named person's decision")


def test_a_duty_that_the_facts_ended_says_so_with_who_agreed() -> None:
    """The controller is somebody else: the clause stands as the reason, the second person as the one who decided."""
    incident = Incident(**BREACH)
    incident.set(BEN, controller="no")
    for task in incident.view.open_tasks():
        incident.write(
            answer_task(incident.view, task.id, Answer("approve", "right"), ANNA, DUTIES.facts, incident.now)
        )
    found = row(incident)
    assert (found["outcome"], found["decided_by"]) == ("found not to apply", "anna")
    assert "the organisation is the controller" in found["reasons_for_not_notifying"]


def test_the_reasons_for_a_delay_are_in_it() -> None:
    """Art 33(1): a late notice goes with its reasons."""
    incident = Incident(**BREACH)
    incident.now = AWARE + timedelta(hours=80)
    incident.asks_to_send(SA)
    fields = {**SENT, "reference": "R-7", "reasons_for_delay": "found on Sunday"}
    incident.write(submit_clock(incident.view, SA, fields, "sent", ANNA, incident.now))
    found = row(incident)
    assert (found["reasons_for_delay"], found["reference"]) == ("found on Sunday", "R-7")
    assert (found["outcome"], found["reasons_for_not_notifying"]) == ("sent after the limit", "")


def test_an_incident_without_a_duty_has_a_row_too() -> None:
    """An infringement that is no breach is on record as such."""
    (found,) = register(
        [Incident(own_unlawful_use="yes", personal_data="yes", security_breach="no").view], DUTIES.facts
    )
    assert (found["duty"], found["personal_data_breach"]) == ("", "no")


def test_the_csv_reads_back_and_runs_nothing_in_a_spreadsheet() -> None:
    """Commas, quotes and line ends survive; a cell that looks like a formula is text."""
    incident = Incident(**BREACH)
    incident.set(ANNA, incident_description='=HYPERLINK("http://x"), "two\nlines"', measures_taken="closed, at once")
    (found, *_) = csv.DictReader(io.StringIO(as_csv(register([incident.view], DUTIES.facts)), newline=""))
    assert found["incident_description"] == '\'=HYPERLINK("http://x"), "two\nlines"'
    assert found["measures_taken"] == "closed, at once"
    assert tuple(found) == COLUMNS


def test_holds_and_internal_work_are_no_notices() -> None:
    """Preserving what was reported is a duty, and nobody is told by it."""
    incident = Incident(us_communications_provider="yes", submitted_us_2258a_report_at=AWARE.isoformat())
    incident.write([Draft(Kind.NOTE, "person:anna", {})])
    assert "us.2258a.preserve" in incident.view.clocks
    duties = [one["duty"] for one in register([incident.view], DUTIES.facts)]
    assert duties
    assert "us.2258a.preserve" not in duties
