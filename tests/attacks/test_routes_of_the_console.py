"""Attack: the pages, their files, and what Slack calls, called as everybody.

Every route that is found in the application x no token x each role x an incident of one's own and a foreign one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.attacks.route_matrix import OWN, differences, is_api
from tests.support.api_house import House, house

from firedoor.interfaces.web.access_page import found_routes

ROUTES = [route for route in found_routes() if not is_api(route[1])]


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(f"roles: [{OWN}]\n")
    async with house(tmp_path) as built:
        yield built


async def test_an_open_incident_is_answered_as_the_table_says(built: House) -> None:
    """Whoever has no role for it is refused before anything is looked at; whoever has one gets through."""
    assert await differences(built, ROUTES, await built.open(), foreign=False) == []


async def test_a_foreign_incident_is_closed_to_every_role(built: House) -> None:
    """Whatever the role: who need not know is told that it exists, and nothing more."""
    incident = await built.open()
    readers = {"people": ["nobody.of.these@example.org"], "why": "the person concerned is a colleague"}
    answer = await built.local.post(f"/api/v1/incidents/{incident}/readers", json=readers)
    assert answer.status_code == 200, answer.text
    of_incidents = [route for route in ROUTES if "{incident}" in route[1]]
    assert await differences(built, of_incidents, incident, foreign=True) == []
