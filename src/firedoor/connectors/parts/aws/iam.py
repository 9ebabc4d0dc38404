"""Closing a model to one caller: an explicit Deny in a policy of its own on a role, a user or a group.

Decides the policy, its name and who may not be shut out: nobody loses the right to take the policy away again. An
explicit Deny wins over every Allow, needs no change of the model, and is gone without a trace when it is taken away.
"""

from __future__ import annotations

import json
import re
from typing import Literal

from pydantic import Field, field_validator

from firedoor.connectors.parts.aws import policies
from firedoor.connectors.parts.aws.cloud import Access
from firedoor.connectors.parts.aws.ways import Way, door_prefix
from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.targets import Door, Target

_LONGEST_NAME = 128  # of an inline policy (IAM quotas)
_RIGHTS_TO_UNDO = ("iam", "sts", "organizations", "*")
_ACTION = r"^[a-z0-9-]+:[A-Za-z*]+$"


class IamDeny(Access):
    """Who is denied what. `principal` is `role/NAME`, `user/NAME` or `group/NAME`."""

    action: Literal["iam-deny"]
    principal: str = Field(pattern=r"^(role|user|group)/[\w+=,.@-]{1,128}$")
    resources: tuple[str, ...] = Field(min_length=1)
    actions: tuple[str, ...] = Field(default=("sagemaker:InvokeEndpoint*", "bedrock:InvokeModel*"), min_length=1)

    @field_validator("actions")
    @classmethod
    def _keeps_the_way_back(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [action for action in actions if not re.match(_ACTION, action)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no action of one service, such as sagemaker:InvokeEndpoint*")
        if own := [action for action in actions if action.split(":")[0] in _RIGHTS_TO_UNDO]:
            raise ValueError(f"{own[0]} would deny the right to undo it")
        return actions

    @field_validator("resources")
    @classmethod
    def _names_resources(cls, resources: tuple[str, ...]) -> tuple[str, ...]:
        for resource in resources:
            if resource != "*" and not resource.startswith("arn:"):
                raise ValueError(f"{resource!r} is no ARN, nor *")
            if ":endpoint/" in resource and resource != resource.lower():
                raise ValueError(f"{resource!r}: SageMaker writes the names of endpoints in ARNs in small letters")
        return resources


class IamWay(Way[IamDeny]):
    """Puts and removes the policy. PutRolePolicy overwrites, so it may be repeated; it has no lock of the platform."""

    async def look(self, target: Target, door: Door) -> Live:
        """Read our policy of the principal, after seeing that the principal is there at all."""
        document = await self._document(target, door)
        found = policies.stand(document, self._statement(""), door_prefix(target, door))
        return Live(
            state={"closed": bool(found.marks), "policy": found.others},
            closed=found.closed,
            at=self.cloud.context.now(),
            mark=list(found.marks),
        )

    async def close(self, work: Work[object]) -> Members:
        """Put the Deny into the policy of this door."""
        document = policies.added(work.live.state["policy"], self._statement(work.mark or ""))
        text = json.dumps(document, separators=(",", ":"))
        return await self._change("put", PolicyName=_name(work.target, work.door), PolicyDocument=text)

    async def open(self, work: Work[object]) -> Members:
        """Remove the policy, or leave in it what others wrote there."""
        name, rest = _name(work.target, work.door), work.live.state["policy"]
        if rest is None:
            return await self._change("delete", PolicyName=name)
        return await self._change("put", PolicyName=name, PolicyDocument=json.dumps(rest))

    def describe(self, target: Target, door: Door) -> Description:
        """The calls, and everybody who uses the principal."""
        kind, config = self._kind.capitalize(), self.config
        name, to = _name(target, door), f"{', '.join(config.actions)} on {', '.join(config.resources)}"
        spare = "whoever calls as somebody else is not stopped: other roles, other accounts, the root user"
        return Description(
            calls=(
                PlannedCall(verb="capture", summary=f"iam List{kind}Policies, Get{kind}Policy of {config.principal}"),
                PlannedCall(verb="suspend", summary=f"iam Put{kind}Policy {name}: deny {config.principal} {to}"),
                PlannedCall(verb="resume", summary=f"iam Delete{kind}Policy {name} of {config.principal}"),
            ),
            blast_radius=(f"everybody who calls as {config.principal}: {to}", spare),
            permissions=tuple(
                f"iam:{verb}{kind}{noun} on {config.principal}"
                for verb, noun in (("List", "Policies"), ("Get", "Policy"), ("Put", "Policy"), ("Delete", "Policy"))
            ),
        )

    @property
    def _kind(self) -> str:
        return self.config.principal.split("/")[0]

    def _who(self) -> dict[str, str]:
        return {f"{self._kind.capitalize()}Name": self.config.principal.split("/", 1)[1]}

    def _statement(self, mark: str) -> Members:
        return {
            "Sid": mark,
            "Effect": "Deny",
            "Action": list(self.config.actions),
            "Resource": list(self.config.resources),
        }

    async def _document(self, target: Target, door: Door) -> Members | None:
        """Return our policy, or None; a principal that is not there is no open door, and raises Unanswered."""
        name = _name(target, door)
        marker: dict[str, str] = {}
        while True:
            page = await self.cloud.look("iam", f"list_{self._kind}_policies", **self._who(), **marker)
            if name in page["PolicyNames"]:
                break
            if not page.get("IsTruncated"):
                return None
            marker = {"Marker": page["Marker"]}
        found = await self.cloud.look("iam", f"get_{self._kind}_policy", **self._who(), PolicyName=name)
        document = found["PolicyDocument"]
        return json.loads(document) if isinstance(document, str) else dict(document)

    async def _change(self, verb: str, **parameters: str) -> Members:
        asked: Members = {**self._who(), **parameters}
        return await self.cloud.change("iam", f"{verb}_{self._kind}_policy", **asked)


def _name(target: Target, door: Door) -> str:
    """The name of the door's own policy, so that nobody else's is ever written."""
    name = f"firedoor.{target.id}.{door.name}"
    return name if len(name) <= _LONGEST_NAME else f"{name[:110]}.{door_prefix(target, door)}"
