"""Whatever becomes true by time alone wakes the incident by itself: nobody writes, and nothing is late.

An incident that sleeps until each `wake_at` must know in the end every clock that one knows which looks for the first
time at the end. Its view is kept from turn to turn, as a driver keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firedoor.core.clocks.engine import Law
from firedoor.core.execution.turn import Rules, next_turn
from firedoor.core.facts import FactType, read_all
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.duties.catalogue import catalogue
from firedoor.testing import plan_of

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
END = NOW + timedelta(days=60)
DUTIES = catalogue()
INSTANTS = sorted(name for name, fact in DUTIES.facts.items() if fact.type is FactType.INSTANT)
PAGE = """
playbook: by-time-alone
version: 1.0.0
title: By time alone
incident: nonconsensual_content_generation
facts:
  later: {type: instant, ask: "Until when?"}
roles: [commander, dpo]
phases:
  identification:
    - task: "Look"
      id: look
      background: true
    - wait: until
      id: pause
      until: later
    - wait: 5s
      id: short
  containment: []
  remediation: []
  post_incident: []
"""
PLAN = plan_of(PAGE)
ORGANISATION = {
    "established_in": ["DE", "UK", "US", "SG"], "serves": ["UK", "US", "IN"], "time_zone": "Europe/Berlin",
    "member_state": "DE", "covered_platform": "yes", "user_to_user_service": "yes",
}  # fmt: skip
SAID = {"controller": "yes", "personal_data": "yes", "security_breach": "yes", "risk_to_people": "risk"}


def rules(**organisation: Any) -> Rules:
    """The law for an organisation that much of it reaches."""
    law = Law(DUTIES, read_all(DUTIES.facts, {**ORGANISATION, **organisation}))
    return Rules(PLAN, {**DUTIES.facts, **PLAN.definitions()}, {}, law)


def incident(facts: Mapping[str, Any], alert_at: datetime | None = None) -> IncidentView:
    """An incident with these facts, perhaps with a request to remove content that a faster clock wrote down."""
    view = IncidentView("INC-1")
    opened = {"type": "nonconsensual_content_generation", "title": "t", "severity": "high"}
    suppose(view, [Draft(Kind.OPENED, "person:Ada", opened)], NOW - timedelta(days=90))
    suppose(view, [Draft(Kind.FACTS, "x", {"values": {**SAID, **facts}, "why": "known"})], NOW)
    if alert_at is not None:
        record = {"source": "generic", "method": "removal_request", "occurred_at": alert_at.isoformat()}
        suppose(view, [Draft(Kind.ALERT, "source:generic", {"alert": record, "reasons": []})], alert_at)
    return view


def asleep(known: Rules, view: IncidentView) -> list[datetime]:
    """Take a turn whenever time alone wakes it, until the end; return when it was awake."""
    awake, now = [], NOW
    for _ in range(200):
        awake.append(now)
        turn = next_turn(known, view, now, frozenset())
        if turn.wake_at is None or turn.wake_at > END:
            return awake
        assert turn.wake_at >= now
        now = turn.wake_at
    raise AssertionError("it never comes to rest")


def missing(known: Rules, facts: Mapping[str, Any], alert_at: datetime | None = None) -> set[str]:
    """The clocks that somebody who looks at the end finds, and who slept does not know."""
    slept, fresh = incident(facts, alert_at), incident(facts, alert_at)
    asleep(known, slept)
    next_turn(known, fresh, END, frozenset())
    return set(fresh.clocks) - set(slept.clocks)


def at(hours: int) -> str:
    """An instant so many hours from now, as a fact is written."""
    return (NOW + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize("fact", INSTANTS)
def test_every_fact_that_holds_an_instant_wakes_the_incident(fact: str) -> None:
    """Set to tomorrow, it is looked at tomorrow."""
    awake = asleep(rules(), incident({fact: at(24)}))
    assert NOW + timedelta(hours=24) in awake
    assert missing(rules(), {fact: at(24)}) == set()


def test_some_of_them_start_clocks() -> None:
    """The property above is worth as much as its facts: many clocks start only when their instant has come."""
    started = set()
    for fact in INSTANTS:
        now, later = incident({fact: at(24)}), incident({fact: at(24)})
        next_turn(rules(), now, NOW, frozenset())
        next_turn(rules(), later, END, frozenset())
        started |= set(later.clocks) - set(now.clocks)
    assert len(started) > 10


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(INSTANTS), st.integers(-72, 1000), max_size=6), st.none() | st.integers(-5, 90))
def test_no_clock_is_late_whatever_is_known_when(hours: dict[str, int], request: int | None) -> None:
    """Several instants, some behind and some ahead, and a request that a process with a faster clock wrote down."""
    facts = {fact: at(ahead) for fact, ahead in hours.items()}
    assert missing(rules(), facts, None if request is None else NOW + timedelta(seconds=request)) == set()


def test_what_the_organisation_itself_knows_wakes_it_too() -> None:
    """A standing fact with an instant ahead."""
    for fact in ("aware_at", "discovered_at", "noticed_at"):
        assert NOW + timedelta(hours=7) in asleep(rules(**{fact: at(7)}), incident({}))


def test_waits_end_by_themselves() -> None:
    """One until a fact that holds an instant, and the one of seconds that begins after it."""
    view = incident({"later": at(3)})
    awake = asleep(rules(), view)
    assert {NOW + timedelta(hours=3), NOW + timedelta(hours=3, seconds=5)} <= set(awake)
    assert view.operations["identification.short"].outcome == "over"


def test_a_retry_comes_by_itself() -> None:
    """An effect that failed for now is tried again at its time; the view that was kept knows."""
    plan = plan_of(PAGE.replace('    - task: "Look"\n      id: look\n', "    - preserve: [alert]\n      id: look\n"))
    view, known = incident({}), Rules(plan, plan.definitions(), {})
    (launch, *_) = next_turn(known, view, NOW, frozenset()).launches
    failed = {"op": launch.instance.id, "attempt": 1, "problem": "away", "final": False, "retry_at": at(1)}
    suppose(view, [Draft(Kind.FAILED, "firedoor", failed)], NOW)
    turn = next_turn(known, view, NOW, frozenset())
    assert turn.wake_at == NOW + timedelta(hours=1)
    again = next_turn(known, view, NOW + timedelta(hours=1), frozenset()).launches
    assert [(one.instance.id, one.attempt) for one in again] == [(launch.instance.id, 2)]
