"""What people see of an incident in Prefect: with a real server, a real engine and an incident in memory."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from tests.patience import GENEROUS

from firedoor.runtime.prefect.task_runs import WITHHELD
from firedoor.runtime.prefect.waiting import CANCELLED, WAITS

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

PLAYBOOK = "model-data-leakage"
NUMBERS = count(1)


def incident(rig: Any) -> str:
    """A new incident."""
    return rig.host.add(f"T-{next(NUMBERS):03}")


async def test_a_run_is_suspended_until_somebody_decides_and_then_completes(rig: Any) -> None:
    """Waiting holds no process; a decision resumes the same run, and no effect is repeated."""
    name = incident(rig)
    assert await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct) == "waiting"
    suspended = await rig.run_until(name, "Waiting")
    rig.host.answer(name)
    assert await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct) == "closed"
    completed = await rig.run_until(name, "Completed")
    assert completed["id"] == suspended["id"]
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify", "remediation.tell"]


async def test_every_operation_is_a_task_run_with_its_phase_and_its_edges(rig: Any) -> None:
    """The graph in Prefect is the plan: names, tags and what waited for what, the person's decision included."""
    name = incident(rig)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    rig.host.answer(name)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    shown = await rig.shown(name, 4)
    assert set(shown) == {f"{operation.phase} · {operation.title}" for operation in rig.host.operations}
    asked = shown["remediation · Approve the letter"]
    assert [before["id"] for before in asked["task_inputs"]["wait_for"]] == [
        shown["containment · Verify that it is closed"]["id"]
    ]
    assert set(asked["tags"]) == {"remediation", "ask"}
    assert asked["state"]["message"] == "approved by ada"


async def test_the_flow_has_the_playbooks_name_and_the_run_the_incidents(rig: Any) -> None:
    """Who lives in Prefect's pages finds an incident by its own name."""
    name = incident(rig)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    run = await rig.flow_run(name)
    flow = (await rig.api.get(f"/flows/{run['flow_id']}")).json()
    assert (flow["name"], run["name"]) == (PLAYBOOK, name)
    assert await rig.bridge.flow_run_url(name) == f"{rig.bridge.settings.ui_url}/runs/flow-run/{run['id']}"


async def test_a_run_shows_summary_clocks_evidence_and_links(rig: Any) -> None:
    """The artifacts of a waiting run say how it stands."""
    name = incident(rig)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    await rig.run_until(name, "Waiting")
    stem = name.lower()
    assert await rig.artifacts(name) == {f"{stem}-{what}" for what in ("summary", "clocks", "evidence", "incident")}


async def test_an_operation_that_failed_is_a_failed_task_run(rig: Any) -> None:
    """A failure is not hidden in a green run, and the conductor gets its outcome all the same."""
    name = incident(rig)
    rig.host.fail.add("containment.verify")
    try:
        await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    finally:
        rig.host.fail.clear()
    shown = await rig.shown(name, 2)
    state = shown["containment · Verify that it is closed"]["state"]
    assert (state["type"], state["message"]) == ("FAILED", "the gateway did not answer")


async def test_of_a_restricted_incident_it_is_shown_that_operations_ended_and_not_how(rig: Any) -> None:
    """Neither who decided nor why something failed, whether Prefect was there at the time or is shown it afterwards."""
    name, plain = incident(rig), rig.host.operations
    rig.host.operations = tuple(replace(operation, told=False) for operation in plain)
    rig.host.fail.add("containment.verify")
    try:
        await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
        rig.host.answer(name)
        await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
        shown = await rig.shown(name, 4)
    finally:
        rig.host.operations = plain
        rig.host.fail.clear()
    assert {run["state"]["type"] for run in shown.values()} == {"COMPLETED", "FAILED"}
    assert {run["state"]["message"] for run in shown.values()} == {WITHHELD}
    assert "by ada" not in str(shown)  # a name of three letters alone may stand in any id


