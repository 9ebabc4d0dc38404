"""Examinations as effects: what is read and kept, which facts follow, and what is said when it cannot be done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from firedoor.core.evidence.kinds import Reader, reader_of
from firedoor.core.execution.progress import Instance
from firedoor.core.execution.turn import Launch
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft, Kind
from firedoor.core.playbook.plan import Keep
from firedoor.core.playbook.playbook import Drill
from firedoor.core.targets import Artefact, Door, Target
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.config.container import World
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.execution.perform import Performed, perform
from firedoor.runtime.rehearsal.drill import STARTS
from firedoor.runtime.rehearsal.simulation import KIND, HandClock, rehearsal_world

LEDGER = [
    {"subject": "p1", "purpose": "training", "given_at": "2026-01-01T00:00:00Z", "withdrawn_at": "2026-02-01T00:00:00Z"}
]
MANIFEST = {"cut_off": "2026-05-01T00:00:00Z", "records": [{"record": "r1", "subject": "p1"}]}


def world_with(**artefacts: Any) -> World:
    """A rehearsal's world in which these artefacts are read."""
    drill = Drill(drill="x", artefacts=artefacts)
    plan = playbooks.compiled("unauthorized-training")
    return rehearsal_world(plan, drill, catalogue(), HandClock(STARTS), Organisation())[0]


def examine(world: World, name: str, view: IncidentView | None = None) -> Performed:
    """Perform one examination of the target `store`."""
    keep = Keep(id="x", title="x", phase="containment", step="x", source="examination", name=name, target="store")
    return asyncio.run(perform(world, view or IncidentView("INC-1"), Launch(Instance("x", keep), "key", 1)))


def bodies(performed: Performed, kind: Kind) -> list[Mapping[str, Any]]:
    """The bodies of the entries of one kind."""
    return [draft.body for draft in performed.drafts if isinstance(draft, Draft) and draft.kind == kind]


def test_the_report_is_kept_and_its_inputs_are_not() -> None:
    """The vault holds the report with the digests of what was read, and apart from it who they are; no ledger."""
    world = world_with(consent_ledger=LEDGER, training_manifest=MANIFEST)
    performed = examine(world, "consent")
    pieces = list(world.vault.pieces.values())  # type: ignore[attr-defined]
    people, report = (json.loads(piece) for piece in pieces)
    assert people == [{"subject": "p1", "reason": "withdrawn before the cut-off", "records": ["r1"]}]
    assert "p1" not in str(report)
    assert set(report["inputs"]) == {"consent_ledger", "training_manifest"}
    assert report["people_without_consent"] == 1
    sealed, open_to_all = bodies(performed, Kind.EVIDENCE)
    assert open_to_all["name"] == "examination: consent of store"
    assert (reader_of(sealed), reader_of(open_to_all)) == (Reader.UNSEALED, Reader.WORKING)
    assert "p1" not in str(performed.drafts)
    assert performed.outcome["status"] == "finished"


def test_what_somebody_has_said_stays_and_what_agrees_is_set() -> None:
    """A range that the count lies in stays as it was said; what nobody knew is set, with the method and the match."""
    view = IncidentView("INC-1", facts={"people_affected": {"min": 1, "max": 9}, "records_affected": None})
    performed = examine(world_with(consent_ledger=LEDGER, training_manifest=MANIFEST), "consent", view)
    facts = bodies(performed, Kind.FACTS)[0]
    assert facts["values"] == {"records_affected": 1}
    assert facts["why"].startswith("consent: 1 of 1 people")
    assert "join of ledger and manifest (1 of 1 people of the manifest stand in the ledger)" in facts["why"]


def test_a_finding_that_contradicts_sets_nothing_and_says_both_sides() -> None:
    """Not half of it either; the report is kept, and a person is asked."""
    view = IncidentView("INC-1", facts={"people_affected": {"min": 5, "max": 9}, "records_affected": None})
    performed = examine(world_with(consent_ledger=LEDGER, training_manifest=MANIFEST), "consent", view)
    assert bodies(performed, Kind.FACTS) == []
    assert "people_affected is 5 to 9, and this says 1" in bodies(performed, Kind.FAILED)[0]["problem"]
    assert len(bodies(performed, Kind.EVIDENCE)) == 2


def test_a_count_of_what_hardly_fits_together_is_no_fact() -> None:
    """Addresses in the ledger and digests in the manifest: nobody matches, and nobody is counted as without consent."""
    strangers = [{**LEDGER[0], "subject": "p1@example.org"}]
    performed = examine(world_with(consent_ledger=strangers, training_manifest=MANIFEST), "consent")
    assert bodies(performed, Kind.FACTS) == []
    assert "only 0 of 1 people of the manifest stand in the ledger" in bodies(performed, Kind.FAILED)[0]["problem"]


def test_a_mark_that_names_another_model_puts_both_up_for_closing() -> None:
    """Neither the endpoint nor the attribution is set; the other one becomes the other candidate, with the reason."""
    world = world_with(provenance=[{"model": "image-gen"}])
    door = (Door(name="door", connector=KIND),)
    world.inventory.targets["store"] = Target.model_construct(
        id="store", doors=door, model=None, evidence={"provenance": Artefact(url="x")}
    )
    world.inventory.targets["image-gen"] = Target.model_construct(id="image-gen", doors=door, model="image-gen")
    performed = examine(world, "provenance", IncidentView("INC-1", facts={"endpoint": "image-gen-lora"}))
    (facts,) = bodies(performed, Kind.FACTS)
    assert facts["values"] == {"other_candidate": "image-gen"}
    assert "endpoint is image-gen-lora, and this says image-gen" in facts["why"]
    assert "endpoint is image-gen-lora, and this says image-gen" in bodies(performed, Kind.FAILED)[0]["problem"]


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
    two = bodies(examine(world, "provenance"), Kind.FACTS)
    assert one == {"endpoint": "image-eu", "attribution": "watermark"}
    assert two == []


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
