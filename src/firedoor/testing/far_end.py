"""The systems at the far end: simulated, outliving every restart of Firedoor, and counting what reaches them.

Decides five behaviours: the four of a drill (works, lies, down, fails) and `in-doubt`, which closes
and then breaks the connection, so that the caller cannot know. Each call that changes something
is an effect, also one that finds the door closed already: a caller that repeats itself is seen.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from firedoor.core.ports import Collected, Observation, Receipt, Snapshot, Verdict
from firedoor.core.problems import InDoubt, Problem
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import UNKNOWN
from firedoor.runtime.rehearsal.simulation import SimulatedConnector


@dataclass
class FarEnd(SimulatedConnector):
    """Simulated systems that can be held up and made to raise. Change `behaviours` at any time.

    `effects` counts every suspend and resume that reached its system, by operation key. `calls`
    counts every call by verb and target. A call waits for the event that `holds` has under its verb
    and target; under `raises` stands what it raises, once, instead of answering.
    """

    behaviours: dict[str, str] = field(default_factory=dict)  # also in-doubt, which a drill does not know
    effects: Counter[str] = field(default_factory=Counter)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    holds: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    raises: dict[tuple[str, str], BaseException] = field(default_factory=dict)
    blind: bool = False  # whether a look shows nothing

    async def capture_state(self, target: Target, door: Door) -> Snapshot:
        """The state before the first change."""
        await self._met("capture", target)
        return await super().capture_state(target, door)

    async def suspend(self, target: Target, door: Door, snapshot: Snapshot, operation_key: str) -> Receipt:
        """Close it; the answer may get lost."""
        await self._met("suspend", target)
        in_doubt = self.behaviours.get(target.id) == "in-doubt"
        if in_doubt:
            del self.behaviours[target.id]
        receipt = await super().suspend(target, door, snapshot, operation_key)
        self.effects[operation_key] += 1
        if in_doubt:
            raise InDoubt(
                Problem(code="D103", message=f"{target.id}: the connection broke", do="look whether it is closed")
            )
        return receipt

    async def resume(
        self, target: Target, door: Door, snapshot: Snapshot, operation_key: str, closed_by: Receipt | None = None
    ) -> Receipt:
        """Open it again."""
        await self._met("resume", target)
        receipt = await super().resume(target, door, snapshot, operation_key, closed_by)
        self.effects[operation_key] += 1
        return receipt

    async def verify(self, target: Target, door: Door, expect: Literal["refused", "serving"]) -> Verdict:
        """Look at the simulated data plane."""
        await self._met("verify", target)
        return await super().verify(target, door, expect)

    async def observe(self, target: Target, door: Door, operation_key: str) -> Observation:
        """Whether it is closed, and by us; unknown while we are blind."""
        await self._met("observe", target)
        seen = await super().observe(target, door, operation_key)
        return seen.model_copy(update={"closed": UNKNOWN, "ours": UNKNOWN}) if self.blind else seen

    async def collect(self, target: Target, artefact: str) -> Collected:
        """A piece of evidence that names itself."""
        await self._met("collect", target)
        return await super().collect(target, artefact)

    async def _met(self, verb: str, target: Target) -> None:
        self.calls[verb, target.id] += 1
        if hold := self.holds.get((verb, target.id)):
            await hold.wait()
        if fault := self.raises.pop((verb, target.id), None):
            raise fault
