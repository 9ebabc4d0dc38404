"""`firedoor duties`: the commands as scripts call them, with their output and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.support.in_process import run_here

QUESTION = {"id": "a", "duty": "eu.gdpr.art33.sa", "event": "aware", "at": "2026-10-24T10:00:00+02:00"}


def run(*words: str, given: str = "") -> CompletedProcess[str]:
    return run_here("duties", *words, given=given)


def answered(*words: str, given: str = "") -> Any:
    done = run(*words, "--format", "json", given=given)
    assert not done.stderr
    return json.loads(done.stdout)


def test_one_question() -> None:
    """72 hours over the night in which Berlin's clocks go back."""
    words = [
        "due",
        "eu.gdpr.art33.sa",
        "--event",
        "aware",
        "--at",
        "2026-10-24T10:00:00+02:00",
        "--tz",
        "Europe/Berlin",
    ]
    found = answered(*words, "--fact", "established_in=DE", "--fact", "controller=yes")
    assert (found["due"], found["kind"]) == ("2026-10-27T09:00:00+01:00", "instant")
    assert set(found) == {"duty", "applies", "due", "kind", "latest_arguable", "version", "citation", "why"}


@pytest.mark.parametrize("lines", [True, False], ids=["a line each", "a list"])
def test_many_questions_with_a_wrong_one(tmp_path: Path, lines: bool) -> None:
    """The wrong one is named in its place, the rest is answered, and the exit code tells of it."""
    questions = [QUESTION, {**QUESTION, "id": "b", "duty": "eu.gdpr.art33.s"}, {**QUESTION, "id": "c"}]
    written = "\n".join(json.dumps(one) for one in questions) if lines else json.dumps(questions)
    (tmp_path / "questions").write_text(written, encoding="utf-8")
    done = run("due", "--batch", str(tmp_path / "questions"), "--format", "json")
    found = json.loads(done.stdout)
    assert [one["id"] for one in found] == ["a", "b", "c"]
    assert found[1]["error"]["field"] == "duty"
    assert (found[0]["due"], done.returncode) == ("2026-10-27T08:00:00+00:00", 1)


def test_many_questions_from_standard_input() -> None:
    """`-` reads a pipe; a line that is no JSON is a wrong question, not the end."""
    done = run("due", "--batch", "-", "--format", "json", given=f"{json.dumps(QUESTION)}\nnonsense\n")
    first, second = json.loads(done.stdout)
    assert (first["id"], second["id"], second["error"]["message"]) == ("a", 2, "a question is an object")
    assert run("due", "--batch", "-", given=json.dumps(QUESTION)).returncode == 0


def test_an_assessment_from_a_file(tmp_path: Path) -> None:
    """Every duty, what is missing, and the question that would settle most."""
    facts = "established_in: [DE]\ncontroller: yes\npersonal_data: yes\naware_at: 2026-11-20T10:00:00+01:00\n"
    (tmp_path / "facts.yaml").write_text(facts, encoding="utf-8")
    found = answered("assess", "--facts", str(tmp_path / "facts.yaml"), "--at", "2026-11-21T10:00:00Z")
    (regulator,) = (one for one in found["duties"] if one["duty"] == "eu.gdpr.art33.sa")
    assert regulator["missing_facts"] == ["security_breach", "risk_to_people"]
    assert found["next_fact"] == "security_breach"


def test_the_list_knows_places_and_what_is_stale() -> None:
    """US holds its states; after the day of review the duty is listed as stale."""
    places = {one["jurisdiction"] for one in answered("list", "--jurisdiction", "US")}
    assert {"US", "US-CA", "US-NY"} <= places
    assert all(place.startswith("US") for place in places)
    assert answered("list", "--stale", "--as-of", "2026-11-21") == []
    assert len(answered("list", "--stale", "--as-of", "2100-01-01")) > 50


def test_a_duty_is_shown_whole() -> None:
    """As JSON with every part, and as text with its articles."""
    assert answered("show", "us.tida.s3.removal")["versions"][0]["within"] == "48 hours"
    assert "sec 3(a)(1)(B)(i)" in run("show", "us.tida.s3.removal").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("show eu.gdpr.art33.s", 1, "eu.gdpr.art33.sa"),
        ("due eu.gdpr.art33.sa --at 2026-10-25T02:30:00 --tz Europe/Berlin", 1, "2026-10-25T02:30:00+01:00"),
        ("due eu.gdpr.art33.sa --at 2026-10-25T12:30:00", 1, "offset"),
        ("due eu.gdpr.art33.sa --at 2026-10-25T12:30:00 --tz Europe/Berlni", 1, "Europe/Berlin"),
        ("due eu.gdpr.art33.sa --at 2026-10-25T12:30:00Z --fact people_affected=-1", 1, "a whole number"),
        ("list --stale --as-of yesterday", 1, "2026-11-21"),
        ("due", 2, "--batch"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(words: str, code: int, said: str) -> None:
    """Exit code, and what to do."""
    done = run(*words.split())
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert said in done.stderr
