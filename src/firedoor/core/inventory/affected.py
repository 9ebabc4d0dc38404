"""What else is affected: everything that a start reaches in the graph, and what that means for people and letters.

Decides that an endpoint stands for the models that it serves, so that what else serves them, or was made from them, is
affected; that of data everything trained on it is; and that models which only share data are listed apart, because the
fault may lie elsewhere. Numbers of people are ranges: nobody knows how far two data sets are about the same people.
Proposes facts and addressees and settles none. Leaves drawing it to `drawing`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from firedoor.core.facts import Count, write
from firedoor.core.inventory.graph import Edge, Graph, Node, NodeKind
from firedoor.core.json_types import Json
from firedoor.core.law.territories import EEA
from firedoor.core.targets import Inventory

MAXIMUM = 20_000  # nodes of one answer; beyond that it says how many it left out


@dataclass(frozen=True, slots=True)
class Affected:
    """What a start reaches. `origin` are the starts and what they stand for; `edges` only those between the nodes."""

    starts: tuple[Node, ...]
    origin: tuple[Node, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    reached_by: Mapping[str, Edge]  # the edge over which a node was reached first
    data: tuple[Node, ...]  # data sets whose people are concerned: those reached, or those the models were trained on
    same_data: tuple[Node, ...]  # models that share data with the origin and were not made from it
    left_out: int

    def of(self, kind: NodeKind) -> tuple[Node, ...]:
        """The nodes of one kind, the starts among them."""
        return tuple(node for node in self.nodes if node.kind == kind)

    def targets(self) -> tuple[str, ...]:
        """The targets that are affected besides those it started from."""
        started = {node.key for node in self.starts}
        return tuple(node.id for node in self.of("target") if node.key not in started and node.described)


def affected(graph: Graph, names: Iterable[str]) -> Affected:
    """Everything that these reach. Raises NotFound for a name that the inventory does not have."""
    starts = tuple(dict.fromkeys(key for name in names for key in graph.named(name)))
    origin = tuple(dict.fromkeys((*starts, *_stood_for(graph, starts))))
    seen, reached_by, left_out = _reach(origin, lambda key: ((e, e.end) for e in graph.down.get(key, ())))
    edges = tuple(edge for key in seen for edge in graph.down.get(key, ()) if edge.end in seen)
    nodes = tuple(graph.nodes[key] for key in seen)
    data = _data(graph, origin, seen)
    return Affected(
        tuple(graph.nodes[key] for key in starts), tuple(graph.nodes[key] for key in origin), nodes, edges, reached_by,
        data, _sharing(graph, data, seen), left_out,
    )  # fmt: skip


def _stood_for(graph: Graph, starts: Iterable[str]) -> Iterator[str]:
    for key in starts:
        if key.startswith("target:"):
            yield from (edge.start for edge in graph.up.get(key, ()) if edge.start.startswith("model:"))


def _reach(
    starts: Iterable[str], step: Callable[[str], Iterable[tuple[Edge, str]]]
) -> tuple[dict[str, None], dict[str, Edge], int]:
    """Breadth first, so that a node is reached over the shortest way. A circle in the inventory ends it as well."""
    seen, by, waiting, left_out = dict.fromkeys(starts), dict[str, Edge](), deque(starts), 0
    while waiting:
        for edge, other in step(waiting.popleft()):
            if other in seen:
                continue
            if len(seen) >= MAXIMUM:
                left_out += 1
                continue
            seen[other], by[other] = None, edge
            waiting.append(other)
    return seen, by, left_out


def _data(graph: Graph, origin: Iterable[str], seen: Collection[str]) -> tuple[Node, ...]:
    """The data sets among what is reached; where it started from models, those that they were trained on."""
    within = [key for key in seen if key.startswith("dataset:")]
    if not within:
        above, _, _ = _reach(origin, lambda key: ((e, e.start) for e in graph.up.get(key, ())))
        within = [key for key in above if key.startswith("dataset:")]
    return tuple(graph.nodes[key] for key in within)


def _sharing(graph: Graph, data: Iterable[Node], seen: Collection[str]) -> tuple[Node, ...]:
    below, _, _ = _reach([node.key for node in data], lambda key: ((e, e.end) for e in graph.down.get(key, ())))
    return tuple(graph.nodes[key] for key in below if key.startswith("model:") and key not in seen)


def people(inventory: Inventory, found: Affected) -> tuple[dict[str, Count], dict[str, Count]]:
    """People by country: whom the data are about, and whom customers serve. At least the largest, at most all."""
    about = (inventory.datasets[node.id].people for node in found.data if node.id in inventory.datasets)
    served = (inventory.customers[node.id].people for node in found.of("customer") if node.id in inventory.customers)
    return _together(about), _together(served)


def _together(counts: Iterable[Mapping[str, Count]]) -> dict[str, Count]:
    by_place: dict[str, list[Count]] = {}
    for one in counts:
        for place, count in one.items():
            by_place.setdefault(place, []).append(count)
    return {place: _range(found) for place, found in sorted(by_place.items())}


def _range(counts: Iterable[Count]) -> Count:
    found = tuple(counts)
    ends = [count.maximum for count in found if count.maximum is not None]
    whole = sum(ends) if len(ends) == len(found) else None
    return Count(minimum=max(count.minimum for count in found), maximum=whole)


def proposed_facts(about: Mapping[str, Count], served: Mapping[str, Count], known: Collection[str]) -> dict[str, Json]:
    """Facts for a person to confirm, as JSON: places of affected people and how many at most. `known` are facts' names.

    The least is nought: that data were used does not say that a person was harmed.
    """
    if not (about or served):
        return {}
    facts: dict[str, Json] = {"jurisdictions": sorted({*about, *served})}
    wider = {"eu": EEA | {"EU", "EEA", "EL"}, "us": frozenset(place for place in about if place.split("-")[0] == "US")}
    areas = {name: [count for place, count in about.items() if place in places] for name, places in wider.items()}
    named = {place.lower().replace("-", "_"): [count] for place, count in about.items() if place not in ("EU", "US")}
    for name, counts in sorted(
        {**{("uk" if one == "gb" else one): found for one, found in named.items()}, **areas}.items()
    ):
        if counts and f"residents_{name}" in known:
            most = [count.maximum for count in counts if count.maximum is not None]
            facts[f"residents_{name}"] = write(
                Count(minimum=0, maximum=sum(most) if len(most) == len(counts) else None)
            )
    return facts
