"""Proposes targets from SageMaker: endpoints that are in service, and training jobs that run.

Decides that an endpoint is closed by denying its callers, which is quick and takes nothing down, and that deleting one
is never proposed: that is a person's own line in the inventory. A training job is proposed with the one door that it
has, which cannot be opened again and so closes only where a playbook opts in. Inference components are not listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Required, TypedDict

from pydantic import BaseModel, Field

from firedoor.connectors.importers.registry import read_settings, target_id
from firedoor.connectors.parts.aws.cloud import Access, Cloud, Credentials, need_client
from firedoor.connectors.parts.aws.iam import IamDeny
from firedoor.connectors.parts.aws.sagemaker import TrainingJob
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.ports import Found, Members
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.targets import Door, Part, Target

_PAGES = 50  # of 100 things each
_SERVICE = "sagemaker"
_REFERENCE = r"^secret://(env|file)/\S+$"
_UNKNOWN = (
    "probe: via aws, call sagemaker-invoke, with the rights of a caller",
    "neighbours: a target with a probe that must go on serving when this one is closed",
    "doors: other roles and users that may call this endpoint; each needs a denial of its own",
    "owner: who answers for it",
)
_UNKNOWN_JOB = (
    "probe: via aws, call training-job, with rights to describe it",
    "neighbours: a job with a probe that must go on running",
    "preserve: a job that is stopped cannot go on; its last checkpoint stays where it writes",
)


class Shared(TypedDict, total=False):
    """What every door says of where and who: the fields of `Access` that an import sets."""

    region: Required[str]
    endpoint_url: str
    credentials: Credentials


class SageMakerImport(Part):
    """One region, whose callers are denied (`role/NAME`, `user/NAME` or `group/NAME`), and keys by reference."""

    region: str
    principal: str = Field(pattern=r"^(role|user|group)/[\w+=,.@-]{1,128}$")
    endpoint_url: str | None = None
    access_key_id: str | None = Field(default=None, pattern=_REFERENCE)
    secret_access_key: str | None = Field(default=None, pattern=_REFERENCE)

    def access(self) -> Shared:
        """What every door says of where and who."""
        named: Shared = {"region": self.region}
        if self.endpoint_url:
            named["endpoint_url"] = self.endpoint_url
        if self.access_key_id and self.secret_access_key:
            named["credentials"] = Credentials(
                access_key_id=self.access_key_id, secret_access_key=self.secret_access_key
            )
        return named


class SageMakerImporter:
    """Lists; never changes anything."""

    kind: ClassVar[str] = "sagemaker"
    Settings: ClassVar[type[BaseModel]] = SageMakerImport

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context

    async def found(self, settings: Mapping[str, object]) -> Found:
        """Read endpoints and jobs. Raises InvalidInput and Unanswered."""
        asked = read_settings(SageMakerImport, settings)
        need_client()
        cloud = Cloud(self._context, read_settings(Access, asked.access()))
        endpoints = await _all(cloud, "list_endpoints", "Endpoints", StatusEquals="InService")
        jobs = await _all(cloud, "list_training_jobs", "TrainingJobSummaries", StatusEquals="InProgress")
        served = [_endpoint(row, asked) for row in endpoints if row.get("EndpointStatus") == "InService"]
        running = [_job(row, asked) for row in jobs if row.get("TrainingJobStatus") == "InProgress"]
        unknown: dict[str, tuple[str, ...]] = {one.id: _UNKNOWN for one in served}
        unknown |= {one.id: _UNKNOWN_JOB for one in running}
        notes = (
            f"a denial for {asked.principal} closes nothing for other callers",
            "inference components are not listed; write theirs by hand",
        )
        return Found(targets=(*served, *running), unknown=unknown, notes=notes)


async def _all(cloud: Cloud, operation: str, key: str, **asked: object) -> list[Members]:
    """Every page of a listing. Raises Unanswered when there are more than anybody reviews."""
    found: list[Members] = []
    for _ in range(_PAGES):
        answer = await cloud.look(_SERVICE, operation, MaxResults=100, **asked)
        found += answer.get(key) or []
        if not answer.get("NextToken"):
            return found
        asked["NextToken"] = answer["NextToken"]
    do = "write these targets by hand, or in parts"
    raise Unanswered(Problem(code="K207", message=f"more than {_PAGES * 100} of {key}", do=do))


def _endpoint(row: Members, asked: SageMakerImport) -> Target:
    name = str(row["EndpointName"])
    # SageMaker writes endpoints in small letters where policies are held against them.
    denied = IamDeny(
        action="iam-deny", principal=asked.principal, resources=(str(row["EndpointArn"]).lower(),), **asked.access()
    )
    door = Door(name="callers", connector="aws", config=denied.model_dump(exclude_defaults=True))
    return Target(id=target_id(name), title=f"SageMaker endpoint {name}", regions=(asked.region,), doors=(door,))


def _job(row: Members, asked: SageMakerImport) -> Target:
    name = str(row["TrainingJobName"])
    stopped = TrainingJob(action="training-job", training_job=name, **asked.access())
    door = Door(name="job", connector="aws", config=stopped.model_dump(exclude_defaults=True))
    title, regions = f"SageMaker training job {name}", (asked.region,)
    return Target(id=target_id("job", name), title=title, kind="training_job", regions=regions, doors=(door,))
