"""Incidents, facts, tasks and clocks over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.support.api_house import LEAK, House, house, problems

FACTS = {"endpoint": "chat-large", "severity": "high"}
IMAGES = "nonconsensual-generation"
CONTACT = "only by post, to the lawyer Wanjiru"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def tasks(built: House, incident: str) -> list[dict[str, object]]:
    """The open tasks, once there is one."""
    for _ in range(100):
        found = (await built.local.get(f"/api/v1/incidents/{incident}/tasks", params={"open": True})).json()["tasks"]
        if found:
            return list(found)
        await asyncio.sleep(0.05)
    raise AssertionError("no task was opened")


async def answer(client: httpx.AsyncClient, incident: str, task: str, choice: str, **more: object) -> httpx.Response:
    body = {"choice": choice, "why": "seen in the log", **more}
    return await client.post(f"/api/v1/incidents/{incident}/tasks/{quote(task, safe='')}/answer", json=body)


async def test_an_incident_is_opened_in_the_name_of_the_tokens_holder(built: House) -> None:
    """201 with its address; the journal names the person, not the program."""
    ada = built.holding("Ada Okafor", "responder")
    made = await ada.post("/api/v1/incidents", json={"playbook": LEAK, "facts": FACTS, "why": "a call at 02:10"})
    assert made.status_code == 201
    detail = (await ada.get(made.headers["location"])).json()
    assert (detail["opened_by"], detail["why"], detail["state"]) == ("person:Ada Okafor", "a call at 02:10", "open")
    assert detail["playbook"]["name"] == LEAK
    assert {"id", "status", "title", "phase"} <= set(detail["progress"][0])


async def test_unknown_facts_are_shown_as_unknown(built: House) -> None:
    """A fact that nobody knows has no value and says so; it is not left out."""
    incident = await built.open(**FACTS)
    facts = {
        fact["name"]: fact for fact in (await built.local.get(f"/api/v1/incidents/{incident}/facts")).json()["facts"]
    }
    assert (facts["people_affected"]["known"], facts["people_affected"]["value"]) == (False, None)
    assert facts["people_affected"]["shown"] == "unknown"
    assert facts["endpoint"]["value"] == "chat-large"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"playbook": "model-data-leak", "facts": {}}, "P140"),
        ({"playbook": LEAK, "facts": {"nobody_knows": 1, "severity": "awful"}}, "F100"),
        ({"playbook": LEAK, "facts": [1]}, "W122"),
        ({"playbook": LEAK, "unknown_key": 1}, "W122"),
    ],
)
async def test_what_cannot_be_opened_opens_nothing(built: House, body: dict[str, object], code: str) -> None:
    """404 or 422 with the problems; no incident appears."""
    refused = await built.local.post("/api/v1/incidents", json=body)
    assert refused.status_code in (404, 422)
    assert code in problems(refused)
    assert (await built.local.get("/api/v1/incidents")).json()["incidents"] == []


async def test_every_problem_of_the_facts_is_told_at_once(built: House) -> None:
    """Two wrong facts are two problems, each with its field."""
    body = {"playbook": LEAK, "facts": {"nobody_knows": 1, "severity": "awful"}}
    found = (await built.local.post("/api/v1/incidents", json=body)).json()["problems"]
    assert {problem["field"] for problem in found} == {"nobody_knows", "severity"}


async def test_a_remote_caller_cannot_have_a_file_read(built: House) -> None:
    """Only this machine's own user may name a playbook by its file."""
    ada = built.holding("Ada", "responder")
    for name in ("/etc/passwd", "../secrets.yaml", "x.yml"):
        refused = await ada.post("/api/v1/incidents", json={"playbook": name})
        assert (refused.status_code, problems(refused)) == (403, ["W103"]), name
    assert (await built.local.post("/api/v1/incidents", json={"playbook": "/nowhere.yaml"})).status_code == 404


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(built: House) -> None:
    """Operations with when they would come, the questions to people, and no incident afterwards."""
    given = {"playbook": LEAK, "facts": FACTS}
    told = (await built.local.post("/api/v1/incidents", json=given, params={"dry_run": True})).json()
    when = {operation["id"]: operation["when"] for operation in told["operations"]}
    assert when["containment.suspend.reflex.suspend"] == "left out"
    assert when["containment.suspend.suspend"] == "after a person"
    assert when["identification.confirm"] == "after a person"
    assert [one["role"] for one in told["approvals"]][:2] == ["commander", "commander"]
    assert (await built.local.get("/api/v1/incidents")).json()["incidents"] == []


@pytest.mark.parametrize("params", [{}, {"dry_run": True}])
async def test_nobody_says_how_strong_the_evidence_is(built: House, params: dict[str, bool]) -> None:
    """Neither whoever opens an incident, nor a dry run, nor whoever corrects facts: it follows from the alerts."""
    given = {"playbook": LEAK, "facts": {**FACTS, "evidence_strength": "strong"}}
    refused = await built.local.post("/api/v1/incidents", json=given, params=params)
    assert (refused.status_code, problems(refused)) == (422, ["F104"])
    incident = await built.open(**FACTS)
    said = {"facts": {"evidence_strength": "strong"}, "why": "I am sure"}
    corrected = await built.local.patch(f"/api/v1/incidents/{incident}/facts", json=said)
    assert (corrected.status_code, problems(corrected)) == (422, ["F104"])


