"""The vocabulary: standing facts come from a profile, incident facts do not."""

from __future__ import annotations

import pytest

from firedoor.core.law.vocabulary import profile, questions
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import YES
from firedoor.duties.catalogue import catalogue

FACTS = catalogue().facts


def test_a_profile_holds_standing_facts() -> None:
    """What is true of the organisation in every incident."""
    read = profile(FACTS, {"hosting_service": "yes", "established_in": ["DE", "US-CA"], "time_zone": "Europe/Berlin"})
    assert (read["hosting_service"], read["established_in"]) == (YES, ("DE", "US-CA"))


@pytest.mark.parametrize("raw", [{"security_breach": "no"}, {"time_zone": "Europe/Berlyn"}, {"hosting": "yes"}])
def test_a_profile_refuses_what_would_hold_for_every_incident(raw: dict[str, str]) -> None:
    """A fact of one incident, a zone that is none, an unknown fact."""
    with pytest.raises(InvalidInput):
        profile(FACTS, raw)


def test_every_fact_has_its_question_and_they_come_in_the_order_to_ask() -> None:
    """Nobody is asked for a bare name."""
    assert [name for name, fact in FACTS.items() if not fact.ask] == []
    asked = [fact.name for fact in questions(FACTS, {"risk_to_people", "established_in", "aware_at"})]
    assert asked == ["established_in", "risk_to_people", "aware_at"]
