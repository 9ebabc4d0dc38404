"""What only Slurm shows: waiting jobs, partitions, the end of a job, forms of its answers, and the heartbeat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.contract.connector_suite import TIMEOUT, rig_class
from tests.contract.rigs_support.driving import SUSPEND, driving
from tests.contract.rigs_support.pages import problems_of_page

from firedoor.connectors.parts.slurm_jobs import Cluster, Selection, change, jobs
from firedoor.core.ports import Caller
from firedoor.core.problems import InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES

NEWER = {  # as Slurm 23.11 and later write it
    "job_id": 7,
    "name": "train",
    "user_name": "trainer",
    "job_state": ["PENDING"],
    "priority": {"set": True, "infinite": False, "number": 0},
    "time_limit": {"set": False, "infinite": True, "number": 0},
    "submit_time": {"set": True, "infinite": False, "number": 1795307182},
    "admin_comment": "firedoor:x",
}


@pytest.fixture(scope="module", name="started")
def _started() -> Iterator[Any]:
    rig = rig_class("slurm")()
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


@pytest.fixture(name="rig")
def _rig(started: Any) -> Any:
    started.reset()
    return started


def with_door(rig: Any, **config: Any) -> None:
    """Give the target's door another configuration."""
    kept = {name: rig.door.config[name] for name in ("slurm_conf", "programs", "timeout_seconds")}
    rig.replace(doors=(Door(name="scheduler", connector="slurm", config={**kept, **config}),))


def state_of(rig: Any, number: str) -> str:
    """What Slurm says of a job, with its priority."""
    return rig.ask("squeue", "--noheader", f"--jobs={number}", "-o", "%T %Q %r")


def spoken(folder: Path, said: str, code: int = 0, complaint: str = "") -> Cluster:
    """A cluster whose commands say this."""
    for name in ("squeue", "scontrol"):
        (folder / "answer").write_text(said)
        (folder / name).write_text(f"#!/bin/sh\ncat {folder}/answer\necho '{complaint}' >&2\nexit {code}\n")
        (folder / name).chmod(0o755)
    return Cluster(programs=str(folder))


async def test_what_waits_is_held_and_what_runs_is_suspended(rig: Any) -> None:
    """A waiting job of the same training must not start when the running one stops; a resume releases it."""
    waiting = rig.submit("train-large", "--begin=now+1hour")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert receipt.detail["hold"] == [waiting]
        assert state_of(rig, waiting).split()[1:] == ["0", "JobHeldAdmin"]
        assert (await driven.verify()).holds is YES
        await driven.open(snapshot, receipt)
        assert state_of(rig, waiting).split()[1] != "0"
        assert (await driven.capture()).state == snapshot.state
    rig.ask("scancel", waiting)


async def test_a_hold_leaves_alone_what_runs(rig: Any) -> None:
    """Only the waiting job is held, and the running one is seen to go on."""
    waiting = rig.submit("train-large", "--begin=now+1hour")
    with_door(rig, how="hold", jobs={"name": "train-large"})
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert (receipt.changed, (await driven.verify()).holds) == (True, NO)
        await driven.open(snapshot, receipt)
    rig.ask("scancel", waiting)


async def test_a_partition_is_set_down_and_up_again(rig: Any) -> None:
    """It bears no mark, and what runs in it goes on."""
    with_door(rig, how="partition", partition="train")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert "State=DOWN" in rig.ask("scontrol", "show", "partition", "train", "--oneliner")
        seen = await driven.observe()
        assert (seen.closed, seen.ours) == (YES, UNKNOWN)
        assert (await driven.verify()).holds is NO
        await driven.open(snapshot, receipt)
        assert (await driven.capture()).state == snapshot.state


async def test_what_is_cancelled_stays_cancelled(rig: Any) -> None:
    """The plan says so, the job ends, its mark is found, and no resume is attempted."""
    number = rig.submit("short-lived", "--begin=now+1hour")
    with_door(rig, how="cancel", jobs={"ids": [int(number)]})
    async with driving(rig) as driven:
        assert (await driven.connector.plan(rig.target, rig.door)).reversible == "no"
        snapshot, receipt = await driven.close()
        seen = await driven.observe()
        assert (seen.closed, seen.ours) == (YES, YES)
        with pytest.raises(Refused, match="cannot be undone"):
            await driven.open(snapshot, receipt)


