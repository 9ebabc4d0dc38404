"""One turn: what is written down, which effects start, and when time alone goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.core.paper import Paper

from firedoor.core.execution.progress import Status
from firedoor.core.execution.turn import operation_key
from firedoor.core.journal import Draft, Kind
from firedoor.core.lifecycle import State
from firedoor.core.severity import Severity

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
UNTIL = "    - wait: until\n      id: pause\n      until: later\n"
CAPTURE, SUSPEND = "containment.close.reflex.capture", "containment.close.reflex.suspend"


def known(paper: Paper, **facts: str | None) -> None:
    """Somebody records facts."""
    paper.write(Draft(Kind.FACTS, "person:Ada", {"values": facts, "why": "seen"}))


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
    paper = Paper(UNTIL, later="2026-11-22T00:00:00+01:00").run()
    assert paper.turn().wake_at.isoformat() == "2026-11-22T00:00:00+01:00"


def test_waiting_for_an_unknown_fact_ends_only_at_its_instant() -> None:
    """It does not end as long as the fact is unknown; the lead is told; time alone wakes nobody."""
    paper = Paper(UNTIL).run()
    told = [entry.body for entry in paper.entries if entry.kind == Kind.MESSAGE]
    assert [(body["to"], "later" in body["subject"]) for body in told] == [(["commander"], True)]
    assert (paper.turn().wake_at, paper.wait(days=9).status("containment.pause")) == (None, Status.WAITING)
    known(paper, later=(paper.now + timedelta(hours=1)).isoformat())
    assert (paper.turn().wake_at, paper.wait(minutes=59).view.state) == (paper.now + timedelta(minutes=1), State.OPEN)
    assert paper.wait(minutes=1).view.state is State.CLOSED


def test_a_corrected_fact_moves_the_end_of_a_wait() -> None:
    """To the later instant, and to the earlier one; a fact that is taken back leaves no end."""
    paper = Paper(UNTIL, later="2026-11-21T05:00:00+00:00").run()
    known(paper, later="2026-11-22T05:00:00+00:00")
    assert paper.wait(hours=2).status("containment.pause") is Status.WAITING
    known(paper, later=None)
    assert paper.wait(hours=48).status("containment.pause") is Status.WAITING
    known(paper, later="2026-11-21T06:00:00+00:00")
    assert paper.run().view.state is State.CLOSED


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


AUTOMATIC = """    - suspend: "{{ facts.endpoint }}"
      id: close
      automatic: when facts.flag
