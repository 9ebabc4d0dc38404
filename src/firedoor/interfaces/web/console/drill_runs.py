"""Drills that people start from a page: one playbook after another, beside the event loop, the last results kept.

Decides that one set of drills runs at a time in a process, so that containment never waits for a rehearsal, and that
each result is kept with who started it. Leaves rehearsing to `runtime.drill`, with which `firedoor drill` does the
same, and keeping to `store.drill_results`.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import Playbook
from firedoor.core.problems import FiredoorError, NotFound, Problem, Refused, nearest
from firedoor.runtime.process.application import Runtime
from firedoor.store.incidents.drill_results import DrillRun, drills_kept, keep_drill


class DrillRuns:
    """The drills that this process runs."""

    def __init__(self) -> None:
        self.running = ""  # the playbook whose drills run now
        self.fault = ""  # what went wrong outside a drill
        self._task: asyncio.Task[None] | None = None

    def start(self, runtime: Runtime, playbook: str, drill: str, person: str) -> None:
        """Run the drills of a playbook, or the one of that name. Raises NotFound, or Refused while others run."""
        book = runtime.shelf.playbooks[playbook]
        known = [one.drill for one in book.header.drills]
        if not known or drill not in ("", *known):
            raise NotFound(Problem(code="P142", message="no drill has this name", do=nearest(drill[:80], known)))
        if self.running:
            message = f"the drills of {self.running} are running"
            raise Refused(Problem(code="W160", message=message, do="wait until they are over, then start these"))
        self.running, self.fault = playbook, ""
        self._task = asyncio.create_task(self._run(runtime, playbook, drill, person))

    async def settled(self) -> None:
        """Wait until nothing runs."""
        if self._task is not None:
            await self._task

    async def _run(self, runtime: Runtime, playbook: str, drill: str, person: str) -> None:
        try:
            book, plan = runtime.shelf.playbooks[playbook], runtime.shelf.plans[playbook]  # as they are now, for all
            for name in [one.drill for one in book.header.drills]:
                if drill in ("", name):
                    await asyncio.to_thread(_rehearse, runtime, book, plan, name, person)
        except FiredoorError as error:
            self.fault = str(error.problems[0])
        finally:
            self.running = ""


def _rehearse(runtime: Runtime, book: Playbook, plan: Plan, name: str, person: str) -> None:
    from firedoor.runtime.rehearsal.drill import (  # late: a server that never rehearses does not need it
        Around,
        rehearse_all,
    )

    around = Around(tuple(runtime.shelf.startable()), runtime.service.sources)
    [found] = rehearse_all(book, plan, runtime.world.catalogue, name, around)
    run = DrillRun(
        plan.playbook, name, plan.version, plan.digest, runtime.world.now(), person, found.passed, found.mismatches,
        len(found.entries), str(found.view.state), found.story(),
    )  # fmt: skip
    keep_drill(runtime.world.store, run)


async def results_of(runtime: Runtime, playbook: str | None = None) -> list[DrillRun]:
    """The last results of one playbook's drills, or of all, whichever process ran them."""
    return await asyncio.to_thread(drills_kept, runtime.world.store, playbook)


_runs: WeakKeyDictionary[Runtime, DrillRuns] = WeakKeyDictionary()


def runs_of(runtime: Runtime) -> DrillRuns:
    """The drills of this process."""
    return _runs.setdefault(runtime, DrillRuns())
