"""Awareness waits for nobody's click: limits count from the notice, and the later instant stays a reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firedoor.core.clocks.anchor import anchor, by_notice_alone
from firedoor.core.clocks.clock import Clock, ClockState, clocks_due_to_start, reassess
from firedoor.core.clocks.engine import Law
from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.core.law.duty import OPENED
from firedoor.duties.catalogue import catalogue

DUTIES = catalogue()
SA, CA, REPORT = "eu.gdpr.art33.sa", "us.ca.1798_82.individuals", "us.2258a.report"
OPEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
NOW = OPEN + timedelta(hours=80)
HOURS72 = timedelta(hours=72)
BREACH = {
    "established_in": "DE", "controller": "yes", "personal_data": "yes", "security_breach": "yes",
    "risk_to_people": "risk",
}  # fmt: skip


def known(**facts: Any) -> dict[str, Any]:
    return {**read_all(DUTIES.facts, {**BREACH, **facts}), OPENED: OPEN}


def the_clock(duty: str = SA, **facts: Any) -> Clock:
    (clock,) = clocks_due_to_start(DUTIES, (duty,), known(**facts), [], NOW)
    return clock


def test_without_a_recorded_awareness_it_counts_from_the_opening_and_says_so() -> None:
    """Provisional, and its reader is told what it counts from and what nobody has recorded."""
    clock = the_clock()
    assert (clock.state, clock.due) == (ClockState.PROVISIONAL, OPEN + HOURS72)
    assert clock.assumption == (
        "counts from when the incident was opened here; nobody has recorded when it became certain"
    )


def test_what_was_noticed_before_counts_before_the_opening() -> None:
    """The alert's own time is the first notice."""
    assert the_clock(noticed_at="2026-11-20T08:00:00Z").due == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_confirmation_after_eighty_hours_makes_no_limit_later() -> None:
    """The earlier one counts, the limit stays missed, and the later reading stands beside it with its basis."""
    clock = the_clock()
    late = (OPEN + timedelta(hours=80)).isoformat()
    (change,) = reassess(DUTIES, [clock], known(aware_at=late), NOW)
    assert not change.needs_approval
    assert (change.after.state, change.after.due) == (ClockState.RUNNING, clock.due)
    assert change.after.latest_arguable == OPEN + timedelta(
        hours=80 + 72 + 1
    )  # full hours, the law's own later reading
    assert change.after.latest_basis.startswith("counted from the recorded awareness; Regulation")
    assert any("before the recorded awareness" in reason for reason in change.after.why)


def test_an_earlier_awareness_moves_the_limit_to_earlier() -> None:
    """Whoever was certain before it was opened here was aware then."""
    clock = the_clock(aware_at="2026-11-20T07:00:00Z")
    assert (clock.state, clock.due) == (ClockState.RUNNING, datetime(2026, 11, 23, 7, tzinfo=UTC))


def test_a_clock_that_starts_after_the_confirmation_is_anchored_like_the_others() -> None:
    """Where it becomes known later that a law reaches us, its clock counts from the same instant."""
    assert the_clock(aware_at=NOW.isoformat()).due == OPEN + HOURS72


def test_actual_knowledge_is_nobodys_to_suppose() -> None:
    """The report of 18 USC 2258A counts from a person's knowledge; a notice does not stand in for it."""
    assert anchor(DUTIES[REPORT], known()) is None


@pytest.mark.parametrize("duty", sorted(name for name, duty in DUTIES.items() if duty.trigger.by_notice))
def test_no_awareness_or_discovery_waits_for_a_click(duty: str) -> None:
    """Every law that counts from either is anchored as soon as an incident is open."""
    found = anchor(DUTIES[duty], {OPENED: OPEN})
    assert found is not None
    assert found.trigger.at == OPEN
    assert by_notice_alone(DUTIES[duty], {OPENED: OPEN})


def _opened(**facts: Any) -> IncidentView:
    view = IncidentView("INC-2026-0001")
    body = {"type": "data_leakage_in_ai_models", "title": "A leak", "severity": "high"}
    suppose(view, [Draft(Kind.OPENED, "person:anna", body)], OPEN)
    return view


def _asked(view: IncidentView, answer: str) -> None:
    task = {
        "task": "confirm", "op": "confirm", "kind": "confirm", "role": "commander", "question": "Is it real?",
        "choices": [{"id": "yes"}, {"id": "no"}], "due_at": NOW.isoformat(), "escalate_to": "dpo",
    }  # fmt: skip
    said = {
        "task": "confirm",
        "choice": answer,
        "why": "a test record",
        "by": "anna",
        "role": "commander",
        "decides": True,
    }
    drafts = [Draft(Kind.TASK_OPENED, "firedoor", task), Draft(Kind.TASK_ANSWERED, "person:anna", said)]
    suppose(view, drafts, OPEN + timedelta(hours=1))


def test_a_false_alarm_ends_what_counted_from_the_notice_alone() -> None:
    """It ends with the named person's reason, and does not start again; nobody else is asked."""
    view, law = _opened(), Law(DUTIES, read_all(DUTIES.facts, {"established_in": "DE"}))
    suppose(view, law.drafts(view, {}, "auto", ("commander", "dpo"), OPEN), OPEN)
    assert view.clocks[SA].state == "provisional"
    _asked(view, "no")
    drafts = law.drafts(view, {}, "auto", ("commander", "dpo"), NOW)
    assert {draft.kind for draft in drafts} == {Kind.CLOCK_CHANGED}
    suppose(view, drafts, NOW)
    assert view.clocks[SA].state == "not_applicable"
    assert view.clocks[SA].history[-1]["why"] == "a false alarm, as anna found: a test record"
    assert law.drafts(view, {}, "auto", ("commander", "dpo"), NOW) == []


def test_a_false_alarm_leaves_what_somebody_recorded_as_certain() -> None:
    """A limit that counts from a recorded awareness is ended by people, not by the answer to another question."""
    view, law = _opened(), Law(DUTIES, read_all(DUTIES.facts, {"established_in": "DE"}))
    facts = read_all(DUTIES.facts, {"aware_at": OPEN.isoformat()})
    suppose(view, law.drafts(view, facts, "auto", ("commander", "dpo"), OPEN), OPEN)
    _asked(view, "no")
    assert law.drafts(view, facts, "auto", ("commander", "dpo"), NOW) == []
    assert not view.clocks[SA].settled