async def test_a_colleagues_comment_comes_back(rig: Any) -> None:
    """Our mark takes the place of a note while the door is closed, and gives it back."""
    number = rig.numbers["train-large"]
    rig.ask("scontrol", "update", f"JobId={number}", "Comment=ask Ada before you touch this")
    with_door(rig, jobs={"ids": [int(number)]}, mark_in="comment")
    async with driving(rig) as driven:
        snapshot, receipt = await driven.close()
        assert f"Comment=firedoor:{SUSPEND}" in rig.ask("scontrol", "show", "job", number)
        await driven.open(snapshot, receipt)
    assert "Comment=ask Ada before you touch this" in rig.ask("scontrol", "show", "job", number)


async def test_a_job_that_nobody_knows_is_no_stopped_job(rig: Any) -> None:
    """A typing error is no answer, and the selection is named."""
    with_door(rig, jobs={"name": "train-larg"})
    async with driving(rig) as driven:
        with pytest.raises(Unanswered, match="no job with name=train-larg"):
            await driven.capture()


async def test_a_running_job_whose_heartbeat_rests_is_unknown(rig: Any) -> None:
    """Slow or stuck is not stopped: the probe waits until its time is over and claims nothing."""
    (rig.folder / "old.beat").write_text("1")
    probe = rig.target.probe
    config = {**probe.config, "heartbeat": str(rig.folder / "old.beat")}
    async with driving(rig) as driven:
        saw = await cast("Caller", driven.connector).call(rig.target, config, TIMEOUT)
    assert saw.serving is UNKNOWN
    assert "stood still" in saw.detail
    assert "RUNNING" in saw.detail


async def test_the_newer_form_of_an_answer_is_read(tmp_path: Path) -> None:
    """Numbers in objects, states in lists, no limit as infinite: the same job."""
    cluster = spoken(tmp_path, json.dumps({"jobs": [NEWER], "errors": []}))
    (job,) = await jobs(cluster, Selection(name="train", user="trainer"))
    assert (job.number, job.state, job.stopped) == ("7", "HELD", YES)
    assert (job.facts["time_limit"], job.facts["submitted"]) == (None, 1795307182)


@pytest.mark.parametrize("said", ["", "no JSON", "[]", '{"jobs": [], "errors": [{"error": "unreachable"}]}'])
async def test_an_answer_that_is_none_proves_nothing(tmp_path: Path, said: str) -> None:
    """Slurm writes an empty list when it reached nobody; that is not an empty cluster."""
    with pytest.raises(Unanswered):
        await jobs(spoken(tmp_path, said), Selection(ids=(7,)))


@pytest.mark.parametrize(
    ("complaint", "error"),
    [
        ("Access/permission denied for job 2", Unanswered),
        ("slurm_suspend error: Unable to contact slurm controller (connect failure)", Unanswered),
        ("Job/step already completing or completed for job 2", Refused),
        ("Unexpected message received for job 2", InDoubt),
        ("", InDoubt),
    ],
)
async def test_a_complaint_means_what_it_says(tmp_path: Path, complaint: str, error: type[Exception]) -> None:
    """No right and no connection are no effect, another state is a refusal, and what says little is doubt."""
    with pytest.raises(error) as caught:
        await change(spoken(tmp_path, "", 1, complaint), "scontrol", "suspend", "2")
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"jobs": {}},
        {"how": "partition"},
        {"how": "partition", "partition": "gpu", "jobs": {"name": "x"}},
        {"jobs": {"name": "--all"}},
        {"jobs": {"name": "a b; rm"}},
    ],
)
async def test_a_door_without_one_subject_is_refused(config: dict[str, Any]) -> None:
    """Neither all jobs by mistake, nor two subjects, nor a name that would be an option."""
    rig = rig_class("slurm")()
    door = Door(name="scheduler", connector="slurm", config=config)
    async with driving(rig) as driven:
        with pytest.raises(InvalidInput):
            driven.connector.check(Target(id="train", doors=(door,)), door)


def test_the_inventory_on_the_page_has_no_problem() -> None:
    """What a reader copies passes the check."""
    assert problems_of_page("connect-with-slurm.md") == []
