"""One turn: what is written down, which effects start, and when time alone goes on."""

from __future__ import annotations

from datetime import timedelta

from tests.core.paper import Paper

from firedoor.core.incident import State
from firedoor.core.journal import Kind
from firedoor.core.progress import Status
from firedoor.core.turn import operation_key

TASK = '    - task: "{0}"\n      id: {0}\n'
CLOSE = '    - suspend: "{{ facts.endpoint }}"\n      id: close\n      automatic: always\n'
TWO = '    - preserve: [request_log, model_card]\n      id: keep\n      of: "{{ facts.endpoint }}"\n'
BESIDE = """    - parallel:
        - suspend: "{{ facts.endpoint }}"
          id: close
          automatic: always
        - task: "other"
          id: other
"""
CAPTURE, SUSPEND = "containment.close.reflex.capture", "containment.close.reflex.suspend"


def test_effects_that_wait_for_nothing_start_together() -> None:
    """One turn starts both, each with a key of its own, and writes that they were started."""
    turn = Paper(TWO, endpoint="x").turn()
    assert [launch.observe for launch in turn.launches] == [False, False]
    assert len({launch.key for launch in turn.launches}) == 2
    assert [draft.kind for draft in turn.drafts] == [Kind.STARTED, Kind.STARTED]


def test_what_runs_is_not_started_again() -> None:
    """An effect that this driver performs is left alone."""
    paper = Paper(CLOSE, endpoint="x")
    paper.turn()
    assert paper.turn(running=[CAPTURE]).launches == []


def test_what_was_started_by_somebody_else_is_observed_first() -> None:
    """Started without an outcome, and not ours: it may have happened. Same key, same attempt."""
    paper = Paper(CLOSE, endpoint="x")
    (first,) = paper.turn().launches
    (again,) = paper.turn().launches
    assert (again.observe, again.key, again.attempt) == (True, first.key, first.attempt)


def test_a_key_is_the_same_for_every_attempt_and_nothing_else() -> None:
    """It depends on the incident and the operation alone."""
    assert operation_key("INC-1", "a") == operation_key("INC-1", "a")
    assert len({operation_key(i, o) for i in ("INC-1", "INC-2") for o in ("a", "b", "a[0]")}) == 6


def test_a_failure_is_tried_again_when_its_time_has_come() -> None:
    """The turn says when; then it is started with the next attempt, and not earlier."""
    paper = Paper(CLOSE, endpoint="x")
    paper.fails[CAPTURE] = [False]
    paper.run()
    assert paper.turn().wake_at == paper.now + timedelta(seconds=5)
    paper.wait(seconds=4)
    assert [launch.attempt for launch in paper.launched] == [1]
    paper.wait(seconds=1)
    assert [launch.attempt for launch in paper.launched if launch.instance.id == CAPTURE] == [1, 2]
    assert paper.status(SUSPEND) is Status.FINISHED


def test_a_failure_for_good_asks_the_lead_and_blocks_no_other_branch() -> None:
    """The question says what broke; the same failure is asked about once."""
    paper = Paper(BESIDE, endpoint="x")
    paper.fails[CAPTURE] = [True]
    other, rescue = sorted(paper.run().open())
    assert (other, rescue.startswith(f"rescue:{CAPTURE}")) == ("containment.other", True)
    assert "broken" in paper.view.tasks[rescue].question
    assert sorted(paper.run().open()) == [other, rescue]


def test_a_rescue_can_try_again() -> None:
    """The next attempt has the same key; a second failure for good is a new question."""
    paper = Paper(CLOSE, endpoint="x")
    paper.fails[CAPTURE] = [True, True]
    (first,) = paper.run().open()
    (second,) = paper.answer(first, "retry").open()
    assert first != second
    paper.answer(second, "retry")
    attempts = [(launch.attempt, launch.key) for launch in paper.launched if launch.instance.id == CAPTURE]
    assert attempts == [(n, operation_key("INC-1", CAPTURE)) for n in (1, 2, 3)]


