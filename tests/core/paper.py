"""An incident on paper: the journal in memory, written out as JSON and read back before every turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from firedoor.core.execution.progress import Progress, Status
from firedoor.core.execution.turn import Launch, Rules, Turn, next_turn
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Draft, Entry, Head, Kind, chain, genesis, verify
from firedoor.core.tasks.answers import Answer, Person, answer_task
from firedoor.testing import plan_of

HEAD = """
playbook: paper
version: 1.0.0
title: On paper
incident: data_leakage_in_ai_models
facts:
  endpoint: {type: target, ask: "Which endpoint?"}
  items: {type: list, ask: "Which?"}
  flag: {type: flag, ask: "Does it hold?"}
  severity: {type: severity, ask: "How bad?"}
  later: {type: instant, ask: "Until when?"}
roles: [commander, dpo, manager]
duties: []
"""
EVERYBODY = frozenset(("commander", "dpo", "manager"))
INCIDENT = "INC-1"


class Paper:
    """`steps` is YAML of the containment phase; `fails` says for each failure whether it is for good."""

    def __init__(self, steps: str, *, confirm: bool = False, **facts: Any) -> None:
        first = (
            '  identification:\n    - confirm: "Real?"\n      id: confirm\n' if confirm else "  identification: []\n"
        )
        rest = "  remediation: []\n  post_incident: []\n"
        self.plan = plan_of(f"{HEAD}phases:\n{first}  containment:\n{steps}{rest}")
        self.rules = Rules(self.plan, self.plan.definitions(), {})
        self.now = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
        self.entries: tuple[Entry, ...] = ()
        self.fails: dict[str, list[bool]] = {}
        self.launched: list[Launch] = []
        opened = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
        self.write(
            Draft(Kind.OPENED, "person:Opener", opened), Draft(Kind.FACTS, "x", {"values": facts, "why": "known"})
        )

    def write(self, *drafts: Draft) -> None:
        last = self.entries[-1] if self.entries else None
        head = Head(last.seq, last.hash) if last else genesis(INCIDENT)
        self.entries += chain(INCIDENT, head, drafts, self.now)

    @property
    def view(self) -> IncidentView:
        """The journal, written out and read back."""
        entries = [Entry(**line) for line in json.loads(json.dumps([entry.as_json() for entry in self.entries]))]
        assert verify(INCIDENT, entries) is None
        return fold(INCIDENT, entries)

    def turn(self, running: Sequence[str] = ()) -> Turn:
        """One turn, written down; effects stay undone."""
        turn = next_turn(self.rules, self.view, self.now, frozenset(running))
        self.write(*turn.drafts)
        self.launched += turn.launches
        return turn

    def run(self) -> Paper:
        """Take turns and do effects until nothing is left to do now."""
        for _ in range(100):
            turn = self.turn()
            for launch in turn.launches:
                self._do(launch)
            if not turn.launches and not turn.drafts:
                return self
        raise AssertionError("it goes on for ever")

    def answer(self, task: str, choice: str, by: str = "Ada", **more: Any) -> Paper:
        """Answer, and go on."""
        given = Answer(choice, more.pop("why", "seen"), **more)
        self.write(*answer_task(self.view, task, given, Person(by, EVERYBODY), self.plan.definitions(), self.now))
        return self.run()

    def wait(self, **time: float) -> Paper:
        """Let time pass, and go on."""
        self.now += timedelta(**time)
        return self.run()

    def status(self, operation: str) -> Status:
        return Progress(self.plan, self.view).status(operation)

    def open(self) -> list[str]:
        """The tasks that wait for somebody."""
        return [task.id for task in self.view.open_tasks()]

    def done(self) -> list[str]:
        """What was settled, in order."""
        kinds = (Kind.FINISHED, Kind.TASK_ANSWERED, Kind.SKIPPED)
        return [str(entry.body.get("op") or entry.body["task"]) for entry in self.entries if entry.kind in kinds]

    def _do(self, launch: Launch) -> None:
        name = launch.instance.id
        if self.fails.get(name):
            body = {"op": name, "attempt": launch.attempt, "problem": "broken", "final": self.fails[name].pop(0)}
            if not body["final"]:
                body["retry_at"] = (self.now + timedelta(seconds=5)).isoformat()
            self.write(Draft(Kind.FAILED, "firedoor", body))
        else:
            self.write(Draft(Kind.FINISHED, "firedoor", {"op": name, "outcome": "done", "result": {}}))
