"""What Slurm says of its jobs and partitions, by its own commands, and what its complaints mean.

Decides how the answers of `squeue --json` and `scontrol show partition` are read, old and new forms alike, and which
complaint of a change is certainly no effect. Leaves closing and opening to the connector.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pydantic import Field, model_validator

from firedoor.connectors.parts.commands import Command, Output, run
from firedoor.core.json_types import Json, JsonObject, objects_at
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Refused, Unanswered
from firedoor.core.targets import Part
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

_WORD = r"^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,254}$"
_ENDED = frozenset(
    {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED"}
    | {"NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"}
)
_RUNS = frozenset({"RUNNING", "CONFIGURING", "RESIZING", "SIGNALING", "STAGE_OUT"})
_NO_RIGHT = re.compile(r"access/permission denied|invalid user id|authentication|munge", re.IGNORECASE)
_NOT_SENT = re.compile(
    r"unable to contact slurm controller \(connect failure\)|could not establish a conf", re.IGNORECASE
)
_OTHER_STATE = re.compile(
    r"already completing or completed|is pending execution|is not (suspended|running)|invalid job id|"
    r"requested operation is presently disabled|job is (already|no longer)|invalid partition",
    re.IGNORECASE,
)


class Cluster(Part):
    """Where Slurm's commands are and which cluster they speak to; both as on any login node unless written."""

    slurm_conf: str | None = None
    programs: str | None = None
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    def command(self, program: str, *arguments: str) -> Command:
        """Return one command with nothing in its environment but the way to the cluster."""
        environment = {"SLURM_CONF": self.slurm_conf} if self.slurm_conf else {}
        return Command(program, arguments, environment, self.programs, self.timeout_seconds)


class Selection(Part):
    """Which jobs are meant: those of all these properties. Job numbers change with each start; names do not."""

    ids: tuple[int, ...] = Field(default=(), max_length=500)
    name: str | None = Field(default=None, pattern=_WORD)
    user: str | None = Field(default=None, pattern=_WORD)
    account: str | None = Field(default=None, pattern=_WORD)
    partition: str | None = Field(default=None, pattern=_WORD)

    @model_validator(mode="after")
    def _something(self) -> Selection:
        if not (self.ids or self.name or self.user or self.account or self.partition):
            raise ValueError("say which jobs: ids, name, user, account or partition")
        return self

    def __str__(self) -> str:
        said = {"ids": ",".join(map(str, self.ids)), **self.model_dump(exclude={"ids"})}
        return " ".join(f"{name}={value}" for name, value in said.items() if value)


@dataclass(frozen=True)
class Job:
    """One job as Slurm shows it. `state` is its base state, HELD for a pending job that may not start."""

    number: str
    state: str
    facts: JsonObject
    admin_comment: str
    comment: str

    @property
    def stopped(self) -> Ternary:
        """Whether it makes no progress now and will not start by itself."""
        if self.state in ("SUSPENDED", "HELD") or self.state in _ENDED:
            return YES
        return NO if self.state == "PENDING" or self.state in _RUNS else UNKNOWN

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in _ENDED

    @property
    def runs(self) -> bool:
        """Whether it has processes that may go on."""
        return self.state in _RUNS


async def jobs(cluster: Cluster, selection: Selection) -> tuple[Job, ...]:
    """Return the jobs that are meant, ended ones too as long as Slurm remembers them. Raises Unanswered."""
    output = await run(cluster.command("squeue", "--json"), changes=False)
    document = _document(output)
    found = tuple(_job(row) for row in objects_at(document, "jobs") if _meant(row, selection))
    if found:
        return found
    message = f"Slurm knows no job with {selection}"
    do = "it ended long ago (see sacct), or the selection is wrong; nothing was changed"
    raise Unanswered(Problem(code="K207", message=message, do=do))