async def test_a_run_started_from_the_form_opens_an_incident_and_completes(rig: Any) -> None:
    """What Prefect's own pages post is picked up by the warm worker, with its facts."""
    deployment = (await rig.api.get(f"/deployments/name/{PLAYBOOK}/{PLAYBOOK}")).json()
    facts = {"endpoint": "chat", "people_affected": {"min": 1}, "child": "unknown"}
    given = {"facts": facts, "title": "It quotes letters", "why": "a customer wrote"}
    path = f"/deployments/{deployment['id']}/create_flow_run"
    run = await rig.post(path, parameters=given, state={"type": "SCHEDULED"})
    name = await rig.until(lambda: _opened(rig, run["id"]))
    await rig.run_until(name, "Waiting")
    assert rig.host.opened[name]["facts"] == {
        "endpoint": "chat",
        "people_affected": {"min": 1, "max": None},
        "child": "unknown",
    }
    rig.host.answer(name)
    assert await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct) == "closed"
    assert (await rig.run_until(name, "Completed"))["id"] == run["id"]


async def test_a_run_that_nobody_agreed_to_waits_and_then_conducts(rig: Any) -> None:
    """Resuming it in Prefect asks again and opens nothing; once a person agrees, the same run drives the incident."""
    deployment = (await rig.api.get(f"/deployments/name/{PLAYBOOK}/{PLAYBOOK}")).json()
    rig.host.asks = True
    try:
        run = await rig.post(f"/deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
        await rig.until(lambda: _asked(rig, run["id"], 1))
        await rig.until(lambda: _suspended(rig, run["id"]))
        await rig.post(f"/flow_runs/{run['id']}/resume")
        await rig.until(lambda: _asked(rig, run["id"], 2))
        assert run["id"] not in rig.host.by_flow_run
        rig.host.agreed.add(run["id"])
        await rig.until(lambda: _suspended(rig, run["id"]))
        await rig.post(f"/flow_runs/{run['id']}/resume")
        await rig.run_until(await rig.until(lambda: _opened(rig, run["id"])), "Waiting")
    finally:
        rig.host.asks = False


async def test_a_run_of_another_plan_is_not_let_in(rig: Any) -> None:
    """It fails with the reason, and nothing of the incident is performed."""
    name = incident(rig)
    rig.host.foreign.add(name)
    deployment = (await rig.api.get(f"/deployments/name/{PLAYBOOK}/{PLAYBOOK}")).json()
    path = f"/deployments/{deployment['id']}/create_flow_run"
    run = await rig.post(path, parameters={"incident": name}, state={"type": "SCHEDULED"})

    async def failed() -> bool:
        return bool((await rig.api.get(f"/flow_runs/{run['id']}")).json()["state_type"] == "FAILED")

    await rig.until(failed)
    assert rig.host.effects(name) == []


async def _asked(rig: Any, flow_run_id: str, times: int) -> bool:
    return bool(rig.host.asked.count(flow_run_id) >= times)


async def _suspended(rig: Any, flow_run_id: str) -> bool:
    return bool((await rig.api.get(f"/flow_runs/{flow_run_id}")).json()["state_name"] == "Waiting")


async def _opened(rig: Any, flow_run_id: str) -> str | None:
    return rig.host.by_flow_run.get(flow_run_id)


async def test_the_form_refuses_a_wrong_fact(rig: Any) -> None:
    """Prefect's API itself answers 409 to a word that the fact does not know; no run is created."""
    deployment = (await rig.api.get(f"/deployments/name/{PLAYBOOK}/{PLAYBOOK}")).json()
    path = f"/deployments/{deployment['id']}/create_flow_run"
    answer = await rig.api.post(path, json={"parameters": {"facts": {"kind": "weather"}}})
    assert answer.status_code == 409


async def test_a_run_that_is_resumed_in_prefect_too_early_waits_again(rig: Any) -> None:
    """Prefect's resume button decides nothing: without a decision in the journal the run is suspended again."""
    name = incident(rig)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    first = await rig.run_until(name, "Waiting")
    await rig.post(f"/flow_runs/{first['id']}/resume")

    async def again() -> bool:
        run = await rig.flow_run(name)
        return run["state_name"] == "Waiting" and run["state"]["id"] != first["state"]["id"]

    await rig.until(again)
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify"]


@pytest.fixture
def eager(rig: Any) -> Iterator[None]:
    """Look for runs that should wait at every turn."""
    usual, rig.bridge.catch_up.sweep = rig.bridge.catch_up.sweep, 0.5
    yield
    rig.bridge.catch_up.sweep = usual


@pytest.mark.usefixtures("eager")
async def test_a_run_that_is_cancelled_in_prefect_waits_again_and_ends_no_incident(rig: Any) -> None:
    """The button does what it says on the page: nothing stops, and the next decision is conducted in the same run."""
    name = incident(rig)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    run = await rig.run_until(name, "Waiting")
    assert run["state"]["message"] == WAITS
    await rig.post(f"/flow_runs/{run['id']}/set_state", state={"type": "CANCELLING"})
    assert (await rig.flow_run(name))["state_name"] == "Cancelled"
    again = await rig.run_until(name, "Waiting")
    assert again["state"]["message"] == f"{CANCELLED} {WAITS}"
    assert again["state"]["state_details"]["pause_timeout"] is None  # it waits for weeks where it must
    await rig.post(f"/flow_runs/{run['id']}/resume")  # the button works on a run that was put back, too
    await rig.until(lambda: _said_plainly(rig, name))
    rig.host.answer(name)
    assert await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct) == "closed"
    assert (await rig.run_until(name, "Completed"))["id"] == run["id"]
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify", "remediation.tell"]


