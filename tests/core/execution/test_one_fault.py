"""What decides: a fault in one part, duty, clock or text is told by its name, and everything else is worked out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from tests.core.clocks.test_clock import AWARE, BREACH, DUTIES, NOW, SA, facts
from tests.core.paper import Paper

from firedoor.core.clocks.clock import clocks_due_to_start, reassess
from firedoor.core.clocks.engine import Law
from firedoor.core.execution.questions import render
from firedoor.core.incident.view import FAULT
from firedoor.core.isolated import Fault
from firedoor.core.journal import Draft, Kind
from firedoor.duties.catalogue import Catalogue

CLOSE = '    - suspend: "{{ facts.endpoint }}"\n      id: close\n      automatic: always\n'


def lawless() -> dict[str, Any]:
    """The catalogue, of which one duty is counted in a zone that does not exist."""
    return {**DUTIES.duties, SA: DUTIES[SA].model_copy(update={"zone": "Nowhere/Zone"})}


def test_a_law_that_raises_as_a_whole_keeps_no_door_open() -> None:
    """The door is closed, the commander is asked once about the deadlines, and mended nobody is asked any longer."""
    paper = Paper(CLOSE, endpoint="x")
    lawful = paper.rules
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - it cannot be compared with any other: that is the fault
    paper.rules = replace(lawful, law=Law(Catalogue({}, {}), {"aware_at": naive}))
    paper.run()
    (task,) = [one for one in paper.view.open_tasks() if one.kind == FAULT]
    assert (task.role, "TypeError" in task.question) == ("commander", True)
    assert "containment.close.reflex.suspend" in paper.done()
    paper.rules = replace(lawful, law=Law(Catalogue({}, {}), {}))
    assert [one.kind for one in paper.run().view.open_tasks() if one.kind == FAULT] == []


def test_a_limit_that_cannot_be_counted_starts_no_clock_and_stops_no_other() -> None:
    """It applies, and its period is not one: it is named, and every other clock starts."""
    duty = DUTIES[SA]
    odd = tuple(one.model_copy(update={"within": "72 hours"}) for one in duty.versions)
    spoilt = {**DUTIES.duties, SA: duty.model_copy(update={"versions": odd})}
    failed: dict[str, Fault] = {}
    started = clocks_due_to_start(spoilt, "auto", facts(**BREACH), [], NOW, failed=failed)
    every = {clock.duty for clock in clocks_due_to_start(DUTIES, "auto", facts(**BREACH), [], NOW)}
    assert (list(failed), {clock.duty for clock in started}) == ([SA], every - {SA})


def test_a_clock_that_cannot_be_assessed_again_leaves_the_others() -> None:
    """New facts end one clock, although another raises."""
    running = clocks_due_to_start(DUTIES, "auto", facts(**BREACH), [], NOW)
    failed: dict[str, Fault] = {}
    changes = reassess(lawless(), running, facts(**{**BREACH, "security_breach": "no"}), NOW, failed=failed)
    assert list(failed) == [SA]
    others = {clock.duty for clock in running} - {SA}
    assert others
    assert {change.before.duty for change in changes} == others


def test_a_clock_that_cannot_be_read_leaves_the_others() -> None:
    """Its entry lacks what a clock has; the law looks at the rest, and says which it was."""
    paper = Paper(CLOSE, endpoint="x", **BREACH, aware_at=AWARE.isoformat())
    paper.write(Draft(Kind.CLOCK_STARTED, "firedoor", {"id": "odd", "duty": SA, "state": "running"}))
    failed: dict[str, Fault] = {}
    drafts = Law(DUTIES, {}).drafts(paper.view, facts(**BREACH), "auto", ("commander",), NOW, failed)
    assert list(failed) == ["odd"]
    assert SA in [draft.body["id"] for draft in drafts]


def test_a_text_that_is_none_has_a_gap_that_says_so() -> None:
    """A plan of who knows where may lack its words: a question with a mark in it is better than none."""
    said = render(cast("str", None), {})
    assert ("cannot be filled in" in said, "TypeError" in said) == (True, True)
