"""More time for a clock, on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

SA = "eu.gdpr.art33.sa"
FACTS = "controller=yes personal_data=yes security_breach=yes risk_to_people=risk aware_at=2026-11-20T10:00:00Z"
MORE = ("--until", "2099-12-24T10:00:00+01:00", "--document", "3 Js 12/26", "--why", "asked by the prosecutor")


@pytest.fixture(name="incident")
def _incident(firedoor: Firedoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An open incident whose clock runs."""
    profile = tmp_path / "organisation.yaml"
    profile.write_text("name: X\nfacts: {established_in: [DE], member_state: DE, time_zone: Europe/Berlin}\n")
    monkeypatch.setenv("FIREDOOR_ORGANISATION", str(profile))
    given = [word for fact in FACTS.split() for word in ("--fact", fact)]
    said = firedoor("run", "model-data-leakage", "--why", "a customer called", *given)
    assert said.code == 0, said.err
    return said.out.strip()


@pytest.mark.parametrize("verb", ["extend", "pause"])
def test_whoever_asks_for_more_time_cannot_grant_it(firedoor: Firedoor, incident: str, verb: str) -> None:
    """The clock stays as it is, the task is for somebody else, and one's own answer is refused."""
    said = firedoor("clock", verb, incident, SA, *MORE)
    assert (said.code, "a second person must agree" in said.out) == (0, True), said.err
    tasks = firedoor("tasks", incident, "--format", "json").json["tasks"]
    (asked,) = [task for task in tasks if task["kind"] == "clock" and task["clock"] == SA]
    refused = firedoor("answer", incident, asked["name"], "approve", "--why", "I asked for it")
    assert (refused.code, "asked for this" in refused.err) == (3, True)


def test_what_is_wrong_is_said(firedoor: Firedoor, incident: str) -> None:
    """No document, no offset, nothing paused, and no such clock."""
    assert firedoor("clock", "extend", incident, SA, *MORE[:2], "--document", " ", "--why", "x").code == 1
    assert firedoor("clock", "pause", incident, SA, "--until", "2099-12-24T10:00:00", *MORE[2:]).code == 1
    assert firedoor("clock", "resume", incident, SA, "--why", "lifted").code == 3
    assert "did you mean" in firedoor("clock", "extend", incident, "eu.gdpr.art33.s", *MORE).err
