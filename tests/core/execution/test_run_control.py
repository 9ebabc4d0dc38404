"""Steering a run on paper: what is held back, done again, left out or ended, and what is said before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.paper import INCIDENT, Paper
from tests.sending import SENT

from firedoor.core.execution.progress import Status
from firedoor.core.execution.run_control import Action, consequences, control
from firedoor.core.execution.turn import operation_key
from firedoor.core.journal import Draft, Kind
from firedoor.core.lifecycle import State
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, NotPermitted, Refused
from firedoor.core.tasks.answers import Person

ADA = Person("Ada", frozenset(("commander",)))
CLOSE = '    - suspend: "{{ facts.endpoint }}"\n      id: close\n      automatic: always\n'
KEEP = '    - preserve: [request_log]\n      id: keep\n      of: "{{ facts.endpoint }}"\n'
TASK = '    - task: "Call them"\n      id: call\n'
CAPTURE, SUSPEND = "containment.close.reflex.capture", "containment.close.reflex.suspend"
CALL = "containment.call"


def kept(page: Paper) -> str:
    """The operation that keeps the request log."""
    return next(op.id for op in page.plan.operations if op.do == "keep")


def steer(page: Paper, action: str, operation: str = "", why: str = "to be safe", person: Person = ADA) -> Paper:
    """Steer, and go on."""
    page.write(*control(Action(action), page.view, page.plan, operation, why, person, page.now))
    return page.run()


def refused(page: Paper, code: str, *arguments: Any, kind: type[FiredoorError] = Refused) -> None:
    with pytest.raises(kind) as caught:
        steer(page, *arguments)
    assert caught.value.problems[0].code == code


def foresee(page: Paper, action: str, operation: str = "") -> str:
    """What would be said before."""
    drafts = control(Action(action), page.view, page.plan, operation, "why", ADA, page.now)
    return "\n".join(consequences(Action(action), page.view, page.plan, operation, drafts))


def test_while_paused_nothing_new_is_started_and_tasks_can_be_answered() -> None:
    """The effect that stands next is launched only after the pause."""
    page = steer(Paper(TASK + KEEP, endpoint="x").run(), "pause").answer(CALL, "done")
    assert (page.launched, page.status(kept(page))) == ([], Status.READY)
    assert [launch.instance.id for launch in steer(page, "unpause").launched] == [kept(page)]


def test_an_effect_that_runs_at_the_pause_is_seen_to_its_end() -> None:
    """Started and in doubt after a crash: it is observed also while the run is paused."""
    page = Paper(KEEP, endpoint="x")
    page.turn()
    page.write(*control(Action.PAUSE, page.view, page.plan, "", "why", ADA, page.now))
    assert [launch.observe for launch in page.turn().launches] == [True]


def test_a_retry_waits_for_the_end_of_the_pause() -> None:
    """A failed effect is not tried again meanwhile."""
    page = Paper(KEEP, endpoint="x")
    page.fails[kept(page)] = [False]
    steer(page.run(), "pause").wait(hours=1)
    assert [launch.attempt for launch in page.launched] == [1]
    assert [launch.attempt for launch in steer(page, "unpause").launched] == [1, 2]


def test_what_is_skipped_is_on_record_by_name_and_the_run_goes_on() -> None:
    """The task is withdrawn, and what waited begins."""
    page = steer(Paper(TASK + KEEP, endpoint="x").run(), "skip", CALL)
    (skipped,) = [entry for entry in page.entries if entry.kind == Kind.SKIPPED]
    assert skipped.body == {"op": CALL, "by": "Ada", "why": "to be safe"}
    assert (page.open(), [launch.instance.id for launch in page.launched]) == ([], [kept(page)])


def test_what_is_done_again_has_another_key() -> None:
    """A second effect must not pass for the first; its attempts count anew."""
    page = Paper(KEEP + TASK, endpoint="x").run()
    steer(steer(page, "redo", kept(page)), "redo", kept(page))
    keys = [launch.key for launch in page.launched]
    assert keys == [operation_key(INCIDENT, kept(page), lineage) for lineage in (0, 1, 2)]
    assert (len(set(keys)), {launch.attempt for launch in page.launched}) == (3, {1})


def test_the_task_about_a_failure_goes_when_it_is_done_again() -> None:
    """Nobody is asked any more what to do about it."""
    page = Paper(KEEP, endpoint="x")
    page.fails[kept(page)] = [True]
    assert page.run().open()
    assert (steer(page, "redo", kept(page)).open(), page.view.state) == ([], State.CLOSED)


def test_by_hand_counts_as_done_by_that_person() -> None:
    """What depends on it goes on; nothing is launched for it."""
    page = Paper(TASK + KEEP, endpoint="x").run()
    record = steer(page, "by-hand", kept(page), "copied to the USB stick").view.operations[kept(page)]
    assert (record.by_hand, record.outcome, record.result["by"]) == (True, "kept", "Ada")
    page.answer(CALL, "done")
    assert (page.launched, page.view.state) == ([], State.CLOSED)


def test_an_aborted_run_starts_nothing_and_is_closed_by_a_person() -> None:
    """Its tasks are withdrawn, it does not end by itself, and a named person closes it."""
    page = steer(Paper(TASK + KEEP, endpoint="x").run(), "abort")
    (last,) = page.view.open_tasks()
    assert (last.kind, page.view.state, page.launched) == ("review-abort", State.OPEN, [])
    page.answer(last.id, "close", by="Max")
    assert (page.view.state, page.view.outcome, page.entries[-1].actor) == (State.CLOSED, "aborted", "person:Max")


def test_an_aborted_incident_is_not_closed_over_an_open_clock() -> None:
    """The duties still count: what the clock asks for is asked all the same; then it can be closed."""
    page = Paper(f"{TASK}    - notify_authorities: due\n      by: dpo\n", endpoint="x").run()
    clock = {"id": "c1", "duty": "d", "title": "t", "citation": "Art 33", "state": "running", "due": None}
    page.write(Draft(Kind.CLOCK_STARTED, "firedoor", clock))
    last, submit = steer(page, "abort").view.open_tasks()
    assert submit.clock == "c1"
    with pytest.raises(Refused, match="c1"):
        page.answer(last.id, "close")
    page.answer(submit.id, "submitted", fields={"reference": "ICO-1", **SENT})
    assert page.answer(last.id, "close").view.state is State.CLOSED


def test_what_is_skipped_before_its_turn_holds_its_place() -> None:
    """What follows it does not overtake what comes before it; it can be taken back by having it done again."""
    page = steer(Paper(TASK + KEEP, endpoint="x").run(), "skip", kept(Paper(KEEP, endpoint="x")))
    assert (page.status(kept(page)), page.view.state, page.open()) == (Status.PENDING, State.OPEN, [CALL])
    refused(page, "O123", "by-hand", kept(page))
    assert steer(page, "redo", kept(page)).answer(CALL, "done").launched
    page = steer(Paper(TASK + KEEP, endpoint="x").run(), "skip", kept(page)).answer(CALL, "done")
    assert (page.launched, page.view.state) == ([], State.CLOSED)


def test_a_pause_says_what_is_held_and_what_goes_on() -> None:
    """By name: what runs, what is not begun, and who is still asked."""
    said = foresee(Paper(TASK + KEEP, endpoint="x").run(), "pause")
    assert "T1 (commander)" in said
    running = Paper(KEEP, endpoint="x")
    running.turn()
    assert f"Ends what it has begun: {kept(running)}." in foresee(running, "pause")


def test_a_skip_says_what_is_left_out_with_it() -> None:
    """What begins at once, or is left out because it depends on it, is named before; nothing is written."""
    page = Paper(CLOSE, endpoint="x")
    page.fails[CAPTURE] = [True]
    before = page.run().entries
    assert f"{SUSPEND}" in foresee(page, "skip", CAPTURE)
    assert page.entries == before
    page = Paper(TASK + KEEP, endpoint="x").run()
    assert f"Begins at once: {kept(page)}" in foresee(page, "skip", CALL)


def test_an_abort_says_that_it_cannot_be_taken_back() -> None:
    """And names every operation that will not happen."""
    said = foresee(page := Paper(TASK + KEEP, endpoint="x").run(), "abort")
    assert "cannot be taken back" in said
    assert kept(page) in said


def test_what_would_deceive_is_refused() -> None:
    """What was not done, what is done, a mark, a decision, what runs, and what failed midway."""
    page = Paper(TASK + KEEP, endpoint="x").run()
    mark = next(op.id for op in page.plan.operations if op.do == "mark")
    refused(page, "O131", "redo", kept(page))
    refused(page, "O122", "skip", mark)
    refused(page, "O130", "redo", CALL)
    refused(page, "O124", "by-hand", CALL)
    refused(page.answer(CALL, "done"), "O110", "skip", CALL)
    refused(Paper(TASK, confirm=True).run(), "O124", "skip", "identification.confirm")
    running = Paper(KEEP, endpoint="x")
    running.turn()
    refused(running, "O121", "skip", kept(running))
    broken = Paper(CLOSE, endpoint="x")
    broken.fails[SUSPEND] = [True]
    refused(broken.run(), "O133", "redo", SUSPEND)


def test_a_target_that_is_held_is_not_captured_or_closed_again() -> None:
    """The snapshot to go back to would show a closed door."""
    page = Paper(CLOSE + TASK, endpoint="x").run()
    held: dict[str, Any] = {"target": "x", "doors": [{"door": "d"}], "snapshots": []}
    for name in (CAPTURE, SUSPEND):
        page.write(Draft(Kind.FINISHED, "firedoor", {"op": name, "outcome": "done", "result": held}))
        refused(page, "O134", "redo", name)


def test_who_what_and_why_are_needed() -> None:
    """A role, an operation that exists, a reason, and a state that it fits."""
    page = Paper(TASK, endpoint="x").run()
    refused(page, "O101", "pause", "", "x", Person("Ben", frozenset(("dpo",))), kind=NotPermitted)
    refused(page, "O120", "skip", "containment.cal", kind=NotFound)
    refused(page, "T109", "pause", "", " ", kind=InvalidInput)
    refused(page, "O112", "unpause")
    refused(steer(page, "pause"), "O112", "pause")
    refused(steer(page, "abort"), "O111", "unpause")
    refused(page, "O111", "skip", CALL)
