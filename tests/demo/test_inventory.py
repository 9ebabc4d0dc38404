"""Every door of the demonstration closes, is proved closed and opens again; every artefact can be kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.patience import stop, until

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.examinations import EXAMINATIONS
from firedoor.core.targets import Inventory
from firedoor.core.ternary import YES
from firedoor.demo.targets import demo_inventory
from firedoor.runtime.config.secrets import ReferencedSecrets

KEYS = {"FIREDOOR_DEMO_API_KEY": "caller-key", "FIREDOOR_DEMO_ADMIN_KEY": "admin-key"}
DOORS = [(name, door.name) for name, target in demo_inventory("http://x").targets.items() for door in target.doors]
OF = {
    "provenance": "gallery", "hashes": "gallery", "audit": "gallery", "scores": "image-gen", "consent": "chat-large",
}  # fmt: skip
ARTEFACTS = [(name, kept) for name, target in demo_inventory("http://x").targets.items() for kept in target.evidence]


@pytest.fixture(scope="module", name="inventory")
def _inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    ready = tmp_path_factory.mktemp("demo") / "ready.json"
    command = [sys.executable, "-m", "firedoor.demo.model_server", "--ready-file", str(ready), "--with-parent"]
    process = subprocess.Popen(command, env={**os.environ, **KEYS})
    until(ready.exists, process, "the model server does not start")
    yield demo_inventory(json.loads(ready.read_text())["url"])
    stop(process)


@pytest.mark.parametrize(("name", "door_name"), DOORS)
async def test_a_door_closes_is_proved_and_opens(inventory: Inventory, name: str, door_name: str) -> None:
    """Callers are refused behind this one door, neighbours are served, and afterwards all are served."""
    target = inventory.targets[name]
    door = next(door for door in target.doors if door.name == door_name)
    async with open_client() as client:
        context = ConnectorContext(client, ReferencedSecrets(KEYS), lambda: datetime.now(UTC), inventory)
        http = OpenConnectors(context)[door.connector]
        snapshot = await http.capture_state(target, door)
        receipt = await http.suspend(target, door, snapshot, f"close-{name}-{door_name}")
        closed = await http.verify(target, door, "refused")
        await http.resume(target, door, snapshot, f"open-{name}-{door_name}", receipt)
        opened = await http.verify(target, door, "serving")
    assert (closed.holds, closed.notes) == (YES, ())
    assert (opened.holds, opened.notes) == (YES, ())


@pytest.mark.parametrize(("name", "artefact"), ARTEFACTS)
async def test_an_artefact_can_be_kept(inventory: Inventory, name: str, artefact: str) -> None:
    """It is there, it is not empty, and it is held only where the inventory says so."""
    target = inventory.targets[name]
    async with open_client() as client:
        context = ConnectorContext(client, ReferencedSecrets(KEYS), lambda: datetime.now(UTC), inventory)
        kept = await OpenConnectors(context)["http"].collect(target, artefact)
    assert kept.size > 1
    assert (kept.content is None) == (target.evidence[artefact].keep == "digest")
    assert "admin-key" not in str(kept.content)


@pytest.mark.parametrize("name", ["user-posts", "public-pages", "gallery"])
async def test_what_a_closed_share_held_can_still_be_kept(inventory: Inventory, name: str) -> None:
    """Recipients are refused, and the owner reads on: closing first does not cost the evidence."""
    target = inventory.targets[name]
    artefact = "shared_rows" if "shared_rows" in target.evidence else "content_listing"
    async with open_client() as client:
        context = ConnectorContext(client, ReferencedSecrets(KEYS), lambda: datetime.now(UTC), inventory)
        http = OpenConnectors(context)["http"]
        before = await http.collect(target, artefact)
        snapshot = await http.capture_state(target, target.doors[0])
        receipt = await http.suspend(target, target.doors[0], snapshot, f"close-{name}")
        assert (await http.verify(target, target.doors[0], "refused")).holds is YES
        assert (await http.collect(target, artefact)).digest == before.digest
        await http.resume(target, target.doors[0], snapshot, f"open-{name}", receipt)


@pytest.mark.parametrize(("examination", "name"), list(OF.items()))
async def test_every_examination_of_the_playbooks_can_be_made_here(
    inventory: Inventory, examination: str, name: str
) -> None:
    """The inventory says where each input is read, and what is read has the form that the examination takes."""
    target = inventory.targets[name]
    wanted = EXAMINATIONS[examination]
    async with open_client() as client:
        context = ConnectorContext(client, ReferencedSecrets(KEYS), lambda: datetime.now(UTC), inventory)
        http = OpenConnectors(context)["http"]
        kept = {artefact: await http.collect(target, artefact) for artefact in wanted.inputs}
    finding = wanted.examine({artefact: json.loads(one.content or b"") for artefact, one in kept.items()})
    assert finding.summary
