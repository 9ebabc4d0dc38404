"""What is done and what is next: the same journal gives the same answer, on any machine and after any restart."""

from __future__ import annotations

import pytest
from tests.core.paper import Paper

from firedoor.core.execution.progress import Progress, Status
from firedoor.core.incident.view import fold
from firedoor.core.playbook.plan import Plan

TASK = '    - task: "{0}"\n      id: {0}\n'
PAIR = """    - parallel:
        - task: "left"
          id: left
        - task: "right"
          id: right
"""
GUARDED = """    - task: "first"
      id: first
    - task: "guarded"
      id: guarded
      when: facts.flag == yes
    - task: "after"
      id: after
"""
EACH = """    - task: "do {{ item }}"
      id: each
      foreach: facts.items
    - task: "after"
      id: after
"""
REPEATED = EACH.partition('    - task: "after"')[0]
CLOSE = """    - suspend: "{{ facts.endpoint }}"
      id: close
      automatic: always
      on_failure:
        - task: "pull the plug"
          id: plug
    - task: "after"
      id: after
"""


def test_steps_come_one_after_another() -> None:
    """The second waits for the first, and the phase ends with the last."""
    paper = Paper(TASK.format("a") + TASK.format("b")).run()
    assert (paper.open(), paper.status("containment.b")) == (["containment.a"], Status.PENDING)
    assert paper.answer("containment.a", "done").open() == ["containment.b"]
    assert paper.answer("containment.b", "done").view.state == "closed"


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_branches_wait_for_nobody_but_the_end_waits_for_both(order: tuple[str, str]) -> None:
    """Both are asked at once, in either order, and what follows comes after the second."""
    paper = Paper(PAIR + TASK.format("after")).run()
    assert paper.open() == ["containment.left", "containment.right"]
    assert paper.answer(f"containment.{order[0]}", "done").open() == [f"containment.{order[1]}"]
    assert paper.answer(f"containment.{order[1]}", "done").open() == ["containment.after"]


@pytest.mark.parametrize(("flag", "follows"), [("yes", "guarded"), ("no", "after")])
def test_a_condition_takes_a_step_or_leaves_it_out(flag: str, follows: str) -> None:
    """What comes after a step that is left out waits for what came before it, and not less."""
    paper = Paper(GUARDED, flag=flag).run()
    assert paper.open() == ["containment.first"]
    assert paper.answer("containment.first", "done").open() == [f"containment.{follows}"]


def test_an_unknown_condition_asks_a_person() -> None:
    """Unknown is neither yes nor no: the question names what is missing, and the answer decides."""
    paper = Paper(GUARDED).run().answer("containment.first", "done")
    assert paper.open() == ["containment.guarded.when"]
    assert "flag" in paper.view.tasks["containment.guarded.when"].guidance
    assert paper.answer("containment.guarded.when", "no").open() == ["containment.after"]
    assert paper.status("containment.guarded") is Status.SKIPPED


def test_a_condition_is_settled_once() -> None:
    """Facts that change later change nothing that was decided."""
    paper = Paper(GUARDED, flag="no").run().answer("containment.first", "done")
    paper.answer("containment.after", "done", facts={"flag": "yes"})
    assert paper.status("containment.guarded") is Status.SKIPPED
    assert paper.view.state == "closed"


@pytest.mark.parametrize("items", [[], ["x"], ["x", "y", "z"]])
def test_a_step_is_repeated_for_each_item(items: list[str]) -> None:
    """None, one or many: all are asked at once, and what follows waits for every one of them."""
    paper = Paper(EACH, items=items).run()
    assert [paper.view.tasks[name].question for name in paper.open() if "each[" in name] == [f"do {i}" for i in items]
    for number in range(len(items)):
        assert "containment.after" not in paper.open()
        paper.answer(f"containment.each[{number}]", "done")
    assert paper.open() == ["containment.after"]


def test_a_failure_that_is_taken_care_of_goes_on() -> None:
    """With on_failure nobody is asked what to do: its steps are taken, then what follows."""
    paper = Paper(CLOSE, endpoint="x")
    paper.fails["containment.close.reflex.capture"] = [True]
    assert paper.run().open() == ["containment.plug"]
    assert paper.status("containment.close.reflex.capture") is Status.FAILED
    assert paper.status("containment.close.reflex.suspend") is Status.SKIPPED
    assert paper.answer("containment.plug", "done").open() == ["containment.after"]


def test_without_a_failure_its_steps_are_left_out() -> None:
    """The way through on_failure is not taken when all went well."""
    paper = Paper(CLOSE, endpoint="x").run()
    assert (paper.open(), paper.status("containment.plug")) == (["containment.after"], Status.SKIPPED)


def test_the_order_in_which_it_is_looked_at_changes_nothing() -> None:
    """Every status is the same, whichever operation is looked at first."""
    paper = Paper(PAIR + GUARDED + REPEATED, flag="no", items=["x", "y"]).run().answer("containment.left", "done")
    names = list(Progress(paper.plan, paper.view).instances)
    forwards, backwards = Progress(paper.plan, paper.view), Progress(paper.plan, paper.view)
    expected = {name: forwards.status(name) for name in names}
    assert {name: backwards.status(name) for name in reversed(names)} == expected


def test_a_circle_stays_pending() -> None:
    """The compiler refuses circles; one that came from elsewhere waits for ever and crashes nothing."""
    paper = Paper(TASK.format("a") + TASK.format("b"))
    first = next(op for op in paper.plan.operations if op.id == "containment.a")
    second = next(op for op in paper.plan.operations if op.id == "containment.b")
    circle = [first.model_copy(update={"after": second.after}), second]
    circle[0] = first.model_copy(update={"after": (second.after[0].model_copy(update={"after": second.id}),)})
    plan = Plan.model_construct(**{**paper.plan.__dict__, "operations": tuple(circle)})
    assert Progress(plan, fold("INC-1", paper.entries)).status("containment.a") is Status.PENDING
