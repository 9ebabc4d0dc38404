"""Stopping a Job by `spec.suspend`, and seeing whether it runs.

Decides that a finished job is closed, that a job which Kueue admits is not ours to suspend, and that a job counts as
running while any of its pods does, one that is being ended included. The pods of a suspended job are deleted: what it
did since its last checkpoint is lost, so the door is `lossy`.
"""

from __future__ import annotations

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.kubernetes import objects
from firedoor.connectors.parts.kubernetes.api import JOBS, KubernetesApi
from firedoor.connectors.parts.kubernetes.door import Action, KubernetesDoor, planned
from firedoor.core.ports import CallerSaw, Members
from firedoor.core.problems import Problem, Refused
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary, of

_QUEUE = "kueue.x-k8s.io/queue-name"
_RUNNING = ("Pending", "Running", "Unknown")  # phases of a pod that is not over


class Suspension(Action):
    """`action: job-suspend`."""

    changes = frozenset({"suspend"})

    async def look(self, api: KubernetesApi, door: KubernetesDoor) -> Live:
        """Read the job."""
        item = await self._read(api, door)
        suspended = bool(item["spec"].get("suspend"))
        state: Members = {
            "suspend": suspended,
            "finished": finished(item),
            "images": objects.containers(item["spec"].get("template") or {}),
            "started_at": (item.get("status") or {}).get("startTime") if finished(item) else None,
        }
        return self.seen(item, state, of(suspended or finished(item)))

    async def platform(self, api: KubernetesApi, door: KubernetesDoor) -> Ternary:
        """Closed when it is suspended and none of its pods is active."""
        item = await self._read(api, door)
        if item["spec"].get("suspend") and (item.get("status") or {}).get("active"):
            return UNKNOWN
        return of(bool(item["spec"].get("suspend")) or finished(item))

    def was_closed(self, state: Members) -> bool:
        """Whether it was suspended or over when its state was captured."""
        return bool(state.get("suspend") or state.get("finished"))

    async def close(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Suspend it and leave our mark."""
        door = work.settings

        async def write(item: Members) -> Members:
            _of_no_queue(item, work)
            marks = objects.marked(work.mark, "suspend: false")
            return await self._patch(api, door, item, marks, suspend=True)

        expected = objects.unchanged(work.live.version_token)
        return self.told(await objects.change(lambda: self._read(api, door), write, expected))

    async def open(self, api: KubernetesApi, work: Work[KubernetesDoor]) -> Members:
        """Let it run again: new pods start, from the last checkpoint if the program keeps any."""
        door = work.settings

        async def write(item: Members) -> Members:
            return await self._patch(api, door, item, objects.unmarked(), suspend=False)

        expected = objects.unchanged(work.live.version_token)
        return self.told(await objects.change(lambda: self._read(api, door), write, expected))

    def describe(self, door: KubernetesDoor) -> Description:
        """The calls, as they would be made."""
        where = JOBS.path(door.namespace, door.name)
        return Description(
            calls=planned(
                door, f"GET {where}", f"PATCH {where} spec.suspend: true", f"PATCH {where} spec.suspend: false"
            ),
            blast_radius=(
                "its pods are deleted: progress since the last checkpoint is lost",
                "a CronJob or a pipeline that made the job may make another: list that as a target of its own",
            ),
            permissions=(
                f"batch jobs: get, patch (only {door.name})",
                "for the probe alone: batch jobs get, pods list",
            ),
            reversible="lossy",
        )

    async def _read(self, api: KubernetesApi, door: KubernetesDoor) -> Members:
        item = await api.get(door.cluster, JOBS, door.namespace, door.name, door.timeout_seconds)
        return objects.required(item, f"Job {door.namespace}/{door.name}")

    async def _patch(
        self, api: KubernetesApi, door: KubernetesDoor, item: Members, marks: Members, *, suspend: bool
    ) -> Members:
        body = {"metadata": objects.locked(item, **marks), "spec": {"suspend": suspend}}
        return await api.patch(door.cluster, JOBS, door.namespace, door.name, body, door.timeout_seconds)


def finished(item: Members) -> bool:
    """Whether a job is over, one way or the other."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    return any(one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions)


def running(item: Members | None, pods: list[Members]) -> CallerSaw:
    """Whether a job runs, as anybody sees it who may read the job and its pods."""
    if item is None:
        return CallerSaw(serving=NO, detail="there is no such job")
    active = [pod for pod in pods if (pod.get("status") or {}).get("phase", "Unknown") in _RUNNING]
    if active:
        return CallerSaw(serving=YES, detail=f"{len(active)} of its pods run or are about to")
    if item["spec"].get("suspend") or finished(item):
        return CallerSaw(serving=NO, detail="no pod of it runs")
    return CallerSaw(serving=UNKNOWN, detail="no pod of it runs now, but it may start one at any time")


def _of_no_queue(item: Members, work: Work[KubernetesDoor]) -> None:
    queue = (item["metadata"].get("labels") or {}).get(_QUEUE)
    if queue and work.settings.queue != "ignore":
        message = f"{work.target.id}/{work.door.name}: Kueue decides when this job is suspended (queue {queue})"
        do = "set spec.active: false on its Workload, or write queue: ignore into the door"
        raise Refused(Problem(code="K306", message=message, do=do))
