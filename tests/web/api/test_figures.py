"""Figures, calendars and metrics over HTTP: what each caller may learn from them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import orjson
import pytest
from tests.support.api_house import House, house, problems
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.alerts.registry import find
from firedoor.store.identity.accounts import Account, change_account, create_account
from firedoor.store.identity.calendar_links import make_calendar_link, revoke_calendar_link

DASHBOARD = Path(__file__).parents[3] / "docs" / "grafana" / "firedoor.json"
SOURCE = find("presidio")
WORD = "a door that shuts by itself"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def restricted(built: House) -> str:
    """An incident that only legal may read, and one that everybody may."""
    await built.open(severity="low")
    secret = await built.open("nonconsensual-generation", severity="critical")
    body = {"roles": ["legal"], "people": [], "why": "a colleague is concerned"}
    assert (await built.local.post(f"/api/v1/incidents/{secret}/readers", json=body)).status_code == 200
    return secret


async def test_figures_count_what_the_caller_may_read(built: House) -> None:
    """One that is closed to them stands in the number of all incidents, whatever is filtered, and nowhere else."""
    secret = await restricted(built)
    ann = built.holding("ann", "viewer")
    for query in ("", "?type=nonconsensual_content_generation", "?severity=critical", "?since=2001-01-01"):
        found = (await ann.get(f"/api/v1/figures{query}")).json()
        assert found["all_incidents"] == 2
        assert found["by_severity"]["critical"] == 0
        assert "nonconsensual_content_generation" not in found["by_type"]
    assert secret not in (await ann.get("/api/v1/figures?format=csv")).text
    whole = (await built.holding("cleo", "legal").get("/api/v1/figures")).json()
    assert (whole["incidents"], whole["by_severity"]["critical"]) == (2, 1)


async def test_a_figure_changes_with_its_journal(built: House) -> None:
    """What is kept belongs to one state of the journal."""
    incident = await built.open(severity="low")
    before = (await built.local.get("/api/v1/figures")).json()
    body = {"facts": {"severity": "critical"}, "why": "more people"}
    await built.local.patch(f"/api/v1/incidents/{incident}/facts", json=body)
    after = (await built.local.get("/api/v1/figures")).json()
    assert (before["by_severity"]["low"], after["by_severity"]["low"]) == (1, 0)
    assert after["by_severity"]["critical"] == 1


async def test_what_cannot_be_filtered_is_said_at_once(built: House) -> None:
    """Every problem with its field."""
    answer = await built.local.get("/api/v1/figures?type=fire&severity=bad&since=yesterday")
    assert (answer.status_code, sorted(problems(answer))) == (422, ["W140", "W140", "W141"])


async def test_the_calendar_is_one_persons(built: House) -> None:
    """A task of another role is not in it; of a restricted incident its reader sees the number and no more."""
    secret = await restricted(built)
    commander = (await built.holding("ann", "commander").get("/api/v1/calendar.ics")).text
    assert "for commander" in commander
    assert secret not in commander
    assert "for commander" not in (await built.holding("vic", "viewer").get("/api/v1/calendar.ics")).text
    body = {"roles": ["commander"], "people": [], "why": "the commander, too"}
    await built.local.post(f"/api/v1/incidents/{secret}/readers", json=body)
    both = (await built.holding("ann", "commander").get("/api/v1/calendar.ics")).text.replace("\r\n ", "")
    told = [line for line in both.splitlines() if line.startswith("SUMMARY") and secret in line]
    assert told
    assert all(re.fullmatch(rf"SUMMARY:{secret}: (a limit|task T\d+)", line) for line in told)


async def test_a_private_address_ends_with_its_account(built: House) -> None:
    """Revoked, disabled, made up: each shows nothing, and the address alone is no way to anything else."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    create_account(store, Account("ann", "Ann", frozenset({"commander"})), WORD, now)
    await built.open(severity="low")
    link, secret = make_calendar_link(store, "ann", "account", now)
    path, nobody = f"/calendar/{secret}.ics", built.client()
    assert "for commander" in (await nobody.get(path)).text
    change_account(store, "ann", {"disabled": True}, now)
    assert (await nobody.get(path)).status_code == 404
    change_account(store, "ann", {"disabled": False}, now)
    revoke_calendar_link(store, link, now + timedelta(seconds=1), "person:ann", "ann")
    assert (await nobody.get(path)).status_code == 404
    assert (await nobody.get("/calendar/made-up.ics")).status_code == 404


async def test_open_metrics_do_not_tell_what_only_some_need_to_know(built: House) -> None:
    """The type of a restricted incident is `restricted`."""
    await restricted(built)
    text = (await built.client().get("/metrics")).text
    assert 'firedoor_incidents{state="restricted",type="restricted"} 1' in text
    assert "nonconsensual" not in text


async def test_every_expression_of_the_dashboard_names_a_metric_that_is_exported(built: House) -> None:
    """And so do its labels: a panel that asks for something else stays empty for ever."""
    await built.open(severity="low")
    presidio = SOURCE.examples[0]
    body = (files(presidio.package) / presidio.file).read_bytes()
    answer = await built.local.post("/api/v1/alerts/presidio", content=body, headers=dict(presidio.headers))
    assert answer.status_code == 202, answer.text
    built.runtime.holding.counts["looks"] += 1  # as after the first look
    text = (await built.client().get("/metrics")).text
    exported = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    panels = orjson.loads(DASHBOARD.read_bytes())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(asked) > 8
    for expression in asked:
        names = set(re.findall(r"firedoor_\w+", expression))
        assert names, expression
        assert names <= exported, expression
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            assert all(f"{label.strip()}=" in text for label in labels.split(",")), expression


def test_the_week_is_told_in_a_message(firedoor: Firedoor) -> None:
    """Subject, an empty line, and figures that are those of this house."""
    assert firedoor("run", "model-data-leakage", "--fact", "severity=high", "--why", "seen in the log").code == 0
    said = firedoor("digest")
    assert said.code == 0
    assert said.out.startswith("Firedoor, 7 days to ")
    assert "1 incidents were opened; of these 1 are open" in said.out
    assert firedoor("digest", "--days", "2", "--format", "json").json["subject"].startswith("Firedoor, 2 days to")
