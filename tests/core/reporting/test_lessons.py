"""What an incident leaves behind: the agenda, the measures, and proposals as a diff that changes no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.core.reporting.test_report import DEFINITIONS, PLAN, START

from firedoor.core.entries.outcomes import DoorOutcome
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView, OperationRecord, fold
from firedoor.core.journal import Draft, Kind, chain, genesis
from firedoor.core.notices.markdown import blocks, marks, plain
from firedoor.core.playbook.plan import Ask
from firedoor.core.reporting.actions import is_measure, promised
from firedoor.core.reporting.agenda import agenda
from firedoor.core.reporting.proposals import Proposal, diff, proposals, with_field
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.rehearsal.drill import rehearse_all

TEXT = """phases:
  identification:
    - confirm: "Real?"
      id: confirm
      within: 30m
      guidance: |
        Yes means certain.
    - task: "Look"
      id: look
"""
EMPTY: dict[str, Any] = {"clocks": [], "decisions": [], "containment": [], "unknown": []}


def test_a_limit_is_set_within_its_own_step() -> None:
    """The line is replaced where it stands, else put under the id; another step keeps its own."""
    longer = with_field(TEXT, Proposal("identification.confirm", "within", "1h", "late")) or ""
    assert "      within: 1h\n" in longer
    assert "30m" not in longer
    added = with_field(TEXT, Proposal("identification.look", "within", "1d", "late")) or ""
    assert added.endswith("      id: look\n      within: 1d\n")
    assert "within: 30m" in added
    assert with_field(TEXT, Proposal("identification.other", "within", "1d", "late")) is None


def test_a_diff_says_that_it_is_a_proposal() -> None:
    """Each reason stands above it; a step that is in no file is named; nothing suggests nothing."""
    view = IncidentView("INC-1", playbook="leak", version="1.0.0")
    made = [
        Proposal("identification.confirm", "within", "1h", "late twice"),
        Proposal("x.y", "fallback", "all", "shut"),
    ]
    text, left = diff(made, {"leak.yaml": TEXT}, view)
    assert text.startswith("# Proposals from the record of INC-1")
    assert "-      within: 30m\n+      within: 1h\n" in text
    assert "late twice" in text
    assert [one.step for one in left] == ["x.y"]
    assert diff([], {"leak.yaml": TEXT}, view)[0].startswith("# The record of INC-1 proposes no change")


def test_what_is_proposed_compiles(tmp_path: Path) -> None:
    """A resumption was answered after its limit in the first drill: the changed file gives the longer limit."""
    name = "unauthorized-training"
    read, plan = playbooks.load_playbook(name), playbooks.compiled(name)
    entries = rehearse_all(read, plan, catalogue(), read.header.drills[0].drill)[0].entries
    made = proposals(fold("INC-DRILL", entries), entries, Names(plan, plan.definitions()))
    change = next(one for one in made if one.step == "remediation.resume" and one.field == "within")
    file = tmp_path / f"{name}.yaml"
    file.write_text(with_field(playbooks.texts_of(name)[file.name], change) or "")
    changed = [op for op in playbooks.compiled(file) if isinstance(op, Ask) and op.step == change.step]
    assert [op.within_seconds for op in changed] == [30 * 86400]
    assert change.value == "30d"


@pytest.mark.parametrize(
    ("part", "topic"),
    [
        ({"clocks": [{"result": "missed", "title": "Tell", "citation": "Art 33", "due": "x"}]}, "clock"),
        ({"decisions": [{"late": True, "task": "T1", "question": "?", "by": "a", "role": "dpo", "waited_seconds": 90, "seq": 4}]}, "answer"),  # noqa: E501
        ({"containment": [{"target": "chat", "state": "failed", "events": [], "held": None}]}, "door"),
        ({"containment": [{"target": "chat", "state": "suspended", "events": [], "held": {"drifts": 2}}]}, "drift"),
        ({"unknown": [{"name": "leaked_since", "ask": "Since when?"}]}, "unknown"),
    ],
)  # fmt: skip
def test_the_agenda_asks_about_what_went_wrong(part: dict[str, Any], topic: str) -> None:
    """One point for each, as a question; a record without faults has none."""
    assert [point["topic"] for point in agenda({**EMPTY, **part}, [])] == [topic]
    assert agenda(EMPTY, []) == []


def test_a_promise_is_read_in_three_parts_or_as_it_stands() -> None:
    """Nobody is made an owner by guessing."""
    text = "deduplicate; Eve; 31 January\nbe more careful"
    found = promised([{"measures": text, "question": "Review"}])
    assert [(one["what"], one["who"], one["by_when"]) for one in found] == [
        ("deduplicate", "Eve", "31 January"), ("be more careful", "", ""),
    ]  # fmt: skip
    assert is_measure("do", "post_incident.prevent")
    assert not is_measure("do", "containment.removal")


def test_letters_are_read_as_blocks_and_never_as_markup() -> None:
    """Headings, items, notes and bold words; a mark stands out; anything else is text."""
    text = "# A\n\n> note\n\n**Who.** [missing: name] <b>\n- one\n- two\n"
    assert [block.kind for block in blocks(text)] == ["heading", "quote", "paragraph", "item", "item"]
    spans = blocks(text)[2].spans
    assert [(span.text, span.strong, span.missing) for span in spans] == [
        ("Who.", True, False), (" ", False, False), ("[missing: name]", False, True), (" <b>", False, False),
    ]  # fmt: skip
    assert marks(text) == ["[missing: name]"]
    assert plain(text) == "A\n\n| note\n\nWho. [missing: name] <b>\n\n- one\n- two\n"


def test_doors_are_proposed_in_the_order_in_which_they_closed() -> None:
    """The door that closed comes first; with a failure for good, every door is proposed."""
    view, names = IncidentView("INC-1"), Names(PLAN, DEFINITIONS)
    doors: list[DoorOutcome] = [{"door": "gateway", "proved": "no"}, {"door": "platform", "proved": "yes"}]
    view.operations["containment.suspend"] = OperationRecord(status="finished", result={"doors": doors})
    (made,) = proposals(view, [], names)
    assert (made.field, made.value) == ("fallback", "[platform, gateway]")
    body = {"op": "containment.suspend", "attempt": 1, "final": True, "problem": "gateway: refused"}
    entries = chain("INC-1", genesis("INC-1"), [Draft(Kind.FAILED, "firedoor", body)], START)
    assert [one.value for one in proposals(IncidentView("INC-1"), entries, names)] == ["all"]
