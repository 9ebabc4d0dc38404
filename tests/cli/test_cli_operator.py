"""Steering a run from the command line: the consequences come first, and nothing is done without a yes."""

from __future__ import annotations

import pytest
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture


@pytest.fixture(name="incident")
def _incident(firedoor: Firedoor) -> str:
    said = firedoor("run", "model-data-leakage", "--why", "a customer called")
    assert said.code == 0, said.err
    return said.out.strip()


def test_without_a_yes_the_consequences_are_shown_and_nothing_is_done(firedoor: Firedoor, incident: str) -> None:
    """Exit code 3; the run is not paused."""
    said = firedoor("pause", incident, "--why", "the gateway team asks us to wait")
    assert (said.code, "Tasks that wait for people: T1" in said.out, "--yes" in said.err) == (3, True, True)
    assert firedoor("status", incident, "--format", "json").json["paused"] is None


def test_a_run_is_paused_and_unpaused(firedoor: Firedoor, incident: str) -> None:
    """Both stand in the timeline by name, with their reasons."""
    assert firedoor("pause", incident, "--why", "to look first", "--yes").code == 0
    assert "PAUSED by" in firedoor("status", incident).out
    assert firedoor("unpause", incident, "--why", "we have looked", "--yes", "--format", "json").json["done"] is True
    told = firedoor("timeline", incident).out
    assert "paused the run" in told
    assert "to look first" in told


def test_an_abort_is_told_in_full_and_done_with_a_yes(firedoor: Firedoor, incident: str) -> None:
    """What will not happen is named; what remains is one task for people."""
    said = firedoor("abort", incident, "--why", "a mistake", "--yes")
    assert (said.code, "cannot be taken back" in " ".join(said.out.split())) == (0, True)
    assert [task["kind"] for task in firedoor("tasks", incident, "--format", "json").json["tasks"]
            if task["state"] == "open"] == ["review-abort"]  # fmt: skip


@pytest.mark.parametrize("command", ["skip", "redo", "by-hand"])
def test_an_operation_that_does_not_exist_is_told_with_the_nearest(
    firedoor: Firedoor, incident: str, command: str
) -> None:
    """Nothing is done; what is meant is guessed at."""
    said = firedoor(command, incident, "identification.confrim", "--why", "x", "--yes")
    assert (said.code, "no operation is called" in said.err) == (1, True)


def test_tasks_are_passed_on_and_linked(firedoor: Firedoor, incident: str) -> None:
    """Who it is for now is said; a link is for somebody with an account who can be reached, and never shown."""
    assert "alone" in firedoor("claim", incident, "T1", "--why", "awake").out
    roles = firedoor("status", incident, "--format", "json").json["roles"]
    first = firedoor("tasks", incident, "--format", "json").json["tasks"][0]
    role = next(role for role in roles if role not in first["roles"])
    assert f"now for {role}" in firedoor("reassign", incident, "T1", role, "--why", "asleep").out
    said = firedoor("link", incident, "T1", "--to", "cleo", "--role", role)
    assert (said.code, "L107" in said.err, "/answer/" in said.out) == (1, True, False)
    assert firedoor("account", "create", "cleo", "--role", role, "--no-password").code == 0
    said = firedoor("link", incident, "T1", "--to", "cleo", "--role", role)
    assert (said.code, "L109" in said.err, "/answer/" in said.out) == (3, True, False)


def test_a_reason_is_needed(firedoor: Firedoor, incident: str) -> None:
    """Before anything else."""
    assert "a reason is needed" in firedoor("pause", incident, "--yes").err
    assert "a reason is needed" in firedoor("claim", incident, "T1").err
