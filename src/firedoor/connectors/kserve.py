"""The kserve connector: an InferenceService that is stopped by annotation and keeps its specification.

Decides that `serving.kserve.io/stop: "true"` and our mark are written in one merge-patch under one resourceVersion, and
that what the controller says (condition `Stopped`) is heard. KServe before 0.15 ignores the annotation: then the probe
still answers, and the door does not hold. Leaves the calls to `parts.kubernetes_api`.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from pydantic import BaseModel, Field

from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.connectors.parts.kubernetes import objects
from firedoor.connectors.parts.kubernetes.api import DNS_LABEL, DNS_NAME, INFERENCE_SERVICES, Cluster, KubernetesApi
from firedoor.core.canonical import digest
from firedoor.core.ports import CallPlan, Members, PlannedCall, Snapshot
from firedoor.core.problems import FiredoorError
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import UNKNOWN, YES, Ternary, of

STOP = "serving.kserve.io/stop"
PLAN_SECONDS = 3.0


class KServeDoor(Part):
    """One InferenceService of a cluster."""

    cluster: Cluster
    namespace: str = Field(pattern=DNS_LABEL)
    name: str = Field(pattern=DNS_NAME)
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)


class KServeConnector(DoorConnector[KServeDoor]):
    """Stops InferenceServices; see docs/how-to/connect-with-kubernetes.md."""

    kind: ClassVar[str] = "kserve"
    Config: ClassVar[type[BaseModel]] = KServeDoor

    def __init__(self, context: ConnectorContext) -> None:
        super().__init__(context)
        self._api = KubernetesApi(context)

    async def look(self, target: Target, door: Door, settings: KServeDoor) -> Live:  # noqa: ARG002 - settings say it all
        """Read the InferenceService: its specification by digest, its canary, and whether it is stopped."""
        item = await self._read(settings)
        state: Members = {
            "stop": objects.noted(item).get(STOP),
            "canary_percent": _predictor(item).get("canaryTrafficPercent"),
            "parts": sorted(part for part in ("predictor", "transformer", "explainer") if part in item["spec"]),
            "spec_digest": digest(item["spec"]),
        }
        return Live(
            state=state,
            closed=of(_stops(state["stop"])),
            at=self._context.now(),
            mark=objects.noted(item).get(objects.CLOSED_BY),
            version_token=objects.generation(item),
        )

    async def platform(self, target: Target, door: Door, settings: KServeDoor) -> Ternary:  # noqa: ARG002 - likewise
        """Closed when the controller says so; asked to stop and not yet stopped is unknown."""
        item = await self._read(settings)
        asked = of(_stops(objects.noted(item).get(STOP)))
        return UNKNOWN if asked is YES and not _stopped(item) else asked

    async def close(self, work: Work[KServeDoor]) -> Members:
        """Ask the controller to stop it, and leave our mark."""
        marks = objects.marked(work.mark, f"stop: {work.snapshot.state['stop']}", **{STOP: "true"})
        return await self._annotate(work, marks)

    async def open(self, work: Work[KServeDoor]) -> Members:
        """Bring the captured annotation back, which is none as a rule."""
        return await self._annotate(work, objects.unmarked(**{STOP: work.snapshot.state["stop"]}))

    def changed_names(self, settings: KServeDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """The annotation alone."""
        return frozenset({"stop"})

    def was_closed(self, settings: KServeDoor, snapshot: Snapshot) -> bool:  # noqa: ARG002 - likewise
        """Whether it was stopped when its state was captured."""
        return _stops(snapshot.state.get("stop"))

    def describe(self, target: Target, door: Door, settings: KServeDoor) -> Description:  # noqa: ARG002 - as in look
        """The calls, as they would be made."""
        where = INFERENCE_SERVICES.path(settings.namespace, settings.name)
        on = f" on {settings.cluster.where()}"
        return Description(
            calls=(
                PlannedCall(verb="capture", summary=f"GET {where}{on}"),
                PlannedCall(verb="suspend", summary=f'PATCH {where} {STOP}: "true"{on}, marked {objects.CLOSED_BY}'),
                PlannedCall(verb="resume", summary=f"PATCH {where} without {STOP}{on}"),
            ),
            blast_radius=(
                f"every route of InferenceService {settings.name}, its canary, transformer and explainer included",
                "an InferenceGraph that has it as a step fails at that step",
                "its pods are deleted; a resume takes as long as loading the model does",
            ),
            permissions=(f"serving.kserve.io inferenceservices: get, patch (only {settings.name})",),
        )

    async def plan(self, target: Target, door: Door) -> CallPlan:
        """The calls, and who may undo them as far as the cluster says so now. Reads only."""
        plan = await super().plan(target, door)
        try:
            async with asyncio.timeout(PLAN_SECONDS):
                item = await self._read(self.settings(target, door))
        except (FiredoorError, TimeoutError) as error:
            why = error.problems[0].message if isinstance(error, FiredoorError) else "it did not answer in time"
            found: tuple[str, ...] = (f"who else manages it is not known: {why}",)
        else:
            found = (*objects.owned(f"inferenceservices/{item['metadata'].get('name')}", item), *_canary(item))
        return plan.model_copy(update={"blast_radius": plan.blast_radius + found})

    async def _annotate(self, work: Work[KServeDoor], marks: dict[str, str | None]) -> Members:
        settings = work.settings
        at = (settings.cluster, INFERENCE_SERVICES, settings.namespace, settings.name)

        async def write(item: Members) -> Members:
            body = {"metadata": objects.locked(item, **marks)}
            return await self._api.patch(*at, body, settings.timeout_seconds)

        expected = objects.unchanged(work.live.version_token)
        item = await objects.change(lambda: self._read(settings), write, expected)
        return {"version_token": objects.generation(item), "owners": list(objects.owners(item))}

    async def _read(self, settings: KServeDoor) -> Members:
        at = (settings.cluster, INFERENCE_SERVICES, settings.namespace, settings.name)
        item = await self._api.get(*at, settings.timeout_seconds)
        return objects.required(item, f"InferenceService {settings.namespace}/{settings.name}")


def _stops(value: object) -> bool:  # an annotation, or none
    return str(value).lower() == "true"  # as KServe reads it


def _stopped(item: Members) -> bool:
    conditions = (item.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Stopped" and one.get("status") == "True" for one in conditions)


def _predictor(item: Members) -> Members:
    return dict(item["spec"].get("predictor") or {})


def _canary(item: Members) -> tuple[str, ...]:
    share = _predictor(item).get("canaryTrafficPercent")
    return () if share is None else (f"a canary takes {share} % of its traffic; it stops as well",)
