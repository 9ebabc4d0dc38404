"""Two installations on one real Prefect server: their incidents have the same names, and never the same run."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.patience import stop
from tests.support.outside import house

from firedoor.runtime.prefect.runs import Runs
from firedoor.runtime.prefect.work_pool import Pool, PoolTaken, claim
from firedoor.store.incidents import leases
from firedoor.store.incidents.installation import installation_id
from firedoor.testing.house import House

PLAYBOOK = "model-data-leakage"


def two(folder: Path) -> tuple[House, House]:
    """Two houses that know nothing of each other."""
    for name in ("one", "other"):
        (folder / name).mkdir()
    return house(folder / "one"), house(folder / "other")


@asynccontextmanager
async def prefect(rig: Any) -> AsyncIterator[Any]:
    """A client of the rig's server, in the loop of the test."""
    from prefect.client.orchestration import PrefectClient

    async with PrefectClient(rig.bridge.settings.api_url, auth_string=rig.bridge.settings.password) as client:
        yield client


def runs_of(client: Any, here: House) -> Runs:
    """The flow runs as that house's bridge has them: the ids are kept in its store."""

    async def recall(incident: str) -> str | None:
        return await asyncio.to_thread(leases.flow_run, here.store, incident)

    async def remember(incident: str, flow_run: str) -> None:
        await asyncio.wrap_future(leases.set_flow_run(here.store, incident, flow_run))

    return Runs(client, recall, remember, installation_id(here.store))


def test_an_installation_keeps_its_name(tmp_path: Path) -> None:
    """Every process of one database has the same one, and another database another one."""
    one, other = two(tmp_path)
    names = {installation_id(one.store), installation_id(one.again().store), installation_id(one.store)}
    assert len(names) == 1
    assert installation_id(other.store) not in names
    one.close()
    other.close()


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_two_installations_have_a_run_each(rig: Any, tmp_path: Path) -> None:
    """Both call their first incident the same; each has its own run, and finds it again."""
    deployed = rig.bridge.session.deployed[PLAYBOOK]
    houses = two(tmp_path)
    names = [(await here.opened(endpoint="chat-large"))[0].incident for here in houses]
    assert names[0] == names[1]
    async with prefect(rig) as client:
        made = [await runs_of(client, here).ensure(names[0], deployed) for here in houses]
        again = [await runs_of(client, here).ensure(names[0], deployed) for here in houses]
    assert made[0].id != made[1].id
    assert [run.id for run in again] == [run.id for run in made]
    for here in houses:
        here.close()


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_a_run_of_an_earlier_version_is_still_the_incidents_run(rig: Any, tmp_path: Path) -> None:
    """It was made under the incident's name alone; its id is kept with the incident, and that finds it."""
    here, deployed = house(tmp_path), rig.bridge.session.deployed[PLAYBOOK]
    incident = (await here.opened(endpoint="chat-large"))[0].incident
    async with prefect(rig) as client:
        old = await client.create_flow_run_from_deployment(
            deployed.id, parameters={"incident": incident}, name=incident, idempotency_key=incident
        )
        leases.set_flow_run(here.store, incident, str(old.id)).result()
        assert (await runs_of(client, here).ready(incident, deployed)).id == old.id
    here.close()


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_a_work_pool_is_one_installations(rig: Any) -> None:
    """Whoever comes first has it, again and again; one that bears no name is taken; on a private server it moves on."""
    from prefect.client.schemas.actions import WorkPoolCreate

    async with prefect(rig) as client:
        await client.create_work_pool(WorkPoolCreate(name="of-an-earlier-version", type="process"))
        for name in ("of-an-earlier-version", "new"):
            for _ in range(2):
                await claim(client, Pool(name, "0000aaaa"))
            with pytest.raises(PoolTaken, match="belongs to installation 0000aaaa"):
                await claim(client, Pool(name, "0000bbbb"))
            await claim(client, Pool(name, "0000bbbb", private=True))
            with pytest.raises(PoolTaken):
                await claim(client, Pool(name, "0000aaaa"))


Serve = Callable[..., httpx.Client]


@pytest.fixture(name="serve")
def _serve(rig: Any, tmp_path: Path) -> Iterator[Serve]:
    """Start servers of another installation at the rig's Prefect."""
    started: list[subprocess.Popen[bytes]] = []

    def serve(**settings: str) -> httpx.Client:
        own = {"FIREDOOR_DATA_DIR": str(tmp_path), "PREFECT_API_URL": rig.bridge.settings.api_url, **settings}
        command = [sys.executable, "-m", "firedoor.interfaces.cli.main", "serve", "--port", "0"]
        (tmp_path / "server.json").unlink(missing_ok=True)
        started.append(subprocess.Popen(command, env={**os.environ, **own}, stdout=subprocess.DEVNULL))
        return httpx.Client(trust_env=False, timeout=20)

    yield serve
    for process in started:
        stop(process)


async def word_of(client: httpx.Client, folder: Path, rig: Any, *words: str) -> str:
    """What that server says of its Prefect, once it is one of these words; the client then speaks to it."""

    async def said() -> str | None:
        if not (folder / "server.json").exists():
            return None
        note = json.loads((folder / "server.json").read_text())
        client.base_url, client.headers["authorization"] = note["url"], f"Bearer {note['token']}"
        try:
            word = (await asyncio.to_thread(client.get, "/readyz")).json()["parts"]["prefect"]
        except httpx.TransportError:
            return None
        return word if word in words else None

    return str(await rig.until(said))


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_a_second_installation_leaves_the_firsts_pool_alone(rig: Any, serve: Serve, tmp_path: Path) -> None:
    """It runs without Prefect and says so; with a pool of its own, a run from its form asks its own people."""
    before = set(rig.host.opened)
    with serve() as second:
        assert await word_of(second, tmp_path, rig, "taken", "ready") == "taken"
        opened = second.post("/api/v1/incidents", json={"playbook": PLAYBOOK, "facts": {}, "why": "a test"})
        assert opened.status_code == 201
    (tmp_path / "again").mkdir()
    with serve(FIREDOOR_DATA_DIR=str(tmp_path / "again"), FIREDOOR_PREFECT_WORK_POOL="emea") as third:
        assert await word_of(third, tmp_path / "again", rig, "taken", "ready") == "ready"
        deployment = (await rig.api.get(f"/deployments/name/{PLAYBOOK}/emea")).json()["id"]
        await rig.post(f"/deployments/{deployment}/create_flow_run", parameters={})

        async def alerts() -> Any:
            return third.get("/api/v1/alerts").json()["alerts"]

        assert [one["decision"] for one in await rig.until(alerts)] == ["ask"]
    assert set(rig.host.opened) == before
