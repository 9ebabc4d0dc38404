"""The report of a year equals the journal: its counts are counted again here, from raw rows, by other code."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from tests.support.api_house import House, house, problems
from tests.web.console.test_console_incident import SECRET, browser  # noqa: F401 - a fixture's secret

NCII = "nonconsensual-generation"
PROFILE = """name: Example House
two_people_refuse: no
facts: {established_in: [US, IE], serves: [US, FR], covered_platform: yes, hosting_service: yes, online_platform: yes,
        time_zone: America/New_York}
"""
CONTENT = {"intimate_content": "yes", "published_without_consent": "yes", "minor": "no"}
ALL = dict.fromkeys(("request_in_writing", "request_signed", "request_locates_content", "request_states_no_consent",
                     "request_gives_contact"), "yes")  # fmt: skip
GONE = {"outcome": "removed", "why": "gone", "reference": "ticket 77", "channel": "e-mail", "sent_at": "now",
        "version": "none"}  # fmt: skip
REFUSED = {"outcome": "refused", "why": "It is on another service.", "ground": "not_ours"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(PROFILE)
    async with house(tmp_path) as built:
        yield built


async def lived(built: House) -> None:
    """Two incidents and one of practice, with requests of every kind and outcome."""
    for practice in (False, False, True):
        body = {"playbook": NCII, "facts": {"endpoint": "image-gen", "severity": "low", **CONTENT}, "why": "test",
                "practice": practice}  # fmt: skip
        opened = await built.local.post("/api/v1/incidents", json=body)
        assert opened.status_code == 201, opened.text
        incident = opened.json()["incident"]
        await built.runtime.driver.settled(incident)
        at = f"/api/v1/incidents/{incident}/requests"
        for number, kind in enumerate(("removal", "removal", "removal", "rights", "appeal"), 1):
            told: dict[str, Any] = {"kind": kind, "requester": f"Person {number}", "why": "a letter"}
            told |= {"elements": ALL} if kind == "removal" else {}
            assert (await built.local.post(at, json=told)).status_code == 201
        await built.runtime.driver.settled(incident)
        letter = {"letter": "acknowledgement", "reference": "mail 1"}
        assert (await built.local.post(f"{at}/R1/letter", json=letter)).status_code == 200
        for name, answer in (("R1", GONE), ("R2", REFUSED), ("R4", {"outcome": "withdrawn", "why": "by mail"})):
            done = await built.local.post(f"{at}/{name}/answer", json=answer)
            assert done.status_code == 200, done.text
        await built.runtime.driver.settled(incident)


def counted_again(built: House, year: int) -> dict[str, Any]:
    """The same counts from the rows of the journal alone, without any code of the product but the database's."""
    with built.runtime.world.store.engine.connect() as connection:
        practice = {row.id for row in connection.execute(text("SELECT id FROM incident WHERE practice"))}
        rows = connection.execute(text("SELECT incident, at, kind, body FROM entry ORDER BY incident, seq")).all()
    arrived: dict[tuple[str, str], tuple[str, datetime]] = {}
    outcomes, grounds, spans = Counter[str](), Counter[str](), list[float]()
    for row in rows:
        body = orjson.loads(row.body)
        if row.incident in practice or not row.kind.startswith("request."):
            continue
        key = (row.incident, body["request"])
        if row.kind == "request.received":
            at = datetime.fromisoformat(body["received_at"])
            if at.year == year:
                arrived[key] = (body["kind"], at)
        elif row.kind == "request.answered" and body.get("decides", True) and key in arrived:
            outcomes[body["outcome"]] += 1
            spans.append((datetime.fromisoformat(row.at) - arrived[key][1]).total_seconds())
            if body["outcome"] == "refused":
                grounds[body.get("ground", "not_said")] += 1
    kinds = Counter(kind for kind, _ in arrived.values())
    return {"requests": len(arrived), "kinds": kinds, "outcomes": outcomes, "grounds": grounds,
            "open": len(arrived) - sum(outcomes.values()), "median": round(median(spans), 2)}  # fmt: skip


async def test_the_counts_equal_the_journal(built: House) -> None:
    """Every count, the open ones, the grounds and the median; practice stands nowhere."""
    await lived(built)
    year = built.runtime.world.now().year
    mia = built.holding("mia", "manager")
    answer = await mia.get(f"/api/v1/transparency?year={year}")
    assert answer.status_code == 200, answer.text
    made, again = answer.json(), counted_again(built, year)
    found = made["all"]
    assert (found["requests"], found["open"]) == (again["requests"], again["open"]) == (10, 4)
    assert {name: number for name, number in found["by_kind"].items() if number} == dict(again["kinds"])
    assert {name: found[name] for name in ("removed", "refused", "withdrawn")} == dict(again["outcomes"])
    assert {name: number for name, number in found["refusals"].items() if number} == dict(again["grounds"])
    assert found["times"]["answer"]["median_seconds"] == pytest.approx(again["median"], abs=0.02)
    assert (found["times"]["acknowledge"]["known"], found["times"]["remove"]["known"]) == (2, 2)
    assert made["incidents"] == 2
    laws = {one["law"]: one for one in made["laws"]}
    assert (laws["take_it_down"]["requests"], laws["take_it_down"]["removed"]) == (6, 2)
    assert laws["eu_dsa"]["by_kind"]["appeal"] == 2
    assert laws["uk_osa"]["requests"] == 0
    page = (await (await browser(built, "mia", "manager")).get("/transparency")).text
    assert "TAKE IT DOWN Act" in page
    assert "the content is on another service" in page
    assert "local" not in made["organisation"]
    lines = list(csv.DictReader(io.StringIO((await mia.get("/api/v1/transparency?format=csv")).text)))
    numbers = {(one["law"], one["measure"]): one["value"] for one in lines}
    assert numbers["all", "requests"] == "10"
    assert numbers["take_it_down", "refusals.not_ours"] == "2"
    html = await mia.get("/api/v1/transparency?format=html")
    assert "Transparency report" in html.text
    assert "Person 1" not in html.text
    assert (await mia.get("/api/v1/transparency?format=pdf")).content.startswith(b"%PDF")
    before = (await mia.get(f"/api/v1/transparency?year={year - 1}")).json()
    assert before["all"]["requests"] == 0


async def test_it_is_for_those_who_answer_for_it(built: House) -> None:
    """A responder has no such page; a year ahead has no report."""
    responder = built.holding("rex", "responder")
    assert (await responder.get("/api/v1/transparency")).status_code == 403
    ahead = built.runtime.world.now().year + 1
    assert problems(await built.local.get(f"/api/v1/transparency?year={ahead}")) == ["W171"]
