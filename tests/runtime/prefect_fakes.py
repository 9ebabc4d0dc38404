"""An in-memory conductor and its incidents, for the tests of what Prefect shows."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from firedoor.core.facts import FactDefinition, FactType
from firedoor.runtime.prefect_ports import Json, OperationView, Performer, Shown, Views

FACTS = {
    "endpoint": FactDefinition(name="endpoint", type=FactType.TARGET, ask="Which endpoint answered?"),
    "people_affected": FactDefinition(name="people_affected", type=FactType.COUNT, ask="How many people?"),
    "child": FactDefinition(name="child", type=FactType.FLAG, ask="Is a child involved?"),
    "kind": FactDefinition(name="kind", type=FactType.CHOICE, ask="What leaked?", choices=("prompt", "training")),
}
OPERATIONS = (
    OperationView("containment.suspend", "Suspend the endpoint", "containment", "call"),
    OperationView("containment.verify", "Verify that it is closed", "containment", "call", ("containment.suspend",)),
    OperationView("remediation.approve", "Approve the letter", "remediation", "ask", ("containment.verify",)),
    OperationView("remediation.tell", "Tell the people", "remediation", "tell", ("remediation.approve",)),
)


@dataclass(frozen=True)
class FakePlaybook:
    """As much of a playbook as Prefect needs."""

    name: str = "model-data-leakage"
    version: str = "1.2.0"
    title: str = "Personal data leaks from a model"
    facts: Any = field(default_factory=lambda: FACTS)
    source: str = "model-data-leakage"


class FakeHost:
    """Incidents whose journal is a dict of finished operations; an `ask` is finished by `answer`."""

    def __init__(self, operations: tuple[OperationView, ...] = OPERATIONS) -> None:
        self.operations = operations
        self.journals: dict[str, dict[str, Json]] = {}
        self.opened: dict[str, Json] = {}
        self.flow_runs: dict[str, str] = {}
        self.by_flow_run: dict[str, str] = {}
        self.performed: list[tuple[str, str]] = []
        self.first_effect: dict[str, float] = {}
        self.fail: set[str] = set()
        self.busy: set[str] = set()

    def add(self, incident_id: str) -> str:
        """Open an incident that no flow knows yet."""
        self.journals[incident_id] = {}
        return incident_id

    def answer(self, incident_id: str, operation_id: str = "remediation.approve") -> None:
        """Write a decision to the journal."""
        self.journals[incident_id][operation_id] = {"summary": "approved by ada"}

    def effects(self, incident_id: str) -> list[str]:
        """The operations whose effect ran, in order."""
        return [operation for incident, operation in self.performed if incident == incident_id]

    async def recall(self, incident_id: str) -> str | None:
        return self.flow_runs.get(incident_id)

    async def remember(self, incident_id: str, flow_run_id: str) -> None:
        self.flow_runs[incident_id] = flow_run_id

    async def open_incident(self, playbook: str, facts: Json, title: str, why: str, flow_run_id: str) -> str:
        if flow_run_id not in self.by_flow_run:
            self.by_flow_run[flow_run_id] = self.add(f"INC-{len(self.journals) + 1:03}")
            self.opened[self.by_flow_run[flow_run_id]] = {"facts": facts, "title": title, "why": why}
        return self.by_flow_run[flow_run_id]

    async def conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        if incident_id in self.busy:
            return "lost_lease"
        journal = self.journals[incident_id]
        for operation in self.operations:
            if operation.id in journal:
                await shown(operation, journal[operation.id])
            elif operation.kind == "ask":
                return "waiting"
            else:
                journal[operation.id] = await self._perform(incident_id, operation, performer)
        return "closed"

    async def _perform(self, incident_id: str, operation: OperationView, performer: Performer) -> Json:
        async def effect() -> Json:
            self.first_effect.setdefault(incident_id, time.perf_counter())
            self.performed.append((incident_id, operation.id))
            await asyncio.sleep(0)
            failed = {"status": "failed", "error": "the gateway did not answer"}
            return failed if operation.id in self.fail else {"summary": "done"}

        return await performer(operation, effect)

    async def views(self, incident_id: str) -> Views:
        return Views(
            summary=f"# {incident_id}",
            clocks=({"duty": "GDPR Art 33(1)", "due": "2026-11-24T21:00:00+00:00"},),
            evidence=({"name": "request log", "sha256": "0" * 64},),
            links={"Incident": f"http://127.0.0.1:8600/incidents/{incident_id}"},
        )
