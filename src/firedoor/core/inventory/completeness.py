"""What an inventory does not say, and would be asked in an incident: owners, models, data, people, dates, probes.

Decides which gaps count, and that every one is a warning with a place: an inventory with gaps works, and answers less.
Leaves what is wrong with targets themselves to `targets`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from firedoor.core.assets import Asset
from firedoor.core.inventory.graph import Graph
from firedoor.core.problems import Problem
from firedoor.core.targets import Inventory

STALE = 365  # days after which nobody should rely on an entry unread


def gaps(inventory: Inventory, graph: Graph, today: date) -> list[Problem]:
    """Every gap, in the order of the file."""
    return [*_targets(inventory), *_datasets(inventory), *_models(inventory, graph), *_parties(inventory),
            *_named_only(graph), *_owners(inventory), *_old(inventory, today)]  # fmt: skip


def _targets(inventory: Inventory) -> Iterator[Problem]:
    used = {name for customer in inventory.customers.values() for name in customer.targets}
    for name, target in inventory.targets.items():
        where = f"targets.{name}"
        if not target.owner:
            yield _gap("I201", f"{where}.owner", f"{name} has no owner", "name who answers for it, an id of `owners`")
        if target.kind in ("endpoint", "model_version", "adapter"):
            if not target.model:
                yield _gap("I202", f"{where}.model", f"{name} does not say which model it serves", "write its `model`")
            if not target.regions:
                yield _gap("I203", f"{where}.regions", f"{name} does not say where it runs", "write its `regions`")
            if inventory.customers and name not in used:
                yield _gap("I204", where, f"no customer of {name} is listed", "add it to `targets` of a customer")


def _datasets(inventory: Inventory) -> Iterator[Problem]:
    for name, dataset in inventory.datasets.items():
        where = f"datasets.{name}"
        if not dataset.owner:
            yield _gap("I201", f"{where}.owner", f"data set {name} has no owner", "name who answers for it")
        if not dataset.purposes:
            yield _gap("I205", f"{where}.purposes", f"data set {name} has no purpose", "write `purposes`")
        for purpose in dataset.purposes:
            if purpose not in dataset.legal_bases:
                what = f"data set {name} has no legal basis for {purpose}"
                yield _gap("I206", f"{where}.legal_bases", what, f"write `legal_bases: {{{purpose}: ...}}`")
        if not dataset.people:
            what = f"nobody has said how many people data set {name} is about, and where they live"
            yield _gap("I207", f"{where}.people", what, "write `people: {DE: 1..500}`; a range is a good answer")
        if not dataset.sources:
            yield _gap(
                "I208", f"{where}.sources", f"data set {name} does not say where it came from", "write `sources`"
            )


def _models(inventory: Inventory, graph: Graph) -> Iterator[Problem]:
    for name, model in inventory.models.items():
        where = f"models.{name}"
        if not model.owner:
            yield _gap("I201", f"{where}.owner", f"model {name} has no owner", "name who answers for it")
        if not any(edge.start.startswith(("dataset:", "run:", "model:")) for edge in graph.up.get(f"model:{name}", ())):
            what = f"model {name} names no data set, run or base: what it was trained on is unknown"
            yield _gap("I209", where, what, "write `run`, `datasets` or `base`")
        if not model.sha256:
            yield _gap("I210", f"{where}.sha256", f"model {name} has no digest", "write the SHA-256 of its weights")
    for name, run in inventory.training_runs.items():
        if not run.datasets:
            what = f"training run {name} names no data set"
            yield _gap("I209", f"training_runs.{name}.datasets", what, "write which data sets it used")


def _parties(inventory: Inventory) -> Iterator[Problem]:
    for section, parties in (("customers", inventory.customers), ("recipients", inventory.recipients)):
        for name, one in parties.items():
            if not one.contact:
                what = f"{section[:-1]} {name} has no contact"
                yield _gap("I211", f"{section}.{name}.contact", what, "write where a letter reaches it")
            if not one.country:
                what = f"{section[:-1]} {name} has no country"
                yield _gap("I212", f"{section}.{name}.country", what, "write its country, such as DE")


def _named_only(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes.values():
        if not node.described:
            what = f"{node.kind} {node.id} is named and not described"
            yield _gap("I213", node.key, what, "describe it, or correct the name")


def _owners(inventory: Inventory) -> Iterator[Problem]:
    """Owners who are nobody's names: a team cannot be called at night."""
    for where, owner in _owned(inventory):
        if owner not in inventory.owners:
            what = f"the owner {owner} of {where} is not described as a person"
            yield _gap("I214", where, what, f"add {owner} to `owners`, with a name and a contact")


def _owned(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for name, target in inventory.targets.items():
        if target.owner:
            yield f"targets.{name}", target.owner
    for where, one in _assets(inventory):
        if one.owner:
            yield where, one.owner


def _old(inventory: Inventory, today: date) -> Iterator[Problem]:
    for where, one in _assets(inventory):
        if one.as_of is None:
            yield _gap("I215", f"{where}.as_of", f"{where} does not say of which day it is", "write `as_of`")
        elif (today - one.as_of).days > STALE:
            yield _gap("I216", f"{where}.as_of", f"{where} is of {one.as_of}, more than a year ago", "look at it again")


def _assets(inventory: Inventory) -> Iterator[tuple[str, Asset]]:
    yield from ((f"datasets.{name}", one) for name, one in inventory.datasets.items())
    yield from ((f"training_runs.{name}", one) for name, one in inventory.training_runs.items())
    yield from ((f"models.{name}", one) for name, one in inventory.models.items())
    yield from ((f"customers.{name}", one) for name, one in inventory.customers.items())
    yield from ((f"recipients.{name}", one) for name, one in inventory.recipients.items())


def _gap(code: str, where: str, what: str, do: str) -> Problem:
    return Problem(code=code, field=where, message=what, do=do, severity="warning")
