"""Drills that people start from a page: one playbook after another, beside the event loop, results kept in memory.

Decides that one set of drills runs at a time, so that containment never waits for a rehearsal, and that the results
live as long as this process. Leaves rehearsing to `runtime.drill`, with which `firedoor drill` does the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from firedoor.core.problems import FiredoorError, NotFound, Problem, Refused, nearest
from firedoor.runtime.start import Runtime


@dataclass(frozen=True, slots=True)
class DrillRun:
    """What came of one drill, and when."""

    drill: str
    version: str
    at: datetime
    passed: bool
    mismatches: tuple[str, ...]
    entries: int
    state: str
    story: tuple[str, ...]


class DrillRuns:
    """The last result of every drill that was run by this process."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str], DrillRun] = {}
        self.running = ""  # the playbook whose drills run now
        self.fault = ""  # what went wrong outside a drill
        self._task: asyncio.Task[None] | None = None

    def start(self, runtime: Runtime, playbook: str, drill: str = "") -> None:
        """Run the drills of a playbook, or the one. Raises NotFound, or Refused while others run."""
        book = runtime.shelf.playbooks[playbook]
        known = [one.drill for one in book.header.drills]
        if not known or drill not in ("", *known):
            raise NotFound(Problem(code="P142", message="no drill has this name", do=nearest(drill[:80], known)))
        if self.running:
            message = f"the drills of {self.running} are running"
            raise Refused(Problem(code="W160", message=message, do="wait until they are over, then start these"))
        self.running, self.fault = playbook, ""
        self._task = asyncio.create_task(self._run(runtime, playbook, drill))

    async def settled(self) -> None:
        """Wait until nothing runs."""
        if self._task is not None:
            await self._task

    def of(self, playbook: str) -> dict[str, DrillRun]:
        """The last results of a playbook's drills by their names."""
        return {drill: found for (book, drill), found in self.results.items() if book == playbook}

    async def _run(self, runtime: Runtime, playbook: str, drill: str) -> None:
        try:
            for name in [one.drill for one in runtime.shelf.playbooks[playbook].header.drills]:
                if drill in ("", name):
                    found = await asyncio.to_thread(_rehearsed, runtime, playbook, name)
                    self.results[playbook, name] = found
        except FiredoorError as error:
            self.fault = str(error.problems[0])
        finally:
            self.running = ""


def _rehearsed(runtime: Runtime, playbook: str, name: str) -> DrillRun:
    from firedoor.runtime.drill import rehearse_all  # late: a server that never rehearses does not need it

    book, plan = runtime.shelf.playbooks[playbook], runtime.shelf.plans[playbook]
    [found] = rehearse_all(book, plan, runtime.world.catalogue, name)
    return DrillRun(
        name, plan.version, runtime.world.now(), found.passed, found.mismatches, len(found.entries),
        str(found.view.state), found.story(),
    )  # fmt: skip


_runs: WeakKeyDictionary[Runtime, DrillRuns] = WeakKeyDictionary()


def runs_of(runtime: Runtime) -> DrillRuns:
    """The drills of this process."""
    return _runs.setdefault(runtime, DrillRuns())
