"""What cannot be kept: closing goes on, what cannot be undone waits, and a person is asked once about all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.core.pages import VOCABULARY, compiled, steps

from firedoor.core.execution.evidence_gaps import GAP, gaps_of
from firedoor.core.execution.turn import Rules, Turn, next_turn
from firedoor.core.incident.view import fold
from firedoor.core.journal import Draft, Entry, Kind, chain, genesis
from firedoor.core.playbook.plan import Plan

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPEN = Draft(Kind.OPENED, "person:x", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})
KNOWN = Draft(Kind.FACTS, "person:x", {"values": {"endpoint": "chat"}, "before": {}, "why": "x"})
TWO = """
- preserve: [model_card, admin_log]
  of: "{{ facts.endpoint }}"
- suspend: "{{ facts.endpoint }}"
- task: "Delete what leaked"
  id: delete
  alters: true
"""


class Incident:
    """A plan and what was written about it; effects end as the test says."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.entries: list[Entry] = []
        self.write(OPEN, KNOWN)
        self.turn()

    def write(self, *drafts: Draft) -> None:
        head = self.entries[-1] if self.entries else genesis("INC-1")
        self.entries += chain("INC-1", head, list(drafts), NOW)

    def turn(self) -> Turn:
        rules = Rules(self.plan, self.plan.definitions() | VOCABULARY, {})
        taken = next_turn(rules, fold("INC-1", self.entries), NOW, frozenset())
        if taken.drafts:
            self.write(*taken.drafts)
        return taken

    def answer(self, task: str, choice: str) -> None:
        body = {"task": task, "choice": choice, "why": "x", "by": "Eve", "role": "commander", "decides": True}
        self.write(Draft(Kind.TASK_ANSWERED, "person:Eve", body))
        self.turn()

    def missing(self, op: str, artefact: str) -> None:
        """The inventory does not say where to read it."""
        gap = {"artefact": artefact, "target": "chat"}
        body: dict[str, Any] = {"op": op, "attempt": 1, "problem": "not described [R109]", "final": True, "gap": gap}
        self.write(Draft(Kind.FAILED, "firedoor", body))
        self.turn()

    @property
    def tasks(self) -> dict[str, Any]:
        """The open tasks."""
        return {task.id: task for task in fold("INC-1", self.entries).open_tasks()}


@pytest.fixture(name="incident")
def _incident() -> Incident:
    found = Incident(compiled(steps(TWO)))
    found.answer("identification.confirm", "yes")
    return found


def test_closing_is_asked_about_though_nothing_could_be_kept_and_a_person_is_asked_once(incident: Incident) -> None:
    """While one is still being read nothing is asked about the gap; then both are one task."""
    incident.missing("containment.preserve.model-card", "model_card")
    assert not [name for name in incident.tasks if name.startswith(GAP)]
    incident.missing("containment.preserve.admin-log", "admin_log")
    gaps = [task for name, task in incident.tasks.items() if name.startswith(GAP)]
    assert len(gaps) == 1
    assert "2 things could not be kept" in gaps[0].question
    assert "model card, admin log of chat" in gaps[0].question
    assert "containment.suspend.approve" in incident.tasks


def test_what_cannot_be_undone_waits_until_a_person_has_said_what_becomes_of_the_gap(incident: Incident) -> None:
    """The door may be refused or closed; deleting is asked about only after the answer."""
    incident.missing("containment.preserve.model-card", "model_card")
    incident.missing("containment.preserve.admin-log", "admin_log")
    incident.answer("containment.suspend.approve", "refuse")
    assert "containment.delete" not in incident.tasks
    incident.answer(f"{GAP}1", "skip")
    assert "containment.delete" in incident.tasks


@pytest.mark.parametrize(("choice", "state"), [("skip", "not kept, by decision"), ("by_hand", "kept by hand by Eve")])
def test_what_became_of_a_gap_is_on_record(incident: Incident, choice: str, state: str) -> None:
    """The list of evidence and the report say it of each."""
    incident.missing("containment.preserve.model-card", "model_card")
    incident.missing("containment.preserve.admin-log", "admin_log")
    told = gaps_of(incident.entries, fold("INC-1", incident.entries))
    assert [gap["state"] for gap in told] == ["not kept, and not decided yet"] * 2
    incident.answer(f"{GAP}1", choice)
    told = gaps_of(incident.entries, fold("INC-1", incident.entries))
    assert [(gap["artefact"], gap["state"]) for gap in told] == [("model_card", state), ("admin_log", state)]


def test_once_it_is_described_it_is_read_again(incident: Incident) -> None:
    """One answer has all of them tried again; what is kept then is no gap any more."""
    names = {"containment.preserve.model-card": "model_card", "containment.preserve.admin-log": "admin_log"}
    for op, artefact in names.items():
        incident.missing(op, artefact)
    body = {"task": f"{GAP}1", "choice": "retry", "why": "x", "by": "Eve", "role": "commander", "decides": True}
    incident.write(Draft(Kind.TASK_ANSWERED, "person:Eve", body))
    assert {launch.instance.id for launch in incident.turn().launches} == set(names)
    for op in names:
        incident.write(Draft(Kind.FINISHED, "firedoor", {"op": op, "outcome": "kept", "result": {}}))
    assert gaps_of(incident.entries, fold("INC-1", incident.entries)) == []


def test_a_system_that_does_not_answer_holds_up_no_closing_either(incident: Incident) -> None:
    """Whatever keeps evidence from being kept: it is asked about by itself, and the door as well."""
    for op in ("containment.preserve.model-card", "containment.preserve.admin-log"):
        body = {"op": op, "attempt": 3, "problem": "no end within 120 s", "final": True}
        incident.write(Draft(Kind.FAILED, "firedoor", body))
    incident.turn()
    assert "containment.suspend.approve" in incident.tasks
    assert len([name for name in incident.tasks if name.startswith("rescue:containment.preserve")]) == 2


AGAIN = """
- preserve: [model_card, admin_log]
  of: "{{ facts.endpoint }}"
  id: first
- suspend: "{{ facts.endpoint }}"
  id: close
- preserve: [model_card]
  of: "{{ facts.endpoint }}"
  id: second
"""


def test_what_people_said_cannot_be_kept_is_not_asked_about_again() -> None:
    """A later step wants the same piece of the same target: left out by that answer, it stays a gap on record."""
    incident = Incident(compiled(steps(AGAIN)))
    incident.answer("identification.confirm", "yes")
    for op, artefact in (("model-card", "model_card"), ("admin-log", "admin_log")):
        incident.missing(f"containment.first.{op}", artefact)
    incident.answer(f"{GAP}1", "skip")
    incident.answer("containment.close.approve", "refuse")
    incident.missing("containment.second.model-card", "model_card")
    view = fold("INC-1", incident.entries)
    assert [name for name in incident.tasks if name.startswith(GAP)] == []
    assert view.operations["containment.second.model-card"].status == "skipped"
    assert [gap["state"] for gap in gaps_of(incident.entries, view)] == ["not kept, by decision"] * 3