async def partition(cluster: Cluster, name: str) -> dict[str, str]:
    """Return what `scontrol show partition` says, by its own names. Raises Unanswered."""
    output = await run(cluster.command("scontrol", "show", "partition", name, "--oneliner"), changes=False)
    text = output.content.decode("utf-8", "replace")
    found = dict(re.findall(r"(\w+)=(\S*)", text))
    if output.code != 0 or found.get("PartitionName") != name or "State" not in found:
        said = output.complaint or " ".join(text.split())[:200]
        raise Unanswered(Problem(code="K204", message=f"partition {name} cannot be read: {said}", do=_LOOK))
    return found


async def change(cluster: Cluster, program: str, *arguments: str) -> Output:
    """Run a command that changes something. Raises Unanswered, InDoubt or Refused as its complaint says."""
    command = cluster.command(program, *arguments)
    output = await run(command, changes=True)
    if output.code != 0:
        raise _meaning(command, output)
    return output


_LOOK = "run the same command on this machine as this user; nothing was changed"


def _meaning(command: Command, output: Output) -> FiredoorError:
    """Slurm's exit code is 1 for all of them, and some versions say little: what is unclear is doubt."""
    message = f'{command} ended with {output.code}: "{output.complaint}"'
    if _NO_RIGHT.search(output.complaint):
        return Unanswered(Problem(code="K203", message=message, do="see whether this user may do that to these jobs"))
    if _NOT_SENT.search(output.complaint):
        return Unanswered(Problem(code="K201", message=message, do=_LOOK))
    if _OTHER_STATE.search(output.complaint):
        do = "the jobs are in another state than before: look at them, then decide again"
        return Refused(Problem(code="K206", message=message, do=do))
    do = "observe the door before anything is repeated: the command may have had its effect"
    return InDoubt(Problem(code="K202", message=message, do=do))


def _document(output: Output) -> JsonObject:
    """Read the JSON of a look. Raises Unanswered; Slurm also writes an empty document when it reached nobody."""
    try:
        document = json.loads(output.content)
    except ValueError:
        document = None
    if output.code == 0 and isinstance(document, dict) and isinstance(document.get("jobs"), list):
        errors = document.get("errors") or []
        if not errors:
            return document
        output = Output(output.code, b"", json.dumps(errors)[:200])
    said = output.complaint or f"exit code {output.code} and no jobs"
    raise Unanswered(Problem(code="K204", message=f"squeue --json cannot be read: {said}", do=_LOOK))


def _job(row: JsonObject) -> Job:
    states = row.get("job_state")
    words = [str(word) for word in states] if isinstance(states, list) else [str(states)]
    state = words[0] if words else ""
    if state == "PENDING" and (_number(row.get("priority")) == 0 or row.get("hold") is True):
        state = "HELD"
    facts = {
        "name": row.get("name"),
        "user": row.get("user_name"),
        "account": row.get("account"),
        "partition": row.get("partition"),
        "submitted": _number(row.get("submit_time")),
        "time_limit": _number(row.get("time_limit")),
        "command": row.get("command"),
    }
    return Job(str(row.get("job_id")), state, facts, _text(row.get("admin_comment")), _text(row.get("comment")))


def _meant(row: JsonObject, selection: Selection) -> bool:
    wanted = {"name": "name", "user": "user_name", "account": "account", "partition": "partition"}
    numbers = {row.get("job_id"), _number(row.get("array_job_id")), _number(row.get("het_job_id"))}
    if selection.ids and not numbers & set(selection.ids):
        return False
    return all(
        getattr(selection, ours) in (None, *str(row.get(theirs) or "").split(",")) for ours, theirs in wanted.items()
    )


def _number(value: Json) -> int | None:  # a number, or since Slurm 23 an object that holds one
    if isinstance(value, dict):
        return _number(value.get("number")) if value.get("set", True) and not value.get("infinite") else None
    return int(value) if isinstance(value, int | float) else None


def _text(value: Json) -> str:  # text or null, or since Slurm 23.11 an object
    return "" if value is None or isinstance(value, dict) else str(value)
