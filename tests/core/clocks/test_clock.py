"""Clocks: what starts them, what facts and people change, and what stays on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firedoor.core.clocks.clock import (
    NEXT,
    Clock,
    ClockState,
    Mandate,
    clocks_due_to_start,
    extend,
    move,
    overdue,
    pause,
    reanchor,
    reassess,
    reminder_points,
    resume,
)  # fmt: skip
from firedoor.core.facts import read_all
from firedoor.core.problems import Refused
from firedoor.duties.catalogue import catalogue

DUTIES = catalogue()
SA = "eu.gdpr.art33.sa"
AWARE = datetime(2026, 11, 20, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BREACH = {"established_in": "DE", "controller": "yes", "personal_data": "yes", "security_breach": "yes"}
ANNA = Mandate("anna", "the log shows it", NOW)
BOTH = Mandate("anna", "the log shows it", NOW, "ben")


def facts(**given_facts: Any) -> dict[str, Any]:
    return dict(read_all(DUTIES.facts, {"aware_at": AWARE.isoformat(), **given_facts}))


def started(selection: Any = (SA,), **given_facts: Any) -> list[Clock]:
    return clocks_due_to_start(DUTIES, selection, facts(**given_facts), [], NOW)


def the_clock(**given_facts: Any) -> Clock:
    (clock,) = started(**{**BREACH, **given_facts})
    return clock


def test_a_clock_starts_provisionally_and_names_its_assumption() -> None:
    """The risk is not known yet; the 72 hours run all the same."""
    clock = the_clock()
    assert clock.state is ClockState.PROVISIONAL
    assert clock.due == AWARE + timedelta(hours=72)
    assert "a risk to people is not unlikely (needs: risk_to_people)" in clock.assumption


def test_a_clock_starts_once() -> None:
    """One that runs already is not started again."""
    assert clocks_due_to_start(DUTIES, [SA], facts(**BREACH), [SA], NOW) == []


def test_no_clock_starts_before_its_trigger_or_without_it() -> None:
    """Neither a future instant nor none starts anything; nor does mere ignorance."""
    assert started(**BREACH, aware_at="2027-01-01T00:00:00Z") == []
    assert started(**BREACH, aware_at="unknown") == []
    assert started("auto") == []


def test_a_stage_follows_the_submission_of_the_stage_before() -> None:
    """NIS2's final report starts with the submission of the notification, not with awareness."""
    entity = {
        "nis2_entity": "yes",
        "established_in": "DE",
        "significant_incident_nis2": "yes",
        "financial_entity_eu": "no",
    }
    final = "eu.nis2.art23.final"
    assert final not in [clock.id for clock in started("auto", **entity)]
    sent = started("auto", **entity, submitted_eu_nis2_art23_notification_at="2026-11-21T09:00:00Z")
    assert next(clock for clock in sent if clock.id == final).due == datetime(2026, 12, 21, 23, 59, 59, tzinfo=UTC)


def test_each_request_has_its_own_clock() -> None:
    """Two removal requests of one incident are two clocks."""
    request = facts(user_to_user_service="yes", uk_link="yes", request_received_at="2026-11-20T10:00:00Z")
    one, two = (
        clocks_due_to_start(DUTIES, ["uk.osa.s10_3a.ncii48h"], request, [], NOW, subject=key)[0] for key in "ab"
    )
    assert (one.id, two.id) == ("uk.osa.s10_3a.ncii48h@a", "uk.osa.s10_3a.ncii48h@b")


def test_an_instant_that_stands_in_is_named_and_keeps_it_provisional() -> None:
    """California counts from discovery; awareness stands in while that day is not recorded."""
    leak = {"residents_us_ca": 3, "us_statutory_data": "yes", "data_acquired": "yes", "encrypted": "no"}
    (clock,) = started(["us.ca.1798_82.individuals"], **leak)
    assert clock.provisional
    said = "counts from when it became certain; nobody has recorded when it was discovered"
    assert clock.assumption == said


def test_a_law_that_does_not_bind_yet_runs_only_when_asked_for() -> None:
    """AI Act Art 73 in 2026: not by itself; as a voluntary clock when the playbook names it."""
    provider = {
        "ai_provider": "yes",
        "established_in": "IE",
        "high_risk_annex_iii": "yes",
        "serious_ai_incident": "yes",
    }
    assert "eu.aiact.art73.general" not in [clock.duty for clock in started("auto", **provider)]
    (clock,) = started(["eu.aiact.art73.general"], **provider)
    assert clock.assumption == "the law does not bind yet: voluntary"


def test_new_facts_confirm_a_clock_at_once() -> None:
    """Provisional becomes running when the risk is known; nobody has to approve that."""
    (change,) = reassess(DUTIES, [the_clock()], facts(**BREACH, risk_to_people="risk"), NOW)
    assert (change.after.state, change.needs_approval) == (ClockState.RUNNING, False)
    assert change.after.history[-1].state_before is ClockState.PROVISIONAL


