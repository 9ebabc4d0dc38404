"""What Prefect has missed: shown from the journal, whatever state it was left in, with a real server."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

PLAYBOOK = "model-data-leakage"
NUMBERS = count(1)


def conducted(rig: Any, *left: str) -> str:
    """An incident that was conducted without Prefect, except for some operations."""
    name = str(rig.host.add(f"C-{next(NUMBERS):03}"))
    at = datetime.now(UTC).isoformat()
    done = [operation.id for operation in rig.host.operations if operation.id not in left]
    rig.host.journals[name] = {one: {"status": "finished", "outcome": "done", "at": at} for one in done}
    return name


async def shown(rig: Any, *names: str) -> None:
    """Wait until the catch-up has noted them."""

    async def all_noted() -> bool:
        return all(rig.backlog.shown.get(name) == len(rig.host.journals[name]) for name in names)

    await rig.until(all_noted)


async def under_way(rig: Any, state: dict[str, Any], *left: str) -> str:
    """An incident whose flow run was left in some state by a process that is gone."""
    name = conducted(rig, *left)
    await shown(rig, name)
    rig.backlog.shown[name] = 0
    rig.backlog.refused.add(name)
    await rig.post(f"/flow_runs/{rig.host.flow_runs[name]}/set_state", state=state, force=True)
    return name


@pytest.fixture
def eager(rig: Any) -> Iterator[None]:
    """Look for runs that were left under way at every turn."""
    usual, rig.bridge.catch_up.sweep = rig.bridge.catch_up.sweep, 0.5
    yield
    rig.bridge.catch_up.sweep = usual
    rig.backlog.refused.clear()


async def test_an_incident_that_waits_is_shown_as_suspended(rig: Any) -> None:
    """Its run is made, holds what has ended, and waits; the next decision goes on in the same run."""
    name = conducted(rig, "remediation.approve", "remediation.tell")
    await shown(rig, name)
    first = await rig.run_until(name, "Waiting")
    assert {run["state_name"] for run in (await rig.shown(name, 2)).values()} == {"Completed"}
    assert f"{name.lower()}-summary" in await rig.artifacts(name)
    rig.host.answer(name)
    assert await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct) == "closed"
    assert (await rig.run_until(name, "Completed"))["id"] == first["id"]
    assert len(await rig.shown(name, 4)) == 4
    assert rig.host.effects(name) == ["remediation.tell"]


async def test_many_incidents_of_an_outage_are_all_shown_once(rig: Any) -> None:
    """One run each, every operation once, however many there are."""
    names = [conducted(rig) for _ in range(24)]  # more than one round
    await shown(rig, *names)
    found = await rig.post("/flow_runs/filter", flow_runs={"name": {"any_": names}}, limit=200)
    assert sorted(run["name"] for run in found) == names
    assert {run["state_name"] for run in found} == {"Completed"}
    assert {len(await rig.task_runs(name)) for name in names[::6]} == {4}


@pytest.mark.parametrize("left", ["RUNNING", "PENDING", "CRASHED", "FAILED"])
@pytest.mark.usefixtures("eager")
async def test_a_run_that_was_left_in_the_middle_becomes_what_the_journal_says(rig: Any, left: str) -> None:
    """The process that drove it is gone, and nothing will ever be written to its journal again."""
    name = await under_way(rig, {"type": left, "name": left.capitalize()})
    rig.backlog.shown[name] = len(rig.host.journals[name])  # it counts as shown; only Prefect says otherwise
    rig.backlog.refused.discard(name)
    await rig.run_until(name, "Completed")
    assert name in rig.backlog.reopened


async def test_a_task_run_that_was_left_running_ends_as_the_journal_says(rig: Any) -> None:
    """Even where Prefect began it later than it had ended."""
    name = conducted(rig, "remediation.tell")
    await shown(rig, name)
    old = (await rig.task_runs(name))["remediation · Approve the letter"]
    await rig.post(f"/task_runs/{old['id']}/set_state", state={"type": "RUNNING", "name": "Running"}, force=True)
    await rig.backlog.reopen([name], [])
    await shown(rig, name)
    again = (await rig.task_runs(name))["remediation · Approve the letter"]
    assert (again["id"], again["state_name"]) == (old["id"], "Completed")


async def test_what_is_driven_meanwhile_is_not_overwritten(rig: Any) -> None:
    """Somebody answered while it was being shown: the catch-up leaves the state to the run that conducts it."""
    name = conducted(rig, "remediation.tell")
    await shown(rig, name)
    run = await rig.run_until(name, "Waiting")
    rig.backlog.refused.add(name)
    one = rig.backlog.unshown(name)
    rig.host.conducted.add(name)
    await rig.post(f"/flow_runs/{run['id']}/set_state", state={"type": "RUNNING"}, force=True)
    done: set[str] = set()
    await asyncio.wrap_future(rig.bridge._thread.submit(rig.bridge.session.show([one], done)))
    assert done == set()
    assert (await rig.flow_run(name))["state_name"] == "Running"
    rig.host.conducted.discard(name)
    rig.backlog.refused.clear()


@pytest.mark.usefixtures("eager")
async def test_a_killed_server_is_shown_what_it_missed_and_nothing_is_complained_about(rig: Any) -> None:
    """Incidents before, during and after; no future is left with an exception that nobody read."""
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(str(context["message"])))
    patient, rig.bridge.bound = rig.bridge.bound, 1.0
    before = conducted(rig)
    os.kill(rig.bridge.session.server_pid, signal.SIGKILL)
    during = [conducted(rig) for _ in range(5)]
    for name in during[:3]:
        with pytest.raises(Exception, match="goes on without Prefect"):
            await rig.bridge.run_incident(name, PLAYBOOK, rig.host.conduct)
    await shown(rig, before, *during)
    for name in (before, *during):
        assert (await rig.run_until(name, "Completed"))["name"] == name
    gc.collect()
    loop.set_exception_handler(None)
    rig.bridge.bound = patient
    assert complaints == []