async def _said_plainly(rig: Any, name: str) -> bool:
    run = await rig.flow_run(name)
    return (run["state_name"], run["state"]["message"]) == ("Waiting", WAITS)


async def test_a_normal_run_logs_nothing_in_red(rig: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Waiting, looking again and completing are lines at INFO: whoever filters for errors finds errors."""
    name = incident(rig)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    await rig.run_until(name, "Waiting")
    rig.host.answer(name)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    await rig.run_until(name, "Completed")
    lines = [record for record in caplog.records if record.name.startswith("prefect.flow_runs")]
    assert any(record.getMessage().startswith("Finished in state Waiting") for record in lines)
    assert [record.getMessage() for record in lines if record.levelno >= logging.WARNING] == []


async def test_an_operation_that_is_tried_again_is_one_task_run_with_its_history(rig: Any) -> None:
    """The second attempt turns the same node green; the failure stays in its states."""
    name = incident(rig)
    rig.host.fail.add("containment.verify")
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    rig.host.fail.clear()
    failed = (await rig.shown(name, 2))["containment · Verify that it is closed"]
    assert failed["state_name"] == "Failed"
    del rig.host.journals[name]["containment.verify"]
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)

    async def mended() -> bool:
        again = (await rig.task_runs(name)).get("containment · Verify that it is closed", {})  # written anew meanwhile
        return bool(again.get("id") == failed["id"] and again["state_name"] == "Completed")

    await rig.until(mended)
    states = (await rig.api.get("/task_run_states/", params={"task_run_id": failed["id"]})).json()
    assert {"Failed", "Completed"} <= {state["name"] for state in states}


@pytest.mark.usefixtures("impatient")
async def test_twenty_incidents_at_once_all_complete(rig: Any) -> None:
    """A busy server (503) costs time and nothing else: every run completes, every effect ran once."""
    names = [incident(rig) for _ in range(20)]
    for name in names:
        rig.host.answer(name)
    endings = await asyncio.gather(*(_with_or_without(rig, name) for name in names))
    assert set(endings) == {"closed"}
    for name in names:
        await rig.run_until(name, "Completed")
        assert sorted(rig.host.effects(name)) == ["containment.suspend", "containment.verify", "remediation.tell"]
        await rig.shown(name, 4)


@pytest.fixture
def impatient(rig: Any) -> Iterator[None]:
    """Prefect has two seconds to take part, as in earnest."""
    patient, rig.bridge.bound = rig.bridge.bound, 2.0
    yield
    rig.bridge.bound = patient


async def _with_or_without(rig: Any, name: str) -> str:
    from firedoor.runtime.execution.performer import perform_directly
    from firedoor.runtime.prefect.bridge import PrefectAway

    async def nobody(*_: Any) -> None:
        return None

    try:
        return await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    except PrefectAway:
        return await rig.host.conduct(name, perform_directly, nobody)


async def test_an_incident_that_was_conducted_without_prefect_is_shown_afterwards(rig: Any) -> None:
    """A closed incident becomes a completed run with every task run, at the time at which it really happened."""
    name = incident(rig)
    at = "2026-10-24T10:00:00+00:00"
    rig.host.journals[name] = {
        operation.id: {"status": "finished", "outcome": "done", "at": at} for operation in rig.host.operations
    }
    await rig.run_until(name, "Completed")
    shown = await rig.shown(name, 4)
    assert {run["end_time"][:19] for run in shown.values()} == {at[:19]}
    assert rig.host.effects(name) == []


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_is_killed_costs_the_incident_nothing(rig: Any) -> None:
    """Kill -9 of the server in the middle: effects go on at once, and the run completes on the next server."""
    name = incident(rig)
    await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    await rig.run_until(name, "Waiting")
    rig.host.answer(name)
    assert rig.bridge.session.server_pid
    os.kill(rig.bridge.session.server_pid, signal.SIGKILL)
    assert await asyncio.wait_for(_with_or_without(rig, name), GENEROUS) == "closed"  # it would wait for ever
    await rig.run_until(name, "Completed")
    assert len(await rig.shown(name, 4)) == 4
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify", "remediation.tell"]


async def test_a_server_that_is_killed_during_an_effect_does_not_interrupt_it(rig: Any) -> None:
    """The conductor gets its outcomes without the server; the run is suspended as soon as there is one again."""
    name = incident(rig)
    release = rig.host.held[name] = asyncio.Event()
    conducting = asyncio.create_task(rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct))
    await rig.until(lambda: _performed(rig, name))
    os.kill(rig.bridge.session.server_pid, signal.SIGKILL)
    release.set()
    assert await asyncio.wait_for(conducting, GENEROUS) == "waiting"
    await rig.run_until(name, "Waiting")
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify"]


async def test_a_server_that_ends_while_a_run_waits_for_it_is_started_again(rig: Any) -> None:
    """Where a run begins Prefect's engine holds its thread until the server answers: somebody else has to start it."""
    ended, held = rig.bridge.session.server_pid, threading.Event()
    rig.bridge._thread.loop.call_soon_threadsafe(held.wait)
    os.kill(ended, signal.SIGKILL)

    async def another() -> bool:
        return rig.bridge.session.server_state == "ready" and rig.bridge.session.server_pid not in (None, ended)

    try:
        await rig.until(another)
    finally:
        held.set()
    name = incident(rig)
    await rig.until(lambda: _is_ready(rig))
    assert await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct) == "waiting"
    await rig.run_until(name, "Waiting")


