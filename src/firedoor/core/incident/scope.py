"""The names that conditions and templates of a running incident can use.

Decides what `facts`, `incident`, `organisation`, `item` and `clock` hold.
`checks` refuses every other name when the playbook is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.facts import FactDefinition, FactType, Value, read
from firedoor.core.incident.view import IncidentView
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import UNKNOWN

Definitions = Mapping[str, FactDefinition]


def typed_facts(raw: Mapping[str, object], definitions: Definitions) -> dict[str, Value]:
    """Read the journal's facts. One that no longer fits its definition is unknown, never a crash."""
    values: dict[str, Value] = {}
    for name, value in raw.items():
        try:
            values[name] = read(definitions.get(name) or FactDefinition(name=name, type=FactType.TEXT), value)
        except (InvalidInput, ValueError):  # ValueError: a name that is none
            values[name] = UNKNOWN
    return values


def scope_of(
    view: IncidentView,
    facts: Mapping[str, Value],
    organisation: Mapping[str, object],
    item: object = None,
    clock: str | None = None,
) -> dict[str, object]:
    """Build the scope of one operation."""
    scope: dict[str, object] = {
        "facts": facts,
        "incident": {
            "id": view.id,
            "type": str(view.type),
            "severity": view.severity if view.severity_known else UNKNOWN,
            "title": view.title,
            "state": str(view.state),
            "opened_at": view.opened_at,
            "playbook": view.playbook,
        },
        "organisation": organisation,
    }
    if item is not None:
        scope["item"] = item
    if clock is not None:
        scope["clock"] = view.clocks.get(clock, {})
    return scope
