"""The inventory as a graph: data set, training run, model, endpoint, region, customer; and who was given what.

Decides which edges there are, all of them pointing from a cause to what it reaches, and how a name is found: by its
kind and id (`model:chat-large`), by its id alone, a model also by the name that its versions share. What is named and
not described is a node all the same. Built once for an inventory, asked many times. Leaves what a start reaches to
`affected`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from firedoor.core.assets import Asset
from firedoor.core.problems import NotFound, Problem, nearest
from firedoor.core.targets import Inventory

NodeKind = Literal["dataset", "run", "model", "target", "region", "customer", "recipient"]
KINDS: tuple[NodeKind, ...] = ("dataset", "run", "model", "target", "region", "customer", "recipient")


@dataclass(frozen=True, slots=True)
class Node:
    """One thing. `form` says which kind of it: adapter, endpoint; `described` whether more than its name is known."""

    key: str  # kind:id
    kind: NodeKind
    id: str
    title: str = ""
    form: str = ""
    owner: str = ""
    as_of: str = ""  # a day
    described: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """From a cause to what it reaches; `how` is a verb that reads from left to right."""

    start: str
    end: str
    how: str


@dataclass(slots=True)
class Graph:
    """Nodes by key, and their edges in both directions."""

    nodes: dict[str, Node] = field(default_factory=dict)
    down: dict[str, list[Edge]] = field(default_factory=dict)
    up: dict[str, list[Edge]] = field(default_factory=dict)
    by_id: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, list[str]] = field(default_factory=dict)  # the keys of models by the name that they share

    def named(self, name: str) -> tuple[str, ...]:
        """The keys of what a name means; several where the name is of several things. Raises NotFound."""
        if name in self.nodes:
            return (name,)
        found = tuple(dict.fromkeys((*self.by_id.get(name, ()), *self.versions.get(name, ()))))
        if found:
            return found
        message = f'the inventory has nothing called "{name[:80]}"'
        raise NotFound(
            Problem(code="I200", message=message, do=nearest(name[:80], self.by_id) if self.by_id else EMPTY)
        )

    def add(self, node: Node) -> None:
        """Add a node; one that is described takes the place of one of which only the name is known."""
        known = self.nodes.get(node.key)
        if known is None:
            self.by_id.setdefault(node.id, []).append(node.key)
        if known is None or (node.described and not known.described):
            self.nodes[node.key] = node

    def join(self, start: str, end: str, how: str) -> None:
        """Add an edge between two nodes that are there."""
        edge = Edge(start, end, how)
        self.down.setdefault(start, []).append(edge)
        self.up.setdefault(end, []).append(edge)


EMPTY = "the inventory is empty; set FIREDOOR_TARGETS, or import one with `firedoor inventory import`"


def graph_of(inventory: Inventory) -> Graph:
    """Build the graph of an inventory, in time that grows with its size only."""
    graph = Graph()
    for node, name in _described(inventory):
        graph.add(node)
        if name:
            graph.versions.setdefault(name, []).append(node.key)
    for start, end, how in _edges(inventory, graph):
        for key in (start, end):
            if key not in graph.nodes:
                graph.add(_bare(key))
        graph.join(start, end, how)
    return graph


def _described(inventory: Inventory) -> Iterator[tuple[Node, str]]:
    """Every entry as a node, a model with the name that it shares with its other versions."""
    for name, dataset in inventory.datasets.items():
        yield _node("dataset", name, dataset), ""
    for name, run in inventory.training_runs.items():
        yield _node("run", name, run), ""
    for name, model in inventory.models.items():
        yield _node("model", name, model, model.kind), model.name if model.name != name else ""
    for name, target in inventory.targets.items():
        yield Node(f"target:{name}", "target", name, target.title, target.kind, target.owner or ""), ""
    for name, customer in inventory.customers.items():
        yield _node("customer", name, customer), ""
    for name, recipient in inventory.recipients.items():
        yield _node("recipient", name, recipient), ""


def _node(kind: NodeKind, name: str, one: Asset, form: str = "") -> Node:
    return Node(
        f"{kind}:{name}", kind, name, one.title, form, one.owner or "", one.as_of.isoformat() if one.as_of else ""
    )


def _bare(key: str) -> Node:
    kind, _, name = key.partition(":")
    known = next(one for one in KINDS if one == kind)
    return Node(key, known, name, described=known == "region")


def _edges(inventory: Inventory, graph: Graph) -> Iterator[tuple[str, str, str]]:
    for name, dataset in inventory.datasets.items():
        yield from _each("dataset", dataset.derived_from, f"dataset:{name}", "is the source of")
        yield from _given(f"dataset:{name}", dataset.recipients)
    for name, run in inventory.training_runs.items():
        yield from _each("dataset", run.datasets, f"run:{name}", "is used by")
        yield from _each("model", run.starts_from, f"run:{name}", "is the start of")
    for name, model in inventory.models.items():
        if model.run:
            yield f"run:{model.run}", f"model:{name}", "makes"
        yield from _each("dataset", model.datasets, f"model:{name}", "trains")
        yield from _each("model", model.base, f"model:{name}", "is the base of")
        yield from _given(f"model:{name}", model.recipients)
    yield from _of_targets(inventory, graph)


def _of_targets(inventory: Inventory, graph: Graph) -> Iterator[tuple[str, str, str]]:
    for name, target in inventory.targets.items():
        if target.model:
            for key in served(graph, target.model):
                yield key, f"target:{name}", "is served by"
        for region in target.regions:
            yield f"target:{name}", f"region:{region}", "runs in"
    for name, customer in inventory.customers.items():
        yield from _each("target", customer.targets, f"customer:{name}", "is used by")


def served(graph: Graph, model: str) -> tuple[str, ...]:
    """The versions that a target may serve: that of this id, else all of this name, else one not described."""
    exact = f"model:{model}"
    return (exact,) if exact in graph.nodes else tuple(graph.versions.get(model, (exact,)))


def _each(kind: NodeKind, names: Iterable[str], end: str, how: str) -> Iterator[tuple[str, str, str]]:
    return ((f"{kind}:{name}", end, how) for name in names)


def _given(start: str, recipients: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    return ((start, f"recipient:{name}", "was given to") for name in recipients)
