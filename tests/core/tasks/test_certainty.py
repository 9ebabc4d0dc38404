"""Since when it is certain: a confirmation records what it proposes, and whoever states another time is heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.core.person import Person
from firedoor.core.tasks.answers import Answer, answer_task
from firedoor.core.tasks.certainty import proposed
from firedoor.duties.catalogue import catalogue

FACTS = catalogue().facts
OPEN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
NOW = OPEN + timedelta(hours=2)
ADA = Person("Ada", frozenset(("commander",)))
NOTICED = "2026-11-21T02:57:00+00:00"
SETS = {"aware_at": "now", "personal_data": "yes"}


def confirming(strength: str, **facts: Any) -> IncidentView:
    """An incident whose confirmation is asked for, with what its alert said."""
    view = IncidentView("INC-1")
    opened = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
    choices = [{"id": "yes", "label": "Yes", "sets": SETS}, {"id": "no", "label": "No"}]
    task = {
        "task": "confirm", "op": "confirm", "kind": "confirm", "role": "commander", "escalate_to": "dpo",
        "question": "Is it?", "choices": choices, "asks": ["aware_at"], "due_at": NOW.isoformat(),
    }  # fmt: skip
    said = {"values": {"evidence_strength": strength, **facts}, "why": "the alert"}
    drafts = [Draft(Kind.OPENED, "source:x", opened), Draft(Kind.FACTS, "source:x", said)]
    suppose(view, [*drafts, Draft(Kind.TASK_OPENED, "firedoor", task)], OPEN)
    return view


def recorded(view: IncidentView, **stated: str) -> str:
    """What a yes records."""
    drafts = answer_task(view, "confirm", Answer("yes", "seen", facts=stated), ADA, FACTS, NOW)
    return str(drafts[-1].body["values"]["aware_at"])


@pytest.mark.parametrize(
    ("facts", "since"),
    [({"noticed_at": NOTICED}, datetime.fromisoformat(NOTICED)), ({}, OPEN), ({"noticed_at": None}, OPEN)],
)
def test_strong_evidence_is_certain_from_the_first_notice(facts: dict[str, Any], since: datetime) -> None:
    """From the alert's own time; from the opening where it said none. What is shown is what is recorded."""
    view = confirming("strong", **facts)
    assert datetime.fromisoformat(str(proposed(view, SETS)["aware_at"])) == since
    assert datetime.fromisoformat(recorded(view)) == since


def test_other_evidence_is_certain_from_the_answer() -> None:
    """An investigation may be needed first; the limit counts from the notice all the same (clocks.anchor)."""
    view = confirming("ordinary", noticed_at=NOTICED)
    assert proposed(view, SETS) == SETS
    assert recorded(view) == NOW.isoformat()


def test_whoever_states_a_time_is_heard() -> None:
    """The person knows better than the proposal."""
    stated = "2026-11-21T03:40:00+00:00"
    assert recorded(confirming("strong", noticed_at=NOTICED), aware_at=stated) == stated


def test_nothing_is_proposed_where_nothing_is_set() -> None:
    """Other choices, and other instants, are as their author wrote them."""
    assert proposed(confirming("strong"), {"known_at": "now"}) == {"known_at": "now"}
    assert read_all(FACTS, proposed(confirming("strong"), {})) == {}
