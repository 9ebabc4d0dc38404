"""What is affected as JSON: the one answer that the command line, the API, the pages and the report show.

Decides its keys and which sentences say what is not known. Leaves finding it to `affected` and drawing it to `drawing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from firedoor.core.facts import Count, write
from firedoor.core.inventory.affected import Affected, people, proposed_facts
from firedoor.core.inventory.graph import Node
from firedoor.core.json_types import Json
from firedoor.core.targets import Inventory


def answer(inventory: Inventory, found: Affected, known_facts: Collection[str]) -> dict[str, Json]:
    """The answer: nodes, edges, what is affected by kind, people, proposals, and what is unknown."""
    about, served = people(inventory, found)
    started = {node.key for node in found.starts}
    reached = [node for node in found.nodes if node.key not in started]
    return {
        "starts": [node.key for node in found.starts],
        "nodes": [_node(node) for node in found.nodes],
        "edges": [{"from": edge.start, "to": edge.end, "how": edge.how} for edge in found.edges],
        "affected": {
            "targets": list(found.targets()),
            **{f"{kind}s": [n.id for n in reached if n.kind == kind] for kind in _LISTED},
        },
        "data": [node.id for node in found.data],
        "people_in_data": _counts(about), "people_served": _counts(served),
        "same_data": [node.id for node in found.same_data],
        "owners": _owners(inventory, found), "addressees": list(_addressees(inventory, found)),
        "proposed": {"other_targets": list(found.targets()), "facts": proposed_facts(about, served, known_facts)},
        "as_of": _as_of(found), "left_out": found.left_out, "unknown": list(_unknown(inventory, found)),
    }  # fmt: skip


_LISTED = ("dataset", "run", "model", "region", "customer", "recipient")


def because(found: Affected, target: str) -> str:
    """Why a target is affected: the way from the start to it, in words."""
    steps: list[str] = []
    key = f"target:{target}"
    while key in found.reached_by and len(steps) < 20:
        edge = found.reached_by[key]
        steps.append(f"{_name(edge.start)} {edge.how} {_name(edge.end)}")
        key = edge.start
    return "; ".join(reversed(steps))


def _name(key: str) -> str:
    return key.partition(":")[2]


def _node(node: Node) -> dict[str, Json]:
    return {
        "key": node.key, "kind": node.kind, "id": node.id, "title": node.title, "form": node.form, "owner": node.owner,
        "as_of": node.as_of or None, "described": node.described,
    }  # fmt: skip


def _counts(counts: Mapping[str, Count]) -> dict[str, Json]:
    return {place: write(count) for place, count in counts.items()}


def _owners(inventory: Inventory, found: Affected) -> list[Json]:
    names = dict.fromkeys(node.owner for node in (*found.nodes, *found.data) if node.owner)
    people = ((name, inventory.owners.get(name)) for name in names)
    return [
        {
            "id": name,
            "name": one.name if one else name,
            "role": one.role if one else "",
            "contact": one.contact if one else "",
        }
        for name, one in people
    ]


def _addressees(inventory: Inventory, found: Affected) -> Iterator[dict[str, Json]]:
    """Whom letters may go to; a person decides about each."""
    for node in found.nodes:
        one = inventory.customers.get(node.id) if node.kind == "customer" else inventory.recipients.get(node.id)
        if node.kind in ("customer", "recipient"):
            contact, country = (one.contact, one.country) if one else ("", None)
            yield {"kind": node.kind, "id": node.id, "title": node.title, "contact": contact, "country": country}


def _as_of(found: Affected) -> dict[str, Json]:
    days = sorted(node.as_of for node in found.nodes if node.as_of)
    without = sum(not node.as_of and node.kind not in ("region", "target") for node in found.nodes)
    return {"oldest": days[0] if days else None, "newest": days[-1] if days else None, "without": without}


def _unknown(inventory: Inventory, found: Affected) -> Iterator[str]:
    """What the inventory does not say about what is affected, one sentence each."""
    for node in (*found.nodes, *found.data):
        if not node.described:
            yield f"{node.kind} {node.id} is named in the inventory and not described: what else it reaches is unknown"
    for node in found.data:
        if node.id in inventory.datasets and not inventory.datasets[node.id].people:
            yield f"nobody has said how many people {node.id} is about, and where they live"
    for node in found.of("target"):
        target = inventory.targets.get(node.id)
        if target is not None and not target.model:
            yield f"the inventory does not say which model {node.id} serves"
    if found.of("target") and not found.of("customer"):
        yield "no customer is listed for what is affected: who uses it is unknown"
    if not found.data:
        yield "no data set is listed: whose data are concerned is unknown"
    if found.left_out:
        yield f"{found.left_out} more were reached and are left out: the answer is too large"
