"""The inventory of things that can be suspended: models' endpoints, jobs, shares, keys.

Decides the written form of the inventory file (`FIREDOOR_TARGETS`) and what a
target, a door, a probe and an artefact are. Leaves driving the doors to the
connectors and reading the file to `source` and `runtime.settings`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


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
    json_body: Any = Field(default=None, alias="json")
    serving: tuple[int, ...] = (200,)
    refused: tuple[int, ...] = (403, 404, 410, 423, 503)
    timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    looks: int = Field(default=1, ge=1, le=20)


class Door(Part):
    """One way in which a target can be closed. `config` belongs to the connector, which checks it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    connector: str
    config: dict[str, Any] = Field(default_factory=dict)


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
    probe: HttpProbe | None = None
    neighbours: tuple[str, ...] = ()
    evidence: dict[str, Artefact] = Field(default_factory=dict)


class Inventory(Part):
    """All targets by id. Every neighbour must be in it and have a probe of its own."""

    targets: dict[str, Target] = Field(default_factory=dict)
