"""Examinations as effects: what is read and kept, which facts follow, and what is said when it cannot be done."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from firedoor.core.journal import Draft, Kind
from firedoor.core.operations import Keep
from firedoor.core.playbook import Drill
from firedoor.core.progress import Instance
from firedoor.core.targets import Artefact, Door, Target
from firedoor.core.turn import Launch
from firedoor.core.view import IncidentView
from firedoor.duties.catalogue import catalogue
from firedoor.runtime import library
from firedoor.runtime.drill import STARTS
from firedoor.runtime.inventory import Organisation
from firedoor.runtime.perform import Performed, perform
from firedoor.runtime.rehearsal import KIND, HandClock, rehearsal_world
from firedoor.runtime.world import World

MANIFEST = {"cut_off": "2026-05-01T00:00:00Z", "records": [{"record": "r1", "subject": "p1"}]}


def world_with(**artefacts: Any) -> World:
    """A rehearsal's world in which these artefacts are read."""
    drill = Drill(drill="x", artefacts=artefacts)
    plan = library.compiled("unauthorized-training")
    return rehearsal_world(plan, drill, catalogue(), HandClock(STARTS), Organisation())[0]


def examine(world: World, name: str, view: IncidentView | None = None) -> Performed:
    """Perform one examination of the target `store`."""
    keep = Keep(id="x", title="x", phase="containment", step="x", source="examination", name=name, target="store")
    return asyncio.run(perform(world, view or IncidentView("INC-1"), Launch(Instance("x", keep), "key", 1)))


def bodies(performed: Performed, kind: Kind) -> list[dict[str, Any]]:
    """The bodies of the entries of one kind."""
    return [draft.body for draft in performed.drafts if isinstance(draft, Draft) and draft.kind == kind]


def test_the_report_is_kept_and_its_inputs_are_not() -> None:
    """The vault holds the report with the digests of what was read; nobody's ledger is copied."""
    world = world_with(consent_ledger=[], training_manifest=MANIFEST)
    performed = examine(world, "consent")
    pieces = list(world.vault.pieces.values())  # type: ignore[attr-defined]
    report = json.loads(pieces[0])
    assert len(pieces) == 1
    assert set(report["inputs"]) == {"consent_ledger", "training_manifest"}
    assert report["people_without_consent"] == 1
    assert bodies(performed, Kind.EVIDENCE)[0]["name"] == "examination: consent of store"
    assert performed.outcome["status"] == "finished"


def test_what_somebody_has_said_stays() -> None:
    """A fact that is known already is not overwritten; one that is not is set, with the reason."""
    view = IncidentView("INC-1", facts={"people_affected": {"min": 5, "max": 9}, "records_affected": None})
    performed = examine(world_with(consent_ledger=[], training_manifest=MANIFEST), "consent", view)
    facts = bodies(performed, Kind.FACTS)[0]
    assert facts["values"] == {"records_affected": 1}
    assert facts["why"].startswith("consent: 1 of 1 people")


def test_a_named_model_becomes_the_target_that_serves_it() -> None:
    """The one target of that model; none when two serve it, because then a person must choose."""
    world = world_with(provenance=[{"model": "image-gen"}])
    doors = (Door(name="door", connector=KIND),)
    world.inventory.targets["store"] = Target.model_construct(
        id="store", doors=doors, model=None, evidence={"provenance": Artefact(url="x")}
    )
    world.inventory.targets["image-eu"] = Target.model_construct(id="image-eu", doors=doors, model="image-gen")
    one = bodies(examine(world, "provenance"), Kind.FACTS)[0]["values"]
    world.inventory.targets["image-us"] = Target.model_construct(id="image-us", doors=doors, model="image-gen")
    two = bodies(examine(world, "provenance"), Kind.FACTS)[0]["values"]
    assert one == {"endpoint": "image-eu", "attribution": "watermark"}
    assert two == {"attribution": "watermark"}


def test_what_cannot_be_read_is_a_problem_for_a_person_at_once() -> None:
    """An artefact that nobody knows, and one of a wrong form, fail for good: trying again does not help."""
    world = world_with(consent_ledger="words", training_manifest=MANIFEST)
    unread = bodies(examine(world, "consent"), Kind.FAILED)[0]
    doors = (Door(name="door", connector=KIND),)
    world.inventory.targets["store"] = Target.model_construct(id="store", doors=doors, evidence={})
    unknown = bodies(examine(world, "consent"), Kind.FAILED)[0]
    assert unread["final"]
    assert "consent_ledger holds no list of entries" in unread["problem"]
    assert unknown["final"]
    assert "the inventory does not say where the consent_ledger of store is read" in unknown["problem"]
