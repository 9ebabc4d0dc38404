"""What only Ray shows: jobs that cannot be started again, and applications that leave nothing to restore."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.driving import driving
from tests.contract.rigs_support.pages import problems_of_page
from tests.patience import until

from firedoor.core.problems import InvalidInput, Refused, Unanswered
from firedoor.core.targets import ConnectorProbe, Inventory
from firedoor.core.ternary import NO, YES


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("ray")()
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


def with_job(rig: Any, name: str) -> None:
    """Submit a job, and let the target be it."""
    job = {"entrypoint": "sleep 600", "submission_id": name}
    rig.dashboard.post("/api/jobs/", json=job).raise_for_status()
    status = lambda: rig.dashboard.get(f"/api/jobs/{name}").json()["status"]  # noqa: E731
    until(lambda: status() == "RUNNING", otherwise="the job does not run")
    config = {name: value for name, value in rig.door.config.items() if name != "application"} | {"job": name}
    probe = ConnectorProbe(via="ray", config={part: config[part] for part in ("url", "job", "headers")})
    rig.replace(doors=(rig.door.model_copy(update={"config": config}),), probe=probe)


@pytest.mark.heavy
async def test_a_job_is_stopped_for_good(rig: Any) -> None:
    """Its starter sees it run and then stopped; the plan says that it cannot be undone, and a resume is refused."""
    with_job(rig, f"tune-{time.monotonic_ns()}")
    async with driving(rig) as driven:
        assert (await driven.connector.plan(rig.target, rig.door)).reversible == "no"
        assert (await driven.verify()).holds is NO
        snapshot, receipt = await driven.close()
        for _ in range(100):  # it ends in its own time
            await asyncio.sleep(0.2)
            if (await driven.observe()).closed is YES:
                break
        assert (await driven.verify()).holds is YES
        with pytest.raises(Refused, match="cannot be undone"):
            await driven.open(snapshot, receipt)


@pytest.mark.heavy
async def test_a_job_that_is_not_there_is_no_stopped_job(rig: Any) -> None:
    """A typing error is no answer."""
    config = {name: value for name, value in rig.door.config.items() if name != "application"} | {"job": "tune-none"}
    async with driving(rig) as driven:
        with pytest.raises(Unanswered, match="tune-none"):
            await driven.connector.capture_state(rig.target, rig.door.model_copy(update={"config": config}))


@pytest.mark.heavy
async def test_the_other_applications_are_sent_along_as_they_are(rig: Any) -> None:
    """What a PUT leaves out would be deleted; the neighbour is neither deleted nor deployed again."""
    before = rig.dashboard.get("/api/serve/applications/").json()["applications"]["chat-small"]
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert receipt.detail["others"] == 1
        await driven.open(snapshot, receipt)
    after = rig.dashboard.get("/api/serve/applications/").json()["applications"]["chat-small"]
    replicas = [app["deployments"]["Model"]["replicas"][0]["replica_id"] for app in (before, after)]
    assert replicas[0] == replicas[1]
    assert before["deployed_app_config"] == after["deployed_app_config"]


@pytest.mark.parametrize("config", [{}, {"application": "a", "job": "b"}])
async def test_a_door_is_for_an_application_or_a_job(config: dict[str, str]) -> None:
    """Neither and both are refused, without a cluster."""
    door = {"name": "ray", "connector": "ray", "config": {"url": "http://127.0.0.1:1", **config}}
    rig = type("Nowhere", (), {"kind": "ray", "environment": {}})()
    rig.inventory = Inventory.model_validate({"targets": {"chat": {"doors": [door]}}})
    target = rig.inventory.targets["chat"]
    async with driving(rig) as driven:
        with pytest.raises(InvalidInput, match="not both"):
            driven.connector.check(target, target.doors[0])


def test_the_page_shows_inventories_that_check_accepts() -> None:
    """What a reader copies is right."""
    assert problems_of_page("connect-with-ray.md") == []