async def test_a_task_is_answered_by_its_number_or_its_id(built: House) -> None:
    """Ids hold dots, brackets and colons; encoded into the address they arrive whole."""
    incident = await built.open(**FACTS)
    (first, *_) = await tasks(built, incident)
    done = await answer(built.local, incident, str(first["id"]), "other_user")
    assert (done.status_code, done.json()["decided"]) == (200, "other_user")
    assert (await answer(built.local, incident, "T1", "other_user")).status_code == 409
    listed = (await built.local.get(f"/api/v1/incidents/{incident}/tasks")).json()["tasks"]
    assert listed[0]["answers"][0]["why"] == "seen in the log"


async def test_whose_role_was_not_asked_may_not_answer(built: House) -> None:
    """The DPO cannot answer for the commander: 403, and what they have instead."""
    incident = await built.open(**FACTS)
    await tasks(built, incident)
    refused = await answer(built.holding("Dana", "dpo"), incident, "T1", "other_user")
    assert (refused.status_code, problems(refused)) == (403, ["T103"])
    assert "dpo" in refused.json()["problems"][0]["do"]


@pytest.mark.parametrize(
    ("task", "choice", "why", "status", "code"),
    [("T1", "othr_user", "x", 422, "T106"), ("T1", "other_user", " ", 422, "T109"), ("T99", "yes", "x", 404, "T101")],
)
async def test_an_answer_that_does_not_fit_changes_nothing(
    built: House, task: str, choice: str, why: str, status: int, code: str
) -> None:
    """A choice that is not there, no reason, no such task."""
    incident = await built.open(**FACTS)
    await tasks(built, incident)
    refused = await answer(built.local, incident, task, choice, why=why)
    assert (refused.status_code, problems(refused)) == (status, [code])
    assert (await tasks(built, incident))[0]["state"] == "open"


async def test_facts_are_corrected_with_a_reason(built: House) -> None:
    """PATCH changes a fact; the history keeps who, why and what was before."""
    incident = await built.open(**FACTS)
    url = f"/api/v1/incidents/{incident}/facts"
    assert problems(await built.local.patch(url, json={"facts": {"severity": "low"}, "why": ""})) == ["T109"]
    done = await built.local.patch(url, json={"facts": {"people_affected": {"min": 20, "max": 60}}, "why": "counted"})
    assert done.status_code == 200
    last = (await built.local.get(url)).json()["history"][-1]
    assert (last["values"], last["why"]) == ({"people_affected": {"min": 20, "max": 60}}, "counted")
    await built.local.post(url, json={"facts": {"people_affected": "unknown"}, "why": "counted twice"})
    facts = {fact["name"]: fact for fact in (await built.local.get(url)).json()["facts"]}
    assert facts["people_affected"]["known"] is False


async def test_a_sealed_fact_is_covered_from_those_who_need_not_know(built: House) -> None:
    """Its value and its words are nowhere in what a manager reads; the DPO and legal read them."""
    incident = await built.open(IMAGES, endpoint="image-gen", requester_contact=CONTACT)
    await tasks(built, incident)
    manager, dpo = built.holding("Max", "manager"), built.holding("Dana", "dpo")
    for part in (
        "",
        "/facts",
        "/timeline",
        "/journal",
        "/report?format=html",
        "/report?format=md",
        "/report?format=json",
    ):
        url = f"/api/v1/incidents/{incident}{part}"
        assert "Wanjiru" not in (await manager.get(url)).text, part
        assert "Wanjiru" in (await dpo.get(url)).text, part


async def test_an_export_cannot_be_covered_so_it_is_refused(built: House) -> None:
    """Hashes are over what is sealed, too: a manager is told whom to ask, the DPO gets it."""
    incident = await built.open(IMAGES, endpoint="image-gen", requester_contact=CONTACT)
    url = f"/api/v1/incidents/{incident}/export"
    assert problems(await built.holding("Max", "manager").get(url)) == ["W103"]
    assert (await built.holding("Dana", "dpo").get(url)).status_code == 200


async def test_tasks_of_all_incidents_by_role(built: House) -> None:
    """The list over all incidents has what waits for a role, the most urgent first."""
    first, second = await built.open(**FACTS), await built.open(**FACTS)
    for incident in (first, second):
        await tasks(built, incident)
    viewer = built.holding("Vic", "viewer")
    listed = (await viewer.get("/api/v1/tasks", params={"role": "commander"})).json()["tasks"]
    assert {task["incident"] for task in listed} == {first, second}
    assert [task["due_at"] for task in listed] == sorted(task["due_at"] for task in listed)
    assert (await viewer.get("/api/v1/tasks", params={"role": "legal"})).json()["tasks"] == []


async def test_what_is_not_there_is_404(built: House) -> None:
    """Incidents, playbooks and duties that do not exist, each with what to do."""
    for path in ("incidents/INC-1", "incidents/INC-1/timeline", "incidents/INC-1/report", "playbooks/x", "duties/x.y"):
        missing = await built.local.get(f"/api/v1/{path}")
        assert missing.status_code == 404, path
        assert missing.json()["problems"][0]["do"]
