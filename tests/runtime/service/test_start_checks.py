"""A mistyped endpoint at every door: what the dry run knows refuses the start, and no alert is lost over it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import LEAK, House, house, problems
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture
from tests.web.console.test_console_library import browser, send

from firedoor.core.person import Person
from firedoor.core.problems import InvalidInput
from firedoor.interfaces.cli.playbooks.doors import PLAYBOOK
from firedoor.interfaces.cli.system import doctor
from firedoor.runtime.process.prefect_host import FlowHost

WRONG, RIGHT = "chat-larg", "chat-large"
INVENTORY = """
targets:
  chat-large:
    doors: [{name: gateway, connector: http, config: {}}]
  chat-small:
    doors: [{name: gateway, connector: http, config: {}}]
"""
ALERT: dict[str, Any] = {
    "id": "typo-1", "title": "Names in answers", "severity": "critical", "confidence": 0.99, "method": "canary",
    "incident": "data_leakage_in_ai_models",
}  # fmt: skip
REASON = "the gateway was renamed an hour ago"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "targets.yaml").write_text(INVENTORY)
    async with house(tmp_path) as built:
        yield built


def body(endpoint: str, **more: Any) -> dict[str, Any]:
    """What opens an incident."""
    return {"playbook": LEAK, "facts": {"endpoint": endpoint}, "why": "by telephone", **more}


async def incidents(built: House) -> list[Any]:
    """What is open."""
    return list((await built.local.get("/api/v1/incidents")).json()["incidents"])


async def test_the_api_refuses_what_the_dry_run_knows(built: House) -> None:
    """The same problem in both, with the name that was meant; nothing is opened."""
    dry = (await built.local.post("/api/v1/incidents?dry_run=true", json=body(WRONG))).json()
    (refused,) = dry["start"]["refused"]
    assert (refused["code"], refused["field"], RIGHT in refused["do"]) == ("N104", "endpoint", True)
    answer = await built.local.post("/api/v1/incidents", json=body(WRONG))
    assert (answer.status_code, problems(answer)) == (422, ["N104"]), answer.text
    assert answer.json()["problems"][0]["message"] == refused["message"]
    assert await incidents(built) == []
    right = (await built.local.post("/api/v1/incidents?dry_run=true", json=body(RIGHT))).json()
    assert right["start"]["refused"] == []
    assert (await built.local.post("/api/v1/incidents", json=body(RIGHT))).status_code == 201


async def test_all_the_same_needs_a_reason_and_stays_on_record(built: House) -> None:
    """Empty words are none; the reason stands in the answer, on the incident, in its timeline and in the report."""
    assert problems(await built.local.post("/api/v1/incidents", json=body(WRONG, anyway="  "))) == ["N104"]
    ann = built.holding("ann", "responder", "commander")
    answer = await ann.post("/api/v1/incidents", json=body(WRONG, anyway=REASON))
    assert answer.status_code == 201, answer.text
    (said,) = answer.json()["in_spite"]
    assert (WRONG in said, REASON in said) == (True, True)
    at = answer.json()["url"]
    found = (await ann.get(at)).json()
    assert (found["in_spite"], found["opened_by"]) == ([said], "person:ann")
    first = (await ann.get(f"{at}/timeline")).json()["timeline"][0]
    assert REASON in first["why"]
    assert said in (await ann.get(f"{at}/report?format=json")).json()["summary"]
    page = (await (await browser(built, "bea", "responder")).get(f"/incidents/{answer.json()['incident']}")).text
    assert REASON in page


async def test_the_console_refuses_and_offers_to_start_all_the_same(built: House) -> None:
    """The form has no such field until it is needed."""
    ann = await browser(built, "ann", "responder", "commander")
    at = f"/playbooks/{LEAK}/start"
    assert 'name="anyway"' not in (await ann.get(at)).text
    dry = (await send(ann, at, dry_run="yes", **{"fact.endpoint": WRONG})).text
    assert ("Cannot start: " in dry, 'name="anyway"' in dry) == (True, True)
    given = {"fact.endpoint": WRONG, "why": "by telephone"}
    refused = await send(ann, at, **given)
    assert (refused.status_code, "N104" in refused.text, 'name="anyway"' in refused.text) == (422, True, True)
    assert await incidents(built) == []
    assert (await send(ann, at, anyway=REASON, **given)).status_code == 303


async def test_an_alert_opens_its_incident_and_says_it_in_a_task(built: House) -> None:
    """No detection is lost: somebody is asked in the first minute, and the incident does not end without an answer."""
    answer = await built.holding("det", "source").post("/api/v1/alerts/generic", json={**ALERT, "endpoint": WRONG})
    (received,) = answer.json()["alerts"]
    assert received["decision"] == "start", received
    await built.runtime.driver.settled(received["incident"])
    found = (await built.local.get(f"/api/v1/incidents/{received['incident']}")).json()
    open_ones = [one for one in found["tasks"] if WRONG in one["question"] and one["state"] == "open"]
    (task,) = [one for one in open_ones if one["kind"] in ("fault", "rescue")]
    assert RIGHT in task["guidance"]


async def test_a_correction_ends_the_question_and_a_wrong_one_asks_anew(built: House) -> None:
    """Nobody answers what is settled; what a correction names is looked at as a start is."""
    weak = {**ALERT, "id": "typo-2", "endpoint": WRONG, "severity": "high", "method": None}
    answer = await built.holding("det", "source").post("/api/v1/alerts/generic", json=weak)
    at = f"/api/v1/incidents/{answer.json()['alerts'][0]['incident']}"

    async def asked(endpoint: str) -> list[str]:
        body = {"facts": {"endpoint": endpoint}, "why": "seen"}
        assert (await built.local.post(f"{at}/facts", json=body)).status_code == 200
        await built.runtime.driver.settled(at.rpartition("/")[2])
        tasks = (await built.local.get(at)).json()["tasks"]
        return [one["question"] for one in tasks if one["id"] == "fault:start" and one["state"] == "open"]

    (still,) = await asked("chat-smal")
    assert "chat-smal" in still
    assert await asked(RIGHT) == []


async def test_a_person_starts_for_an_alert_and_the_task_says_it(built: House) -> None:
    """What the alert names cannot be typed anew there: it is opened and said."""
    weak = {"id": "weak-1", "title": "Perhaps a leak", "severity": "low", "endpoint": WRONG}
    answer = await built.holding("det", "source").post("/api/v1/alerts/generic", json=weak)
    assert answer.json()["alerts"][0]["incident"] is None
    listed = (await built.local.get("/api/v1/alerts")).json()["alerts"]
    started = await built.local.post(f"/api/v1/alerts/{listed[0]['id']}/start", json={"playbook": LEAK, "why": "seen"})
    assert started.status_code == 201, started.text
    found = (await built.local.get(f"/api/v1/incidents/{started.json()['incident']}")).json()
    assert any(one["kind"] == "fault" and WRONG in one["question"] for one in found["tasks"])


async def test_a_run_of_prefect_is_asked_about_with_what_is_wrong(built: House) -> None:
    """Deployed, a responder reads it beside the question; a script is refused as the command line is."""
    host = FlowHost(built.runtime.service, lambda: "")
    assert await host.open_incident(LEAK, {"endpoint": WRONG}, "", "", "run-1") is None
    listed = (await built.local.get("/api/v1/alerts")).json()["alerts"]
    assert any(WRONG in reason and RIGHT in reason for reason in listed[0]["reasons"])
    with pytest.raises(InvalidInput) as refused:
        await host.open_incident(LEAK, {"endpoint": WRONG}, "", "", "run-2", deployed=False)
    assert refused.value.problems[0].code == "N104"


async def test_slack_is_refused_by_the_same_call(built: House) -> None:
    """Its command has no further checks of its own."""
    with pytest.raises(InvalidInput):
        await built.runtime.service.open(LEAK, {"endpoint": WRONG}, "", "", Person("cas", frozenset({"responder"})))


def test_the_command_line_refuses_and_takes_a_reason(firedoor: Firedoor, tmp_path: Path) -> None:
    """`run` says what to type; with `--anyway` it starts, and says what it starts in spite of."""
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    (tmp_path / "data" / "targets.yaml").write_text(INVENTORY)
    refused = firedoor("run", LEAK, "--fact", f"endpoint={WRONG}")
    assert (refused.code, RIGHT in refused.err, "--anyway" in refused.err) == (1, True, True)
    assert firedoor("run", LEAK, "--fact", f"endpoint={WRONG}", "--dry-run").out.count("cannot start:") == 1
    done = firedoor("run", LEAK, "--fact", f"endpoint={WRONG}", "--anyway", REASON)
    assert (done.code, REASON in " ".join(done.err.split())) == (0, True), done
    assert REASON in " ".join(firedoor("status", done.out.strip()).out.split())


async def test_an_empty_inventory_is_said_and_refuses_nothing(tmp_path: Path) -> None:
    """In the dry run, in the answer and on the page, from the first minute."""
    async with house(tmp_path) as built:
        dry = (await built.local.post("/api/v1/incidents?dry_run=true", json=body(RIGHT))).json()["start"]
        assert (dry["refused"], "inventory is empty" in dry["notices"][0]) == ([], True)
        answer = await built.local.post("/api/v1/incidents", json=body(RIGHT))
        assert (answer.status_code, "inventory is empty" in answer.json()["in_spite"][0]) == (201, True)
        ann = await browser(built, "ann", "responder")
        assert "inventory is empty" in (await ann.get(f"/incidents/{answer.json()['incident']}")).text
        sent = await built.holding("det", "source").post(
            "/api/v1/alerts/generic", content=json.dumps({**ALERT, "endpoint": RIGHT}),
            headers={"content-type": "application/json"},
        )  # fmt: skip
        found = (await built.local.get(f"/api/v1/incidents/{sent.json()['alerts'][0]['incident']}")).json()
        assert "inventory is empty" in found["in_spite"][0]


async def test_doors_that_cannot_work_for_one_reason_are_one_sentence_and_one_task(tmp_path: Path) -> None:
    """At the start, in the task and with `doctor`: six entries are described wrongly in one way."""
    one = "    doors: [{name: gateway, connector: htpp, config: {}}]\n"
    names = [f"chat-{number}" for number in range(6)]
    (tmp_path / "targets.yaml").write_text("targets:\n" + "".join(f"  {name}:\n{one}" for name in names))
    async with house(tmp_path) as built:
        given = {"playbook": str(PLAYBOOK), "facts": {"endpoint": names[0]}, "why": "seen"}
        answer = await built.local.post("/api/v1/incidents", json=given)
        incident = answer.json()["incident"]
        said = [one for one in answer.json()["in_spite"] if 'no connector is called "htpp"' in one]
        assert len(said) == 1, answer.text
        await built.runtime.driver.settled(incident)
        tasks = (await built.local.get(f"/api/v1/incidents/{incident}/tasks")).json()["tasks"]
        assert len([task for task in tasks if 'no connector is called "htpp"' in task["question"]]) == 1
        every = await asyncio.to_thread(lambda: list(doctor._targets(built.runtime.settings)))
        looks = [look for look in every if look.state == "wrong"]
        assert [look.found for look in looks] == [f'{", ".join(names)}: no connector is called "htpp"']
