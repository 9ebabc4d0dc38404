"""Which duties apply: yes, no and unknown, and the question that settles most."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firedoor.core.facts import Count, FactType, read_all
from firedoor.core.law.assessment import assess, assess_one
from firedoor.core.law.territories import RESIDENTS, enrich
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary
from firedoor.duties.catalogue import catalogue

DUTIES = catalogue()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SA = DUTIES["eu.gdpr.art33.sa"]
AWARE = {"established_in": "DE", "aware_at": "2026-11-20T10:00:00Z"}


def facts(**given: Any) -> dict[str, Any]:
    return dict(read_all(DUTIES.facts, given))


def test_an_open_condition_runs_provisionally_where_the_law_reaches() -> None:
    """Established in the EU and aware: unknown, provisional, and it says what is missing."""
    found = assess_one(SA, facts(**AWARE), NOW)
    assert (found.applies, found.provisional) == ("unknown", True)
    assert set(found.missing) == {"controller", "personal_data", "security_breach", "risk_to_people"}


def test_no_territory_no_provisional_clock() -> None:
    """Nothing starts merely because nothing is known."""
    found = assess_one(SA, facts(aware_at="2026-11-20T10:00:00Z"), NOW)
    assert (found.applies, found.provisional) == ("unknown", False)


def test_planned_unlawful_training_is_no_breach_and_says_why() -> None:
    """GDPR Art 4(12) asks for a breach of security; the reason cites it."""
    found = assess_one(SA, facts(**AWARE, security_breach="no", own_unlawful_use="yes"), NOW)
    assert found.applies == "no"
    assert found.reasons == ("no: a breach of security led to it (Art 4(12)) [security_breach = no]",)


def test_a_range_across_a_threshold_is_unknown() -> None:
    """More than 500 Californians: 400 to 600 leaves it open, 501 settles it, 500 is not more."""
    duty = DUTIES["us.ca.1798_82.ag"]
    leak = {"us_statutory_data": "yes", "data_acquired": "yes", "encrypted": "no"}
    answers = [
        assess_one(duty, facts(**leak, residents_us_ca=count), NOW).applies for count in ("400..600", "501", "500")
    ]
    assert answers == ["unknown", "yes", "no"]


def test_a_total_bounds_every_place() -> None:
    """300 people in all cannot be more than 500 Californians."""
    full = enrich(facts(people_affected="..300", jurisdictions="US-CA,FR"))
    assert full["residents_us_ca"] == Count(minimum=1, maximum=300)
    assert full["jurisdictions"] == ("US-CA", "FR", "US", "EU")


def test_a_total_narrows_a_range_and_never_widens_one() -> None:
    """100 to 900 Californians of at most 300 people are 100 to 300; exactly 5 stay 5."""
    full = enrich(facts(people_affected="..300", residents_us_ca="100..900", residents_us_tx=5))
    assert (full["residents_us_ca"], full["residents_us_tx"]) == (
        Count(minimum=100, maximum=300),
        Count(minimum=5, maximum=5),
    )


def test_the_wider_place_counts_its_people() -> None:
    """Somebody in France is somebody in the EU."""
    assert enrich(facts(jurisdictions="FR"))["residents_eu"] == Count(minimum=1)


PATIENT = {"hipaa_covered_entity": "yes", "unsecured_health_information": "yes", "low_probability_of_compromise": "no"}


@pytest.mark.parametrize(
    ("people", "answer"),
    [({"residents_us_tx": 501}, YES), ({"residents_us_tx": 3}, UNKNOWN), ({"people_affected": 500}, NO)],
)
def test_the_people_of_a_state_count_for_the_media_of_one_state(people: dict[str, Any], answer: Ternary) -> None:
    """501 in Texas are more than 500 in one state; 500 in all are not, wherever they live."""
    assert assess_one(DUTIES["us.hipaa.media"], facts(**PATIENT, **people), NOW).applies is answer


def test_an_incomplete_request_leaves_a_shadow() -> None:
    """Not valid, so the duty does not apply yet; what fails can be completed."""
    given_facts = {
        "covered_platform": "yes", "serves": "US", "intimate_content": "yes", "minor": "yes",
        "request_in_writing": "yes", "request_signed": "no", "request_received_at": "2026-11-20T10:00:00Z",
    }  # fmt: skip
    found = assess_one(DUTIES["us.tida.s3.removal"], facts(**given_facts), NOW)
    assert (found.applies, found.shadow) == ("no", True)


def test_a_duty_says_which_instant_it_waits_for() -> None:
    """Child abuse material is known of, and nobody has recorded since when: no clock, but a named gap."""
    known = {"us_communications_provider": "yes", "apparent_child_abuse_material": "yes", "actual_knowledge": "yes"}
    found = assess_one(DUTIES["us.2258a.report"], facts(**known), NOW)
    assert (found.applies, found.trigger, found.awaits) == ("yes", None, ("known_at",))


def test_before_its_day_a_law_does_not_apply() -> None:
    """The version is chosen by the trigger's day in the authority's zone."""
    old = facts(covered_platform="yes", serves="US", request_received_at="2026-05-18T10:00:00Z")
    found = assess_one(DUTIES["us.tida.s3.removal"], old, NOW)
    assert (found.applies, found.version) == ("no", "")


def test_the_first_day_of_a_law_is_a_day_of_its_place() -> None:
    """00:30 in London on 29 June 2026 is still 28 June in UTC; the law is in force."""
    report = facts(user_to_user_service="yes", uk_link="yes", request_received_at="2026-06-29T00:30:00+01:00")
    assert assess_one(DUTIES["uk.osa.s10_3a.ncii48h"], report, NOW).version == "2026-06-29"


def test_the_next_fact_settles_most() -> None:
    """With everything else known about three duties, the one fact they share is asked for."""
    breach = facts(**AWARE, controller="yes", personal_data="yes", security_breach="yes", processor="no")
    picture = assess([duty for key, duty in DUTIES.items() if key.startswith("eu.gdpr")], breach, NOW)
    assert picture.next_fact in ("risk_to_people", "rights_request")


def _values() -> st.SearchStrategy[dict[str, Any]]:
    flags = [name for name, fact in DUTIES.facts.items() if fact.type is FactType.FLAG]
    places = st.lists(st.sampled_from(["DE", "UK", "US", "US-CA", "BR", "IN", "AU", "JP"]), max_size=5)
    few = st.sampled_from([0, 1, 249, 250, 499, 500, 501])
    return st.fixed_dictionaries(
        {
            **{name: st.sampled_from(["yes", "no"]) for name in flags},
            **dict.fromkeys(RESIDENTS, few),
            "people_affected": st.sampled_from([8000, 9000]),
            "established_in": places, "serves": places,
            "risk_to_people": st.sampled_from(["unlikely", "risk", "high"]),
            "aware_at": st.just("2026-11-20T10:00:00Z"),
        }
    ).map(_in_agreement)  # fmt: skip


def _in_agreement(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers that contradict each other have no right answer: the totals are those of the states."""
    states = [count for name, count in values.items() if name.startswith("residents_us_")]
    return {
        **values,
        "residents_of_one_us_state": max(states),
        "residents_us": max(sum(states), values["residents_us"]),
    }


@given(_values(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_knowing_less_never_turns_an_answer_round(full: dict[str, Any], random: Any) -> None:
    """Whatever is forgotten, a yes or a no either stays or becomes unknown."""
    kept = {name: value for name, value in full.items() if random.random() < 0.6 or name == "aware_at"}
    whole, part = assess(DUTIES.values(), facts(**full), NOW), assess(DUTIES.values(), facts(**kept), NOW)
    for known, guessed in zip(whole.assessments, part.assessments, strict=True):
        assert guessed.applies in (known.applies, "unknown"), known.duty
