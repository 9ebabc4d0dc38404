"""Where the law meets the journal: every clock can be written and read back, and the same facts call for it once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firedoor.core.clocks.clock import reminder_points
from firedoor.core.clocks.engine import Law, clock_of
from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView, fold, suppose
from firedoor.core.journal import Draft, Entry, Kind, chain, genesis
from firedoor.duties.catalogue import catalogue

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FACTS = catalogue().facts
SA = "eu.gdpr.art33.sa"
BREACH = {
    "controller": "yes", "personal_data": "yes", "security_breach": "yes", "risk_to_people": "risk",
    "aware_at": NOW.isoformat(),
}  # fmt: skip
PLACES = [{"established_in": place, "serves": place} for place in ("DE", "UK", "US", "BR", "IN", "AU")]


def law(**organisation: Any) -> Law:
    return Law(catalogue(), read_all(FACTS, {"time_zone": "UTC", **organisation}))


def asked(view: IncidentView, rules: Law, now: datetime = NOW) -> list[Draft]:
    """What the facts of the view call for now."""
    drafts = rules.drafts(view, read_all(FACTS, view.facts), "auto", ("commander", "dpo"), now)
    suppose(view, drafts, now)
    return drafts


def learn(view: IncidentView, now: datetime = NOW, **values: Any) -> None:
    suppose(view, [Draft(Kind.FACTS, "person:Ada", {"values": values, "why": "found"})], now)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place["established_in"])
def test_a_clock_survives_the_journal(place: dict[str, str]) -> None:
    """Written as canonical JSON and read back it is the same clock, with the same reminders."""
    view = IncidentView("INC-1")
    learn(view, **BREACH)
    drafts = asked(view, law(**place))
    lines = json.dumps([entry.as_json() for entry in chain("INC-1", genesis("INC-1"), drafts, NOW)])
    again = fold("INC-1", [Entry(**line) for line in json.loads(lines)])
    assert list(again.clocks) == list(view.clocks)
    for name, body in again.clocks.items():
        assert clock_of(body) == clock_of(view.clocks[name])
        assert reminder_points(clock_of(body)) == reminder_points(clock_of(view.clocks[name]))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place["established_in"])
def test_the_same_facts_call_for_a_clock_once(place: dict[str, str]) -> None:
    """Asked again it has nothing to say, at once and days later."""
    view = IncidentView("INC-1")
    learn(view, **BREACH)
    asked(view, law(**place))
    assert asked(view, law(**place)) == []
    assert [d for d in asked(view, law(**place), NOW + timedelta(days=2)) if d.kind == Kind.CLOCK_STARTED] == []


def test_without_a_trigger_nothing_starts() -> None:
    """A clock starts when its facts are known, and never because a step was reached."""
    view = IncidentView("INC-1")
    learn(view, **{**BREACH, "aware_at": None})
    assert asked(view, law(established_in="DE")) == []


def test_a_clock_that_ended_by_the_facts_runs_again_by_the_facts() -> None:
    """It did not apply, then it does after all: it runs on as a clock that can be read, with its history."""
    view, rules = IncidentView("INC-1"), law(established_in="DE")
    learn(view, **BREACH)
    asked(view, rules)
    ended = {"id": SA, "state": "not_applicable"}
    suppose(view, [Draft(Kind.CLOCK_CHANGED, "person:Ben", ended)], NOW)
    (again,) = [draft for draft in asked(view, rules) if draft.body.get("id") == SA]
    assert (again.kind, view.clocks[SA].state) == (Kind.CLOCK_CHANGED, "running")
    assert clock_of(view.clocks[SA]).due == NOW + timedelta(hours=72)
    assert [change["what"] for change in view.clocks[SA].history][-1] == "started again"


def test_a_waiver_is_not_taken_back_by_the_facts() -> None:
    """A named person ended it: the same facts do not start it again."""
    view, rules = IncidentView("INC-1"), law(established_in="DE")
    learn(view, **BREACH)
    asked(view, rules)
    suppose(view, [Draft(Kind.CLOCK_WAIVED, "person:Ada", {"id": SA, "by": "Ada", "why": "no risk"})], NOW)
    assert [draft for draft in asked(view, rules) if draft.body.get("id") == SA] == []
    assert view.clocks[SA].state == "waived"
