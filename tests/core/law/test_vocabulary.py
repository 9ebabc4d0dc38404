"""The vocabulary: standing facts come from a profile, incident facts do not."""

from __future__ import annotations

import pytest

from firedoor.core.facts import read_all
from firedoor.core.law.vocabulary import of_one_incident, questions
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import YES
from firedoor.duties.catalogue import catalogue

FACTS = catalogue().facts


def test_a_profile_holds_standing_facts() -> None:
    """What is true of the organisation in every incident; places in capitals, as the law's tables have them."""
    said = {"hosting_service": "yes", "established_in": ["de", "US-CA"], "time_zone": "Europe/Berlin"}
    read = read_all(FACTS, said)
    assert (read["hosting_service"], read["established_in"]) == (YES, ("DE", "US-CA"))
    assert of_one_incident(FACTS, read) == []


@pytest.mark.parametrize("raw", [{"time_zone": "Europe/Berlyn"}, {"hosting": "yes"}])
def test_a_profile_refuses_what_nobody_can_mean(raw: dict[str, str]) -> None:
    """A zone that is none, with the nearest; an unknown fact."""
    with pytest.raises(InvalidInput) as refused:
        read_all(FACTS, raw)
    assert "did you mean" in refused.value.problems[0].do


def test_a_fact_of_one_incident_is_doubted_in_a_profile() -> None:
    """It would hold for every incident, and nobody would be asked."""
    assert of_one_incident(FACTS, ["hosting_service", "security_breach"]) == ["security_breach"]


def test_every_fact_has_its_question_and_they_come_in_the_order_to_ask() -> None:
    """Nobody is asked for a bare name."""
    assert [name for name, fact in FACTS.items() if not fact.ask] == []
    asked = [fact.name for fact in questions(FACTS, {"risk_to_people", "established_in", "aware_at"})]
    assert asked == ["established_in", "risk_to_people", "aware_at"]
