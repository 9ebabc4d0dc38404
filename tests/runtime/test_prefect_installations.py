"""Two installations on one real Prefect server: their incidents have the same names, and never the same run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.outside import house

from firedoor.runtime.prefect_runs import Runs
from firedoor.store import drives
from firedoor.store.installation import installation_id
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

    async with PrefectClient(rig.bridge.settings.api_url) as client:
        yield client


def runs_of(client: Any, here: House) -> Runs:
    """The flow runs as that house's bridge has them: the ids are kept in its store."""

    async def recall(incident: str) -> str | None:
        return await asyncio.to_thread(drives.flow_run, here.store, incident)

    async def remember(incident: str, flow_run: str) -> None:
        await asyncio.wrap_future(drives.set_flow_run(here.store, incident, flow_run))

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
        drives.set_flow_run(here.store, incident, str(old.id)).result()
        assert (await runs_of(client, here).ready(incident, deployed)).id == old.id
    here.close()
