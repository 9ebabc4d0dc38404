"""Lists that are cut say where they go on: over HTTP page by page, and on the command line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import House, house, problems
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

MANY = 7
ALERT = {"severity": "low", "title": "a finding", "model": "chat-large"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        for number in range(MANY):
            await built.open(endpoint=f"model-{number}", severity="low")
            body = {**ALERT, "id": f"finding-{number}"}
            assert (await built.local.post("/api/v1/alerts/generic", json=body)).status_code == 202
        yield built


async def pages(built: House, path: str, name: str, limit: int) -> list[list[dict[str, Any]]]:
    """Every page of a list, as somebody reads it who knows only `next`."""
    found: list[list[dict[str, Any]]] = []
    after = None
    while after is not None or not found:
        query = {"limit": limit} | ({} if after is None else {"after": after})
        answer = await built.local.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()[name])
        after = answer.json()["next"]
    return found


@pytest.mark.parametrize("name", ["incidents", "alerts", "tasks", "messages"])
async def test_every_row_comes_once_however_small_the_pages(built: House, name: str) -> None:
    """Without a gap, without a row twice, in the order of the whole list, and with an end."""
    (whole,) = await pages(built, f"/api/v1/{name}", name, 1000)
    assert len(whole) >= (0 if name == "messages" else MANY)
    for limit in (1, 3, len(whole) or 1):
        cut = await pages(built, f"/api/v1/{name}", name, limit)
        assert [row for page in cut for row in page] == whole
        assert all(len(page) == limit for page in cut[:-1])


async def test_what_comes_meanwhile_moves_no_page(built: House) -> None:
    """A new incident stands before the first page, and pushes nothing onto the second that was on the first."""
    first = (await built.local.get("/api/v1/incidents", params={"limit": 3})).json()
    new = await built.open(endpoint="another", severity="low")
    rest = (await built.local.get("/api/v1/incidents", params={"after": first["next"]})).json()
    ids = [row["id"] for row in (*first["incidents"], *rest["incidents"])]
    assert len(set(ids)) == len(ids) == MANY
    assert new not in ids


async def test_evidence_goes_on_where_it_was_cut(built: House) -> None:
    """A piece is counted in the order of keeping."""
    incident = (await built.local.get("/api/v1/incidents?limit=1")).json()["incidents"][0]["id"]
    at = f"/api/v1/incidents/{incident}/evidence"
    for number in range(3):
        kept = {"name": f"post {number}", "why": "reported", "locators": [f"post/{number}"]}
        assert (await built.local.post(f"{at}/locators", json=kept)).status_code == 201
    whole = (await built.local.get(at)).json()
    assert whole["next"] is None
    first = (await built.local.get(at, params={"limit": 2})).json()
    rest = (await built.local.get(at, params={"after": first["next"]})).json()
    assert first["evidence"] + rest["evidence"] == whole["evidence"]


@pytest.mark.parametrize("name", ["incidents", "alerts", "tasks", "messages"])
@pytest.mark.parametrize("after", ["x", "W10", "WyJ4Il0", "bnVsbA", "W251bGxd", "=" * 500, "\u00e9", "W1tdXQ"])
async def test_what_is_no_place_is_refused(built: House, name: str, after: str) -> None:
    """Letters that nobody gave out: a problem with words, never a fault."""
    assert problems(await built.local.get(f"/api/v1/{name}", params={"after": after})) == ["W137"]


def test_the_command_line_says_how_a_list_goes_on(firedoor: Firedoor) -> None:
    """What is cut is said, with the command that shows the rest."""
    for _ in range(3):
        assert firedoor("run", "model-data-leakage", "--fact", "severity=low", "--why", "a call").code == 0
    cut = firedoor("incidents", "--limit", "2")
    assert cut.out.count("INC-") == 2
    command = cut.out.split("more results: firedoor ")[1].split()
    rest = firedoor(*command)
    assert rest.out.count("INC-") == 1
    assert "there are more" not in rest.out
    page = json.loads(firedoor("tasks", "--limit", "1", "--format", "json").out)
    assert (len(page["tasks"]), bool(page["next"])) == (1, True)
    assert "more results: firedoor journal INC-2026-0001 --after 2" in (
        firedoor("journal", "INC-2026-0001", "--limit", "2").out
    )
