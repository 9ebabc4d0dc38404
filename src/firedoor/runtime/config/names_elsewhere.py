"""Names in a playbook that belong to the installation: sources of alerts and doors of targets.

Decides, as warnings, which of them nothing here is called: such a start rule never starts, and a step with such doors
tries every door of its target instead. A playbook may be written for another installation, so it is not refused.
Leaves names that the playbook itself defines to `core.playbook.checks`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from firedoor.core.alerts.start_rules import ANY_SOURCE
from firedoor.core.playbook.plan import Call, Plan
from firedoor.core.playbook.playbook import Playbook
from firedoor.core.problems import Problem, nearest
from firedoor.core.targets import Inventory


def names_elsewhere(
    playbook: Playbook, plan: Plan, sources: Collection[str], inventory: Inventory
) -> Iterator[Problem]:
    """Yield a warning for each name, at its place. Without an inventory nothing is said about doors."""
    for index, rule in enumerate(playbook.header.start):
        if rule.source != ANY_SOURCE and rule.source not in sources:
            message = f'no source of alerts is called "{rule.source}": this rule never starts the playbook'
            found = playbook.source.problem(("start", index, "source"), "P326", message, nearest(rule.source, sources))
            yield found.model_copy(update={"severity": "warning"})
    doors = {door.name for target in inventory.targets.values() for door in target.doors}
    named = {
        (one.step, door): one.phase for one in plan.operations if isinstance(one, Call) for door in one.doors
        if doors and door not in doors
    }  # fmt: skip
    for (step, door), phase in named.items():
        message = f'{step}: no target has a door called "{door}", so every door of the target is tried'
        place = playbook.source.place(("phases", phase.value))
        yield Problem(code="P327", message=message, do=nearest(door, doors), place=place, severity="warning")
