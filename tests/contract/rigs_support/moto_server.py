"""moto's server as a process of its own, with the rights of its callers enforced, for the rigs of the aws connector.

Decides who there is (a user for each part that is played, with a key and one policy) and what stands between the
connector and the server: a proxy that fails on demand and writes down which calls were made. What is not believed of
moto: it answers `InvokeEndpoint` for endpoints that do not exist, it reads no resources in policies of users, and no
conditions. So refusals are proved by explicit Deny on `*` for a user, and by a bucket's policy.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import httpx
from tests.conftest import require
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, Reply
from tests.parts import free_port, python_part
from tests.patience import until

from firedoor.core.targets import Door, Inventory, Target

REGION, ACCOUNT = "eu-central-1", "123456789012"
TIMEOUT = 4.0  # seconds; some faults never answer, and on a busy machine the emulator takes a second for one call
_IAM_ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
_S3_ERROR = "<Error><Code>{}</Code><Message>{}</Message></Error>"
_FAILURES: Mapping[str, tuple[int, str, str, dict[str, str]]] = {
    "error": (500, "InternalError", "we encountered an internal error", {}),
    "conflict": (409, "OperationAborted", "a conflicting operation is in progress", {}),
    "busy": (429, "Throttling", "rate exceeded", {"retry-after": "1"}),
    "overloaded": (429, "Throttling", "rate exceeded", {"retry-after": "3600"}),
}


def refusals(service: str) -> dict[str, Reply]:
    """How a service says no, in its own format."""
    form = _IAM_ERROR if service == "iam" else _S3_ERROR
    return {
        fault: Reply(status, form.format(code, said).encode(), {"content-type": "text/xml", **more})
        for fault, (status, code, said, more) in _FAILURES.items()
    }


def named(asked: Asked) -> str:
    """Return a call as policies name it, such as `iam:PutUserPolicy`."""
    service = re.search(r"Credential=[^,]*/([a-z0-9-]+)/aws4_request", asked.headers.get("authorization", ""))
    action = re.search(rb"(?:^|&)Action=(\w+)", asked.body)
    if action:
        return f"{service[1]}:{action[1].decode()}"
    target = asked.headers.get("x-amz-target", "").rpartition(".")[2]
    verb = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}.get(asked.method, asked.method)
    return f"{service[1]}:{target or verb + ('BucketPolicy' if asked.path.endswith('?policy') else 'Object')}"


class Moto:
    """The server, and the keys of those who use it."""

    def __init__(self) -> None:
        require("the client library of AWS (pip install boto3)", importlib.util.find_spec("boto3") is not None)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [str(python_part("moto") / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, self._process, "moto")
        self._key = ("root", "root")
        self._key = self.user("everything", ["*"])

    def enforce(self) -> None:
        """From now on every call needs a right."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content="0", trust_env=False).raise_for_status()

    def stop(self) -> None:
        self._process.kill()  # all of it is in memory, and on a softer signal it waits for open connections
        self._process.wait()

    def client(self, service: str, key: tuple[str, str] | None = None) -> Any:
        """Return a client past all faults; by default of somebody who may do everything."""
        import boto3.session

        access, secret = key or self._key
        once = boto3.session.Config(retries={"total_max_attempts": 1}, proxies={})
        names = {"aws_access_key_id": access, "aws_secret_access_key": secret}
        return boto3.session.Session(region_name=REGION, **names).client(service, endpoint_url=self.url, config=once)

    def user(self, name: str, actions: Iterable[str]) -> tuple[str, str]:
        """Make a user who may do this and nothing else; return the key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def deny(self, user: str, policy: str, statement: Mapping[str, Any]) -> None:
        """Put a policy with one statement on a user."""
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_user_policy(UserName=user, PolicyName=policy, PolicyDocument=document)

    def only_rights(self, user: str) -> None:
        """Take every policy from a user but the first."""
        iam = self.client("iam")
        for name in iam.list_user_policies(UserName=user)["PolicyNames"]:
            if name != "rights":
                iam.delete_user_policy(UserName=user, PolicyName=name)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/moto-api/data.json", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


def key_in(prefix: str) -> dict[str, str]:
    """Return the credentials of a door or of a caller, by reference."""
    return {
        "access_key_id": f"secret://env/{prefix}_KEY_ID",
        "secret_access_key": f"secret://env/{prefix}_SECRET_KEY",
    }


def key_as(prefix: str, key: tuple[str, str]) -> dict[str, str]:
    """Return the environment that holds a key."""
    return {f"{prefix}_KEY_ID": key[0], f"{prefix}_SECRET_KEY": key[1]}


def access(url: str, prefix: str) -> dict[str, Any]:
    """Return what every door and every caller says of where and who."""
    return {"region": REGION, "endpoint_url": url, "credentials": key_in(prefix), "timeout_seconds": TIMEOUT}


def elsewhere(inventory: Inventory, old: str, new: str, *, doors: bool, probes: bool) -> Inventory:
    """Return the inventory with another address in its doors, or in its probes."""
    document = inventory.model_dump(mode="json", by_alias=True)
    for target in document["targets"].values():
        if doors:
            target["doors"] = json.loads(json.dumps(target["doors"]).replace(old, new))
        if probes:
            target["probe"] = json.loads(json.dumps(target["probe"]).replace(old, new))
    return Inventory.model_validate(document)


def nowhere() -> str:
    """Return a URL on which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


class AwsRig:
    """What the rigs of the aws connector share: moto behind a faulty proxy, and the faults that both can have.

    `name` is the target under test. A rig starts `moto` and `proxy`, and puts its own inventory together.
    """

    kind: ClassVar[str] = "aws"
    cannot: ClassVar[Mapping[str, str]] = {}
    name: ClassVar[str]
    moto: Moto
    proxy: FaultyHttpProxy

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.inventory = Inventory()
        self.heard: list[str] = []

    @property
    def target(self) -> Target:
        return self.inventory.targets[self.name]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def stop(self) -> None:
        self.proxy.stop()
        self.moto.stop()

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        if fault == "wrong key":
            self.environment["RESPONDER_SECRET_KEY"] = "not-the-key-at-all"
        elif fault == "down":
            self.inventory = elsewhere(self.inventory, self.proxy.url, nowhere(), doors=True, probes=False)
        elif fault == "dark":
            self.inventory = elsewhere(self.inventory, self.moto.url, nowhere(), doors=False, probes=True)
        else:
            self.proxy.plan(fault)
