"""One real Prefect server for the slow tests of this folder, and incidents in memory to show in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.patience import soon
from tests.support.prefect_home import prefect_home

from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.problems import Problem, Refused
from firedoor.runtime.execution.performer import Json, OperationView, Performer, Shown, Unshown, Views
from firedoor.runtime.prefect.bridge import PrefectBridge
from firedoor.runtime.prefect.settings import choose

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
        self.raises: set[str] = set()  # operations whose effect raises
        self.busy: set[str] = set()
        self.held: dict[str, asyncio.Event] = {}
        self.asks = False  # whether a person must agree before a run opens an incident
        self.asked: list[str] = []  # flow runs that asked, each time
        self.agreed: set[str] = set()
        self.foreign: set[str] = set()  # incidents that only their own runs may conduct
        self.conducted: set[str] = set()  # incidents that a conductor works on now

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

    async def open_incident(
        self, playbook: str, facts: Json, title: str, why: str, flow_run_id: str, *, deployed: bool = True
    ) -> str | None:
        if self.asks and flow_run_id not in self.agreed:
            self.asked.append(flow_run_id)
            return None
        if flow_run_id not in self.by_flow_run:
            self.by_flow_run[flow_run_id] = self.add(f"INC-{len(self.journals) + 1:03}")
            self.opened[self.by_flow_run[flow_run_id]] = {"facts": facts, "title": title, "why": why}
        return self.by_flow_run[flow_run_id]

    async def admit(self, incident_id: str, playbook: str, flow_run_id: str) -> None:
        if incident_id in self.foreign and self.flow_runs.get(incident_id) != flow_run_id:
            raise Refused(Problem(code="R116", message="another plan"))

    async def conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        if incident_id in self.busy:
            return "lost_lease"
        self.conducted.add(incident_id)
        try:
            return await self._conduct(incident_id, performer, shown)
        finally:
            self.conducted.discard(incident_id)

    async def _conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
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
            if incident_id in self.held:
                await self.held[incident_id].wait()
            if operation.id in self.raises:
                raise ZeroDivisionError("a fault in its connector")
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


class FakeBacklog:
    """What Prefect has not been shown of the host's journals: how long they are, and how long they were when shown."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.shown: dict[str, int] = {}
        self.claimed: dict[str, float] = {}  # until when
        self.reopened: set[str] = set()
        self.refused: set[str] = set()  # incidents that nobody may show

    async def claim(self, limit: int, but: Collection[str]) -> list[Unshown]:
        now, host = time.monotonic(), self.host
        driven = {*but, *host.conducted, *self.refused, *(name for name, end in self.claimed.items() if end > now)}
        behind = [name for name, journal in host.journals.items() if len(journal) > self.shown.get(name, 0)]
        found = [self.unshown(name) for name in behind if name not in driven][:limit]
        self.claimed |= {one.incident: now + 30 for one in found}
        return found

    def unshown(self, name: str) -> Unshown:
        journal = self.host.journals[name]
        operations = tuple((one, journal[one.id]) for one in self.host.operations if one.id in journal)
        ended = len(operations) == len(self.host.operations)
        return Unshown(
            name, FakePlaybook().name, ended, operations, Views(summary=f"# {name}"), self.host.flow_runs.get(name),
            claim=len(journal),
        )  # fmt: skip

    async def untouched(self, one: Unshown) -> bool:
        return one.incident not in self.host.conducted and len(self.host.journals[one.incident]) == one.claim

    async def done(self, one: Unshown) -> None:
        self.shown[one.incident] = int(str(one.claim))
        self.claimed.pop(one.incident)

    async def later(self, one: Unshown, seconds: float) -> None:
        self.claimed[one.incident] = time.monotonic() + min(seconds, 1)

    def reached(self, incident_id: str) -> int:
        return len(self.host.journals[incident_id])

    async def noted(self, incident_id: str, seq: int) -> None:
        self.shown[incident_id] = max(seq, self.shown.get(incident_id, 0))

    async def reopen(self, incident_ids: Collection[str], flow_run_ids: Collection[str]) -> set[str]:
        runs = {run: name for name, run in self.host.flow_runs.items()}
        for name in {*incident_ids, *(runs[run] for run in flow_run_ids if run in runs)}:
            self.shown.pop(name, None)
            self.reopened.add(name)
        return {run for run in flow_run_ids if run in runs}


class Rig:
    """A bridge with its fake incidents, and Prefect's API as anybody sees it."""

    def __init__(self, bridge: PrefectBridge, backlog: FakeBacklog, api: httpx.AsyncClient) -> None:
        self.bridge, self.backlog, self.host, self.api = bridge, backlog, backlog.host, api
        self.until = soon

    async def post(self, path: str, **body: Any) -> Any:
        """Ask Prefect, as often as its SQLite needs."""
        for _ in range(100):
            answer = await self.api.post(path, json=body)
            if answer.status_code != 503:
                break
            await asyncio.sleep(0.05)
        assert answer.is_success, answer.text
        return answer.json()

    async def flow_run(self, incident: str) -> dict[str, Any]:
        """The incident's flow run as Prefect has it."""
        return (await self.api.get(f"/flow_runs/{self.host.flow_runs[incident]}")).json()

    async def task_runs(self, incident: str) -> dict[str, dict[str, Any]]:
        """The run's task runs by name."""
        chosen = {"id": {"any_": [self.host.flow_runs[incident]]}}
        found = await self.post("/task_runs/filter", flow_runs=chosen)
        assert len({run["name"] for run in found}) == len(found), "an operation is shown twice"
        return {run["name"]: run for run in found}

    async def artifacts(self, incident: str) -> set[str]:
        """The keys of the run's artifacts."""
        chosen = {"id": {"any_": [self.host.flow_runs[incident]]}}
        return {artifact["key"] for artifact in await self.post("/artifacts/filter", flow_runs=chosen)}

    async def run_until(self, incident: str, state: str) -> dict[str, Any]:
        """The flow run, once it is in this state."""

        async def reached() -> dict[str, Any] | None:
            try:
                run = await self.flow_run(incident) if incident in self.host.flow_runs else {}
            except httpx.HTTPError:
                return None  # the server is away for a moment
            return run if run.get("state_name") == state else None

        return await soon(reached, f"the run is not {state}")

    async def shown(self, incident: str, count: int) -> dict[str, dict[str, Any]]:
        """The task runs, once so many are finished; Prefect writes them a little later."""

        async def all_there() -> dict[str, dict[str, Any]] | None:
            found = await self.task_runs(incident)
            finished = [run for run in found.values() if run["state"] and run["end_time"]]
            return found if len(finished) >= count else None

        return await soon(all_there, f"{count} task runs are not finished")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A bridge whose private server is ready."""
    host = FakeHost()
    backlog = FakeBacklog(host)
    settings = choose(prefect_home(Path(tmp_path_factory.mktemp("prefect"))), {})
    bridge = PrefectBridge(settings, host, [FakePlaybook()], host.recall, host.remember, backlog, installation="rig")
    bridge.bound = 20.0  # the machine may be busy; the tests of a server that is away set it back
    await bridge.start()
    user, password = str(settings.password).split(":", 1)
    async with httpx.AsyncClient(base_url=settings.api_url, auth=(user, password), timeout=10, trust_env=False) as api:
        await soon(lambda: _ready(bridge), "Prefect does not start")
        yield Rig(bridge, backlog, api)
    await bridge.stop()


async def _ready(bridge: PrefectBridge) -> bool:
    return bridge.state == "ready"
