"""Attack: whose data a model was trained on. The report named every person, and engineering downloaded it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import House, house, problems
from tests.web.security.test_sealed_reads import reads

from firedoor.core.evidence.kinds import READERS, EvidenceKind, Reader, reader_of
from firedoor.core.execution.progress import Instance
from firedoor.core.execution.turn import Launch
from firedoor.core.journal import Content, Draft, Kind
from firedoor.core.playbook.plan import Keep
from firedoor.core.playbook.playbook import Drill
from firedoor.core.problems import NotPermitted
from firedoor.core.targets import Inventory
from firedoor.duties.catalogue import catalogue
from firedoor.interfaces.cli.incidents import bundle
from firedoor.interfaces.cli.terminal.client import Api
from firedoor.runtime.config import playbooks
from firedoor.runtime.execution.preserve import keep
from firedoor.runtime.rehearsal.drill import rehearse_all

V1 = "/api/v1"
PEOPLE = ("subject-7731-ada", "subject-7732-grace")
LEDGER: dict[str, Any] = {
    "entries": [{"subject": name, "purpose": "newsletter", "given_at": "2026-01-01T00:00:00Z"} for name in PEOPLE]
}
MANIFEST = {
    "cut_off": "2026-05-01T00:00:00Z",
    "records": [{"record": f"r{number}", "subject": name} for number, name in enumerate(PEOPLE)],
}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "data") as built:
        yield built


async def examined(built: House, folder: Path) -> tuple[str, Content, Content]:
    """An incident in which the real ledger and manifest were compared; the list of people, and the report."""
    for name, content in (("consent_ledger", LEDGER), ("training_manifest", MANIFEST)):
        (folder / name).write_text(json.dumps(content))
    evidence = {name: {"file": str(folder / name)} for name in ("consent_ledger", "training_manifest")}
    target = {"kind": "endpoint", "doors": [{"name": "door", "connector": "http"}], "evidence": evidence}
    world = built.runtime.world
    world.inventory.targets["store"] = Inventory.model_validate({"targets": {"store": target}}).targets["store"]
    incident = await built.open("unauthorized-training")
    operation = Keep(
        id="x", title="x", phase="containment", step="x", source="examination", name="consent", target="store"
    )
    view = await asyncio.to_thread(world.view, incident)
    drafts, _ = await keep(world, view, Launch(Instance("x", operation), "key", 1), operation)
    await asyncio.wrap_future(world.store.append(incident, drafts, datetime.now(UTC)))
    people, report = (draft.body for draft in drafts if draft.kind == Kind.EVIDENCE)
    return incident, people, report


async def test_engineering_reads_the_counts_and_not_the_people(built: House, tmp_path: Path) -> None:
    """Those who may know read the list, and that they did is on record as it is for a sealed fact."""
    incident, people, report = await examined(built, tmp_path)
    at, engineer, dpo = f"{V1}/incidents/{incident}", built.holding("eng", "engineering"), built.holding("dee", "dpo")
    assert (await engineer.get(f"{at}/evidence/{report['sha256']}")).json()["people_without_consent"] == 2
    refused = await engineer.get(f"{at}/evidence/{people['sha256']}")
    assert (refused.status_code, problems(refused)) == (403, ["W103"])
    assert await reads(built, incident) == []
    read = await dpo.get(f"{at}/evidence/{people['sha256']}", params={"why": "to write to them"})
    assert [one["subject"] for one in read.json()] == list(PEOPLE)
    assert await reads(built, incident) == ["dee"]
    for path in (
        at,
        f"{at}/facts",
        f"{at}/timeline",
        f"{at}/evidence",
        f"{at}/journal",
        f"{at}/export",
        f"{at}/report",
    ):
        told = await dpo.get(path)
        assert (told.status_code, PEOPLE[0] in told.text) == (200, False), path


async def test_no_bag_holds_the_people_whoever_packs_it(built: House, tmp_path: Path) -> None:
    """Only counts leave; what was withheld is named, and the bag verifies."""
    incident, people, _ = await examined(built, tmp_path)
    for name, role in (("eng", "engineering"), ("dee", "dpo")):
        bag = tmp_path / f"bag-{role}"
        made = await bundle.export(Api(built.holding(name, role)), incident, bag, "for the authority")
        assert [one["sha256"] for one in made["withheld"]] == [people["sha256"]]
        assert bundle.faults(bag)[2] == []
        assert not [file for file in bag.rglob("*") if file.is_file() and PEOPLE[0].encode() in file.read_bytes()]


async def test_a_report_of_an_earlier_version_is_read_by_the_same_few(built: House) -> None:
    """Its people stand in the report itself, which had no kind then."""
    incident, world = await built.open("unauthorized-training"), built.runtime.world
    kept = world.vault.put(json.dumps({"subjects": [{"subject": PEOPLE[0]}]}).encode())
    body = {
        "op": "x", "name": "examination: consent of store", "sha256": kept.sha256, "size": kept.size, "source": "x",
        "mode": "vault", "media_type": "application/json", "taken_at": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    draft = Draft(Kind.EVIDENCE, "firedoor", body)
    await asyncio.wrap_future(world.store.append(incident, [draft], datetime.now(UTC)))
    at = f"{V1}/incidents/{incident}/evidence/{kept.sha256}"
    assert (await built.holding("eng", "engineering").get(at)).status_code == 403
    assert (await built.holding("dee", "dpo").get(at)).status_code == 200
    with pytest.raises(NotPermitted):
        await Api(built.holding("eng", "engineering")).send("GET", f"/incidents/{incident}/evidence/{kept.sha256}")


def test_every_kind_of_evidence_has_a_rule() -> None:
    """A kind that is added without one fails here; one that nobody knows is read by the fewest."""
    assert set(READERS) == set(EvidenceKind)
    assert reader_of({"kind": "a-new-kind", "name": "x"}) is Reader.UNSEALED


@pytest.mark.parametrize("name", ["model-data-leakage", "nonconsensual-generation", "unauthorized-training"])
def test_every_piece_that_a_playbook_keeps_has_a_known_kind(name: str) -> None:
    """In all of its drills, from the alert to the last letter."""
    read, plan = playbooks.load_playbook(name), playbooks.compiled(name)
    assert [one for one in read.header.drills if not isinstance(one, Drill)] == []
    for drill in read.header.drills:
        for rehearsed in rehearse_all(read, plan, catalogue(), drill.drill):
            kept = [entry.body for entry in rehearsed.entries if entry.kind == Kind.EVIDENCE]
            assert [body["name"] for body in kept if body.get("kind") not in set(EvidenceKind)] == []
