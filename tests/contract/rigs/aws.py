"""The rig of the aws connector: two applications that call models, and a Deny for one of them, on moto's server."""

from __future__ import annotations

import json
import re
from typing import ClassVar

from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, Reply
from tests.contract.rigs_support.moto_server import (
    AwsRig,
    Moto,
    access,
    key_as,
    named,
    refusals,
)

from firedoor.core.targets import Inventory, Target

RIGHTS = [f"iam:{verb}" for verb in ("ListUserPolicies", "GetUserPolicy", "PutUserPolicy", "DeleteUserPolicy")]
_DENY = {"Effect": "Deny", "Action": ["sagemaker:InvokeEndpoint*", "bedrock:InvokeModel*"], "Resource": ["*"]}
_POLICY = "firedoor.chat-large.callers"


class Rig(AwsRig):
    """`chat-large` and `chat-small` are each called by a user of their own."""

    name: ClassVar[str] = "chat-large"

    def start(self) -> None:
        self.moto = Moto()
        users = ("chat-large", "chat-small", "somebody-else")
        self._keys = {user: self.moto.user(user, ["sagemaker:InvokeEndpoint"]) for user in users}
        self._keys["responder"] = self.moto.user("responder", RIGHTS)
        self.moto.enforce()
        self.proxy = FaultyHttpProxy(
            self.moto.url,
            changes=self._is_change,
            rewrite={"overblock": self._too_much, "half": self._another_way_in},
            refusals=refusals("iam"),
            lied=_lied,
        )
        self.reset()

    def reset(self) -> None:
        self.proxy.reset()
        self.heard.clear()
        for user in ("chat-large", "chat-small"):
            self.moto.only_rights(user)
        parts = {"RESPONDER": "responder", "LARGE": "chat-large", "SMALL": "chat-small"}
        for prefix, user in parts.items():
            self.environment.update(key_as(prefix, self._keys[user]))
        names = {"chat-large": ("LARGE", "chat-small"), "chat-small": ("SMALL", "chat-large")}
        self.inventory = Inventory(
            targets={name: self._target(name, key, other) for name, (key, other) in names.items()}
        )

    def _target(self, name: str, key: str, other: str) -> Target:
        door = {"action": "iam-deny", "principal": f"user/{name}", "resources": ["*"]}
        call = {"call": "sagemaker-invoke", "endpoint": name, **access(self.moto.url, key)}
        document = {
            "id": name,
            "doors": [
                {"name": "callers", "connector": "aws", "config": {**door, **access(self.proxy.url, "RESPONDER")}}
            ],
            "probe": {"via": "aws", "config": call},
            "neighbours": [other],
        }
        return Target.model_validate(document)

    def change_behind_our_back(self) -> None:
        """A colleague adds a statement to the policy that we left."""
        iam = self.moto.client("iam")
        document = iam.get_user_policy(UserName="chat-large", PolicyName=_POLICY)["PolicyDocument"]
        document["Statement"].append({"Sid": "Colleague", "Effect": "Deny", "Action": "s3:*", "Resource": "*"})
        iam.put_user_policy(UserName="chat-large", PolicyName=_POLICY, PolicyDocument=json.dumps(document))

    def close_behind_our_back(self) -> None:
        self.moto.deny("chat-large", _POLICY, {"Sid": "Colleague", **_DENY})

    def _is_change(self, asked: Asked) -> bool:
        self.heard.append(named(asked))
        return re.search(rb"(?:^|&)Action=(Put|Delete)", asked.body) is not None

    def _too_much(self, asked: Asked) -> list[Asked]:
        self.moto.deny("chat-small", "too-much", _DENY)
        return [asked]

    def _another_way_in(self, asked: Asked) -> list[Asked]:
        """The callers have a second key, of a user whom nobody denied anything."""
        self.environment.update(key_as("LARGE", self._keys["somebody-else"]))
        return [asked]


def _lied(asked: Asked) -> Reply:
    action = named(asked).split(":")[1]
    space = "https://iam.amazonaws.com/doc/2010-05-08/"
    told = "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
    said = f'<{action}Response xmlns="{space}">{told}</{action}Response>'
    return Reply(200, said.encode(), {"content-type": "text/xml"})
