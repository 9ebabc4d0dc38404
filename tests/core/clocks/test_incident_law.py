"""Clocks inside an incident: what facts and people do to them, and what the journal keeps of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sending import SENT

from firedoor.core.clocks.engine import Law, facts_of
from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import InvalidInput, NotFound, Refused
from firedoor.core.tasks.answers import (
    Answer,
    MoreTime,
    Person,
    answer_task,
    extend_clock,
    pause_clock,
    resume_clock,
    set_facts,
    submit_clock,
)
from firedoor.duties.catalogue import catalogue

DUTIES = catalogue()
SA, UK_SA, TAKEDOWN = "eu.gdpr.art33.sa", "uk.gdpr.art33.ico", "us.tida.s3.removal"
AWARE = datetime(2026, 11, 20, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLES = ("commander", "dpo")
LAW = Law(DUTIES, read_all(DUTIES.facts, {"established_in": "DE", "time_zone": "Europe/Berlin"}))
ANNA, BEN = (Person(name, frozenset(ROLES)) for name in ("anna", "ben"))
BREACH = {
    "controller": "yes", "personal_data": "yes", "security_breach": "yes", "risk_to_people": "risk",
    "aware_at": AWARE.isoformat(), "incident_description": "A model recited e-mail addresses.",
}  # fmt: skip


class Incident:
    """A journal in memory: what is decided is taken in, then the law looks at it."""

    def __init__(self, **facts: Any) -> None:
        self.view, self.now = IncidentView("INC-2026-0001"), NOW
        opened = {"type": "data_leakage_in_ai_models", "title": "A leak", "severity": "high"}
        known = set_facts(self.view, facts, "the log shows it", ANNA, DUTIES.facts)
        self.write([Draft(Kind.OPENED, "person:anna", opened), *known])

    def write(self, drafts: list[Draft]) -> list[Draft]:
        suppose(self.view, drafts, self.now)
        known = read_all(DUTIES.facts, {k: v for k, v in self.view.facts.items() if k in DUTIES.facts})
        suppose(self.view, LAW.drafts(self.view, known, "auto", ROLES, self.now), self.now)
        return drafts

    def set(self, person: Person, **facts: Any) -> None:
        self.write(set_facts(self.view, facts, "the log shows it", person, DUTIES.facts))

    def answer(self, person: Person, choice: str, **fields: str) -> None:
        (task,) = self.view.open_tasks()
        self.write(
            answer_task(
                self.view, task.id, Answer(choice, "I looked at it", fields=fields), person, DUTIES.facts, self.now
            )
        )

    def asks_to_send(self, clock: str) -> None:
        task = {
            "task": f"notify[{clock}]", "op": f"notify[{clock}]", "kind": "submit", "role": "dpo", "question": "Sent?",
            "choices": [{"id": "submitted", "requires": ["reference"]}, {"id": "not_required"}], "clock": clock,
            "due_at": (self.now + timedelta(days=1)).isoformat(), "escalate_to": "commander",
        }  # fmt: skip
        self.write([Draft(Kind.TASK_OPENED, "firedoor", task)])


def due(incident: Incident, clock: str = SA) -> datetime:
    return datetime.fromisoformat(incident.view.clocks[clock].due)


def test_an_earlier_start_moves_every_limit_at_once_and_keeps_the_old() -> None:
    """Both regulators' clocks move by the same hours; the old start and limit stay in the history."""
    incident = Incident(**BREACH, established_in="DE,GB")
    incident.set(BEN, aware_at=(AWARE - timedelta(hours=5)).isoformat())
    assert {due(incident, one) for one in (SA, UK_SA)} == {AWARE + timedelta(hours=67)}
    last = incident.view.clocks[SA].history[-1]
    assert datetime.fromisoformat(last["due"]) == AWARE + timedelta(hours=72)
    assert datetime.fromisoformat(last["trigger_at"]) == AWARE
    assert not incident.view.open_tasks()


