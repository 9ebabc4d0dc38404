"""What one door lists, every other door lists: the command line, the server, the console and a worker's own world."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.core.pages import page
from tests.support.api_house import House, house
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import Runtime

JSON = {"content-type": "application/json"}
MAPPING = "source: help-desk\nfields: {id: /ticket}\nauthentication: [bearer, hmac]\n"
BROKEN = "source: broken\nfields: {title: /x}\n"
INVENTORY = """
targets:
  chat:
    doors:
      - name: gate
        connector: http
        config:
          capture: {url: "http://127.0.0.1:9/models/{{ target.id }}"}
          state: {state: /state}
          closed: {at: /state, values: [suspended]}
          suspend: {method: PUT, url: "http://127.0.0.1:9/models/{{ target.id }}", json: {state: suspended}}
          resume: {method: PUT, url: "http://127.0.0.1:9/models/{{ target.id }}", json: {state: active}}
"""


@pytest.fixture(name="data")
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a mapping, a broken one, a playbook of one's own, and a target."""
    data = tmp_path / "data"
    (data / "mappings").mkdir(parents=True)
    (data / "mappings" / "help-desk.yaml").write_text(MAPPING)
    (data / "mappings" / "broken.yaml").write_text(BROKEN)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "small.yaml").write_text(page())
    monkeypatch.setenv("FIREDOOR_PLAYBOOKS", str(tmp_path / "playbooks"))
    return data


@pytest.fixture(name="built")
async def _built(data: Path) -> AsyncIterator[House]:
    async with house(data) as built:
        yield built


async def listed(client: httpx.AsyncClient, path: str, *keys: str) -> set[str]:
    """What the API lists at an address, by the last key."""
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return {str(one[keys[1]]) for one in answer.json()[keys[0]]}


async def shown(built: House, path: str, pattern: str) -> set[str]:
    """What a page of the console shows."""
    answer = await built.local.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return set(re.findall(pattern, answer.text))


def said(firedoor: Firedoor, *words: str) -> Any:
    """What a command lists."""
    return firedoor(*words, "--format", "json").json


async def test_sources(built: House, firedoor: Firedoor, data: Path) -> None:
    """Mapped ones too; and a broken mapping is named at each door that lists them."""
    told = await asyncio.to_thread(said, firedoor, "alert", "sources")
    names = {one["source"] for one in told["sources"]}
    assert names >= {"help-desk", "generic"}
    assert await listed(built.local, "alert-sources", "sources", "id") == names
    assert await shown(built, "/sources", r"/api/v1/alerts/([\w-]+)") == names
    worker = await asyncio.to_thread(Runtime, Settings(data_dir=data, prefect=False))
    assert set(worker.service.sources) == names
    broken = (await built.local.get("/api/v1/alert-sources")).json()["broken"]
    assert [Path(one["file"]).name for one in broken] == [Path(path).name for path in told["broken"]] == ["broken.yaml"]
    assert "broken.yaml" in built.runtime.health()["parts"]["sources"]


async def test_every_source_that_is_listed_takes_deliveries(built: House) -> None:
    """No source is known in the list and unknown at the door: each refuses a body for what it is, and not with 404."""
    sender = built.holding("our detectors", "source")
    for name in await listed(built.local, "alert-sources", "sources", "id"):
        answer = await sender.post(
            f"/api/v1/alerts/{name}", content=b"no", headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422, (name, answer.text)


async def test_playbooks(built: House, firedoor: Firedoor, data: Path) -> None:
    """One's own folder counts everywhere."""
    names = await listed(built.local, "playbooks", "playbooks", "name")
    assert names == {"small"}
    assert await shown(built, "/playbooks", r'href="/playbooks/([\w-]+)"') == names
    drilled = await asyncio.to_thread(said, firedoor, "drill")
    assert {one["playbook"] for one in drilled} == names
    worker = await asyncio.to_thread(Runtime, Settings(data_dir=data, prefect=False))
    assert set(worker.shelf.plans) == names


async def test_duties(built: House, firedoor: Firedoor) -> None:
    """The command line and the API list the whole catalogue; the console shows the stages on the page of their duty."""
    names = await listed(built.local, "duties", "duties", "id")
    told = await asyncio.to_thread(said, firedoor, "duties", "list")
    assert {one["id"] for one in (told["duties"] if isinstance(told, dict) else told)} == names
    whole = {duty.id for duty in built.runtime.world.catalogue.values() if not duty.stage_of}
    assert await shown(built, "/duties", r'href="/duties/([\w.-]+)"') == whole
    assert names == set(built.runtime.world.catalogue)


async def test_what_is_said_of_a_connector_is_the_same(built: House, firedoor: Firedoor, data: Path) -> None:
    """A target that the API lists is listed by the command line and the console; its connector is one we have."""
    assert await listed(built.local, "targets", "targets", "id") == set()
    (data / "targets.yaml").write_text(INVENTORY)
    async with house(data) as again:
        names = await listed(again.local, "targets", "targets", "id")
        assert names == {"chat"}
        assert set(again.runtime.world.connectors) >= {"http"}
        assert await shown(again, "/targets", r'href="/targets/([\w-]+)"') == names
        again.runtime.settings.server_file.unlink()  # nobody listens there: the command looks for itself
        told = await asyncio.to_thread(said, firedoor, "targets")
        assert {one["id"] for one in (told["targets"] if isinstance(told, dict) else told)} == names
