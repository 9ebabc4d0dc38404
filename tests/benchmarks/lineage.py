"""How quick the graph of an inventory is: building it, and asking what else is affected, at 100,000 nodes.

Prints figures and asserts nothing; what is affected is tested in tests/core/inventory.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from functools import partial
from statistics import median

from tests.benchmarks import figures

from firedoor.core.inventory.affected import affected
from firedoor.core.inventory.answer import answer
from firedoor.core.inventory.graph import graph_of
from firedoor.core.targets import Inventory

NODES = 100_000
DOORS = [{"name": "gate", "connector": "http"}]


def run() -> None:
    """Measure and print."""
    inventory = made(NODES)
    graph = graph_of(inventory)
    print(f"{len(graph.nodes)} nodes, {sum(map(len, graph.down.values()))} edges")
    show("build the graph", 3, lambda: graph_of(inventory))
    for name in ("target:t7", "dataset:d7", "dataset:common"):
        found = affected(graph, [name])
        show(f"what {name} reaches ({len(found.nodes)} nodes)", 10, partial(affected, graph, [name]), "100 ms")
        show("the same as an answer", 10, partial(answer, inventory, found, ()))


def made(nodes: int) -> Inventory:
    """An inventory of many teams: each its data, run, weights, adapter, endpoint; one data set in every 50."""
    teams = nodes // 6
    return Inventory.model_validate({
        "datasets": {f"d{n}": {"people": {"DE": n}} for n in range(teams)} | {"common": {}},
        "training_runs": {
            f"r{n}": {"datasets": [f"d{n}", *(["common"] if n % 50 == 0 else [])]} for n in range(teams)
        },
        "models": {f"m{n}": {"run": f"r{n}"} for n in range(teams)}
        | {f"a{n}": {"kind": "adapter", "base": [f"m{n}"]} for n in range(teams)},
        "targets": {f"t{n}": {"model": f"a{n}", "regions": ["eu"], "doors": DOORS} for n in range(teams)},
        "customers": {f"c{n}": {"targets": [f"t{n}"], "people": {"FR": 1}} for n in range(teams)},
    })  # fmt: skip


def show(what: str, times: int, work: Callable[[], object], aim: str = "") -> None:
    """Print the best and the median of some runs, in milliseconds."""
    work()
    took = [1000 * one for one in timeit.repeat(work, number=1, repeat=times)]
    figures.keep(f"{what}, median", median(took), "ms")
    print(f"{what:<44} best {min(took):9.2f} ms   median {median(took):9.2f} ms   {f'aim {aim}' if aim else ''}")


if __name__ == "__main__":
    figures.main(run, __doc__)
