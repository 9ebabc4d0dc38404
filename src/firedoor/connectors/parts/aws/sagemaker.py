"""Closing in SageMaker itself: no copies of an inference component, no endpoint, no training job.

Decides what is read before each, which of them can be undone (a component can, an endpoint comes back as new instances,
a training job does not come back), and that what scales a thing up again is noticed. Leaves denying callers, which is
quicker and takes nothing down, to `iam`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from firedoor.connectors.parts.aws.cloud import Access
from firedoor.connectors.parts.aws.ways import OURS, Way
from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.core.canonical import digest
from firedoor.core.json_types import Json
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import FiredoorError, Problem, Refused
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary, of

_NAME = r"^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$"
_SERVICE = "sagemaker"
_ENDED = ("Stopping", "Stopped", "Completed", "Failed", "Deleting")
_BROKEN = ("Failed", "OutOfService", "UpdateRollbackFailed")


class InferenceComponent(Access):
    """A model on a shared endpoint."""

    action: Literal["sagemaker-component"]
    component: str = Field(pattern=_NAME)


class Endpoint(Access):
    """An endpoint that may be deleted, because the inventory says so."""

    action: Literal["sagemaker-endpoint"]
    endpoint: str = Field(pattern=_NAME)
    allow_deletion: Literal[True]


class TrainingJob(Access):
    """A training job that may be stopped for good, because the inventory says so."""

    action: Literal["training-job"]
    training_job: str = Field(pattern=_NAME)


class ComponentWay(Way[InferenceComponent]):
    """Sets the number of copies to none, and back."""

    changes: ClassVar[frozenset[str]] = frozenset({"closed", "copies", "scaling"})

    async def look(self, target: Target, door: Door) -> Live:  # noqa: ARG002 - the port's shape
        """Read the copies that are wanted, what the component is, its tag, and what scales it."""
        found = await self._described()
        wanted = found.get("RuntimeConfig", {}).get("DesiredCopyCount")
        arn = found["InferenceComponentArn"]
        return Live(
            state={
                "closed": wanted == 0,
                "copies": wanted,
                "endpoint": found["EndpointName"],
                "specification": digest(_plain(found.get("Specification", {}))),
                "scaling": await _scaling(self, [f"inference-component/{self.config.component}"]),
            },
            closed=UNKNOWN if wanted is None else of(wanted == 0),
            at=self.cloud.context.now(),
            mark=await _mark(self, arn),
        )

    async def close(self, work: Work[object]) -> Members:
        """Leave our tag first, so that what follows is known as ours, then ask for no copies."""
        await _put_mark(self, (await self._described())["InferenceComponentArn"], work.mark)
        told = await self._set(0)
        return {**told, "scaling": work.live.state["scaling"]}

    async def open(self, work: Work[object]) -> Members:
        """Ask for as many copies as there were, then take our tag away."""
        told = await self._set(work.snapshot.state["copies"])
        try:
            arn = (await self._described())["InferenceComponentArn"]
            await self.cloud.change(_SERVICE, "delete_tags", ResourceArn=arn, TagKeys=[OURS])
        except FiredoorError as error:  # it is open again; a tag that was left behind harms nobody
            return {**told, "tag_left": error.problems[0].message}
        return told

    async def platform(self, target: Target, door: Door) -> Ternary:  # noqa: ARG002 - the port's shape
        """Closed when no copy runs any more, which is later than when none is wanted."""
        running = (await self._described()).get("RuntimeConfig", {}).get("CurrentCopyCount")
        return UNKNOWN if running is None else of(running == 0)

    def describe(self, target: Target, door: Door) -> Description:  # noqa: ARG002 - the port's shape
        """The calls, and everybody who asks this component."""
        name = self.config.component
        return Description(
            calls=(
                PlannedCall(verb="capture", summary=f"sagemaker DescribeInferenceComponent, ListTags of {name}"),
                PlannedCall(verb="capture", summary="application-autoscaling DescribeScalableTargets"),
                PlannedCall(
                    verb="suspend", summary=f"sagemaker AddTags, UpdateInferenceComponentRuntimeConfig {name}: 0"
                ),
                PlannedCall(
                    verb="resume", summary="sagemaker UpdateInferenceComponentRuntimeConfig as it was, DeleteTags"
                ),
            ),
            blast_radius=(
                f"everybody who asks the inference component {name}; others on its endpoint go on",
                "auto-scaling with a minimum above 0 brings copies back: deny the callers (iam-deny) as well",
            ),
            permissions=(
                *(
                    f"sagemaker:{call} on inference-component/{name}"
                    for call in (
                        "DescribeInferenceComponent",
                        "ListTags",
                        "AddTags",
                        "DeleteTags",
                        "UpdateInferenceComponentRuntimeConfig",
                    )
                ),
                "application-autoscaling:DescribeScalableTargets",
            ),
        )

    async def _described(self) -> Members:
        return await self.cloud.look(
            _SERVICE, "describe_inference_component", InferenceComponentName=self.config.component
        )

    async def _set(self, copies: int) -> Members:
        return await self.cloud.change(
            _SERVICE,
            "update_inference_component_runtime_config",
            InferenceComponentName=self.config.component,
            DesiredRuntimeConfig={"CopyCount": copies},
        )


class EndpointWay(Way[Endpoint]):
    """Deletes an endpoint and keeps its configuration; brings it back from there, on new instances."""

    markless: ClassVar[bool] = True

    async def look(self, target: Target, door: Door) -> Live:  # noqa: ARG002 - the port's shape
        """Read the endpoint, its configuration, tags and scaling; an endpoint that is gone is a closed door."""
        now, name = self.cloud.context.now(), self.config.endpoint
        found = await self.cloud.find(_SERVICE, "describe_endpoint", _is_gone, EndpointName=name)
        if found is None or found["EndpointStatus"] == "Deleting":
            return Live(state={}, closed=YES, at=now)
        config = found["EndpointConfigName"]
        await self.cloud.look(_SERVICE, "describe_endpoint_config", EndpointConfigName=config)  # it must be there
        variants = [variant["VariantName"] for variant in found.get("ProductionVariants", [])]
        state = {
            "closed": False,
            "config": config,
            "tags": await _tags(self, found["EndpointArn"]),
            "variants": variants,
            "scaling": await _scaling(self, [f"endpoint/{name}/variant/{variant}" for variant in variants]),
        }
        return Live(state=state, closed=UNKNOWN if found["EndpointStatus"] in _BROKEN else NO, at=now)

    async def close(self, work: Work[object]) -> Members:
        """Delete the endpoint. Its configuration and its models stay."""
        told = await self.cloud.change(
            _SERVICE, "delete_endpoint", refused=("ValidationException",), EndpointName=self.config.endpoint
        )
        return {**told, "scaling": work.live.state["scaling"]}

    async def open(self, work: Work[object]) -> Members:
        """Create the endpoint from the configuration that it had."""
        before = work.snapshot.state
        return await self.cloud.change(
            _SERVICE,
            "create_endpoint",
            refused=("ValidationException",),
            EndpointName=self.config.endpoint,
            EndpointConfigName=before["config"],
            Tags=[tag for tag in before["tags"] if not tag["Key"].startswith("aws:")],
        )

    def describe(self, target: Target, door: Door) -> Description:  # noqa: ARG002 - the port's shape
        """The calls, and everybody who asks the endpoint."""
        name = self.config.endpoint
        return Description(
            calls=(
                PlannedCall(verb="capture", summary=f"sagemaker DescribeEndpoint, DescribeEndpointConfig of {name}"),
                PlannedCall(
                    verb="capture", summary="sagemaker ListTags, application-autoscaling DescribeScalableTargets"
                ),
                PlannedCall(verb="suspend", summary=f"sagemaker DeleteEndpoint {name}; its configuration stays"),
                PlannedCall(verb="resume", summary=f"sagemaker CreateEndpoint {name} from the same configuration"),
            ),
            blast_radius=(
                f"everybody who asks {name}, with all its models; batch transform of the same models goes on",
                "it comes back on new instances after minutes, if there is capacity; weights and counts that were",
                "changed at run time are lost, and auto-scaling has to be registered again",
            ),
            permissions=(
                *(f"sagemaker:{call}Endpoint on endpoint/{name}" for call in ("Describe", "Delete", "Create")),
                f"sagemaker:ListTags, sagemaker:AddTags on endpoint/{name}",
                "sagemaker:DescribeEndpointConfig, sagemaker:CreateEndpoint on its configuration",
                "application-autoscaling:DescribeScalableTargets",
            ),
            reversible="lossy",
        )


class TrainingJobWay(Way[TrainingJob]):
    """Stops a training job. It cannot be continued; a new one may start from its last checkpoint."""

    changes: ClassVar[frozenset[str]] = frozenset({"closed", "status"})

    async def look(self, target: Target, door: Door) -> Live:  # noqa: ARG002 - the port's shape
        """Read whether it runs, where its checkpoints are, and its tag."""
        found = await self._described()
        status = found["TrainingJobStatus"]
        return Live(
            state={
                "closed": status in _ENDED,
                "status": status,
                "checkpoints": found.get("CheckpointConfig", {}).get("S3Uri"),
                "created": found["CreationTime"].isoformat(),
            },
            closed=YES if status in _ENDED else NO if status == "InProgress" else UNKNOWN,
            at=self.cloud.context.now(),
            mark=await _mark(self, found["TrainingJobArn"]),
        )

    async def close(self, work: Work[object]) -> Members:
        """Leave our tag, then stop it."""
        await _put_mark(self, (await self._described())["TrainingJobArn"], work.mark)
        name = self.config.training_job
        return await self.cloud.change(
            _SERVICE, "stop_training_job", refused=("ValidationException",), TrainingJobName=name
        )

    async def open(self, work: Work[object]) -> Members:
        """Never called: the base refuses what says `reversible: no`."""
        message = f"{work.target.id}: a training job that was stopped cannot be continued"
        raise Refused(Problem(code="K303", message=message, do="start a new one from its last checkpoint"))

    def describe(self, target: Target, door: Door) -> Description:  # noqa: ARG002 - the port's shape
        """The calls, and what is lost."""
        name = self.config.training_job
        return Description(
            calls=(
                PlannedCall(verb="capture", summary=f"sagemaker DescribeTrainingJob, ListTags of {name}"),
                PlannedCall(verb="suspend", summary=f"sagemaker AddTags, StopTrainingJob {name}"),
            ),
            blast_radius=(
                f"{name} is lost since its last checkpoint; it gets 120 seconds to save one",
                "a pipeline or a tuning job may start it again under another name: stop that as well",
            ),
            permissions=tuple(
                f"sagemaker:{call} on training-job/{name}"
                for call in ("DescribeTrainingJob", "ListTags", "AddTags", "StopTrainingJob")
            ),
            reversible="no",
        )

    async def _described(self) -> Members:
        return await self.cloud.look(_SERVICE, "describe_training_job", TrainingJobName=self.config.training_job)


def _is_gone(code: str, message: str) -> bool:
    return code == "ValidationException" and "could not find" in message.lower()


async def _tags(way: Way[Access], arn: str) -> list[Members]:
    found = await way.cloud.look(_SERVICE, "list_tags", ResourceArn=arn)
    return sorted(found.get("Tags", []), key=lambda tag: str(tag["Key"]))


async def _mark(way: Way[Access], arn: str) -> str | None:
    return next((tag["Value"] for tag in await _tags(way, arn) if tag["Key"] == OURS), None)


async def _put_mark(way: Way[Access], arn: str, mark: str | None) -> None:
    await way.cloud.change(_SERVICE, "add_tags", ResourceArn=arn, Tags=[{"Key": OURS, "Value": mark or ""}])


async def _scaling(way: Way[Access], resources: list[str]) -> list[Members]:
    """What brings the thing up again by itself: each registered target with its bounds."""
    found = await way.cloud.look(
        "application-autoscaling", "describe_scalable_targets", ServiceNamespace=_SERVICE, ResourceIds=resources
    )
    return [
        {"resource": one["ResourceId"], "minimum": one["MinCapacity"], "maximum": one["MaxCapacity"]}
        for one in found.get("ScalableTargets", [])
    ]


def _plain(value: object) -> Json:
    """What a service described, as JSON: an instant becomes text."""
    match value:
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return str(value)
