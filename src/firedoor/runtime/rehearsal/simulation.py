"""A world in memory for drills: systems that behave or misbehave, a vault without a disk, a clock wound by hand.

Decides how the kinds of system behave (works, lies, down, fails, leaks) and counts every
effect by its key, so that a drill can show that nothing happened twice. Everything else of
a drill is the real thing: the law, the turns and `perform`. Leaves the rehearsal to `drill`.

    works   closes and opens, and the data plane shows it
    lies    says that it closed, and goes on answering
    down    answers nothing at all
    fails   shows its state, and refuses every change
    leaks   works, and lets uploads through that it must refuse (stores of content)
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, cast

from firedoor.core.canonical import canonical, digest
from firedoor.core.content import ContentVerdict
from firedoor.core.examinations import EXAMINATIONS
from firedoor.core.playbook.plan import Keep, Plan
from firedoor.core.playbook.playbook import Drill
from firedoor.core.ports import (
    CallPlan,
    Collected,
    Members,
    Observation,
    PlannedCall,
    ProbeResult,
    Receipt,
    Reversible,
    Snapshot,
    Verdict,
)  # fmt: skip
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.targets import Artefact, Door, Inventory, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary
from firedoor.duties.catalogue import Catalogue
from firedoor.runtime.config.container import World
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.rehearsal.simulated_store import SimulatedStores
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.vault import Kept, Vault, admit

Behaviour = Literal["works", "lies", "down", "fails", "leaks"]
KIND = "simulated"


@dataclass
class HandClock:
    """A clock that stands until it is wound."""

    now: datetime

    def __call__(self) -> datetime:
        """The instant it shows."""
        return self.now


class MemoryVault(Vault):
    """A vault that forgets everything at the end."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.pieces: dict[str, bytes] = {}

    def put(self, content: bytes, verdict: ContentVerdict | None = None) -> Kept:
        """Store bytes under their digest, through the same gate."""
        admit(content, verdict)
        name = hashlib.sha256(content).hexdigest()
        self.pieces[name] = content
        return Kept(name, len(content))

    def get(self, digest: str) -> bytes:
        """Read a piece back."""
        return self.pieces[digest]


