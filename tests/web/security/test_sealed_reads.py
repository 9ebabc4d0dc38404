"""Who read facts about victims is on record: on the console and over the API, once an hour, and nobody else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.store.test_storage_faults import READ_ONLY, Fault
from tests.support.api_house import House, house

from firedoor.interfaces.web.security.route_table import V1

SECRET = "a name that nobody else has"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def reads(built: House, incident: str) -> list[str]:
    """The people on record."""
    answer = await built.holding("cas", "commander").get(f"{V1}/incidents/{incident}/sealed-reads")
    assert answer.status_code == 200, answer.text
    return [line["person"] for line in answer.json()["reads"]]


async def sealed(built: House) -> str:
    """An incident with a sealed fact."""
    world = built.runtime.world
    plan = built.runtime.shelf.plans["nonconsensual-generation"]
    name, value = next(
        (name, SECRET) for name, one in world.definitions(plan).items() if one.sealed and str(one.type) == "text"
    )
    incident = await built.open("nonconsensual-generation")
    given: dict[str, Any] = {"facts": {name: value}, "why": "the person told us"}
    answer = await built.local.post(f"{V1}/incidents/{incident}/facts", json=given)
    assert answer.status_code == 200, answer.text
    return incident


async def test_whoever_sees_what_is_sealed_is_on_record(built: House) -> None:
    """The DPO reads twice and stands there once; engineering, from whom it is covered, does not."""
    incident = await sealed(built)
    dpo, engineer = built.holding("dee", "dpo"), built.holding("eng", "engineering")
    for client in (dpo, dpo, engineer):
        assert (await client.get(f"{V1}/incidents/{incident}")).status_code == 200
    assert await reads(built, incident) == ["dee"]


async def test_a_page_counts_like_a_program(built: House) -> None:
    """The console's page of the incident is a read, too."""
    incident = await sealed(built)
    legal = built.holding("lea", "legal")
    assert (await legal.get(f"/incidents/{incident}", headers={"accept": "text/html"})).status_code == 200
    assert await reads(built, incident) == ["lea"]


@pytest.mark.parametrize("way", [f"{V1}/incidents", "/incidents"], ids=["api", "console"])
async def test_what_was_sealed_and_is_unknown_now_is_still_read(built: House, way: str) -> None:
    """The history tells it for ever; so whoever reads it is on record, and it stays covered from the others."""
    incident = await sealed(built)
    facts = (await built.local.get(f"{V1}/incidents/{incident}/facts")).json()["facts"]
    name = next(one["name"] for one in facts if one.get("value") == SECRET)
    given = {"facts": {name: "unknown"}, "why": "it was somebody else"}
    assert (await built.local.post(f"{V1}/incidents/{incident}/facts", json=given)).status_code == 200
    seen = [await built.holding(who, who).get(f"{way}/{incident}/timeline") for who in ("dpo", "engineering")]
    assert [SECRET in one.text for one in seen] == [True, False]
    assert "dpo" in await reads(built, incident)


async def test_where_nothing_is_sealed_nobody_is_on_record(built: House) -> None:
    """An incident without such facts is read like any other."""
    incident = await built.open()
    assert (await built.holding("dee", "dpo").get(f"{V1}/incidents/{incident}")).status_code == 200
    assert await reads(built, incident) == []


@pytest.mark.parametrize("way", [f"{V1}/incidents", "/incidents"], ids=["api", "console"])
async def test_what_cannot_be_written_down_stays_covered(built: House, way: str) -> None:
    """On a database that takes nothing more an incident is still read, without what is sealed."""
    incident = await sealed(built)
    dpo = built.holding("dee", "dpo")
    fault = Fault(built.runtime.world.store.engine, *READ_ONLY)
    blind = await dpo.get(f"{way}/{incident}")
    fault.mend()
    seeing = await dpo.get(f"{way}/{incident}")
    assert (blind.status_code, seeing.status_code) == (200, 200)
    assert (SECRET in blind.text, SECRET in seeing.text) == (False, True)
    assert await reads(built, incident) == ["dee"]