def test_a_later_start_waits_for_somebody_who_did_not_set_it() -> None:
    """Whoever set the fact cannot approve; another can, and both stand in the history."""
    incident = Incident(**BREACH)
    incident.set(BEN, aware_at=(AWARE + timedelta(hours=5)).isoformat())
    assert due(incident) == AWARE + timedelta(hours=72)
    with pytest.raises(Refused, match="set the facts behind it"):
        incident.answer(BEN, "approve")
    incident.answer(ANNA, "approve")
    assert due(incident) == AWARE + timedelta(hours=77)
    last = incident.view.clocks[SA].history[-1]
    assert (last["asked_by"], last["approver"]) == ("ben", "anna")


@given(st.lists(st.integers(-30, 24), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_without_a_second_person_a_limit_only_moves_to_earlier(hours: list[int]) -> None:
    """Whatever Ben corrects, alone: 72 hours after the earliest start he named; every earlier limit is on record."""
    incident, limits = Incident(**BREACH), [AWARE + timedelta(hours=72)]
    for shift in hours:
        incident.set(BEN, aware_at=(AWARE + timedelta(hours=shift)).isoformat())
        if shift < 0:
            limits.append(min(limits[-1], AWARE + timedelta(hours=72 + shift)))
    assert due(incident) == limits[-1]
    kept = [datetime.fromisoformat(one["due"]) for one in incident.view.clocks[SA].history[1:]]
    assert kept == list(dict.fromkeys(limits))[:-1]


def test_a_refused_change_is_asked_again_only_when_a_fact_changes() -> None:
    """Keep is an answer; the next look of the law does not ask the same again, a new correction does."""
    incident = Incident(**BREACH)
    incident.set(BEN, aware_at=(AWARE + timedelta(hours=5)).isoformat())
    incident.answer(ANNA, "keep")
    incident.write([])
    assert (due(incident), incident.view.open_tasks()) == (AWARE + timedelta(hours=72), [])
    incident.set(BEN, aware_at=AWARE.isoformat())
    incident.set(BEN, aware_at=(AWARE + timedelta(hours=5)).isoformat())
    assert len(incident.view.open_tasks()) == 1


def test_a_proposal_dies_with_the_clock_it_rests_on() -> None:
    """Corrected to later, then to earlier: the question about the later limit is withdrawn."""
    incident = Incident(**BREACH)
    incident.set(BEN, aware_at=(AWARE + timedelta(hours=5)).isoformat())
    proposed = incident.view.open_tasks()
    incident.set(BEN, aware_at=(AWARE - timedelta(hours=1)).isoformat())
    assert due(incident) == AWARE + timedelta(hours=71)
    assert proposed
    assert all(task.withdrawn for task in proposed)


def test_after_a_miss_the_reasons_for_the_delay_are_needed() -> None:
    """GDPR Art 33(1): later than 72 hours goes with reasons; in time it goes without."""
    incident = Incident(**BREACH)
    incident.now = AWARE + timedelta(hours=73)
    incident.asks_to_send(SA)
    with pytest.raises(InvalidInput, match="reasons for the delay"):
        incident.write(submit_clock(incident.view, SA, {**SENT, "reference": "R-1"}, "sent", ANNA, incident.now))
    fields = {**SENT, "reference": "R-1", "reasons_for_delay": "The log was found on Sunday."}
    incident.write(submit_clock(incident.view, SA, fields, "sent", ANNA, incident.now))
    settled = incident.view.clocks[SA].settlement
    assert (settled["late"], settled["reasons_for_delay"]) == (True, "The log was found on Sunday.")


def test_not_required_is_a_named_decision_with_a_reason() -> None:
    """No reason, no end; with one the clock is waived under a name."""
    incident = Incident(**BREACH)
    incident.asks_to_send(SA)
    with pytest.raises(InvalidInput, match="reason"):
        answer_task(incident.view, f"notify[{SA}]", Answer("not_required", " "), ANNA, DUTIES.facts, NOW)
    given = Answer("not_required", "the text was made up")
    incident.write(answer_task(incident.view, f"notify[{SA}]", given, ANNA, DUTIES.facts, NOW))
    clock = incident.view.clocks[SA]
    assert (clock.state, clock.settlement["by"], clock.settlement["why"]) == (
        "waived",
        "anna",
        "the text was made up",
    )


def test_an_extension_needs_its_document_and_a_second_person() -> None:
    """Whoever asks cannot grant; the document stands in the history."""
    incident = Incident(**BREACH)
    until = AWARE + timedelta(days=9)
    asked = MoreTime(until, "letter of the authority, ref 7", "granted by telephone and in writing")
    incident.write(extend_clock(incident.view, SA, asked, BEN, ROLES, NOW))
    assert incident.view.clocks[SA].state == "running"
    with pytest.raises(Refused, match="asked for this"):
        incident.answer(BEN, "approve")
    incident.answer(ANNA, "approve")
    clock = incident.view.clocks[SA]
    assert (clock.state, due(incident)) == ("extended", until)
    assert clock.history[-1]["document"] == "letter of the authority, ref 7"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (MoreTime(NOW + timedelta(days=9), " ", "why"), "document"),
        (MoreTime(NOW + timedelta(days=9), "letter", ""), "why"),
        (MoreTime(NOW - timedelta(days=9), "letter", "why"), "until"),
        (MoreTime(datetime(2026, 12, 1), "letter", "why"), "until"),  # noqa: DTZ001 - naive on purpose
        (MoreTime(NOW + timedelta(hours=1), "letter", "why"), "until"),  # earlier than the limit that runs
    ],
)
def test_more_time_without_its_proof_is_refused(asked: MoreTime, field: str) -> None:
    """A document, a reason, and a later instant with its offset."""
    incident = Incident(**BREACH)
    with pytest.raises(InvalidInput) as refused:
        extend_clock(incident.view, SA, asked, BEN, ROLES, NOW)
    assert field in {problem.field for problem in refused.value.problems}


