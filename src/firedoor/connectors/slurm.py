"""Slurm: stop training jobs where they stand, keep waiting ones from starting, or close a whole partition.

Decides which of Slurm's commands closes a door and what a closed one looks like; that our mark is the AdminComment of
the jobs (or their Comment); and that a training job is seen to go on by its heartbeat file, not by what the scheduler
says. Leaves reading Slurm's answers to `parts.slurm_jobs`, and the order of things to `parts.door_connector`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, ValidationError, model_validator

from firedoor.connectors.parts import slurm_jobs
from firedoor.connectors.parts.config_problems import config_problems
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.connectors.parts.slurm_jobs import Cluster, Job, Selection
from firedoor.core.ports import CallerSaw, Members, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, all_of, of

_SHUT = ("DOWN", "INACTIVE")  # DRAIN still starts what waits
_LOOKS_PER_SECOND = 40
_GOES_ON = 3  # movements of the heartbeat; the first may be the last breath of a job that was just stopped


class SlurmDoor(Cluster):
    """Jobs to `suspend`, `hold` or `cancel`, or one `partition` to set DOWN.

    `suspend` stops what runs and holds what waits; `hold` leaves alone what runs. `mark_in` is the job's field for our
    mark: `admin_comment` needs operator's rights, `comment` the owner's.
    """

    how: Literal["suspend", "hold", "partition", "cancel"] = "suspend"
    jobs: Selection | None = None
    partition: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$")
    mark_in: Literal["admin_comment", "comment"] = "admin_comment"
    blast_radius: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_subject(self) -> SlurmDoor:
        if (self.how == "partition") != (self.partition is not None) or (self.how == "partition") == bool(self.jobs):
            raise ValueError("`how: partition` needs `partition`; every other `how` needs `jobs`, and not both")
        return self


class SlurmProbe(Cluster):
    """A look at a job from outside the scheduler: `heartbeat` is a file that the training writes as it goes on.

    The job is at rest when the file does not move for `still_seconds`; write more than one heartbeat's interval.
    """

    jobs: Selection
    heartbeat: str
    still_seconds: float = Field(default=2.0, gt=0, le=60)


class SlurmConnector(DoorConnector[SlurmDoor]):
    """Drives jobs and partitions by Slurm's commands; see docs/how-to/connect-with-slurm.md."""

    kind: ClassVar[str] = "slurm"
    Config = SlurmDoor

    def mark(
        self,
        target: Target,  # noqa: ARG002 - the mark is the same for every target
        door: Door,  # noqa: ARG002 - likewise
        settings: SlurmDoor,
        operation_key: str,
    ) -> str | None:
        """A partition has no field for a mark; a job has."""
        return None if settings.how == "partition" else f"firedoor:{operation_key}"

    def changed_names(self, settings: SlurmDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """The states are what we change, and the comments are where our mark goes."""
        return frozenset({"closed", "states", "comments"})

    def describe(self, target: Target, door: Door, settings: SlurmDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The commands, what they leave running, and who is stopped with it."""
        planned = [PlannedCall(verb=verb, summary=text) for verb, text in _COMMANDS[settings.how]]  # type: ignore[arg-type]  # its words
        subject = settings.partition or str(settings.jobs)
        calls = tuple(call.model_copy(update={"summary": f"{call.summary} ({subject})"}) for call in planned)
        rights = _RIGHTS["admin" if settings.how == "partition" or settings.mark_in == "admin_comment" else "owner"]
        reversible: Literal["yes", "no"] = "no" if settings.how == "cancel" else "yes"
        return Description(calls, (*_TOUCHED[settings.how], *settings.blast_radius), (rights,), reversible)

    async def look(self, target: Target, door: Door, settings: SlurmDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Ask the controller. Raises Unanswered, also when it knows no such job."""
        if settings.partition is not None:
            found = await slurm_jobs.partition(settings, settings.partition)
            closed = of(found["State"] in _SHUT)
            kept = {name: found.get(name) for name in ("Nodes", "AllowAccounts", "AllowGroups", "MaxTime")}
            state = {"closed": closed is YES, "states": {settings.partition: found["State"]}, **kept}
            return Live(state=state, closed=closed, at=self._context.now())
        assert settings.jobs is not None  # noqa: S101 - the door's own check saw to it
        found_jobs = await slurm_jobs.jobs(settings, settings.jobs)
        return _live(found_jobs, settings, self._context.now())

    async def close(self, work: Work[SlurmDoor]) -> Members:
        """Mark the jobs, then stop them: a crash between the two leaves open jobs, which are looked at."""
        door, states = work.settings, work.live.state["states"]
        if door.partition is not None:
            return await _set(door, "scontrol", "update", f"PartitionName={door.partition}", "State=DOWN")
        running = _of(states, runs=True) if door.how != "hold" else []
        waiting = _of(states, runs=False)
        numbers = ",".join(running + waiting)
        await slurm_jobs.change(door, "scontrol", "update", f"JobId={numbers}", f"{_field(door)}={work.mark}")
        if door.how == "cancel":
            return await _set(door, "scancel", *running, *waiting)
        return await _both(door, ("suspend", running), ("hold", waiting))

    async def open(self, work: Work[SlurmDoor]) -> Members:
        """Resume and release what ran and waited when the state was captured, then give the comments back."""
        door, states = work.settings, work.snapshot.state["states"]
        if door.partition is not None:
            was = states[door.partition]
            return await _set(door, "scontrol", "update", f"PartitionName={door.partition}", f"State={was}")
        now = work.live.state["states"]
        running = [number for number in _of(states, runs=True) if now.get(number) == "SUSPENDED"]
        waiting = [number for number in _of(states, runs=False) if now.get(number) == "HELD"]
        told = await _both(door, ("resume", running), ("release", waiting))
        try:
            for number, text in work.snapshot.state["comments"].items():
                await slurm_jobs.change(door, "scontrol", "update", f"JobId={number}", f"{_field(door)}={text}")
        except FiredoorError as error:  # the jobs go on all the same: a look decides, nothing is repeated blindly
            raise InDoubt(error.problems) from None
        return told

    # The data plane: does the training go on?

    def check_probe(self, config: Mapping[str, object]) -> None:
        """Raise InvalidInput with all problems of a probe."""
        _probe(config)

    async def call(self, target: Target, config: Mapping[str, object], timeout_seconds: float) -> CallerSaw:  # noqa: ARG002 - the probe names its jobs
        """Watch the heartbeat. It rests only if it stands still while no job should run; anything else is unknown."""
        probe = _probe(config)
        file, end = Path(probe.heartbeat), asyncio.get_running_loop().time() + timeout_seconds - 0.1
        said = "its heartbeat did not move often enough to tell"
        while (beat := await _watch(file, probe.still_seconds, end)) is _Beat.STILL:
            found = await slurm_jobs.jobs(probe, probe.jobs)
            states = ", ".join(sorted({job.state for job in found}))
            said = f"its heartbeat stood still for {probe.still_seconds:g} s, and Slurm says {states}"
            if all_of([job.stopped for job in found]) is YES:
                return CallerSaw(serving=NO, detail=said)
        moves = beat is _Beat.MOVES
        return CallerSaw(serving=YES if moves else UNKNOWN, detail="" if moves else said)


_COMMANDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "suspend": (
        ("capture", "squeue --json"),
        ("suspend", "scontrol update, mark; scontrol suspend what runs; scontrol hold what waits"),
        ("resume", "scontrol resume what ran; scontrol release what waited; scontrol update, comments as before"),
    ),
    "hold": (
        ("capture", "squeue --json"),
        ("suspend", "scontrol update, mark; scontrol hold what waits"),
        ("resume", "scontrol release what waited; scontrol update, comments as before"),
    ),
    "partition": (
        ("capture", "scontrol show partition"),
        ("suspend", "scontrol update State=DOWN"),
        ("resume", "scontrol update State as before"),
    ),
    "cancel": (("capture", "squeue --json"), ("suspend", "scontrol update, mark; scancel")),
}
_TOUCHED: Mapping[str, tuple[str, ...]] = {
    "suspend": (
        "a suspended job keeps its memory, GPU memory too: what it has learnt stays there, and a GPU may stay full",
        "jobs that depend on these, or expect their messages, wait or time out",
        "a job that is submitted later under the same name is not stopped",
    ),
    "hold": ("what runs goes on: only waiting jobs are kept from starting",),
    "partition": (
        "no job of anybody starts in this partition; what runs there goes on",
        "the same nodes may be in another partition, which stays open",
    ),
    "cancel": ("the jobs end for good: what was not in a checkpoint is lost", "a workflow may submit them again"),
}
_RIGHTS: Mapping[str, str] = {
    "admin": "a Slurm operator (AdminLevel=Operator), who may suspend any job and write AdminComment",
    "owner": "the jobs' own user for hold, release, scancel and Comment; suspend needs an operator",
}


def _live(found: tuple[Job, ...], settings: SlurmDoor, at: datetime) -> Live:
    alive = [job for job in found if not job.ended]
    counted = alive if settings.how != "hold" else [job for job in alive if not job.runs]
    closed = all_of([job.stopped for job in counted]) if settings.how != "cancel" else of(not alive)
    admin = settings.mark_in == "admin_comment"
    # A cancelled job is over, and its mark is what is left of it.
    comments = {job.number: job.admin_comment if admin else job.comment for job in (alive or found)}
    state = {
        "closed": closed is YES,
        "jobs": {job.number: dict(job.facts) for job in alive},
        "states": {job.number: job.state for job in alive},
        "comments": comments,
    }
    return Live(state=state, closed=closed, at=at, mark=sorted({text for text in comments.values() if text}))


def _of(states: Mapping[str, str], *, runs: bool) -> list[str]:
    wanted = [number for number, state in states.items() if (state != "PENDING") == runs]
    return [number for number in wanted if states[number] not in ("SUSPENDED", "HELD", "COMPLETING")]


def _field(door: SlurmDoor) -> str:
    return "AdminComment" if door.mark_in == "admin_comment" else "Comment"


async def _set(door: SlurmDoor, program: str, *arguments: str) -> Members:
    output = await slurm_jobs.change(door, program, *arguments)
    return {"command": f"{program} {' '.join(arguments)}"[:200], "code": output.code}


async def _both(door: SlurmDoor, *orders: tuple[str, list[str]]) -> Members:
    """Do one after the other. Raises InDoubt when the first was done and the second failed."""
    done: Members = {}
    for action, numbers in orders:
        if not numbers:
            continue
        try:
            await slurm_jobs.change(door, "scontrol", action, ",".join(numbers))
        except FiredoorError as error:
            if not done:
                raise
            raise InDoubt(error.problems) from None
        done[action] = numbers
    return done


def _probe(config: Mapping[str, object]) -> SlurmProbe:
    try:
        return SlurmProbe.model_validate(config)
    except ValidationError as error:
        raise InvalidInput(config_problems(error, SlurmProbe, "see docs/how-to/connect-with-slurm.md")) from None


class _Beat(Enum):
    """What a heartbeat does."""

    MOVES = "moves"
    STILL = "stands still"
    UNCLEAR = "moves now and then"


async def _watch(file: Path, still_seconds: float, end: float) -> _Beat:
    """Watch until it moved often enough, stood still for long enough, or the time is over. Raises Unanswered."""
    clock = asyncio.get_running_loop().time
    moved, seen, since = 0, await asyncio.to_thread(_beat, file), clock()
    while clock() < end:
        if clock() - since >= still_seconds:
            return _Beat.STILL
        await asyncio.sleep(1 / _LOOKS_PER_SECOND)
        now = await asyncio.to_thread(_beat, file)
        if now != seen:
            moved, seen, since = moved + 1, now, clock()
        if moved >= _GOES_ON:
            return _Beat.MOVES
    return _Beat.UNCLEAR


def _beat(file: Path) -> tuple[int, int, int]:
    """What changes when the file is written or replaced; opened, so that a network file system asks its server."""
    try:
        with file.open("rb") as opened:
            seen = os.fstat(opened.fileno())
    except OSError as error:
        do = "name the file that the training writes as it goes on; a job without one cannot be seen to rest"
        raise Unanswered(Problem(code="K201", message=f"{file} cannot be read: {error.strerror}", do=do)) from None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size
