"""Notices and lessons at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

FACTS = (
    "aware_at=2026-11-20T10:00:00+00:00", "controller=yes", "personal_data=yes", "security_breach=yes", "severity=low",
)  # fmt: skip


@pytest.fixture(name="incident")
def _incident(firedoor: Firedoor) -> str:
    """An incident whose register has to be written."""
    words = [word for fact in FACTS for word in ("--fact", fact)]
    return firedoor("run", "model-data-leakage", *words, "--why", "test").out.strip().splitlines()[-1]


def test_a_notice_is_worded_approved_and_exported(firedoor: Firedoor, incident: str, tmp_path: Path) -> None:
    """From the list to the approved text in a file; what is still open is refused with words."""
    listed = json.loads(firedoor("notice", "list", incident, "--format", "json").out)["notices"]
    assert "press" in [one["clock"] for one in listed]
    assert firedoor("notice", "approve", incident, "press", "--why", "read").code == 3
    file = tmp_path / "notice.md"
    file.write_text("# We know little yet\n\nWe say more tomorrow.\n")
    assert "edited" in firedoor("notice", "edit", incident, "press", "--file", file, "--why", "worded").out
    assert "approved" in firedoor("notice", "approve", incident, "press", "--why", "read").out
    out = tmp_path / "notice.txt"
    assert firedoor("notice", "export", incident, "press", "--format", "txt", "--out", out).code == 0
    assert out.read_text() == "We know little yet\n\nWe say more tomorrow.\n"
    assert "worded" not in firedoor("notice", "show", incident, "press").out


def test_submit_refuses_a_draft_and_takes_the_file_later(firedoor: Firedoor, incident: str, tmp_path: Path) -> None:
    """Nothing is filled in; without a copy the record is weak, until what was really sent is handed in afterwards."""
    firedoor("facts", incident, "set", "established_in=DE", "--why", "it is")
    clock = next(one["id"] for one in json.loads(firedoor("clocks", incident, "--format", "json").out)["clocks"])
    words = ("submit", incident, clock, "--reference", "R-1", "--why", "sent", "--field", "reasons_for_delay=late")
    refused = firedoor(*words)
    assert (refused.code, refused.err.count("C107")) == (1, 3)
    how = ("--channel", "the portal", "--sent-at", "now")
    refused = firedoor(*words, *how, "--sent", "draft")
    assert (refused.code, "nobody approved" in refused.err, "approve the text" in refused.err) == (3, True, True)
    sent = firedoor(*words, *how, "--sent", "none")
    assert sent.code == 0, sent.err
    assert "Weakness: No copy of what was sent" in firedoor("report", incident, "--format", "md").out
    file = tmp_path / "form.txt"
    file.write_text("as the portal took it")
    assert "sent" in firedoor("notice", "as-sent", incident, clock, file, "--why", "the portal's own form").out
    report = firedoor("report", incident, "--format", "md").out
    assert ("As sent: the file handed in" in report, "Weakness:" in report) == (True, False)


def test_lessons_are_told_and_written_as_a_diff(firedoor: Firedoor, incident: str) -> None:
    """The agenda is for people; the diff alone is for a file."""
    assert "Facts nobody knew" in firedoor("lessons", incident).out
    assert firedoor("lessons", incident, "--diff").out.startswith("# ")


def test_what_no_deadline_asks_for_is_recorded_as_sent(firedoor: Firedoor, incident: str, tmp_path: Path) -> None:
    """An approved text alone; a notice that is no form has no file of its own, and the year has a report."""
    file = tmp_path / "notice.md"
    file.write_text("# We know little yet\n\nWe say more tomorrow.\n")
    how = ("--channel", "e-mail", "--reference", "press list")
    assert firedoor("notice", "edit", incident, "press", "--file", file, "--why", "worded").code == 0
    assert firedoor("notice", "sent", incident, "press", *how).code == 3
    assert firedoor("notice", "approve", incident, "press", "--why", "read").code == 0
    assert firedoor("notice", "sent", incident, "press", *how).code == 0
    found = json.loads(firedoor("notice", "show", incident, "press", "--format", "json").out)
    assert (found["state"], found["sent"]["reference"]) == ("sent", "press list")
    assert "it is no form" in firedoor("notice", "export", incident, "press", "--format", "json").err
    year = firedoor("report", "transparency", "--format", "csv")
    assert (year.code, "take_it_down,requests,0" in year.out) == (0, True)