def test_a_rescue_by_hand_counts_as_done_by_that_person() -> None:
    """What depends on it goes on, and the record says who did it and how."""
    paper = Paper(CLOSE, endpoint="x")
    paper.fails[CAPTURE] = [True]
    (rescue,) = paper.run().open()
    record = paper.answer(rescue, "by_hand", by="Eve", why="by the console").view.operations[CAPTURE]
    assert (record.by_hand, record.result["by"], record.result["why"]) == (True, "Eve", "by the console")
    assert paper.status(SUSPEND) is Status.FINISHED


def test_a_rescue_can_go_on_without_it() -> None:
    """What needs its outcome is left out; the incident still ends."""
    paper = Paper(CLOSE, endpoint="x")
    paper.fails[CAPTURE] = [True]
    (rescue,) = paper.run().open()
    assert paper.answer(rescue, "skip").status(SUSPEND) is Status.SKIPPED
    assert paper.view.state is State.CLOSED


def test_waiting_ends_when_its_time_has_come() -> None:
    """The turn says when to wake; the wait is over then and not before."""
    paper = Paper("    - wait: 2h\n      id: pause\n").run()
    assert paper.turn().wake_at == paper.now + timedelta(hours=2)
    assert paper.wait(minutes=119).status("containment.pause") is Status.WAITING
    assert paper.wait(minutes=1).view.state is State.CLOSED


def test_waiting_for_a_fact_ends_at_its_instant() -> None:
    """`wait: until` a fact's instant."""
    paper = Paper("    - wait: until\n      id: pause\n      until: later\n", later="2026-11-22T00:00:00+01:00").run()
    assert paper.turn().wake_at.isoformat() == "2026-11-22T00:00:00+01:00"


def test_the_gate_lets_nothing_through_before_it_is_answered() -> None:
    """What follows `confirm` waits; no dismisses the incident and leaves everything later out."""
    paper = Paper(TASK.format("a"), confirm=True).run()
    assert paper.open() == ["identification.confirm"]
    assert paper.answer("identification.confirm", "no").view.state is State.DISMISSED
    assert (paper.status("containment.a"), paper.status("close")) == (Status.SKIPPED, Status.SKIPPED)


def test_the_reflex_does_not_wait_for_the_gate() -> None:
    """Automatic containment is done while the question is still open."""
    paper = Paper(CLOSE, confirm=True, endpoint="x").run()
    assert paper.open() == ["identification.confirm"]
    assert paper.status(SUSPEND) is Status.FINISHED


def test_the_end_withdraws_what_is_still_asked() -> None:
    """Nobody is left with a question of an incident that is over."""
    paper = Paper(CLOSE, confirm=True, endpoint="x")
    paper.fails[SUSPEND] = [True]
    paper.run().answer("identification.confirm", "no")
    assert (paper.view.state, paper.open()) == (State.DISMISSED, [])


def test_background_steps_hold_up_only_the_end() -> None:
    """The next step is asked at once; closing waits."""
    paper = Paper(TASK.format("slow") + "      background: true\n" + TASK.format("next")).run()
    assert paper.open() == ["containment.slow", "containment.next"]
    assert paper.answer("containment.next", "done").view.state is State.REMEDIATED
    assert paper.answer("containment.slow", "done").view.state is State.CLOSED


def test_a_message_is_written_once() -> None:
    """The message is an entry: with the journal it can be neither lost nor doubled."""
    paper = Paper('    - tell: [dpo]\n      id: say\n      subject: "{{ incident.id }}"\n      text: "closed"\n').run()
    (message,) = [entry.body for entry in paper.entries if entry.kind == Kind.MESSAGE]
    assert (message["to"], message["subject"]) == (["dpo"], "INC-1")


def test_a_target_that_is_not_known_shows_in_the_words_and_crashes_nothing() -> None:
    """A title with an unknown fact is still a title."""
    paper = Paper('    - task: "look at {{ facts.endpoint }}"\n      id: look\n').run()
    assert "unknown" in paper.view.tasks["containment.look"].question


def test_many_steps_that_need_no_effect_are_all_taken() -> None:
    """More rounds than one turn takes: the turn asks to be woken at once, so nothing is left lying."""
    steps = "".join(f'    - tell: [dpo]\n      id: say-{n}\n      subject: "s"\n      text: "t"\n' for n in range(210))
    paper = Paper(steps)
    assert paper.turn().wake_at == paper.now
    assert paper.run().view.state is State.CLOSED
