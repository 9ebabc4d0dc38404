"""What the inventory's lineage adds to an incident: the other targets that serve the same model, or one made from it.

Decides that they join the other targets, about which people are asked before anything is closed; that a list which a
person has said stands; that each is named once, so that one which a person takes out stays out; and that the way to
each stands in the journal. It looks in every turn: an endpoint that is corrected later plans again. Only inventories
that describe models have a lineage. Leaves what is affected to `inventory`.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.entries.run import FactsSet
from firedoor.core.execution.severity_updates import ENDPOINT, OTHERS, PERSON
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.incident.view import IncidentView
from firedoor.core.inventory.lineage import Lineage
from firedoor.core.journal import Draft, Kind
from firedoor.core.json_types import Json, as_array

ACTOR = "firedoor"
MOST = 50  # targets that are named; beyond that the way to see all of them
WORDS = 400  # characters of one way


def named(
    view: IncidentView, definitions: Mapping[str, FactDefinition], lineage: Lineage | None
) -> list[Draft]:  # fmt: skip
    """The entry that names targets which are affected and not named yet; mostly none."""
    endpoint, definition = view.facts.get(ENDPOINT), definitions.get(OTHERS)
    if lineage is None or definition is None or definition.type is not FactType.LIST or not isinstance(endpoint, str):
        return []
    if view.fact_sources.get(OTHERS, ("", 0))[0].startswith(PERSON):
        return []
    held = [str(one) for one in as_array(view.facts.get(OTHERS))]
    ways = {name: way for name, way in lineage.others(endpoint).items() if name not in held}
    if not ways:
        return []
    new = list(ways)[:MOST]
    said = "; ".join(f"{name} is also affected, by the inventory: {ways[name][:WORDS]}" for name in new)
    more = f"; {len(ways) - MOST} more: `firedoor inventory graph {endpoint}`" if len(ways) > MOST else ""
    values: dict[str, Json] = {OTHERS: [*held, *new]}
    return [Draft(Kind.FACTS, ACTOR, FactsSet(values=values, why=f"{said}{more}"))]
