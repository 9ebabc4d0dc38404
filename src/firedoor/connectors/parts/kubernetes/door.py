"""The written form of a Kubernetes door, and what each of its actions has to answer.

Decides the keys of `config` and which of them belong to which action. Leaves each action to a module of its own
(`kubernetes_scaling`, `kubernetes_isolation`, `kubernetes_jobs`) and the calls to `kubernetes_api`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.kubernetes import objects
from firedoor.connectors.parts.kubernetes.api import DNS_LABEL, DNS_NAME, Cluster, KubernetesApi
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.targets import Part
from firedoor.core.ternary import Ternary

_BELONGS: Mapping[str, str] = {
    "workload": "scale, network-policy",
    "autoscaler": "scale",
    "policy": "network-policy",
    "directions": "network-policy",
    "queue": "job-suspend",
}
_NO_TIME = datetime.max.replace(tzinfo=UTC)  # this layer has no clock; the connector sets the time of its look


class KubernetesDoor(Part):
    """One object of a cluster and the way in which it is closed.

    `name` is the Deployment or StatefulSet (`workload`), or the Job. `autoscaler`: what to do when something would
    scale it up again. `directions`: which traffic of its pods a network policy denies. `queue`: what to do when
    Kueue owns the job's suspension.
    """

    action: Literal["scale", "network-policy", "job-suspend"]
    cluster: Cluster
    namespace: str = Field(pattern=DNS_LABEL)
    name: str = Field(pattern=DNS_NAME)
    workload: Literal["Deployment", "StatefulSet"] = "Deployment"
    autoscaler: Literal["refuse", "pause", "ignore"] = "refuse"
    policy: str | None = Field(default=None, pattern=DNS_NAME)
    directions: tuple[Literal["Ingress", "Egress"], ...] = Field(default=("Ingress", "Egress"), min_length=1)
    queue: Literal["refuse", "ignore"] = "refuse"
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    @model_validator(mode="after")
    def _of_the_action(self) -> Self:
        for key, actions in _BELONGS.items():
            if key in self.model_fields_set and self.action not in actions.split(", "):
                raise ValueError(f"{key} belongs to action: {actions.replace(',', ' or')}")
        return self


class Action(ABC):
    """One way of closing. Looks, closes, opens and says beforehand what it would do."""

    changes: ClassVar[frozenset[str]]

    @abstractmethod
    async def look(self, api: KubernetesApi, door: KubernetesDoor) -> Live:
        """Read how the door stands."""

    @abstractmethod
    async def platform(self, api: KubernetesApi, door: KubernetesDoor) -> Ternary:
        """Whether the cluster says that it is closed."""

    @abstractmethod
    def was_closed(self, state: Members) -> bool:
        """Whether a captured state is that of a closed door."""

    @abstractmethod
    async def close(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Close it and leave our mark."""

    @abstractmethod
    async def open(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Bring the captured state back and take our mark away."""

    @abstractmethod
    def describe(self, door: KubernetesDoor) -> Description:
        """Say what would be done."""

    def seen(self, item: Members, state: Members, closed: Ternary, marks: list[str] | None = None) -> Live:
        """How a door stands, from the object that bears our mark; the connector sets the time."""
        found = [*([mark] if (mark := objects.noted(item).get(objects.CLOSED_BY)) else []), *(marks or [])]
        return Live(state=state, closed=closed, at=_NO_TIME, mark=found or None, version_token=objects.generation(item))

    def told(self, item: Members) -> Members:
        """What a change answered, as far as a receipt needs it."""
        return {
            "version_token": objects.generation(item),
            "resource_version": item["metadata"].get("resourceVersion"),
            "owners": list(objects.owners(item)),
        }


def planned(door: KubernetesDoor, capture: str, suspend: str, resume: str) -> tuple[PlannedCall, ...]:
    """The calls of a door, each with the cluster that it goes to."""
    where = f" on {door.cluster.where()}"
    return (
        PlannedCall(verb="capture", summary=capture + where),
        PlannedCall(verb="suspend", summary=f"{suspend}{where}, marked {objects.CLOSED_BY}"),
        PlannedCall(verb="resume", summary=resume + where),
    )