def test_a_pause_for_law_enforcement_ends_by_itself_or_by_hand() -> None:
    """While it lasts the facts do not move the clock; ended late, the limit is the end of the pause and stays there."""
    incident = Incident(**BREACH)
    until = AWARE + timedelta(days=30)
    asked = MoreTime(until, "request of the prosecutor, 3 Js 12/26", "it would warn the suspect")
    incident.write(pause_clock(incident.view, SA, asked, BEN, ROLES, NOW))
    incident.answer(ANNA, "approve")
    assert (incident.view.clocks[SA].state, incident.view.clocks[SA].paused_until) == (
        "paused",
        "2026-12-20T10:00:00Z",
    )
    incident.now = AWARE + timedelta(days=10)
    incident.write(resume_clock(incident.view, SA, "the prosecutor lifted it", BEN, incident.now))
    assert (incident.view.clocks[SA].state, due(incident)) == ("extended", incident.now)


def test_a_pause_that_ends_before_the_limit_leaves_it_where_it_was() -> None:
    """Nothing is gained by a short pause."""
    incident = Incident(**BREACH)
    asked = MoreTime(NOW + timedelta(hours=3), "request", "asked by the police")
    incident.write(pause_clock(incident.view, SA, asked, BEN, ROLES, NOW))
    incident.answer(ANNA, "approve")
    incident.now = NOW + timedelta(hours=1)
    incident.write(resume_clock(incident.view, SA, "lifted", BEN, incident.now))
    assert (incident.view.clocks[SA].state, due(incident)) == ("running", AWARE + timedelta(hours=72))


def test_what_cannot_be_paused_or_resumed_is_refused() -> None:
    """A clock that does not exist, one that has ended, one that runs."""
    incident = Incident(**BREACH)
    asked = MoreTime(NOW + timedelta(days=3), "request", "why")
    with pytest.raises(NotFound, match=SA):
        pause_clock(incident.view, "eu.gdpr.art33.s", asked, BEN, ROLES, NOW)
    with pytest.raises(Refused, match="cannot become"):
        resume_clock(incident.view, SA, "why", BEN, NOW)
    incident.write([Draft(Kind.CLOCK_WAIVED, "person:anna", {"id": SA, "by": "anna", "why": "not ours"})])
    with pytest.raises(Refused, match="waived"):
        extend_clock(incident.view, SA, asked, BEN, ROLES, NOW)


