"""The playbooks that this process starts: read and compiled ahead, so that an alert waits for neither.

Decides that files are looked at again while we run, that a changed one counts once it lies still, and that a playbook
whose file no longer compiles keeps its last good plan, with the problem on show. Leaves finding and compiling to
`library`. Incidents that exist keep the plan that they began with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from firedoor.core.isolated import problems_of
from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import Playbook
from firedoor.core.problems import NotFound, Problem, nearest
from firedoor.runtime.config import playbooks
from firedoor.runtime.config.rereading import LOOK, reread
from firedoor.runtime.repeating import Failing

log = logging.getLogger(__name__)


class Shelf:
    """Playbooks by name, with their plans."""

    def __init__(self) -> None:
        self.playbooks: dict[str, Playbook] = {}
        self.plans: dict[str, Plan] = {}
        self.problems: dict[str, tuple[Problem, ...]] = {}
        self._good: dict[Path, tuple[Playbook, Plan]] = {}  # what each file held when it was last sound

    def refresh(self) -> bool:
        """Read all files again; return whether that changed a page. A broken file changes nothing but `problems`."""
        before, good, problems = self._good, dict[Path, tuple[Playbook, Plan]](), dict[str, tuple[Problem, ...]]()
        taken: dict[str, Playbook] = {}
        for path in playbooks.paths():
            try:
                playbook, plan = playbooks.load_playbook(path), playbooks.compiled(path)
                playbooks.refuse_twice(playbook, taken)
            except Exception as error:  # noqa: BLE001 - one page keeps no other from being read, nor a server from starting
                problems[str(path)] = problems_of(error, "P150")
                if path not in self._good or self._good[path][0].name in taken:
                    continue
                playbook, plan = self._good[path]
            taken[playbook.name], good[path] = playbook, (playbook, plan)
        self._good, self.problems = good, problems
        self.playbooks, self.plans = taken, {plan.playbook: plan for _, plan in good.values()}
        return _pages(before) != _pages(good)

    async def forever(self, changed: Callable[[], None], every: float = LOOK, failing: Failing | None = None) -> None:
        """Look at the files again and again; call `changed` when a page has changed. Ends only by cancellation."""

        def tell() -> None:
            log.warning("playbooks have changed: %s", ", ".join(map(_named, self.plans.values())))
            changed()

        await reread("playbooks", playbooks.seen, self.refresh, tell, every, failing)

    def plan(self, name: str | Path) -> Plan:
        """The plan of a playbook on the shelf, or of a file. Raises NotFound or InvalidInput."""
        if plan := self.plans.get(str(name)):
            return plan
        if Path(name).suffix in (".yaml", ".yml"):
            return playbooks.compiled(name)
        known = set(self.plans) or {path.stem for path in playbooks.paths()}
        if str(name) not in known:
            raise NotFound(
                Problem(code="P140", message=f'no playbook is called "{name}"', do=nearest(str(name), known))
            )
        return playbooks.compiled(name)

    @property
    def without(self) -> list[str]:
        """The types of incidents for which there is no playbook: an alert of one can start nothing."""
        return playbooks.types_without(plan.incident for plan in self.plans.values())

    def startable(self) -> list[Playbook]:
        """The playbooks that alerts may start."""
        return list(self.playbooks.values())


def _pages(good: Mapping[Path, tuple[Playbook, Plan]]) -> set[tuple[str, str]]:
    """What tells one state of the folder from another: a start rule is in the page and not in its plan."""
    return {(str(page.header), plan.digest) for page, plan in good.values()}


def _named(plan: Plan) -> str:
    return f"{plan.playbook} {plan.version} ({plan.digest[:12]})"
