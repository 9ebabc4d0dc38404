"""Which target an operation is about, now that its template meets the facts of its incident.

Decides nothing about targets; leaves whether the inventory has one of that name to the container.
"""

from __future__ import annotations

from firedoor.core.execution import missing_targets
from firedoor.core.execution.turn import Launch
from firedoor.core.incident.scope import scope_of, typed_facts
from firedoor.core.incident.view import IncidentView
from firedoor.core.language.template import Template
from firedoor.runtime.config.container import World


def target_name(world: World, view: IncidentView, launch: Launch) -> str:
    """Which target an operation is about. Raises InvalidInput while that is unknown."""
    operation = launch.instance.operation
    template = str(getattr(operation, "target", None) or "")
    facts = typed_facts(view.facts, {})
    scope = scope_of(view, {**facts}, world.organisation.words, launch.instance.item, launch.instance.clock)
    name = Template.parse(template).render(scope).strip()
    if not name or name.startswith("[unknown"):
        raise missing_targets.NotNamed(template)
    return name
