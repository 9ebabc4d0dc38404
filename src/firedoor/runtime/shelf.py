"""The playbooks that this process starts: read and compiled ahead, so that an alert waits for neither.

Decides that a playbook whose file no longer compiles keeps its last good plan,
with the problem on show. Leaves finding and compiling to `library`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firedoor.core.alert import Alert
from firedoor.core.operations import Plan
from firedoor.core.playbook import Playbook
from firedoor.core.problems import FiredoorError, NotFound, Problem, nearest
from firedoor.core.start_rules import ANY_SOURCE, facts_from
from firedoor.runtime import library


class Shelf:
    """Playbooks by name, with their plans."""

    def __init__(self) -> None:
        self.playbooks: dict[str, Playbook] = {}
        self.plans: dict[str, Plan] = {}
        self.problems: dict[str, tuple[Problem, ...]] = {}

    def refresh(self) -> None:
        """Read all files again. One that is broken changes nothing but `problems`."""
        self.problems = {}
        for path in library.paths():
            try:
                playbook, plan = library.load_playbook(path), library.compiled(path)
            except FiredoorError as error:
                self.problems[str(path)] = error.problems
                continue
            self.playbooks[playbook.name] = playbook
            self.plans[playbook.name] = plan

    def plan(self, name: str | Path) -> Plan:
        """The plan of a playbook on the shelf, or of a file. Raises NotFound or InvalidInput."""
        if str(name) in self.plans:
            return self.plans[str(name)]
        if Path(name).suffix in (".yaml", ".yml"):
            return library.compiled(name)
        known = set(self.plans) or {path.stem for path in library.paths()}
        if str(name) not in known:
            raise NotFound(
                Problem(code="P140", message=f'no playbook is called "{name}"', do=nearest(str(name), known))
            )
        return library.compiled(name)

    def startable(self) -> list[Playbook]:
        """The playbooks that alerts may start."""
        return list(self.playbooks.values())

    def facts_for(self, alert: Alert, name: str) -> Mapping[str, Any]:
        """The facts that a playbook's rule for this source would read from an alert; none without such a rule."""
        playbook = self.playbooks.get(name)
        rules = playbook.start if playbook else ()
        rule = next((rule for rule in rules if rule.source in (alert.source, ANY_SOURCE)), None)
        return facts_from(rule, alert)[0] if rule else {}
