"""What `firedoor check` says about words that a playbook makes up, comparisons that never hold, and doubts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.pages import SOUND
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

DECIDE = '    - confirm: "Is it real?"'
ANSWERS = """    - decide: "Which?"
      answers:
        one: {label: "One"}
        two: {label: "Two"}
"""
TOLD = """  post_incident:
    - tell: dpo
      text: "It is over."
      when: '{}'"""
LONG = "x" * 200
CYRILLIC = "s\u0435verity"  # the e is Cyrillic


def problems(firedoor: Firedoor, folder: Path, *changes: tuple[str, str]) -> list[dict]:
    """What is found in the sound page once it is changed."""
    text = SOUND
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    (folder / "page.yaml").write_text(text)
    said = firedoor("check", folder / "page.yaml", "--format", "json")
    assert said.code in (0, 1), said.err
    return list(said.json["problems"])


@pytest.mark.parametrize("word", ["1x", "x" * 80, "__class__", CYRILLIC, "a b", "*", "a[0]", "a.b", "Big", ""])
def test_a_fact_has_a_form(firedoor: Firedoor, tmp_path: Path, word: str) -> None:
    """Refused at the line and column of the word, never by an internal error."""
    (found,) = problems(firedoor, tmp_path, ("  others: {type: list}", f'  "{word}": {{type: list}}'))
    assert (found["code"], found["place"]["line"], found["place"]["column"]) == ("P104", 11, 3)
    assert "no name for a fact" in found["message"]


@pytest.mark.parametrize("word", ["Yes Please", "\u00fc", "", "*", "5", LONG, "a[0]", "p\u043essible"])
def test_a_choice_has_a_form(firedoor: Firedoor, tmp_path: Path, word: str) -> None:
    """An answer's id stands in drills, in links and on the command line."""
    changed = ANSWERS.replace("one:", f'"{word}":')
    (found,) = problems(firedoor, tmp_path, (DECIDE, changed + DECIDE))
    assert (found["code"], found["place"]["line"], found["place"]["column"]) == ("P108", 17, 9)
    assert "no name for a choice" in found["message"]


@pytest.mark.parametrize("word", ["", "*", "a[0]", "a.b", LONG, "a b", "\u0430sk"])
def test_a_step_has_a_form(firedoor: Firedoor, tmp_path: Path, word: str) -> None:
    """`*`, `[` and `.` mean something in a drill's patterns."""
    (found,) = problems(firedoor, tmp_path, (DECIDE, f'{DECIDE}\n      id: "{word}"'))
    assert (found["code"], found["place"]["line"], found["place"]["column"]) == ("P108", 16, 7)
    assert "no name for a step" in found["message"]


@pytest.mark.parametrize("word", ["*", "a b", LONG, "dp\u043e", "DPO"])
def test_a_role_has_a_form(firedoor: Firedoor, tmp_path: Path, word: str) -> None:
    """Two roles that look alike are one to whoever reads them."""
    found = problems(firedoor, tmp_path, ("roles: [commander, dpo]", f'roles: [commander, dpo, "{word}"]'))
    assert [(one["code"], one["place"]["line"]) for one in found] == [("P108", 12)]
    assert "no name for a role" in found[0]["message"]


def test_a_sign_that_only_looks_right_is_named(firedoor: Firedoor, tmp_path: Path) -> None:
    """Nobody sees the difference; so its name is said."""
    (found,) = problems(firedoor, tmp_path, ("  others: {type: list}", f"  {CYRILLIC}: {{type: list}}"))
    assert "cyrillic small letter ie" in found["message"]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ('facts.kind == "trainig_data"', 'did you mean "training_data"'),
        ('facts.kind in ["prompt", "x"]', 'facts.kind is never "x"'),
        ("incident.severity >= 5", "incident.severity is a severity, and 5 is not"),
        ("facts.endpoint > 3", "facts.endpoint has no order"),
        ('facts.people_affected >= "many"', 'facts.people_affected is a count, and "many" is not'),
        ('facts.minor == "perhaps"', "facts.minor is a flag"),
        ('facts.aware_at > "2026"', "facts.aware_at is an instant"),
        ('"x"', '"x" depends on nothing'),
        ('"de" in facts.jurisdictions', 'write "DE"'),
        ('"Germny" not in facts.serves', 'did you mean "DE"'),
        ('facts.member_state == "ie"', 'facts.member_state never holds "ie"'),
        ('"contakt" in facts.data_categories', 'facts.data_categories never holds "contakt"'),
    ],
)
def test_a_condition_that_never_holds_is_refused(
    firedoor: Firedoor, tmp_path: Path, condition: str, words: str
) -> None:
    """The step would be left out without a word, and a drill that does not look for it would end as expected."""
    kinds = '  others: {type: list}\n  kind: {type: choice, choices: [prompt, training_data], ask: "Which?"}'
    changes = ("  others: {type: list}", kinds), ("  post_incident: []", TOLD.format(condition))
    (found,) = problems(firedoor, tmp_path, *changes)
    assert found["severity"] == "error"
    assert words in found["message"] + found["do"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("      sets: {aware_at: now}\n", ""), "P321"),
        (("phases:", "duties: []\nphases:"), "P320"),
        (("    expect: {order: [close]}\n", ""), "P322"),
        ((DECIDE, ANSWERS.replace('"Two"', '"One"') + DECIDE), "P323"),
    ],
)
def test_a_doubt_is_shown_and_forbids_nothing(
    firedoor: Firedoor, tmp_path: Path, change: tuple[str, str], code: str
) -> None:
    """A warning beside which no error stands is not thrown away; the exit code stays 0."""
    (found,) = problems(firedoor, tmp_path, change)
    assert (found["severity"], found["code"]) == ("warning", code)
    said = firedoor("check", tmp_path / "page.yaml")
    assert said.code == 0
    assert "warning:" in said.out
    assert "1 warning" in said.out


def test_who_asks_and_escalates_to_the_same_is_warned(firedoor: Firedoor, tmp_path: Path) -> None:
    """P203 was found by the compiler, and dropped."""
    change = (DECIDE, f"{DECIDE}\n      by: dpo\n      escalate_to: dpo")
    assert [(one["code"], one["severity"]) for one in problems(firedoor, tmp_path, change)] == [("P203", "warning")]


def test_a_drill_that_answers_or_expects_what_is_not_there_is_refused(firedoor: Firedoor, tmp_path: Path) -> None:
    """A choice that nobody is offered, and the clock of a duty that no law has."""
    choice = ('choice: "yes"', 'choice: "yess"')
    duty = ("expect: {order: [close]}", "expect: {order: [close], clocks: {eu.gdpr.art33.sb: absent}}")
    found = problems(firedoor, tmp_path, choice, duty)
    assert ["yess" in one["message"] for one in found] == [True, False]
    assert "eu.gdpr.art33.sa" in found[1]["do"]


def test_shipped_playbooks_leave_no_doubt(firedoor: Firedoor) -> None:
    """What we ship has neither problem nor warning."""
    assert firedoor("check", "--format", "json").json["problems"] == []


def test_a_folder_without_a_playbook_for_a_type_says_so(
    firedoor: Firedoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert of that type would start nothing, and nobody would know."""
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "small.yaml").write_text(SOUND)
    monkeypatch.setenv("FIREDOOR_PLAYBOOKS", str(tmp_path / "books"))
    said = firedoor("doctor", "--format", "json").out
    assert "is for unauthorized_ai_training" in said
    assert "is for data_leakage_in_ai_models" not in said