async def _is_ready(rig: Any) -> bool:
    return bool(rig.bridge.session.ready)


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_hangs_holds_nobody_up(rig: Any) -> None:
    """A stopped server answers nothing and refuses nothing; after two seconds the incident goes on without it."""
    name = incident(rig)
    server = rig.bridge.session.server_pid
    os.kill(server, signal.SIGSTOP)
    try:
        assert await asyncio.wait_for(_with_or_without(rig, name), GENEROUS) == "waiting"  # it would wait for ever
    finally:
        os.kill(server, signal.SIGCONT)
    await rig.run_until(name, "Waiting")
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify"]


@pytest.mark.usefixtures("eager")
async def test_a_run_that_is_cancelled_during_an_operation_breaks_nothing_off_and_repeats_nothing(rig: Any) -> None:
    """The call that is under way ends and is journalled, the next ones follow, and the run waits for the decision."""
    name = incident(rig)
    rig.host.held[name] = asyncio.Event()
    going = asyncio.ensure_future(rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct))
    await rig.until(lambda: _performed(rig, name))
    run = await rig.flow_run(name)
    await rig.post(f"/flow_runs/{run['id']}/set_state", state={"type": "CANCELLING"})
    rig.host.held.pop(name).set()
    assert await going == "waiting"
    assert (await rig.run_until(name, "Waiting"))["id"] == run["id"]
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify"]
    rig.host.answer(name)
    assert await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct) == "closed"
    await rig.run_until(name, "Completed")
    assert rig.host.effects(name) == ["containment.suspend", "containment.verify", "remediation.tell"]


async def _performed(rig: Any, name: str) -> bool:
    return bool(rig.host.effects(name))


async def test_an_effect_that_raises_is_a_failed_task_run_and_the_conductor_gets_what_was_raised(rig: Any) -> None:
    """Prefect shows its words; whoever conducts decides, and the run of another incident is not touched."""
    name, other = incident(rig), incident(rig)
    rig.host.raises.add("containment.verify")
    try:
        with pytest.raises(ZeroDivisionError, match="a fault in its connector"):
            await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    finally:
        rig.host.raises.clear()
    shown = await rig.shown(name, 2)
    failed = shown["containment · Verify that it is closed"]["state"]
    assert (failed["type"], failed["message"]) == ("FAILED", "ZeroDivisionError: a fault in its connector")
    assert await rig.bridge.run_incident(other, PLAYBOOK, rig.host.conduct) == "waiting"
