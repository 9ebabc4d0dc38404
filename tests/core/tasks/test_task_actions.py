"""Tasks that are passed on, taken over, or answered without the role: what is refused, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.core.paper import Paper

from firedoor.core.execution.run_control import Action, control
from firedoor.core.journal import Draft, Kind
from firedoor.core.lifecycle import State
from firedoor.core.problems import FiredoorError, InvalidInput, NotPermitted, Refused
from firedoor.core.tasks.answers import Answer, Person, answer_task
from firedoor.core.tasks.task_actions import break_glass, claim, link_entry, reassign

CONFIRM, TASK = "identification.confirm", '    - task: "Call them"\n      id: call\n      by: dpo\n'
ADA = Person("Ada", frozenset(("commander", "dpo")))
BEN = Person("Ben", frozenset(("dpo",)))
EVE = Person("Eve", frozenset(("engineering",)))
ROLES = ("commander", "dpo", "manager")


def paper(**facts: Any) -> Paper:
    """One task that waits for the dpo."""
    return Paper(TASK, **facts).run()


def answers(page: Paper, task: str, choice: str, person: Person) -> list[Draft]:
    return answer_task(page.view, task, Answer(choice, "seen"), person, page.plan.definitions(), page.now)


def breaks(page: Paper, task: str = "T1", person: Person = EVE, choice: str = "done") -> Paper:
    """Break the glass, and write it down."""
    given = Answer(choice, "nobody can be reached")
    page.write(*break_glass(page.view, task, given, person, page.plan.definitions(), page.now, ROLES))
    return page.run()


def refuses(kind: type[FiredoorError], code: str, act: Callable[..., object], *arguments: object) -> None:
    """It is refused with this code."""
    with pytest.raises(kind) as caught:
        act(*arguments)
    assert caught.value.problems[0].code == code


def test_a_task_is_passed_on_to_a_role_that_then_answers_it() -> None:
    """The role before may not answer any more; both are told, and the entry says who did it and why."""
    page = paper()
    passed, told = reassign(page.view, "T1", "manager", "Ben is asleep", ADA, ROLES)
    page.write(passed, told)
    assert passed.body.items() >= {"role": "manager", "before": "dpo", "by": "Ada", "why": "Ben is asleep"}.items()
    assert told.body["to"] == ["dpo", "manager"]
    refuses(NotPermitted, "T103", answers, page, "T1", "done", BEN)
    assert answers(page, "T1", "done", Person("Max", frozenset(("manager",))))


def test_whoever_passes_a_decision_on_does_not_take_it() -> None:
    """A confirmation that Ada gave to her own second role is not hers to give."""
    page = Paper(TASK, confirm=True).run()
    page.write(*reassign(page.view, "T1", "dpo", "to be quick", ADA, ROLES))
    refuses(Refused, "T104", answers, page, "T1", "yes", ADA)
    assert answers(page, "T1", "yes", BEN)


@pytest.mark.parametrize(
    ("role", "why", "person", "kind", "code"),
    [
        ("manager", "x", BEN, NotPermitted, "O101"), ("manager", " ", ADA, InvalidInput, "T109"),
        ("pope", "x", ADA, InvalidInput, "O102"), ("dpo", "x", ADA, Refused, "O103"),
    ],
)  # fmt: skip
def test_passing_on_is_refused(role: str, why: str, person: Person, kind: type[FiredoorError], code: str) -> None:
    """For who may not, without a reason, to a role that nobody knows, and to where it is already."""
    refuses(kind, code, reassign, paper().view, "T1", role, why, person, ROLES)


def test_a_task_that_was_taken_over_is_that_persons() -> None:
    """Another is told by whom; they may take it over in turn, and an escalation frees it."""
    page = paper()
    page.write(*claim(page.view, "T1", "I am awake", BEN))
    refuses(Refused, "T110", answers, page, "T1", "done", ADA)
    assert answers(page, "T1", "done", BEN)
    page.write(Draft(Kind.TASK_ESCALATED, "firedoor", {"task": page.open()[0], "role": "manager", "why": "late"}))
    assert answers(page, "T1", "done", ADA)
    page.write(*claim(page.view, "T1", "Ben sleeps", ADA))
    refuses(Refused, "T110", answers, page, "T1", "done", BEN)


def test_nobody_takes_over_what_is_not_theirs() -> None:
    """Without the role, or where several people are needed."""
    refuses(NotPermitted, "T103", claim, paper().view, "T1", "x", EVE)
    several = Paper(f"{TASK}      approvals: 2\n").run()
    refuses(Refused, "O104", claim, several.view, "T1", "x", BEN)


def test_breaking_the_glass_answers_and_tells_everybody() -> None:
    """Its own entry, a message to every role of the incident, and a review by somebody else."""
    page = breaks(paper())
    (glass,) = [entry for entry in page.entries if entry.kind == Kind.GLASS_BROKEN]
    assert glass.body.items() >= {"by": "Eve", "roles": ["engineering"], "asked": ["dpo"]}.items()
    (told,) = [entry for entry in page.entries if entry.kind == Kind.MESSAGE]
    assert (told.body["to"], told.body["subject"].startswith("BREAK GLASS")) == (sorted(ROLES), True)
    (answered,) = [entry for entry in page.entries if entry.kind == Kind.TASK_ANSWERED]
    assert answered.body["role"] == "break-glass"


def test_the_incident_ends_only_when_the_broken_glass_was_reviewed() -> None:
    """By another person; whatever they find, it is on record and the end is free."""
    page = breaks(paper())
    (review,) = page.view.open_tasks()
    assert (review.kind, review.role, page.view.state is State.CLOSED) == ("review-break-glass", "manager", False)
    refuses(Refused, "T104", answers, page, review.id, "justified", Person("Eve", frozenset(("manager",))))
    page.answer(review.id, "not_justified")
    assert page.view.state is State.CLOSED


def test_no_glass_is_broken_for_a_second_persons_consent() -> None:
    """Approvals, tasks for several, and the review of a broken glass itself."""
    approval = '    - suspend: "{{ facts.endpoint }}"\n      id: close\n'
    refuses(Refused, "O105", breaks, Paper(approval, endpoint="x").run(), "T1", EVE, "approve")
    refuses(Refused, "O105", breaks, Paper(f"{TASK}      approvals: 2\n").run())
    refuses(Refused, "O105", breaks, breaks(paper()), "T2", Person("Max", frozenset()), "justified")


def test_no_glass_is_broken_where_none_is_in_the_way() -> None:
    """Who has the role answers plainly; who gives no reason is refused; a task that is done stays done."""
    refuses(Refused, "O108", breaks, paper(), "T1", BEN)
    refuses(Refused, "T102", breaks, paper().answer("T1", "done"))


def test_a_link_is_for_one_person_role_and_task() -> None:
    """Not for approvals, not for a role that is not asked, not by somebody who may not steer."""
    page = paper()
    cleo = Person("Cleo", frozenset(("dpo",)))
    link, sent = ("T1", "done", "dpo", cleo, page.now), ("l1", "email")
    assert link_entry(page.view, *link, ADA, *sent).body.items() >= {"person": "Cleo", "by": "Ada"}.items()
    refuses(NotPermitted, "O101", link_entry, page.view, *link, BEN, *sent)
    refuses(InvalidInput, "O102", link_entry, page.view, "T1", None, "manager", cleo, page.now, ADA, *sent)
    refuses(InvalidInput, "T106", link_entry, page.view, "T1", "dnoe", "dpo", cleo, page.now, ADA, *sent)
    nobody, herself = Person("Eve", frozenset()), Person("ADA", frozenset(("dpo",)))
    refuses(NotPermitted, "L108", link_entry, page.view, "T1", None, "dpo", nobody, page.now, ADA, *sent)
    refuses(Refused, "O109", link_entry, page.view, "T1", None, "dpo", herself, page.now, ADA, *sent)
    approval = Paper('    - suspend: "{{ facts.endpoint }}"\n      id: close\n', endpoint="x").run()
    role = approval.view.open_tasks()[0].role
    refuses(Refused, "O107", link_entry, approval.view, "T1", None, role, cleo, page.now, ADA, *sent)


def test_the_review_of_a_broken_glass_outlives_what_it_is_about() -> None:
    """The failure that she decided on is done again by somebody else: whether she was right is still asked."""
    keep = '    - preserve: [request_log]\n      id: keep\n      of: "{{ facts.endpoint }}"\n'
    page = Paper(keep, endpoint="x")
    operation = next(op.id for op in page.plan.operations if op.do == "keep")
    page.fails[operation] = [True, True]
    page = breaks(page.run(), choice="retry")
    page.write(*control(Action.REDO, page.view, page.plan, operation, "again", ADA, page.now))
    assert [task.kind for task in page.run().view.open_tasks()] == ["review-break-glass"]