@dataclass
class SimulatedConnector:
    """One driver for every simulated target. `changes` counts each change that really happened, by operation key."""

    clock: HandClock
    behaviours: Mapping[str, str]  # of a target: a Behaviour, or one that only a subclass knows
    artefacts: Mapping[str, object] = field(default_factory=dict)  # what is read, by name; others name themselves
    closed: dict[str, str] = field(default_factory=dict)  # target -> operation key that closed it
    changes: Counter[str] = field(default_factory=Counter)
    kind: ClassVar[str] = KIND
    reversible: ClassVar[Reversible] = "yes"

    def check(self, target: Target, door: Door) -> None:
        """Nothing to configure."""

    async def plan(self, target: Target, door: Door) -> CallPlan:
        """One call, which touches nothing but itself."""
        calls = (PlannedCall(verb="suspend", summary=f"simulate the closing of {target.id}"),)
        return CallPlan(
            target=target.id, door=door.name, calls=calls, blast_radius=(), permissions=(), reversible="yes"
        )

    async def capture_state(self, target: Target, door: Door) -> Snapshot:
        """The state before the first change."""
        self._reach(target)
        state: Members = {"closed": target.id in self.closed}
        return Snapshot(target=target.id, door=door.name, taken_at=self.clock(), state=state, digest=digest(state))

    async def suspend(self, target: Target, door: Door, snapshot: Snapshot, operation_key: str) -> Receipt:  # noqa: ARG002
        """Close it, unless it lies or fails."""
        self._reach(target)
        behaviour = self.behaviours.get(target.id, "works")
        if behaviour == "fails":
            raise Unanswered(Problem(code="D101", message=f"{target.id} refused the change", do="close it by hand"))
        changed = behaviour == "works" and target.id not in self.closed
        if changed:
            self.changes[operation_key] += 1
            self.closed[target.id] = operation_key
        return self._receipt(target, door, "suspend", operation_key, changed=changed)

    async def verify(self, target: Target, door: Door, expect: Literal["refused", "serving"]) -> Verdict:
        """Look at the simulated data plane: the one thing that does not lie."""
        down = self.behaviours.get(target.id) == "down"
        serving: Ternary = UNKNOWN if down else NO if target.id in self.closed else YES
        wanted = YES if expect == "serving" else NO
        holds: Ternary = UNKNOWN if serving is UNKNOWN else YES if serving is wanted else NO
        probe = ProbeResult(what="target", name=target.id, serving=serving, at=self.clock())
        return Verdict(
            target=target.id, door=door.name, expect=expect, holds=holds, probes=(probe,), checked_at=self.clock()
        )

    async def observe(self, target: Target, door: Door, operation_key: str) -> Observation:
        """Whether it is closed, and by us."""
        self._reach(target)
        by = self.closed.get(target.id)
        return Observation(
            target=target.id, door=door.name, operation_key=operation_key, closed=YES if by else NO,
            ours=YES if by == operation_key else NO, at=self.clock(),
        )  # fmt: skip

    async def resume(
        self,
        target: Target,
        door: Door,
        snapshot: Snapshot,  # noqa: ARG002
        operation_key: str,
        closed_by: Receipt | None = None,  # noqa: ARG002
    ) -> Receipt:
        """Open it again."""
        self._reach(target)
        changed = self.closed.pop(target.id, None) is not None
        if changed:
            self.changes[operation_key] += 1
        return self._receipt(target, door, "resume", operation_key, changed=changed)

    async def collect(self, target: Target, artefact: str) -> Collected:
        """A piece of evidence that names itself."""
        self._reach(target)
        content = canonical(self.artefacts.get(artefact, {"artefact": artefact, "of": target.id}))
        return Collected(
            name=artefact, media_type="application/json", content=content, digest=hashlib.sha256(content).hexdigest(),
            size=len(content), source=f"drill:{target.id}", taken_at=self.clock(),
        )  # fmt: skip

    def _reach(self, target: Target) -> None:
        if self.behaviours.get(target.id) == "down":
            raise Unanswered(Problem(code="D102", message=f"{target.id} does not answer", do="close it by hand"))

    def _receipt(
        self, target: Target, door: Door, action: Literal["suspend", "resume"], key: str, *, changed: bool
    ) -> Receipt:
        return Receipt(
            target=target.id, door=door.name, action=action, operation_key=key, changed=changed, at=self.clock()
        )


class _EveryTarget(dict[str, Target]):
    """Every name is a target with one simulated door, and has every artefact that the plan keeps."""

    def __init__(self, artefacts: frozenset[str]) -> None:
        super().__init__()
        self._evidence = {name: Artefact(url=f"drill:{name}") for name in artefacts}

    def get(self, key: str, default: object = None) -> Target:  # noqa: ARG002
        if key not in self:
            self[key] = Target.model_construct(
                id=key, doors=(Door(name="door", connector=KIND),), evidence=self._evidence, neighbours=(), probe=None,
            )  # fmt: skip
        return self[key]


def rehearsal_world(
    plan: Plan, drill: Drill, catalogue: Catalogue, clock: HandClock, organisation: Organisation
) -> tuple[World, SimulatedConnector]:
    """Put a world together in which nothing outside exists."""
    connector = SimulatedConnector(clock, drill.targets, drill.artefacts)
    inventory = Inventory.model_construct(targets=_EveryTarget(frozenset(_artefacts(plan))))
    store = cast("Store", None)  # a drill keeps its journal itself; nothing that it uses reads a database
    world = World(
        store,
        MemoryVault(),
        inventory,
        {KIND: connector},
        organisation,
        lambda: catalogue,
        clock,
        owner="drill",
        rehearsal=True,
    )
    world.stores = SimulatedStores(connector)
    return world, connector


def _artefacts(plan: Plan) -> Iterator[str]:
    for operation in plan.operations:
        if isinstance(operation, Keep):
            examination = EXAMINATIONS.get(operation.name) if operation.source == "examination" else None
            yield from examination.inputs if examination else (operation.name,)
