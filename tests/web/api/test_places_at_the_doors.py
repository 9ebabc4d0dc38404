"""A word that names no place is refused, or named as left out, at each door by which facts come in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.api_house import LEAK, House, house

from firedoor.core.alerts.intake import usable
from firedoor.duties.catalogue import catalogue

WRONG, MEANT = ["Germny"], 'did you mean "DE"?'


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def test_at_the_start(built: House) -> None:
    """The incident is not opened; whoever sent it hears what was meant."""
    body = {"playbook": LEAK, "facts": {"jurisdictions": WRONG, "endpoint": "chat-large"}, "why": "a call"}
    answer = await built.local.post("/api/v1/incidents", json=body)
    assert answer.status_code == 422
    assert MEANT in str(answer.json()), answer.text


async def test_when_facts_are_added(built: House) -> None:
    """Nothing is written."""
    incident = await built.open(endpoint="chat-large", severity="high")
    answer = await built.local.post(
        f"/api/v1/incidents/{incident}/facts", json={"facts": {"jurisdictions": WRONG}, "why": "asked"}
    )
    assert answer.status_code == 422
    assert MEANT in str(answer.json()), answer.text


def test_in_an_alert() -> None:
    """The alert is taken, and what was left out is said."""
    values, said = usable({"jurisdictions": WRONG, "serves": ["DE"]}, catalogue().facts)
    assert values == {"serves": ["DE"]}
    assert "jurisdictions was left out" in said[0]
