"""Proposes targets from a Kubernetes cluster: Deployments with certain labels, and InferenceServices.

Decides which objects are models (the label selector is the person's word for it), that a Deployment which KServe made
is left to its InferenceService, and what a cluster cannot tell: how callers ask, and who must go on serving. Leaves
the calls to `parts.kubernetes_api`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, Field

from firedoor.connectors.importers.registry import read_settings, target_id
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.kubernetes import objects
from firedoor.connectors.parts.kubernetes.api import (
    DEPLOYMENTS,
    DNS_LABEL,
    INFERENCE_SERVICES,
    Cluster,
    KubernetesApi,
    Resource,
)
from firedoor.core.ports import Found, Members
from firedoor.core.problems import Unanswered
from firedoor.core.targets import Door, Target

SECONDS = 30.0
_WAYS = ("server", "token", "certificate_authority", "kubeconfig", "context", "in_cluster")
PROBE = "probe: the request that a caller makes, and what it is answered when it is served and when it is refused"
NEIGHBOURS = "neighbours: a target with a probe that must go on serving when this one is closed"


class KubernetesImport(Cluster):
    """The keys of `cluster` in a door, and what to look at: one namespace or all, and which Deployments are models."""

    namespace: str | None = Field(default=None, pattern=DNS_LABEL)
    labels: str = Field(min_length=1, description="a label selector, such as kind=model")

    def cluster(self) -> Cluster:
        """The part of it that a door keeps."""
        return Cluster.model_validate(self.model_dump(include=set(_WAYS)))


class KubernetesImporter:
    """Lists; never changes anything."""

    kind: ClassVar[str] = "kubernetes"
    Settings: ClassVar[type[BaseModel]] = KubernetesImport

    def __init__(self, context: ConnectorContext) -> None:
        self._api = KubernetesApi(context)

    async def found(self, settings: Mapping[str, object]) -> Found:
        """Read Deployments by label, and every InferenceService. Raises InvalidInput and Unanswered."""
        asked = read_settings(KubernetesImport, settings)
        deployments = await self._list(asked, DEPLOYMENTS, label_selector=asked.labels)
        notes = ["Jobs, StatefulSets and other workloads were not looked at: write those by hand"]
        try:
            services = await self._list(asked, INFERENCE_SERVICES)
        except Unanswered as error:  # no right to list them, most likely
            services = []
            notes.append(f"InferenceServices could not be listed: {error.problems[0].message}")
        made_by_others = [one for one in deployments if _of_kserve(one)]
        if made_by_others:
            notes.append(f"{len(made_by_others)} Deployments belong to InferenceServices and are closed through those")
        chosen = [("kserve", one) for one in services]
        chosen += [("kubernetes", one) for one in deployments if one not in made_by_others]
        return _found(asked.cluster(), chosen, notes)

    async def _list(self, asked: KubernetesImport, what: Resource, label_selector: str | None = None) -> list[Members]:
        return list(await self._api.list(asked.cluster(), what, asked.namespace, SECONDS, label_selector))


def _found(cluster: Cluster, chosen: list[tuple[str, Members]], notes: list[str]) -> Found:
    names = Counter(one["metadata"]["name"] for _, one in chosen)
    targets, unknown = [], {}
    for connector, item in chosen:
        name, where = item["metadata"]["name"], item["metadata"].get("namespace", "default")
        parts = (name,) if names[name] == 1 else (where, name, connector)
        target = _target(target_id(*parts), connector, cluster, item)
        targets.append(target)
        unknown[target.id] = tuple(_unknown(connector, item))
    return Found(targets=tuple(targets), unknown=unknown, notes=tuple(notes))


def _target(name: str, connector: str, cluster: Cluster, item: Members) -> Target:
    config: Members = {} if connector == "kserve" else {"action": "scale"}
    config["cluster"] = cluster.model_dump(exclude_defaults=True)
    config |= {"namespace": item["metadata"].get("namespace", "default"), "name": item["metadata"]["name"]}
    kind = "InferenceService" if connector == "kserve" else "Deployment"
    door = Door(name="cluster", connector=connector, config=config)
    return Target(id=name, title=f"{kind} {config['namespace']}/{config['name']}", doors=(door,))


def _unknown(connector: str, item: Members) -> list[str]:
    """What a person still has to write about it, and what else was seen."""
    address = (item.get("status") or {}).get("url")
    said = [PROBE + (f"; it says that it is at {address}" if address else ""), NEIGHBOURS]
    said.append("owner: who answers for it")
    if connector == "kubernetes":
        said.append("model: what it serves, where other targets serve the same")
    return said + [f"it is managed by {owner}, which may undo a suspension" for owner in objects.owners(item)]


def _of_kserve(item: Members) -> bool:
    owners = item["metadata"].get("ownerReferences") or ()
    labels = item["metadata"].get("labels") or {}
    return (
        any(one.get("kind") == "InferenceService" for one in owners) or "serving.kserve.io/inferenceservice" in labels
    )
