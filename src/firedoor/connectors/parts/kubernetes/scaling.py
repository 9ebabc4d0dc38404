"""Closing a Deployment or StatefulSet by taking all of its replicas away, autoscalers included.

Decides in one merge-patch: `spec.replicas: 0` and our mark together, under one resourceVersion, so that there is no
moment in which one is there without the other. (The `/scale` subresource can bear no mark.) A HorizontalPodAutoscaler
with `minReplicas` of 1 or more rests while replicas are 0; one with 0, and KEDA, would scale up again: such a door
refuses, or pauses them first where it says `autoscaler: pause`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.kubernetes import objects
from firedoor.connectors.parts.kubernetes.api import (
    AUTOSCALERS,
    DEPLOYMENTS,
    SCALED_OBJECTS,
    STATEFUL_SETS,
    KubernetesApi,
    Resource,
)
from firedoor.connectors.parts.kubernetes.door import Action, KubernetesDoor, planned
from firedoor.core.ports import Members
from firedoor.core.problems import Problem, Refused
from firedoor.core.ternary import UNKNOWN, Ternary, of

PAUSED = "autoscaling.keda.sh/paused-replicas"
_WORKLOADS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS}


class Scaling(Action):
    """`action: scale`."""

    changes = frozenset({"replicas"})

    async def look(self, api: KubernetesApi, door: KubernetesDoor) -> Live:
        """Read the workload and, unless told to ignore them, what scales it."""
        item, (scalers, marks) = await asyncio.gather(self._read(api, door), _autoscalers(api, door))
        state: Members = {
            "replicas": _replicas(item),
            "images": objects.containers(item["spec"].get("template") or {}),
            "template_digest": objects.template_digest(item),
            "autoscalers": scalers,
        }
        return self.seen(item, state, of(_replicas(item) == 0), marks)

    async def platform(self, api: KubernetesApi, door: KubernetesDoor) -> Ternary:
        """Closed when none is wanted and none is left."""
        item = await self._read(api, door)
        if _replicas(item) == 0 and (item.get("status") or {}).get("replicas"):
            return UNKNOWN
        return of(_replicas(item) == 0)

    def was_closed(self, state: Members) -> bool:
        """Whether it had no replicas when it was captured."""
        return state.get("replicas") == 0

    async def close(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Pause what would scale up again, then take all replicas away and leave our mark."""
        door, mark = work.settings, work.mark
        restless = _restless(work.live.state["autoscalers"])
        if restless and door.autoscaler != "pause":
            raise _would_open(work, restless[0])
        for scaler in restless:
            await _pause(api, door, scaler, mark)
        before = f"replicas: {work.snapshot.state['replicas']}"

        async def write(item: Members) -> Members:
            body = {"metadata": objects.locked(item, **objects.marked(mark, before)), "spec": {"replicas": 0}}
            return await self._patch(api, door, body)

        return self.told(await objects.change(lambda: self._read(api, door), write, _expected(work, restless)))

    async def open(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Let go of whatever scales it, then bring the replicas back: a crash between the two leaves our mark."""
        door, replicas = work.settings, work.snapshot.state["replicas"]
        restless = _restless(work.snapshot.state["autoscalers"])
        for scaler in restless:
            await _unpause(api, door, scaler)

        async def write(item: Members) -> Members:
            body = {"metadata": objects.locked(item, **objects.unmarked()), "spec": {"replicas": replicas}}
            return await self._patch(api, door, body)

        return self.told(await objects.change(lambda: self._read(api, door), write, _expected(work, restless)))

    def describe(self, door: KubernetesDoor) -> Description:
        """The calls, as they would be made."""
        what, where = _WORKLOADS[door.workload], _WORKLOADS[door.workload].path(door.namespace, door.name)
        scalers: tuple[str, ...] = ()
        if door.autoscaler != "ignore":
            verbs = "list, patch" if door.autoscaler == "pause" else "list"
            scalers = (f"autoscaling horizontalpodautoscalers: {verbs}", f"keda.sh scaledobjects: {verbs}")
        return Description(
            calls=planned(door, f"GET {where}", f"PATCH {where} spec.replicas: 0", f"PATCH {where} spec.replicas: N"),
            blast_radius=(
                f"every route and tenant that {door.workload} {door.name} in {door.namespace} serves",
                "requests that run have the pods' termination grace period to end",
            ),
            permissions=(f"{what.group} {what.plural}: get, patch (only {door.name})", *scalers),
        )

    async def _read(self, api: KubernetesApi, door: KubernetesDoor) -> Members:
        what = _WORKLOADS[door.workload]
        item = await api.get(door.cluster, what, door.namespace, door.name, door.timeout_seconds)
        return objects.required(item, f"{door.workload} {door.namespace}/{door.name}")

    async def _patch(self, api: KubernetesApi, door: KubernetesDoor, body: Members) -> Members:
        what = _WORKLOADS[door.workload]
        return await api.patch(door.cluster, what, door.namespace, door.name, body, door.timeout_seconds)


def autoscaled(scalers: list[Members]) -> tuple[str, ...]:
    """Sentences for a plan about what scales the workload."""
    said = []
    for scaler in scalers:
        name = f"{scaler['kind']} {scaler['name']}"
        if scaler in _restless(scalers):
            said.append(f"{name} would scale it up again: the door refuses, unless it says autoscaler: pause")
        else:
            said.append(f"{name} rests while replicas are 0, and scales again after a resume")
    return tuple(said)


def _expected(work: Work[KubernetesDoor], restless: list[Members]) -> Callable[[Members], bool]:
    """What must not have changed. Who scales it may move the replicas between two calls, and nothing else."""
    if restless:
        return lambda item: objects.template_digest(item) == work.snapshot.state["template_digest"]
    return objects.unchanged(work.live.version_token)


def _replicas(item: Members) -> int:
    wanted = item["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)  # the API's own default


async def _autoscalers(api: KubernetesApi, door: KubernetesDoor) -> tuple[list[Members], list[str]]:
    """What scales the workload, as it stands without our own pause, and the marks of such pauses."""
    if door.autoscaler == "ignore":
        return [], []
    at = (door.namespace, door.timeout_seconds)
    horizontal, event_driven = await asyncio.gather(
        api.list(door.cluster, AUTOSCALERS, *at), api.list(door.cluster, SCALED_OBJECTS, *at)
    )
    horizontal = [item for item in horizontal if _aims_at(item, door) and not _of_keda(item)]
    event_driven = [item for item in event_driven if _aims_at(item, door)]
    marks = [mark for item in (*horizontal, *event_driven) if (mark := objects.noted(item).get(objects.CLOSED_BY))]
    found = [*map(_horizontal, horizontal), *map(_event_driven, event_driven)]
    return sorted(found, key=lambda one: (one["kind"], one["name"])), marks


def _aims_at(item: Members, door: KubernetesDoor) -> bool:
    aim = item["spec"].get("scaleTargetRef") or {}
    return aim.get("name") == door.name and aim.get("kind", "Deployment") == door.workload


def _of_keda(item: Members) -> bool:
    """KEDA makes an autoscaler of its own and takes it away when it is paused."""
    return any(owner.get("kind") == "ScaledObject" for owner in item["metadata"].get("ownerReferences") or ())


def _horizontal(item: Members) -> Members:
    lowest = item["spec"].get("minReplicas")
    lowest = 1 if lowest is None else int(lowest)
    if objects.CLOSED_BY in objects.noted(item):
        lowest = int(objects.noted(item).get(objects.BEFORE, lowest))
    return {"kind": "HorizontalPodAutoscaler", "name": item["metadata"]["name"], "lowest": lowest}


def _event_driven(item: Members) -> Members:
    said = objects.noted(item)
    paused = said.get(objects.BEFORE) or None if objects.CLOSED_BY in said else said.get(PAUSED)
    return {"kind": "ScaledObject", "name": item["metadata"]["name"], "paused_replicas": paused}


def _restless(scalers: list[Members]) -> list[Members]:
    """Those that scale up from nothing."""
    return [
        one for one in scalers if one.get("lowest") == 0 or ("paused_replicas" in one and one["paused_replicas"] != "0")
    ]


def _resource(scaler: Members) -> Resource:
    return SCALED_OBJECTS if scaler["kind"] == "ScaledObject" else AUTOSCALERS


async def _pause(api: KubernetesApi, door: KubernetesDoor, scaler: Members, mark: str | None) -> None:
    """KEDA has an annotation for it; an autoscaler whose lowest is 1 rests while replicas are 0."""
    if scaler["kind"] == "ScaledObject":
        body: Members = {"metadata": objects.marked(mark, scaler["paused_replicas"] or "", **{PAUSED: "0"})}
    else:
        body = {"metadata": objects.marked(mark, str(scaler["lowest"])), "spec": {"minReplicas": 1}}
    await api.patch(door.cluster, _resource(scaler), door.namespace, scaler["name"], body, door.timeout_seconds)


async def _unpause(api: KubernetesApi, door: KubernetesDoor, scaler: Members) -> None:
    if scaler["kind"] == "ScaledObject":
        body: Members = {"metadata": objects.unmarked(**{PAUSED: scaler["paused_replicas"]})}
    else:
        body = {"metadata": objects.unmarked(), "spec": {"minReplicas": scaler["lowest"]}}
    await api.patch(door.cluster, _resource(scaler), door.namespace, scaler["name"], body, door.timeout_seconds)


def _would_open(work: Work[KubernetesDoor], scaler: Members) -> Refused:
    name = f"{scaler['kind']} {scaler['name']}"
    do = "write autoscaler: pause into the door, so that it is paused first, or pause it by hand"
    message = f"{work.target.id}/{work.door.name}: {name} would scale it up again"
    return Refused(Problem(code="K304", message=message, do=do))
