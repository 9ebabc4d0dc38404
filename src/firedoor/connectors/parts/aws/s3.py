"""Quarantine of training data or of what a model wrote: a Deny in the bucket's policy, for all but incident response.

Decides that only objects below a prefix are denied and never the bucket itself, so that nobody is locked out of taking
the statement away again, and that the policy of others is restored as it was. S3 has no lock on a policy, so it is read
again just before it is written.
"""

from __future__ import annotations

import json
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from firedoor.connectors.parts.aws import policies
from firedoor.connectors.parts.aws.cloud import Access
from firedoor.connectors.parts.aws.ways import Way, door_prefix
from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import Problem, Refused
from firedoor.core.targets import Door, Target


class S3Quarantine(Access):
    """Which objects, and who still may. An empty `prefix` is every object of the bucket."""

    action: Literal["s3-quarantine"]
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="", pattern=r"^[^*?$]*$")
    except_principals: tuple[str, ...] = Field(min_length=1)

    @field_validator("except_principals")
    @classmethod
    def _names_roles(cls, principals: tuple[str, ...]) -> tuple[str, ...]:
        for principal in principals:
            if not principal.startswith("arn:") or ":iam::" not in principal or "*" in principal:
                do = "name the role of incident response, arn:aws:iam::ACCOUNT:role/NAME"
                raise ValueError(f"{principal!r} is no ARN of one role or user: {do}")
        return principals


class S3Way(Way[S3Quarantine]):
    """Adds and removes one statement of the bucket's policy."""

    changes: ClassVar[frozenset[str]] = frozenset({"closed", "text"})

    async def look(self, target: Target, door: Door) -> Live:
        """Read the policy of the bucket; to have none is an answer, to have no bucket is not."""
        text = await self._text()
        found = policies.stand(_read(text), self._statement(""), door_prefix(target, door))
        return Live(
            state={"closed": bool(found.marks), "policy": found.others, "text": text},
            closed=found.closed,
            at=self.cloud.context.now(),
            mark=list(found.marks),
        )

    async def close(self, work: Work[object]) -> Members:
        """Put our statement into the policy as it is at this moment."""
        text = await self._text()
        if text != work.live.state["text"]:
            message = f"the policy of {self.config.bucket} was changed since its state was captured"
            raise Refused(Problem(code="K206", message=message, do="capture the state again, then decide again"))
        return await self._put(policies.added(self._rest(work), self._statement(work.mark or "")))

    async def open(self, work: Work[object]) -> Members:
        """Take our statement out. Where nothing else was changed, the policy is again the captured text."""
        rest = self._rest(work)
        if rest is None:
            return await self.cloud.change("s3", "delete_bucket_policy", Bucket=self.config.bucket)
        before = work.snapshot.state["text"]
        return await self._put(before if policies.equal(rest, _read(before)) else rest)

    def describe(self, target: Target, door: Door) -> Description:  # noqa: ARG002 - the port's shape
        """The calls, and everybody who reads or writes there."""
        where = f"s3://{self.config.bucket}/{self.config.prefix}"
        spared = ", ".join(self.config.except_principals)
        return Description(
            calls=(
                PlannedCall(verb="capture", summary=f"s3 GetBucketPolicy of {self.config.bucket}"),
                PlannedCall(verb="suspend", summary=f"s3 PutBucketPolicy: deny every object call below {where}"),
                PlannedCall(verb="resume", summary="s3 PutBucketPolicy without it, or DeleteBucketPolicy"),
            ),
            blast_radius=(
                f"everybody who reads or writes below {where}, replication and jobs included, but {spared}",
                "lifecycle rules go on deleting there: suspend them where the objects are evidence",
            ),
            permissions=tuple(
                f"s3:{verb}BucketPolicy on arn:aws:s3:::{self.config.bucket}" for verb in ("Get", "Put", "Delete")
            ),
        )

    def _statement(self, mark: str) -> Members:
        partition = self.config.except_principals[0].split(":")[1]
        return {
            "Sid": mark,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"arn:{partition}:s3:::{self.config.bucket}/{self.config.prefix}*",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": list(self.config.except_principals)}},
        }

    def _rest(self, work: Work[object]) -> Members | None:
        """The policy as it stands, without what is this door's."""
        prefix = door_prefix(work.target, work.door)
        return policies.stand(_read(work.live.state["text"]), self._statement(""), prefix).rest

    async def _text(self) -> str | None:
        found = await self.cloud.find(
            "s3", "get_bucket_policy", lambda code, _message: code == "NoSuchBucketPolicy", Bucket=self.config.bucket
        )
        return None if found is None else str(found["Policy"])

    async def _put(self, policy: Members | str) -> Members:
        text = policy if isinstance(policy, str) else json.dumps(policy, separators=(",", ":"))
        return await self.cloud.change("s3", "put_bucket_policy", Bucket=self.config.bucket, Policy=text)


def _read(text: str | None) -> Members | None:
    return None if text is None else dict(json.loads(text))