def test_a_missed_clock_whose_limit_lies_ahead_after_all_runs_again_with_approval() -> None:
    """The wrong day was written down; the miss stays in the history, and the clock is not late any more."""
    incident = Incident(**BREACH)
    incident.now = AWARE + timedelta(hours=73)
    incident.write([Draft(Kind.CLOCK_MISSED, "firedoor", {"id": SA, "due": incident.view.clocks[SA].due})])
    incident.set(BEN, aware_at=(AWARE + timedelta(hours=24)).isoformat())
    incident.answer(ANNA, "approve")
    clock = incident.view.clocks[SA]
    assert (clock.state, clock.missed_at, due(incident)) == ("running", None, AWARE + timedelta(hours=96))
    assert "missed" in [one["what"] for one in clock.history]


REQUEST = {
    "covered_platform": "yes", "serves": "US", "intimate_content": "yes", "published_without_consent": "yes",
    "request_received_at": AWARE.isoformat(), "request_in_writing": "yes", "request_signed": "yes",
    "request_locates_content": "yes", "request_states_no_consent": "yes", "request_gives_contact": "yes",
}  # fmt: skip


def request_alert(at: datetime, status: str = "firing") -> Draft:
    alert = {"method": "removal_request", "occurred_at": at.isoformat(), "status": status}
    return Draft(Kind.ALERT, "source:cloudevents", {"alert": alert, "reasons": []})


def test_each_further_request_to_remove_content_has_clocks_of_its_own() -> None:
    """The first is the incident's own; the second counts from its own arrival, provisionally, until it is read."""
    incident = Incident(**REQUEST)
    incident.write([request_alert(AWARE)])
    assert [name for name in incident.view.clocks if name.startswith(TAKEDOWN)] == [TAKEDOWN]
    later, incident.now = AWARE + timedelta(hours=20), NOW + timedelta(minutes=1)
    incident.write([request_alert(later)])
    second = incident.view.clocks[f"{TAKEDOWN}@request-2"]
    assert datetime.fromisoformat(second.due) == later + timedelta(hours=48)
    assert second.state == "provisional"
    assert "the request is signed" in second.assumption
    assert incident.view.clocks[TAKEDOWN].state == "running"


def test_the_request_that_opened_the_incident_stays_its_own_when_its_time_is_corrected() -> None:
    """The fact moves the incident's own clock; no second one appears beside it."""
    incident = Incident(**REQUEST)
    incident.write([request_alert(AWARE)])
    incident.set(BEN, request_received_at=(AWARE - timedelta(minutes=5)).isoformat())
    assert [name for name in incident.view.clocks if name.startswith(TAKEDOWN)] == [TAKEDOWN]
    assert due(incident, TAKEDOWN) == AWARE + timedelta(hours=48, minutes=-5)


def test_a_resolved_alert_is_no_request() -> None:
    """Nor does the law look twice at the same one."""
    incident = Incident(**REQUEST)
    incident.now = NOW + timedelta(minutes=1)
    incident.write([request_alert(AWARE + timedelta(hours=1), "resolved")])
    incident.write([request_alert(AWARE + timedelta(hours=2))])
    before = set(incident.view.clocks)
    incident.write([])
    assert set(incident.view.clocks) == before
    assert {name for name in before if "@" in name and name.startswith(TAKEDOWN)} == {f"{TAKEDOWN}@request-2"}


def test_the_facts_of_a_duty_are_those_that_move_it() -> None:
    """Conditions, trigger, the second limit, and places that imply others."""
    assert {"aware_at", "security_breach", "risk_to_people", "people_affected"} <= facts_of(DUTIES[SA])
    assert "aware_at" in facts_of(DUTIES["eu.dora.art19.initial"])
    assert "request_signed" not in facts_of(DUTIES[SA])
