"""What nobody has said stays unknown, at every place that shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import LEAK, House, house

HTML = {"accept": "text/html"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "data") as built:
        yield built


async def shown(built: House, incident: str) -> dict[str, Any]:
    """The severity of an incident, as each place shows it."""
    api = {}
    for name, path in (("detail", f"incidents/{incident}"), ("report", f"incidents/{incident}/report?format=json")):
        answer = await built.local.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        api[name] = answer.json()
    (row,) = (await built.local.get("/api/v1/incidents")).json()["incidents"]
    figures = (await built.local.get("/api/v1/figures")).json()
    return {
        "detail": api["detail"]["severity"], "list": row["severity"],
        "report": (api["report"].get("incident") or api["report"])["severity"],
        "figures": [name for name, count in figures["by_severity"].items() if count],
    }  # fmt: skip


async def test_a_severity_that_nobody_has_said_is_unknown_everywhere(built: House) -> None:
    """In the list, the page, the report and the figures; the word for it counts as soon as somebody says it."""
    incident = await built.open(LEAK)
    assert await shown(built, incident) == {
        "detail": "unknown", "list": "unknown", "report": "unknown", "figures": ["unknown"],
    }  # fmt: skip
    for path in ("/", "/incidents?severity=unknown", f"/incidents/{incident}"):
        page = (await built.local.get(path, headers=HTML)).text
        assert "sev-unknown" in page, path
        assert 'sev-medium">medium' not in page, path
    timeline = (await built.local.get(f"/api/v1/incidents/{incident}/timeline")).text
    assert "severity unknown" in timeline
    assert "(medium)" not in timeline


@pytest.mark.parametrize(("said", "then"), [("low", "low"), ("unknown", "unknown")])
async def test_a_person_says_it_or_takes_it_back(built: House, said: str, then: str) -> None:
    """Also that it is not known after all."""
    incident = await built.open(LEAK, severity="high")
    told = {"facts": {"severity": said}, "why": "looked again"}
    answer = await built.local.post(f"/api/v1/incidents/{incident}/facts", json=told)
    assert answer.status_code == 200, answer.text
    assert {name: one for name, one in (await shown(built, incident)).items() if name != "figures"} == dict.fromkeys(
        ("detail", "list", "report"), then
    )


async def test_an_alert_without_a_severity_is_shown_without_one(built: House) -> None:
    """Neither as a low one nor as none."""
    body = {"id": "1", "incident": "data_leakage_in_ai_models", "method": "canary"}
    assert (await built.local.post("/api/v1/alerts/generic", json=body)).status_code == 202
    page = (await built.local.get("/alerts", headers=HTML)).text
    assert "severity unknown" in page
    assert "sev-low" not in page