"""
APPROVE, CHOICE = "containment.close.approve", "containment.close.automatic"


def alerted(paper: Paper, **facts: str) -> Paper:
    """Facts that make the condition hold, and after them another alert of the same incident."""
    known(paper, **facts)
    paper.run()
    paper.write(Draft(Kind.ALERT, "source:test", {"alert": {"method": "canary"}, "reasons": []}))
    return paper.run()


def test_a_condition_for_acting_unasked_is_asked_again_after_an_alert() -> None:
    """The open question is withdrawn and the suspension done; facts alone, without an alert, change nothing."""
    paper = Paper(AUTOMATIC, endpoint="x", flag="no").run()
    known(paper, flag="yes")
    assert paper.run().open() == [APPROVE]
    paper = alerted(paper)
    assert (paper.open(), paper.status(SUSPEND), paper.view.tasks[APPROVE].withdrawn) == ([], Status.FINISHED, True)
    assert paper.done().count(CHOICE) == 2


SEVERE = AUTOMATIC.replace("facts.flag", "facts.severity >= high")


def further(paper: Paper, **said: str) -> Paper:
    """A further alert of the incident."""
    record = {"source": "generic", "title": "Worse", "method": "canary", **said}
    paper.write(Draft(Kind.ALERT, "source:generic", {"alert": record, "reasons": []}))
    return paper.run()


def test_a_more_severe_alert_raises_the_severity_and_what_waits_for_it_is_looked_at_again() -> None:
    """By its source, with the reason; then the suspension needs nobody any more. A milder one lowers nothing."""
    paper = Paper(SEVERE, endpoint="x", severity="medium").run()
    assert (paper.open(), paper.view.severity) == ([APPROVE], Severity.MEDIUM)
    further(paper, severity="critical")
    further(paper, severity="low")
    assert (paper.view.severity, paper.view.fact_sources["severity"][0]) == (Severity.CRITICAL, "source:generic")
    assert (paper.open(), paper.status(SUSPEND)) == ([], Status.FINISHED)
    (entry,) = [e for e in paper.entries if e.kind == Kind.FACTS and e.actor == "source:generic"]
    assert "more severe: critical, and the incident was medium" in entry.body["why"]


@pytest.mark.parametrize(
    "said",
    [{"severity": "low"}, {"severity": "critical", "status": "resolved"},
     {"severity": "critical", "method": "score_drop"}, {}],
)  # fmt: skip
def test_an_alert_that_says_nothing_worse_raises_nothing(said: dict[str, str]) -> None:
    """Milder, over, a statistical hint, or silent about it."""
    paper = further(Paper(SEVERE, endpoint="x", severity="medium").run(), **said)
    assert (paper.view.severity, paper.open()) == (Severity.MEDIUM, [APPROVE])


def test_what_a_person_says_of_the_severity_stands() -> None:
    """No machine raises it over that, neither then nor later."""
    paper = Paper(SEVERE, endpoint="x", severity="medium").run()
    paper.write(Draft(Kind.FACTS, "person:Ada", {"values": {"severity": "low"}, "why": "a false alarm, I looked"}))
    further(paper.run(), severity="critical")
    assert (paper.view.severity, paper.open()) == (Severity.LOW, [APPROVE])


def test_what_somebody_decided_is_not_asked_again() -> None:
    """Refused, or with the run paused: another alert closes nothing by itself, until somebody lets the run go on."""
    refused = Paper(AUTOMATIC + TASK.format("after"), endpoint="x", flag="no").run().answer(APPROVE, "refuse")
    assert alerted(refused, flag="yes").status(SUSPEND) is Status.SKIPPED
    paused = Paper(AUTOMATIC, endpoint="x", flag="no").run()
    paused.write(Draft(Kind.RUN_PAUSED, "person:Ada", {"by": "Ada", "why": "wait"}))
    assert alerted(paused, flag="yes").open() == [APPROVE]
    paused.write(Draft(Kind.RUN_UNPAUSED, "person:Ada", {"by": "Ada", "why": "go on"}))
    assert paused.run().status(SUSPEND) is Status.FINISHED


def test_an_alert_that_changes_nothing_leaves_no_trace() -> None:
    """The condition still does not hold: the question stays, nothing is written about it."""
    paper = alerted(Paper(AUTOMATIC, endpoint="x", flag="no").run())
    assert (paper.open(), paper.done().count(CHOICE)) == ([APPROVE], 1)


EACH = '    - task: "Look at {{ item }}"\n      id: each\n      foreach: facts.items\n'
ASKED = "list:containment.each.each"


def test_an_unknown_list_is_asked_for_and_is_not_an_empty_one() -> None:
    """Nobody has named anything: the lead is asked for the fact, and nothing is left out meanwhile."""
    paper = Paper(EACH).run()
    assert (paper.open(), paper.view.tasks[ASKED].asks) == ([ASKED], ["items"])
    assert paper.status("close") is Status.PENDING
    known(paper, items=["a", "b"])
    assert paper.run().open() == ["containment.each[0]", "containment.each[1]"]


def test_an_answer_that_names_nothing_settles_a_list_and_says_that_it_is_unknown() -> None:
    """It is asked once: what a person has answered stands, and what they named is done."""
    paper = Paper(EACH).run().answer(ASKED, "done")
    assert paper.view.operations["containment.each.each"].result == {"items": [], "unknown": True}
    assert paper.view.state is State.CLOSED
    assert Paper(EACH).run().answer(ASKED, "done", facts={"items": ["a"]}).open() == ["containment.each[0]"]


def test_a_list_of_targets_is_closed_without_asking_in_its_turn() -> None:
    """Each by the condition for acting unasked; one for which it does not hold is asked about."""
    step = (
        '    - suspend: "{{ item }}"\n      id: each\n      foreach: facts.items\n      automatic: when item != "b"\n'
    )
    paper = Paper(step, items=["a", "b"])
    paper.run()
    assert paper.open() == ["containment.each.approve[1]"]
    assert "containment.each.reflex.suspend[0]" in paper.done()


@pytest.mark.parametrize(("flag", "acts"), [("yes", True), (None, True), ("no", False)])
def test_a_condition_around_a_door_that_says_no_keeps_it_open(flag: str | None, acts: bool) -> None:
    """What goes ahead of its turn still may not do what the page leaves out; what is not known yet does not wait."""
    paper = Paper(CLOSE + "      when: facts.flag == yes\n", endpoint="x", flag=flag)
    paper.run()
    assert (SUSPEND in paper.done() and paper.status(SUSPEND) is Status.FINISHED) is acts


def test_a_door_after_a_failure_waits_for_the_failure() -> None:
    """Without one it stays open, although nobody would be asked."""
    inner = (
        CLOSE.replace("    - ", "        - ").replace("      id", "          id").replace("      aut", "          aut")
    )
    keep = '    - preserve: [request_log]\n      id: keep\n      of: "{{ facts.endpoint }}"\n'
    page = f"{keep}      on_failure:\n{inner}"
    assert Paper(page, endpoint="x").run().status(SUSPEND) is Status.SKIPPED
    failing = Paper(page, endpoint="x")
    failing.fails = {"containment.keep.request-log": [True]}
    assert failing.run().status(SUSPEND) is Status.FINISHED
