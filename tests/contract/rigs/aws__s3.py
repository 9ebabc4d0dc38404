"""The second rig of the aws connector: a bucket of training data with a policy of its own, on moto's server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, Reply
from tests.contract.rigs_support.moto_server import (
    ACCOUNT,
    REGION,
    AwsRig,
    Moto,
    access,
    key_as,
    named,
    refusals,
)

from firedoor.core.targets import Inventory, Target

RIGHTS = [f"s3:{verb}BucketPolicy" for verb in ("Get", "Put", "Delete")]
RESPONSE = f"arn:aws:iam::{ACCOUNT}:role/incident-response"
BEFORE = """{
  "Version": "2012-10-17",   "Id": "partners",
  "Statement": [{"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
                 "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::training/public/*"]}]
}"""
_COLLEAGUE = {
    "Sid": "LegalHold",
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["s3:*"],
    "Resource": ["arn:aws:s3:::training/users/*"],
    "Condition": {"ArnNotEquals": {"aws:PrincipalArn": RESPONSE}},
}


class Rig(AwsRig):
    """Users' photographs and public texts in one bucket, each read by a job with a key of its own."""

    name: ClassVar[str] = "users-share"

    def start(self) -> None:
        self.moto = Moto()
        self._root = self.moto.client("s3")
        for bucket in ("training", "replica"):
            self._root.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            for key in ("users/1.txt", "public/1.txt"):
                self._root.put_object(Bucket=bucket, Key=key, Body=b"a line of text")
        self._keys = {user: self.moto.user(user, ["s3:GetObject"]) for user in ("users-job", "public-job")}
        self._keys["responder"] = self.moto.user("responder", RIGHTS)
        self.moto.enforce()
        self._root = self.moto.client("s3")
        self.proxy = FaultyHttpProxy(
            self.moto.url,
            changes=self._is_change,
            rewrite={"overblock": self._too_much, "half": self._another_way_in},
            refusals=refusals("s3"),
            lied=lambda _asked: Reply(204, b"", {}),
        )
        self.reset()

    def reset(self) -> None:
        self.proxy.reset()
        self.heard.clear()
        self.moto.only_rights("public-job")
        self.put(BEFORE)
        parts = {"RESPONDER": "responder", "USERS": "users-job", "PUBLIC": "public-job"}
        for prefix, user in parts.items():
            self.environment.update(key_as(prefix, self._keys[user]))
        names = {"users-share": ("users", "public-share"), "public-share": ("public", "users-share")}
        self.inventory = Inventory(
            targets={name: self._target(name, prefix, other) for name, (prefix, other) in names.items()}
        )

    def _target(self, name: str, prefix: str, other: str, bucket: str = "training") -> Target:
        door = {
            "action": "s3-quarantine",
            "bucket": "training",
            "prefix": f"{prefix}/",
            "except_principals": [RESPONSE],
        }
        call = {"call": "s3-get", "bucket": bucket, "key": f"{prefix}/1.txt", **access(self.moto.url, prefix.upper())}
        document = {
            "id": name,
            "kind": "dataset_share",
            "doors": [
                {"name": "bucket", "connector": "aws", "config": {**door, **access(self.proxy.url, "RESPONDER")}}
            ],
            "probe": {"via": "aws", "config": call},
            "neighbours": [other],
        }
        return Target.model_validate(document)

    def policy(self) -> str | None:
        """Return the policy as the bucket bears it; None where it has none."""
        try:
            return str(self._root.get_bucket_policy(Bucket="training")["Policy"])
        except self._root.exceptions.ClientError:
            return None

    def put(self, policy: str | None) -> None:
        """Change the policy as somebody else would."""
        if policy is None:
            self._root.delete_bucket_policy(Bucket="training")
        else:
            self._root.put_bucket_policy(Bucket="training", Policy=policy)

    def add(self, statement: Mapping[str, Any]) -> None:
        """Add a statement as somebody else would."""
        document = json.loads(self.policy() or BEFORE)
        self.put(json.dumps({**document, "Statement": [*document["Statement"], statement]}))

    def change_behind_our_back(self) -> None:
        self.add({**_COLLEAGUE, "Effect": "Allow", "Resource": "arn:aws:s3:::training/exchange/*"})

    def close_behind_our_back(self) -> None:
        self.add(_COLLEAGUE)

    def _is_change(self, asked: Asked) -> bool:
        self.heard.append(named(asked))
        return asked.method in ("PUT", "DELETE")

    def _too_much(self, asked: Asked) -> list[Asked]:
        self.moto.deny("public-job", "too-much", {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"})
        return [asked]

    def _another_way_in(self, asked: Asked) -> list[Asked]:
        """The job reads a replica in another bucket, of which the policy says nothing."""
        moved = self._target("users-share", "users", "public-share", bucket="replica")
        self.inventory = Inventory(targets={**self.inventory.targets, "users-share": moved})
        return [asked]
