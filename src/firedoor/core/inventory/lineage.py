"""The graph of one inventory, asked again and again while incidents run: which other targets an endpoint reaches.

Decides that an answer is worked out once for each target. Leaves what is affected to `affected`, and what an incident
makes of it to `execution.also_affected`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from firedoor.core.inventory.affected import Affected, affected
from firedoor.core.inventory.answer import because
from firedoor.core.inventory.graph import Graph
from firedoor.core.targets import Inventory


@dataclass(slots=True)
class Lineage:
    """An inventory with its graph."""

    inventory: Inventory
    graph: Graph
    _known: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, target: str) -> Affected:
        """Everything that a target reaches. Raises NotFound."""
        return affected(self.graph, [f"target:{target}"])

    def others(self, target: str) -> Mapping[str, str]:
        """The other targets that serve this model or one made from it, each with the way to it in words.

        Those that are never suspended are not among them, and nothing is for a target that the inventory does not have.
        """
        if target not in self._known:
            self._known[target] = self._others(target)
        return self._known[target]

    def _others(self, target: str) -> Mapping[str, str]:
        if target not in self.inventory.targets:
            return {}
        found = self.of(target)
        return {
            name: because(found, name) for name in found.targets() if not self.inventory.targets[name].never_suspend
        }