def test_new_facts_end_a_clock_only_with_approval() -> None:
    """No notification needed is never the tool's word alone."""
    (change,) = reassess(DUTIES, [the_clock()], facts(**BREACH, risk_to_people="unlikely"), NOW)
    assert (change.after.state, change.needs_approval) == (ClockState.NOT_APPLICABLE, True)


@pytest.mark.parametrize(("hours", "needs_approval"), [(-5, False), (5, True)])
def test_a_corrected_instant_moves_the_limit(hours: int, needs_approval: bool) -> None:
    """Earlier at once; later only with approval."""
    moved = facts(**BREACH, aware_at=(AWARE + timedelta(hours=hours)).isoformat())
    (change,) = reassess(DUTIES, [the_clock()], moved, NOW)
    assert change.after.due == AWARE + timedelta(hours=72 + hours)
    assert change.needs_approval is needs_approval


def test_facts_that_change_nothing_change_nothing() -> None:
    """No entry without a change."""
    assert reassess(DUTIES, [the_clock()], facts(**BREACH, people_affected=5), NOW) == []


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_re_anchoring_keeps_history(shifts: list[int]) -> None:
    """Every earlier start and limit can be read back, in order."""
    clock, seen = the_clock(), []
    for shift in shifts:
        seen.append((clock.trigger_at, clock.due))
        clock = reanchor(clock, DUTIES[SA], AWARE + timedelta(hours=shift), BOTH, facts={})
    assert [(change.trigger_before, change.due_before) for change in clock.history] == seen


def test_a_later_start_needs_a_second_person() -> None:
    """Neither nobody nor the same person can move a limit later; earlier needs nobody."""
    for mandate in (ANNA, Mandate("anna", "why", NOW, "anna")):
        with pytest.raises(Refused):
            reanchor(the_clock(), DUTIES[SA], AWARE + timedelta(hours=1), mandate, facts={})
    assert reanchor(the_clock(), DUTIES[SA], AWARE - timedelta(hours=1), ANNA, facts={}).due == AWARE + timedelta(
        hours=71
    )


def test_a_hold_guards_the_other_side() -> None:
    """Ending preservation earlier needs a second person."""
    reported = "2026-11-20T10:00:00Z"
    (hold,) = started(["us.2258a.preserve"], us_communications_provider="yes", submitted_us_2258a_report_at=reported)
    with pytest.raises(Refused):
        reanchor(hold, DUTIES[hold.duty], AWARE - timedelta(days=3), ANNA, facts={})
    assert reanchor(hold, DUTIES[hold.duty], AWARE + timedelta(days=3), ANNA, facts={}).due


def test_a_change_needs_a_reason() -> None:
    """No change without a why."""
    with pytest.raises(Refused, match="only with a reason"):
        move(the_clock(), ClockState.SUBMITTED, Mandate("anna", " ", NOW))


@pytest.mark.parametrize("state", ClockState)
def test_a_clock_goes_only_where_its_state_allows(state: ClockState) -> None:
    """The table of states is the rule."""
    clock = the_clock()
    if state in NEXT[clock.state]:
        assert move(clock, state, BOTH).state is state
    else:
        with pytest.raises(Refused, match="cannot become"):
            move(clock, state, BOTH)


def test_an_extension_and_a_pause_name_who_approved() -> None:
    """Both keep what was before and the two names."""
    clock = the_clock()
    later = extend(clock, NOW + timedelta(days=9), BOTH)
    assert (later.due, later.history[-1].approver) == (NOW + timedelta(days=9), "ben")
    with pytest.raises(Refused):
        pause(clock, NOW + timedelta(days=9), ANNA)


def test_after_a_pause_a_limit_that_passed_falls_on_its_end() -> None:
    """Paused past its limit, a clock is due when the pause ends, not in the past."""
    paused = pause(the_clock(), AWARE + timedelta(days=10), BOTH)
    resumed = resume(paused, Mandate("anna", "the prosecutor lifted it", AWARE + timedelta(days=5)))
    assert (resumed.state, resumed.due) == (ClockState.EXTENDED, AWARE + timedelta(days=5))


def test_overdue_needs_an_open_duty() -> None:
    """After the limit an open clock is overdue; a submitted one is not."""
    late = AWARE + timedelta(hours=73)
    assert overdue(the_clock(), late)
    assert not overdue(the_clock(), AWARE + timedelta(hours=72))
    assert not overdue(move(the_clock(), ClockState.SUBMITTED, ANNA), late)


def test_reminders_come_in_order_and_only_while_it_runs() -> None:
    """Half, a day, four hours, one hour, the limit; a two-hour clock has three of them."""
    assert [name for name, _ in reminder_points(the_clock())] == ["half", "T-24h", "T-4h", "T-1h", "T"]
    short = the_clock().model_copy(update={"due": AWARE + timedelta(hours=2)})
    assert [name for name, _ in reminder_points(short)] == ["half", "T-1h", "T"]


def test_a_clock_survives_json() -> None:
    """What the journal keeps is what comes back."""
    clock = reanchor(the_clock(), DUTIES[SA], AWARE - timedelta(hours=1), ANNA, facts={})
    assert Clock.model_validate_json(clock.model_dump_json()) == clock
