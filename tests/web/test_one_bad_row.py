"""A row of one incident that was altered in the database: every page, list, letter and loop goes on for the others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from tests.support.api_house import House, house
from tests.tampering import forced
from tests.web.api.test_notices import FACTS, ORGANISATION

from firedoor.alerts.registry import example_body, find
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.web.reading.cache import forget
from firedoor.runtime.loops.audit import Audit
from firedoor.runtime.service import start_checks
from firedoor.store.database.sql import table
from firedoor.store.database.tables import ClockRow, EntryRow, IncidentRow, TaskRow, TimerRow

NO_PLAN = '{"playbook":"gone","version":"1","digest":"0"}'
ROWS = (
    (IncidentRow, "readers", "{nonsense"), (IncidentRow, "severity", "terrible"), (IncidentRow, "state", "odd"),
    (IncidentRow, "type", "odd"), (IncidentRow, "opened_at", "yesterday"), (IncidentRow, "plan_digest", "0" * 64),
    (TaskRow, "due_at", "tomorrow"), (TaskRow, "role", "{"), (ClockRow, "due_at", "tomorrow"),
    (TimerRow, "due_at", "nonsense"), (EntryRow, "body", "[1"), (EntryRow, "body", "{}"), (EntryRow, "at", "yesterday"),
    (EntryRow, "kind", "odd"), (EntryRow, "body", NO_PLAN), (ClockRow, "due_at", "-5"),
)  # fmt: skip
ENTRIES = {"[1": 3, "{}": 1, "yesterday": 2, "odd": 4, NO_PLAN: 2}  # which entry of the journal is altered so
FOR_ALL = (
    "/readyz", "/metrics", "/", "/incidents", "/tasks", "/clocks", "/figures", "/targets", "/alerts",
    *(f"/api/v1/{one}" for one in ("incidents", "incidents?q=leak", "tasks", "clocks", "register", "figures")),
    *(f"/api/v1/{one}" for one in ("calendar.ics", "holds", "alerts", "figures?format=csv")),
)  # fmt: skip
OF_ONE = (
    "/incidents/{}",
    "/api/v1/incidents/{}",
    "/api/v1/incidents/{}/report?format=md",
    "/api/v1/incidents/{}/clocks",
)


async def altered(built: House, incident: str, row: Any, column: str, value: str) -> None:
    """Change a row past every rule."""
    columns = table(row).c
    which = (columns.id if row is IncidentRow else columns.incident) == incident
    which = which & (columns.seq == ENTRIES[value]) if row is EntryRow else which
    query = update(table(row)).where(which).values({column: value})
    await asyncio.wrap_future(built.runtime.world.store.write(forced(query)))
    forget()


async def loops(built: House) -> list[str]:
    """What each loop, the audit and the week's letter raise, in words."""
    runtime, raised = built.runtime, []
    for one in (runtime.watch, runtime.holding, runtime.outbox, runtime.driver):
        try:
            await one.look()
        except Exception as error:  # noqa: BLE001 - told
            raised.append(f"{type(one).__name__}: {error!r}")
    found = Audit(runtime.world.store.engine, runtime.world.now).look()
    raised += [problem.message for problem in found if problem.code == "M101"]
    assert runtime.outbox.week is not None
    runtime.outbox.week.words(Person("mia", frozenset({"manager"})), runtime.world.now())
    return raised


@pytest.mark.parametrize(("row", "column", "value"), ROWS)
async def test_the_others_go_on(tmp_path: Path, row: Any, column: str, value: str) -> None:
    """Everything about the other incident, and everything about all of them, is answered; no loop stops."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        bad = await built.open(endpoint="chat", **FACTS)
        good = await built.open(endpoint="chat", **FACTS)
        await altered(built, bad, row, column, value)
        answers = {path: await built.local.get(path) for path in (*FOR_ALL, *(one.format(good) for one in OF_ONE))}
        assert {path: one.text for path, one in answers.items() if one.status_code != 200} == {}
        assert good in answers["/api/v1/incidents"].text
        own = [(await built.local.get(one.format(bad))).status_code for one in OF_ONE]
        assert max(own) < 500
        assert await loops(built) == []


def stumble(*_: Any) -> Any:
    """Raise what nobody foresaw."""
    raise ZeroDivisionError("integer modulo by zero")


async def alert(built: House, request: bytes = b"req-1") -> Any:
    """What a source is told about a finding in the answer to a request."""
    body = example_body(find("presidio").examples[0]).replace(b"req-8f2c41d0", request)
    head = {"content-type": "application/json"}
    sent = await built.local.post("/api/v1/alerts/presidio", content=body, headers=head)
    assert sent.status_code == 202, sent.text
    return sent.json()["alerts"][0]


async def test_an_incident_that_cannot_be_compared_keeps_no_alert_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its type is none: what is found at the same place opens an incident of its own, and the log names the one."""
    async with house(tmp_path) as built:
        bad = (await alert(built))["incident"]
        await altered(built, bad, IncidentRow, "type", "odd")
        again = (await alert(built, b"req-2"))["incident"]
        assert again not in (None, bad)
        assert f"{bad} cannot be compared with an alert" in caplog.text


async def test_a_count_that_cannot_be_made_hides_no_other(tmp_path: Path) -> None:
    """The limit of a row that holds no instant is named as missing; every other count is there."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        bad = await built.open(endpoint="chat", **FACTS)
        await altered(built, bad, ClockRow, "due_at", "0000-00-00T")
        text = (await built.local.get("/metrics")).text
        assert 'firedoor_not_counted{name="firedoor_next_limit_seconds"} 1.0' in text
        assert "firedoor_clocks{" in text


async def test_checks_that_raise_keep_no_incident_from_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No detection is lost over them, and nobody's correction is refused."""
    async with house(tmp_path) as built:
        monkeypatch.setattr(start_checks, "start_checks", stumble)
        incident = (await alert(built))["incident"]
        assert incident
        change = {"facts": {"endpoint": "chat"}, "why": "as the log says"}
        answer = await built.local.post(f"/api/v1/incidents/{incident}/facts", json=change)
        assert answer.status_code == 200, answer.text
        assert "the checks of a start" in caplog.text
        assert f"the checks of changed facts of {incident}" in caplog.text
        assert (await built.local.get("/readyz")).status_code == 200
