"""Amazon Web Services: denying callers, emptying and deleting endpoints, stopping training, quarantining data.

Decides which of the ways beside `parts/aws` a door takes (`action`), and how its `config` and a caller's are read.
Leaves the calls to `parts.aws.cloud`, what each way closes to its module, and the order of things to the base.
See docs/how-to/connect-with-aws.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeVar

from pydantic import ValidationError

from firedoor.connectors.parts.aws.caller import CALLS, AnyCall, ask
from firedoor.connectors.parts.aws.cloud import Access, Cloud, need_client
from firedoor.connectors.parts.aws.iam import IamDeny, IamWay
from firedoor.connectors.parts.aws.s3 import S3Quarantine, S3Way
from firedoor.connectors.parts.aws.sagemaker import (
    ComponentWay,
    Endpoint,
    EndpointWay,
    InferenceComponent,
    TrainingJob,
    TrainingJobWay,
)
from firedoor.connectors.parts.aws.ways import Way, mark_of
from firedoor.connectors.parts.config_problems import config_problems
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work, read_config
from firedoor.core.ports import CallerSaw, Members, Snapshot
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import Ternary

_WAYS: Mapping[str, tuple[type[Access], type[Way[Access]]]] = {
    "iam-deny": (IamDeny, IamWay),
    "s3-quarantine": (S3Quarantine, S3Way),
    "sagemaker-component": (InferenceComponent, ComponentWay),
    "sagemaker-endpoint": (Endpoint, EndpointWay),
    "training-job": (TrainingJob, TrainingJobWay),
}
Choice = TypeVar("Choice")


class AwsConnector(DoorConnector[Way[Access]]):
    """Drives doors in one region of one account; a model in two regions has a door in each."""

    kind: ClassVar[str] = "aws"

    def settings(self, target: Target, door: Door) -> Way[Access]:
        """Read the door. Raises InvalidInput with all of its problems."""
        place = f"targets.{target.id}.doors.{door.name}.config.action"
        form, way = _chosen(_WAYS, door.config.get("action"), "action", place)
        return way(Cloud(self._context, read_config(form, target, door)), read_config(form, target, door))

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door, or where the client library is missing."""
        self.settings(target, door)
        need_client()

    async def look(self, target: Target, door: Door, settings: Way[Access]) -> Live:
        """As the way does."""
        return await settings.look(target, door)

    async def close(self, work: Work[Way[Access]]) -> Members:
        """As the way does."""
        return await work.settings.close(work)

    async def open(self, work: Work[Way[Access]]) -> Members:
        """As the way does."""
        return await work.settings.open(work)

    def describe(self, target: Target, door: Door, settings: Way[Access]) -> Description:
        """As the way does, with the region and whose rights are used."""
        told, key = settings.describe(target, door), settings.config.credentials
        whose = f"uses {key.access_key_id} and {key.secret_access_key}" if key else "uses the role of the machine"
        return Description(
            calls=told.calls,
            blast_radius=(*told.blast_radius, f"only {settings.config.region}: other regions have doors of their own"),
            permissions=(*told.permissions, whose),
            reversible=told.reversible,
        )

    def mark(self, target: Target, door: Door, settings: Way[Access], operation_key: str) -> str | None:
        """Letters and digits, as the Sid of a policy's statement wants it."""
        return None if settings.markless else mark_of(target, door, operation_key)

    def changed_names(self, settings: Way[Access]) -> frozenset[str]:
        """What the way says that it changes."""
        return settings.changes

    def was_closed(self, settings: Way[Access], snapshot: Snapshot) -> bool:  # noqa: ARG002 - the base's shape
        """Gone, or marked as closed in the captured state."""
        return snapshot.state == {} or snapshot.state.get("closed") is True

    async def platform(self, target: Target, door: Door, settings: Way[Access]) -> Ternary:
        """As the way does."""
        return await settings.platform(target, door)

    def check_probe(self, config: Mapping[str, object]) -> None:
        """Raise InvalidInput, with all problems, when a caller's side is wrong."""
        _read_call(config)
        need_client()

    async def call(self, target: Target, config: Mapping[str, object], timeout_seconds: float) -> CallerSaw:  # noqa: ARG002 - the port's shape
        """Ask as a caller would, with the caller's own key."""
        call = _read_call(config)
        bounded = call.model_copy(update={"timeout_seconds": min(call.timeout_seconds, timeout_seconds)})
        return await ask(Cloud(self._context, bounded), bounded)


def _read_call(config: Mapping[str, object]) -> AnyCall:
    form = _chosen(CALLS, config.get("call"), "call", "call")
    try:
        return form.model_validate(dict(config))
    except ValidationError as error:
        raise InvalidInput(config_problems(error, form, "see docs/how-to/connect-with-aws.md")) from None


def _chosen(known: Mapping[str, Choice], name: object, key: str, place: str) -> Choice:
    if not isinstance(name, str) or name not in known:
        message = f"{key}: {name!r} is none that the aws connector knows"
        raise InvalidInput(Problem(code="K101", message=message, do=nearest(str(name), known), field=place))
    return known[name]
