"""A target that the inventory does not have: whatever fails for it is one task, and one answer counts for all."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.execution.test_evidence_gaps import Incident
from tests.core.pages import compiled, steps

from firedoor.core.execution.missing_targets import ABSENT, NoSuchTarget, NotNamed, record
from firedoor.core.incident.view import START_TASK, fold
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.tasks.waiting import doors_behind

STEPS = """
- preserve: [model_card, admin_log]
  of: "{{ facts.endpoint }}"
- suspend: "{{ facts.endpoint }}"
  automatic: always
"""
CARD, LOG = "containment.preserve.model-card", "containment.preserve.admin-log"
CAPTURE = "containment.suspend.reflex.capture"


@pytest.fixture(name="incident")
def _incident() -> Incident:
    found = Incident(compiled(steps(STEPS)))
    found.answer("identification.confirm", "yes")
    return found


def fails(incident: Incident, op: str, target: str = "chat") -> None:
    """An operation fails because its target is missing."""
    absent = record(NoSuchTarget(target, 'did you mean "chat-large"?'))
    body: Body = {"op": op, "attempt": 1, "problem": "no target", "final": True, "absent": absent}
    incident.write(Draft(Kind.FAILED, "firedoor", body))
    incident.turn()


def asked(incident: Incident) -> list[Any]:
    """The open tasks about what failed."""
    return [task for task in incident.tasks.values() if task.kind == "rescue"]


def test_all_that_fails_for_one_target_is_one_task_and_one_answer(incident: Incident) -> None:
    """Also what fails while it is open; the question names the target, the guidance the nearest name."""
    fails(incident, CARD)
    for op in (LOG, CAPTURE):
        fails(incident, op)
    (task,) = asked(incident)
    assert ('no target "chat"' in task.question, "chat-large" in task.guidance) == (True, True)
    body = {"task": task.id, "choice": "retry", "why": "x", "by": "Eve", "role": "commander", "decides": True}
    incident.write(Draft(Kind.TASK_ANSWERED, "person:Eve", body))
    assert {launch.instance.id for launch in incident.turn().launches} == {CARD, LOG, CAPTURE}


@pytest.mark.parametrize(("choice", "status"), [("skip", "skipped"), ("by_hand", "finished")])
def test_the_answer_settles_each_of_them(incident: Incident, choice: str, status: str) -> None:
    """And nobody is asked about any of them again."""
    for op in (CARD, LOG, CAPTURE):
        fails(incident, op)
    incident.answer(f"{ABSENT}1", choice)
    operations = fold("INC-1", incident.entries).operations
    assert [operations[op].status for op in (CARD, LOG, CAPTURE)] == [status] * 3
    assert asked(incident) == []


def test_two_targets_are_two_tasks(incident: Incident) -> None:
    """Each has an answer of its own."""
    fails(incident, CARD)
    fails(incident, CAPTURE, "gate")
    assert len(asked(incident)) == 2
    incident.answer(f"{ABSENT}1", "skip")
    assert [task.payload["absent"] for task in asked(incident)] == ["gate"]


def test_one_that_fails_for_another_reason_is_asked_about_by_itself(incident: Incident) -> None:
    """The answer about the target is none about a system that does not answer."""
    fails(incident, CARD)
    body = {"op": LOG, "attempt": 3, "problem": "no end within 120 s", "final": True}
    incident.write(Draft(Kind.FAILED, "firedoor", body))
    incident.turn()
    incident.answer(f"{ABSENT}1", "skip")
    assert [task.op for task in asked(incident)] == [LOG]


def test_the_audit_knows_that_it_holds_up_the_closing(incident: Incident) -> None:
    """The suspension itself, and what waits for its first part."""
    fails(incident, CAPTURE)
    (task,) = asked(incident)
    assert len(doors_behind(incident.plan, fold("INC-1", incident.entries), task)) == 1


def start(incident: Incident, target: str) -> None:
    """What an alert names is not in the inventory."""
    payload = {"part": "start", "facts": {"endpoint": target}}
    body: Body = {
        "task": START_TASK, "op": "", "kind": "fault", "role": "commander", "escalate_to": "dpo", "question": "?",
        "choices": [], "due_at": incident.entries[-1].at, "payload": payload,
    }  # fmt: skip
    incident.write(Draft(Kind.TASK_OPENED, "firedoor", body))


def test_the_question_of_the_start_is_asked_once(incident: Incident) -> None:
    """With what failed, where there is more to answer."""
    start(incident, "chat")
    incident.turn()
    assert START_TASK in incident.tasks
    fails(incident, CAPTURE)
    assert (START_TASK in incident.tasks, len(asked(incident))) == (False, 1)


def test_the_question_of_the_start_ends_when_another_target_is_named(incident: Incident) -> None:
    """The fact was corrected: nobody has to say so a second time. Another fact changes nothing."""
    start(incident, "chat")
    incident.write(Draft(Kind.FACTS, "person:x", {"values": {"severity": "high"}, "why": "x"}))
    incident.turn()
    assert START_TASK in incident.tasks
    incident.write(Draft(Kind.FACTS, "person:x", {"values": {"endpoint": "chat-large"}, "why": "x"}))
    incident.turn()
    assert START_TASK not in incident.tasks


def test_only_a_missing_target_is_recorded_so() -> None:
    """Nobody named it, or the inventory has no such name."""
    assert record(NotNamed("{{ facts.endpoint }}"))["target"] == "{{ facts.endpoint }}"
    assert record(InvalidInput(Problem(code="R103", message="x"))) is None


def broken(incident: Incident, op: str, target: str, field: str = "capture") -> None:
    """An operation fails because the doors of its target are described so that none can work."""
    where = f"targets.{target}.doors.gateway.config.{field}"
    error = InvalidInput(Problem(code="K101", message="Field required", do="see the page", field=where))
    body: Body = {"op": op, "attempt": 1, "problem": str(error), "final": True, "absent": record(error)}
    incident.write(Draft(Kind.FAILED, "firedoor", body))
    incident.turn()


def test_one_fault_of_the_inventory_is_one_task_whichever_targets_it_is_of(incident: Incident) -> None:
    """Three operations, two targets, one line to mend: one answer counts for all; another fault is another task."""
    for op, target in ((CARD, "chat-large"), (LOG, "chat-small"), (CAPTURE, "chat-large")):
        broken(incident, op, target)
    (task,) = asked(incident)
    assert ("capture: Field required" in task.question, "firedoor check" in task.guidance) == (True, True)
    body = {"task": task.id, "choice": "retry", "why": "x", "by": "Eve", "role": "commander", "decides": True}
    incident.write(Draft(Kind.TASK_ANSWERED, "person:Eve", body))
    assert {launch.instance.id for launch in incident.turn().launches} == {CARD, LOG, CAPTURE}
    broken(incident, CARD, "chat-large", "state")
    broken(incident, LOG, "chat-large")
    assert len(asked(incident)) == 2


def test_what_people_chose_to_go_on_without_is_not_asked_about_again(incident: Incident) -> None:
    """What fails for the same target later is left out by the same answer and reason; another target is asked."""
    fails(incident, CARD)
    incident.answer(f"{ABSENT}1", "skip")
    fails(incident, CAPTURE)
    assert asked(incident) == []
    entry = incident.entries[-1]
    left = next(one for one in incident.entries if one.kind == Kind.SKIPPED and one.body["op"] == CAPTURE)
    assert ("Eve chose in T" in left.body["why"], left.actor) == (True, "firedoor"), entry
    fails(incident, LOG, "gate")
    assert len(asked(incident)) == 1


def test_what_was_done_by_hand_or_tried_again_says_nothing_about_what_fails_later(incident: Incident) -> None:
    """One deed by hand is not the next one; and a fault of the inventory may be of another target next time."""
    fails(incident, CARD)
    incident.answer(f"{ABSENT}1", "by_hand")
    fails(incident, LOG)
    assert len(asked(incident)) == 1
    incident.answer(f"{ABSENT}2", "skip")
    broken(incident, CAPTURE, "chat-large")
    assert len(asked(incident)) == 1
