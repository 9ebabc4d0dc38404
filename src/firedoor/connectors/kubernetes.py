"""The kubernetes connector: a workload without replicas, pods that nobody reaches, a job that does not run.

Decides which of the three a door's `action` means, what a plan says about whoever may undo it (read from the cluster),
and how a running job is looked at by somebody who may only read. Leaves each action to its module under `parts`, the
order of things to `parts.door_connector`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel, Field, ValidationError

from firedoor.connectors.parts.config_problems import config_problems
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.connectors.parts.kubernetes import jobs, objects, scaling
from firedoor.connectors.parts.kubernetes.api import (
    DEPLOYMENTS,
    DNS_LABEL,
    DNS_NAME,
    JOBS,
    STATEFUL_SETS,
    Cluster,
    KubernetesApi,
)
from firedoor.connectors.parts.kubernetes.door import Action, KubernetesDoor
from firedoor.connectors.parts.kubernetes.isolation import Isolation
from firedoor.connectors.parts.kubernetes.jobs import Suspension
from firedoor.connectors.parts.kubernetes.scaling import Scaling
from firedoor.core.ports import CallerSaw, CallPlan, Members, Snapshot
from firedoor.core.problems import FiredoorError, InvalidInput
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import Ternary

ACTIONS: Mapping[str, Action] = {"scale": Scaling(), "network-policy": Isolation(), "job-suspend": Suspension()}
_OBJECTS = {"job-suspend": JOBS}
PLAN_SECONDS = 3.0  # a plan is for people and for the moment before a door closes: it waits no longer


class JobProbe(Part):
    """How a job is looked at: `cluster` with an account of its own that may read the job and list pods."""

    cluster: Cluster
    namespace: str = Field(pattern=DNS_LABEL)
    job: str = Field(pattern=DNS_NAME)


class KubernetesConnector(DoorConnector[KubernetesDoor]):
    """Closes Deployments, StatefulSets and Jobs; see docs/how-to/connect-with-kubernetes.md."""

    kind: ClassVar[str] = "kubernetes"
    Config: ClassVar[type[BaseModel]] = KubernetesDoor

    def __init__(self, context: ConnectorContext) -> None:
        super().__init__(context)
        self._api = KubernetesApi(context)

    async def look(self, target: Target, door: Door, settings: KubernetesDoor) -> Live:  # noqa: ARG002 - settings say it
        """Read how the door stands, by its action."""
        live = await ACTIONS[settings.action].look(self._api, settings)
        return replace(live, at=self._context.now())

    async def platform(self, target: Target, door: Door, settings: KubernetesDoor) -> Ternary:  # noqa: ARG002 - likewise
        """What the cluster says, its status included."""
        return await ACTIONS[settings.action].platform(self._api, settings)

    async def close(self, work: Work[KubernetesDoor]) -> Members:
        """Close it, by its action."""
        return await ACTIONS[work.settings.action].close(self._api, work)

    async def open(self, work: Work[KubernetesDoor]) -> Members:
        """Open it, by its action."""
        return await ACTIONS[work.settings.action].open(self._api, work)

    def describe(self, target: Target, door: Door, settings: KubernetesDoor) -> Description:  # noqa: ARG002 - likewise
        """The calls, as the action would make them."""
        return ACTIONS[settings.action].describe(settings)

    def changed_names(self, settings: KubernetesDoor) -> frozenset[str]:
        """What the action itself changes."""
        return ACTIONS[settings.action].changes

    def was_closed(self, settings: KubernetesDoor, snapshot: Snapshot) -> bool:
        """As the action reads the captured state."""
        return ACTIONS[settings.action].was_closed(snapshot.state)

    async def plan(self, target: Target, door: Door) -> CallPlan:
        """The calls, and who may undo them as far as the cluster says so now. Reads only."""
        plan = await super().plan(target, door)
        settings = self.settings(target, door)
        try:
            async with asyncio.timeout(PLAN_SECONDS):
                found = await self._interested(settings)
        except (FiredoorError, TimeoutError) as error:
            why = error.problems[0].message if isinstance(error, FiredoorError) else "it did not answer in time"
            found = (f"who else manages it is not known: {why}",)
        return plan.model_copy(update={"blast_radius": plan.blast_radius + found})

    async def _interested(self, settings: KubernetesDoor) -> tuple[str, ...]:
        by_workload = STATEFUL_SETS if settings.workload == "StatefulSet" else DEPLOYMENTS
        what = _OBJECTS.get(settings.action, by_workload)
        arguments = (settings.cluster, what, settings.namespace, settings.name, PLAN_SECONDS)
        item, live = await asyncio.gather(self._api.get(*arguments), ACTIONS[settings.action].look(self._api, settings))
        owned = objects.owned(f"{what.plural}/{settings.name}", item) if item else ()
        allowing = (f"{one} allows traffic, so the door refuses" for one in live.state.get("allowing", ()))
        return (*owned, *scaling.autoscaled(live.state.get("autoscalers", [])), *allowing)

    def check_probe(self, config: Mapping[str, object]) -> None:
        """Raise InvalidInput when a job's probe is not written as it must be."""
        _probe(config)

    async def call(
        self,
        target: Target,  # noqa: ARG002 - the probe names its own job
        config: Mapping[str, object],
        timeout_seconds: float,
    ) -> CallerSaw:
        """Look whether a job runs. Raises Unanswered."""
        probe = _probe(config)
        job, pods = await asyncio.gather(
            self._api.get(probe.cluster, JOBS, probe.namespace, probe.job, timeout_seconds),
            self._api.pods(probe.cluster, probe.namespace, f"job-name={probe.job}", timeout_seconds),
        )
        return jobs.running(job, pods)


def _probe(config: Mapping[str, object]) -> JobProbe:
    try:
        return JobProbe.model_validate(dict(config))
    except ValidationError as error:
        page = "see docs/how-to/connect-with-kubernetes.md"
        raise InvalidInput(config_problems(error, JobProbe, page, "probe.config")) from None
