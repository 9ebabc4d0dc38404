"""Questions about the law: one, many at once, and all duties together; and what is said about a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from firedoor.core.problems import InvalidInput, NotFound
from firedoor.duties.answer import answer
from firedoor.duties.batch import batch
from firedoor.duties.catalogue import catalogue
from firedoor.duties.overview import assess_all

DUTIES = catalogue()
SA = "eu.gdpr.art33.sa"
GOOD = {"id": "a", "duty": SA, "event": "aware", "at": "2026-10-24T10:00:00+02:00", "tz": "Europe/Berlin"}
WRONG = [
    ({"duty": "eu.gdpr.art33.s"}, "duty", SA),
    ({"event": "awre"}, "event", '"aware"'),
    ({"tz": "Europe/Berlni"}, "tz", '"Europe/Berlin"'),
    ({"tz": "berlin"}, "tz", '"Europe/Berlin"'),
    ({"at": "24.10.2026"}, "at", "2026-10-24T10:00:00+02:00"),
    ({"at": "2026-10-24"}, "at", "add the time"),
    ({"at": "2026-10-24T10:00:00", "tz": ""}, "at", "offset"),
    ({"at": "2026-03-29T02:30:00"}, "at", "offset"),
    ({"at": "2026-10-25T02:30:00"}, "at", "2026-10-25T02:30:00+01:00"),
    ({"at": 1792828800}, "at", "quotation marks"),
    ({"at": None}, "at", "2026-10-24T10:00:00+02:00"),
    ({"facts": {"people_affected": -3}}, "facts.people_affected", ""),
    ({"facts": {"peple_affected": 3}}, "facts.peple_affected", '"people_affected"'),
    ({"facts": {"risk_to_people": "hgh"}}, "facts.risk_to_people", '"high"'),
    ({"facts": {"aware_at": "2026-10-24T10:00:00"}}, "facts.aware_at", "offset"),
    ({"facts": [1]}, "facts", "people_affected"),
    ({"zone": "UTC"}, "zone", "tz"),
]


@pytest.mark.parametrize(("change", "field", "advice"), WRONG)
def test_a_wrong_question_is_named_in_its_place(change: dict[str, Any], field: str, advice: str) -> None:
    """The others are answered all the same; the wrong one says which part, and the nearest valid word."""
    first, wrong, last = batch(DUTIES, [GOOD, {**GOOD, "id": "b", **change}, {**GOOD, "id": "c"}])
    assert (first["due"], last["due"]) == ("2026-10-27T09:00:00+01:00",) * 2
    assert [first["id"], wrong["id"], last["id"]] == ["a", "b", "c"]
    assert wrong["error"]["field"] == field
    assert advice in wrong["error"]["do"]
    assert "due" not in wrong


def test_a_question_that_is_no_object_is_named_and_numbered() -> None:
    """Nothing that a file may hold breaks the list."""
    assert [one["id"] for one in batch(DUTIES, [7, None, "x", [GOOD]])] == [1, 2, 3, 4]
    assert all(one["error"]["code"] == "L107" for one in batch(DUTIES, [7, None, "x", [GOOD]]))


def test_every_problem_of_a_question_is_named_at_once() -> None:
    """The duty, the zone and two facts."""
    (found,) = batch(DUTIES, [{**GOOD, "duty": "x.y", "tz": "Nowhere", "facts": {"a": 1, "people_affected": -1}}])
    assert [problem["field"] for problem in found["problems"]] == ["duty", "tz", "facts.a", "facts.people_affected"]


def test_the_offset_decides_in_the_hour_that_happens_twice() -> None:
    """02:30 in Berlin on 25 October 2026 with each of its offsets; 72 hours later the clocks agree."""
    one, two = (batch(DUTIES, [{**GOOD, "at": f"2026-10-25T02:30:00{offset}"}])[0] for offset in ("+02:00", "+01:00"))
    assert (one["due"], two["due"]) == ("2026-10-28T01:30:00+01:00", "2026-10-28T02:30:00+01:00")


def test_an_offset_needs_no_zone_and_days_then_end_with_the_authority() -> None:
    """California's days end in Los Angeles, whoever asks."""
    (found,) = batch(DUTIES, [{"duty": "us.ca.1798_82.individuals", "at": "2026-02-02T06:00:00Z"}])
    assert found["due"] == "2026-03-03T23:59:59-08:00"


def test_one_unknown_duty_is_not_found() -> None:
    """One question alone raises what it is."""
    with pytest.raises(NotFound, match="did you mean"):
        answer(DUTIES, "eu.gdpr.art33.s", "", "2026-10-24T10:00:00Z", "", {})
    with pytest.raises(InvalidInput, match="does not start"):
        answer(DUTIES, SA, "request_received", "2026-10-24T10:00:00Z", "", {})


def test_all_duties_are_assessed_with_what_is_missing_and_what_to_ask_next() -> None:
    """Each duty once; an answer of unknown names what is missing, and the next question is one of those."""
    facts = {"established_in": ["DE"], "controller": "yes", "aware_at": "2026-11-20T10:00:00Z", "personal_data": "yes"}
    found = assess_all(DUTIES, facts, datetime(2026, 11, 21, tzinfo=UTC))
    by_id = {one["duty"]: one for one in found["duties"]}
    assert set(by_id) == set(DUTIES)
    assert by_id[SA]["missing_facts"] == ["security_breach", "risk_to_people"]
    assert (by_id[SA]["applies"], by_id[SA]["due"]) == ("unknown", "2026-11-23T10:00:00+00:00")
    assert any(found["next_fact"] in one["missing_facts"] for one in found["duties"])
    assert sum(found["counts"].values()) == len(DUTIES)


def test_what_does_not_apply_rests_on_a_clause_that_fails_and_has_no_limit() -> None:
    """A "no" is never silence."""
    facts = {"covered_platform": "no", "request_received_at": "2026-11-20T10:00:00Z"}
    found = assess_all(DUTIES, facts, datetime(2026, 11, 21, tzinfo=UTC))
    for one in found["duties"]:
        if one["applies"] == "no":
            assert (bool(one["why"]), one["due"]) == (True, None)
    assert found["counts"]["no"] >= 1
