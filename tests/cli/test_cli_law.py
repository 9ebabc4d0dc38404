from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

SA = "eu.gdpr.art33.sa"
AWARE = ("duties", "due", SA, "--event", "aware", "--at", "2026-10-24T10:00:00+02:00", "--tz", "Europe/Berlin")


def test_duties_are_listed_by_place(firedoor: Firedoor) -> None:
    """Only those of the place that was asked for, each with its law."""
    found = firedoor("duties", "list", "--jurisdiction", "uk", "--format", "json").json
    assert found
    assert {duty["jurisdiction"] for duty in found} == {"UK"}
    refused = firedoor("duties", "list", "--jurisdiction", "US-CAL")
    assert (refused.code, 'did you mean "US-CA"?' in refused.err) == (1, True)


def test_a_duty_is_shown_with_its_law_and_its_period(firedoor: Firedoor) -> None:
    """The article and the 72 hours stand beside each other."""
    said = firedoor("duties", "show", SA)
    assert "Art 33" in said.out
    assert "72" in said.out


def test_72_hours_across_the_end_of_summer_time(firedoor: Firedoor) -> None:
    """From 10:00 in summer to 09:00 in winter, three days later: hours are hours (Regulation 1182/71, Art 3)."""
    due = firedoor(*AWARE, "--format", "json").json
    assert due["due"] == "2026-10-27T09:00:00+01:00"
    assert SA in firedoor(*AWARE).out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("duties", "show", "eu.gdpr.art33"), 1, "did you mean"),
        (("duties", "due", "nonsense", "--at", "2026-10-24T10:00:00Z"), 1, "no duty is called"),
        (("duties", "due", SA, "--at", "yesterday"), 1, ""),
        (("duties", "due", SA, "--at", "2026-10-24T10:00:00", "--tz", "Mars/Base"), 1, "Mars/Base"),
        (("duties", "due", SA, "--at", "2026-10-24T10:00:00Z", "--event", "birthday"), 1, "does not start"),
        (("duties", "due", SA), 2, "--at"),
        (("duties", "due", SA, "--at", "2026-10-24T10:00:00Z", "--fact", "nonsense=1"), 1, "no fact is called"),
        (("duties", "due", "--batch", __file__), 1, ""),
        (("duties", "assess", "--fact", "people_affected=many"), 1, "people_affected"),
        (("duties", "assess", "--facts", "/nowhere.yaml"), 1, "cannot be read"),
    ],
)
def test_wrong_questions_are_answered_in_words(
    firedoor: Firedoor, words: tuple[str, ...], code: int, says: str
) -> None:
    """Each names what is wrong, with its exit code."""
    said = firedoor(*words)
    assert (said.code, says in " ".join(said.err.split())) == (code, True), said


def test_many_questions_are_answered_one_by_one(firedoor: Firedoor, tmp_path: Path) -> None:
    """One that cannot be answered says so in its place, and the others are answered all the same."""
    good = {"duty": SA, "event": "aware", "at": "2026-11-21T03:00:00+01:00", "tz": "Europe/Berlin"}
    file = tmp_path / "questions.jsonl"
    file.write_text(f'{json.dumps(good)}\n{{"duty": "nonsense", "at": "2026-11-21T03:00:00Z"}}\n')
    first, second = firedoor("duties", "due", "--batch", file, "--format", "json").json
    assert first["due"] == "2026-11-24T03:00:00+01:00"
    assert second["error"]["code"] == "L101"


def test_an_assessment_leaves_unknown_what_is_unknown(firedoor: Firedoor) -> None:
    """Without facts nothing is a yes, and the question that settles most is named."""
    picture = firedoor("duties", "assess", "--format", "json").json
    assert "yes" not in {duty["applies"] for duty in picture["duties"]}
    assert picture["next_fact"]
    assert "ask next" in firedoor("duties", "assess").out


def test_an_assessment_says_yes_with_its_reasons(firedoor: Firedoor) -> None:
    """A German controller with a confirmed breach: Art 33 applies, and the reasons cite the law."""
    facts = (
        "established_in=DE",
        "member_state=DE",
        "controller=yes",
        "personal_data=yes",
        "security_breach=yes",
        "risk_to_people=risk",
    )
    options = [word for fact in facts for word in ("--fact", fact)]
    picture = firedoor("duties", "assess", *options, "--at", "2026-11-21T03:00:00Z", "--format", "json").json
    found = next(duty for duty in picture["duties"] if duty["duty"] == SA)
    assert (found["applies"], any("Art 33(1)" in reason for reason in found["why"])) == ("yes", True)
