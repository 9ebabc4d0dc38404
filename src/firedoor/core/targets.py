"""The inventory of things that can be suspended: models' endpoints, jobs, shares, keys.

Decides the written form of the inventory file (`FIREDOOR_TARGETS`) and what a
target, a door, a probe and an artefact are. Leaves what stands around the targets (data, models, customers) to
`assets`, driving the doors to the connectors, and reading the file to `source` and `runtime.settings`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from firedoor.core.assets import Assets
from firedoor.core.problems import Problem, nearest
from firedoor.core.removal.store import ContentStore


class Part(BaseModel):
    """A frozen part of the inventory; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpProbe(Part):
    """A request as a caller of the model would make it, and how to read the answer.

    A status in `serving` means that the model answers; one in `refused` that it is
    closed; anything else (a time-out, a 500, a connection error) is unknown. A 401 is unknown
    too unless it is listed: a wrong key of our own must not look like a closed model. Behind
    a balancer one replica may lag, so `looks` asks several times: all must agree.
    """

    url: str
    method: Literal["GET", "POST", "PUT"] = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    json_body: object = Field(default=None, alias="json")
    serving: tuple[int, ...] = (200,)
    refused: tuple[int, ...] = (403, 404, 410, 423, 503)
    timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    looks: int = Field(default=1, ge=1, le=20)


class ConnectorProbe(Part):
    """A look as a caller would take it, where callers do not speak plain HTTP: a job that runs, a signed cloud call.

    `via` names the connector that takes the look; `config` is the caller's side of it, which that connector checks.
    It uses the caller's own rights, never those with which doors are closed.
    """

    via: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    config: dict[str, object] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    looks: int = Field(default=1, ge=1, le=20)


def _written_as(probe: object) -> str:
    return "via" if isinstance(probe, ConnectorProbe) or (isinstance(probe, dict) and "via" in probe) else "http"


Probe = Annotated[Annotated[HttpProbe, Tag("http")] | Annotated[ConnectorProbe, Tag("via")], Discriminator(_written_as)]


class Door(Part):
    """One way in which a target can be closed. `config` belongs to the connector, which checks it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    connector: str
    config: dict[str, object] = Field(default_factory=dict)


class Artefact(Part):
    """Where one named piece of evidence about the target is read from."""

    url: str | None = None
    file: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    media_type: str = "application/json"
    keep: Literal["content", "digest"] = "content"
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)


class Target(Part):
    """A thing that can be suspended, with its doors in the order in which they are tried.

    A target that others are protected by (a moderation model is itself a model) says
    `never_suspend: true` and `because:`; then neither a playbook nor a person closes it here.
    A target without neighbours cannot prove that a suspension spared the others, so a
    verification of it says so and stays honest about it.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    title: str = ""
    kind: Literal["endpoint", "model_version", "adapter", "training_job", "dataset_share", "key"] = "endpoint"
    model: str | None = None
    owner: str | None = None
    regions: tuple[str, ...] = ()
    doors: tuple[Door, ...] = Field(min_length=1)
    probe: Probe | None = None
    neighbours: tuple[str, ...] = ()
    never_suspend: bool = False
    because: str = ""  # why it is never suspended
    evidence: dict[str, Artefact] = Field(default_factory=dict)
    content: ContentStore | None = None  # where it holds content of people, and what can be done about it


class Inventory(Assets):
    """All targets by id, and what stands around them. Every neighbour must be in it and have a probe of its own.

    In the file each target stands under its id and need not repeat it.
    """

    targets: dict[str, Target] = Field(default_factory=dict)

    @field_validator("targets", mode="before")
    @classmethod
    def _named_by_key(cls, targets: object) -> object:
        if not isinstance(targets, dict):
            return targets
        return {
            name: {"id": name, **target} if isinstance(target, dict) else target for name, target in targets.items()
        }


def inventory_problems(inventory: Inventory) -> tuple[Problem, ...]:
    """Return what is wrong with the inventory itself, and as warnings what it leaves unproved.

    The configuration of each door is checked by its connector.
    """
    return tuple(
        problem
        for name, target in inventory.targets.items()
        for problem in (*_identity(name, target), *_neighbours(target, inventory), *_proof(target), *_artefacts(target))
    )


def _identity(name: str, target: Target) -> list[Problem]:
    problems = []
    if target.never_suspend != bool(target.because.strip()):
        what = "says `never_suspend` or `because` without the other"
        problems.append(_problem(target, "never_suspend", what, "write both: `never_suspend: true` and `because: ...`"))
    if name != target.id:
        problems.append(_problem(target, "id", f'is listed as "{name}"', "use one and the same id"))
    doors = [door.name for door in target.doors]
    if len(doors) != len(set(doors)):
        problems.append(_problem(target, "doors", "has two doors of one name", "name each door differently"))
    return problems


def _neighbours(target: Target, inventory: Inventory) -> list[Problem]:
    problems = []
    for name in target.neighbours:
        other = inventory.targets.get(name)
        if other is None:
            what, do = f'has a neighbour "{name}" that is not listed', nearest(name, inventory.targets)
            problems.append(_problem(target, "neighbours", what, do))
        elif name == target.id:
            problems.append(_problem(target, "neighbours", "is its own neighbour", "name one that must go on serving"))
        elif other.probe is None:
            what = f'has a neighbour "{name}" without a probe'
            problems.append(_problem(target, "neighbours", what, f"give {name} a probe"))
    return problems


def _proof(target: Target) -> list[Problem]:
    problems = []
    if target.probe is None:
        what = "has no probe: whether it is closed stays unknown"
        problems.append(_problem(target, "probe", what, "write the request that a caller makes", "warning"))
    if not target.neighbours:
        what = "has no neighbour: nothing will show that others were spared"
        problems.append(_problem(target, "neighbours", what, "name a target that must go on serving", "warning"))
    return problems


def _artefacts(target: Target) -> list[Problem]:
    wrong = [name for name, artefact in target.evidence.items() if (artefact.url is None) == (artefact.file is None)]
    return [_problem(target, f"evidence.{name}", "needs a url or a file, and not both", "write one") for name in wrong]


def _problem(
    target: Target, field: str, what: str, do: str, severity: Literal["error", "warning"] = "error"
) -> Problem:
    place = f"targets.{target.id}.{field}"
    return Problem(code="K105", message=f"{target.id} {what}", do=do, field=place, severity=severity)
