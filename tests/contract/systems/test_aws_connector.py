"""What the common suite does not show of the aws connector: each way by itself, and the edges of its policies.

iam-deny, s3-quarantine and sagemaker-endpoint run against moto's server. sagemaker-component and training-job run
against a double that is written from AWS's own description, because moto does not have their calls.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.contract.connector_suite import rig_class
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, Reply
from tests.contract.rigs_support.moto_server import REGION, Moto, access, key_as, named, refusals
from tests.contract.rigs_support.sagemaker_double import SageMakerDouble

from firedoor.connectors.parts.aws import policies
from firedoor.connectors.parts.aws.cloud import installed
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.ports import Receipt, Snapshot
from firedoor.core.problems import InDoubt, InvalidInput, Refused, Unanswered
from firedoor.core.targets import Inventory, Target
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.runtime.config.secrets import ReferencedSecrets

KEY, OTHER_KEY = "inc-7.suspend.target.1", "inc-7.resume.target.1"
ROLE = "arn:aws:iam::123456789012:role/incident-response"
IAM = {"action": "iam-deny", "principal": "role/chat", "resources": ["*"], "region": REGION}
S3 = {
    "action": "s3-quarantine",
    "bucket": "training",
    "prefix": "users/",
    "except_principals": [ROLE],
    "region": REGION,
}


def _is_change(asked: Asked) -> bool:
    return not named(asked).split(":")[1].startswith(("Describe", "List", "Get"))


class Listening(FaultyHttpProxy):
    """A proxy that writes down which calls were made, as policies name them."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream, changes=_is_change, refusals=refusals("iam"))
        self.heard: list[str] = []

    def answer(self, asked: Asked) -> Reply | None:
        self.heard.append(named(asked))
        return super().answer(asked)


class Hand:
    """One door driven the short way."""

    def __init__(self, config: dict[str, Any], environment: dict[str, str], client: Any) -> None:
        document = {"id": "chat-large", "doors": [{"name": "aws", "connector": "aws", "config": config}]}
        self.target = Target.model_validate(document)
        self.door = self.target.doors[0]
        inventory = Inventory(targets={"chat-large": self.target})
        context = ConnectorContext(client, ReferencedSecrets(environment), lambda: datetime.now(UTC), inventory)
        self.connector: Any = OpenConnectors(context)["aws"]

    async def capture(self) -> Snapshot:
        return await self.connector.capture_state(self.target, self.door)

    async def close(self, snapshot: Snapshot) -> Receipt:
        return await self.connector.suspend(self.target, self.door, snapshot, KEY)

    async def observe(self) -> Any:
        return await self.connector.observe(self.target, self.door, KEY)

    async def open(self, snapshot: Snapshot, receipt: Receipt) -> Receipt:
        return await self.connector.resume(self.target, self.door, snapshot, OTHER_KEY, receipt)

    async def saw(self, **call: Any) -> Any:
        return await self.connector.call(self.target, {**call, "timeout_seconds": 20}, 20)

    async def round(self) -> tuple[Snapshot, Receipt, Receipt]:
        """Capture, close, open; the state is the captured one afterwards."""
        snapshot = await self.capture()
        closed = await self.close(snapshot)
        seen = await self.observe()
        assert (closed.changed, seen.closed) == (True, YES)
        opened = await self.open(snapshot, closed)
        assert opened.changed
        assert (await self.capture()).state == snapshot.state
        return snapshot, closed, opened


@pytest.fixture(name="client")
async def _client() -> AsyncIterator[Any]:
    async with open_client() as client:
        yield client


@pytest.fixture(name="bucket", scope="module")
def _bucket() -> Iterator[Any]:
    rig = rig_class("aws__s3")()
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(name="moto", scope="module")
def _moto() -> Iterator[Any]:
    moto = Moto()
    iam, trust = moto.client("iam"), '{"Version": "2012-10-17", "Statement": []}'
    iam.create_role(RoleName="chat", AssumeRolePolicyDocument=trust)
    iam.create_group(GroupName="chat")
    iam.create_user(UserName="chat")
    listening = Listening(moto.url)
    yield moto, listening
    listening.stop()
    moto.stop()


@pytest.fixture(name="double")
def _double(require: Any) -> Iterator[Any]:
    require("the client library of AWS (pip install boto3)", installed())
    double = SageMakerDouble()
    listening = Listening(double.url)
    yield double, listening
    listening.stop()
    double.stop()


@pytest.fixture(name="hand")
def _hand(client: Any) -> Any:
    environment = key_as("RESPONDER", ("key-of-the-responder", "secret-of-the-responder"))

    def make(url: str = "http://127.0.0.1:9", **config: Any) -> Hand:
        return Hand({**config, **access(url, "RESPONDER"), "timeout_seconds": 20}, environment, client)

    return make


# What a door may say.


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({**IAM, "action": "iam-denny"}, 'did you mean "iam-deny"'),
        ({**IAM, "actions": ["iam:*"]}, "would deny the right to undo it"),
        ({**IAM, "actions": ["*"]}, "is no action of one service"),
        ({**IAM, "principal": "chat"}, "principal"),
        ({**IAM, "resources": [f"arn:aws:sagemaker:{REGION}:123456789012:endpoint/Chat"]}, "small letters"),
        ({**IAM, "credentials": {"access_key_id": "AKIA0", "secret_access_key": "x"}}, "credentials.access_key_id"),
        ({**S3, "prefix": "users/*"}, "prefix"),
        ({**S3, "except_principals": []}, "except_principals"),
        ({**S3, "except_principals": ["arn:aws:iam::123456789012:role/*"]}, "no ARN of one role"),
        ({"action": "sagemaker-endpoint", "endpoint": "chat", "region": REGION}, "allow_deletion"),
        ({"action": "training-job", "training_job": "-", "region": "Frankfurt"}, "region"),
    ],
)
def test_a_door_that_could_do_harm_is_refused(config: dict[str, Any], says: str, client: Any) -> None:
    """Unsafe, unclear and misspelt doors are named before anything is called."""
    hand = Hand(config, {}, client)
    with pytest.raises(InvalidInput) as caught:
        hand.connector.check(hand.target, hand.door)
    assert says in str(caught.value)


def test_a_missing_client_library_is_named_with_the_command_that_installs_it() -> None:
    """Without boto3 the check says what to install."""
    program = (
        "import sys; sys.modules['boto3'] = None\n"
        "from firedoor.connectors.parts.aws.cloud import need_client\n"
        "try: need_client()\nexcept Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "InvalidInput" in said
    assert 'pip install "firedoor[aws]"' in said


@pytest.mark.parametrize("call", [{"call": "s3-put"}, {"call": "s3-get", "bucket": "b", "region": REGION, "kee": "k"}])
def test_a_wrong_look_is_refused(call: dict[str, Any], client: Any) -> None:
    """A caller's side is checked as a door is."""
    with pytest.raises(InvalidInput):
        Hand(IAM, {}, client).connector.check_probe(call)


# Denying callers.


@pytest.mark.parametrize("kind", ["role", "user", "group"])
async def test_a_principal_of_each_kind_is_denied_and_allowed_again(moto: Any, hand: Any, kind: str) -> None:
    """Closed by one call and opened by one call, each to the kind of principal that the door names."""
    moto[1].heard.clear()
    await hand(moto[1].url, **{**IAM, "principal": f"{kind}/chat"}).round()
    changes = [call for call in moto[1].heard if "iam:List" not in call and "iam:Get" not in call]
    assert changes == [f"iam:Put{kind.capitalize()}Policy", f"iam:Delete{kind.capitalize()}Policy"]


async def test_a_principal_that_is_not_there_is_no_open_door(moto: Any, hand: Any) -> None:
    """A misspelt role must not look like a door that stands open, and then like one that was closed."""
    with pytest.raises(Unanswered):
        await hand(moto[1].url, **{**IAM, "principal": "role/nobody"}).capture()


async def test_the_client_repeats_nothing_by_itself(moto: Any, hand: Any) -> None:
    """After an internal error there is doubt, and one call was made."""
    deny = hand(moto[1].url, **IAM)
    snapshot = await deny.capture()
    moto[1].plan("error")
    moto[1].heard.clear()
    with pytest.raises(InDoubt):
        await deny.close(snapshot)
    assert moto[1].heard == ["iam:PutRolePolicy"]


async def test_an_edited_policy_of_ours_is_neither_open_nor_closed(moto: Any, hand: Any) -> None:
    """Somebody narrowed the Deny: a look does not know, and a resume leaves it alone."""
    deny, iam = hand(moto[1].url, **IAM), moto[0].client("iam")
    snapshot = await deny.capture()
    receipt = await deny.close(snapshot)
    names = {"RoleName": "chat", "PolicyName": "firedoor.chat-large.aws"}
    document = iam.get_role_policy(**names)["PolicyDocument"]
    document["Statement"][0]["Resource"] = ["arn:aws:sagemaker:*:*:endpoint/other"]
    iam.put_role_policy(**names, PolicyDocument=json.dumps(document))
    assert (await deny.observe()).closed is UNKNOWN
    with pytest.raises(Refused):
        await deny.open(snapshot, receipt)
    iam.delete_role_policy(**names)


# Quarantine.


@pytest.mark.parametrize("nothing_before", [True, False])
async def test_the_policy_of_others_comes_back_as_it_was_written(
    bucket: Any, client: Any, nothing_before: bool
) -> None:
    """White space and order included; a bucket without a policy has none again."""
    bucket.reset()
    if nothing_before:
        bucket.put(None)
    before = bucket.policy()
    quarantine = Hand(bucket.door.config, bucket.environment, client)
    snapshot = await quarantine.capture()
    receipt = await quarantine.close(snapshot)
    assert bucket.policy() != before
    await quarantine.open(snapshot, receipt)
    assert bucket.policy() == before


async def test_two_doors_of_one_bucket_open_in_either_order(bucket: Any, client: Any) -> None:
    """The first that closed opens first: the other's statement stays, and in the end the policy is the first one."""
    bucket.reset()
    first = Hand(bucket.door.config, bucket.environment, client)
    second = Hand({**bucket.door.config, "prefix": "public/"}, bucket.environment, client)
    second.target = second.target.model_copy(update={"id": "public"})
    one, two = await first.capture(), None
    closed = await first.close(one)
    two = await second.capture()
    closed_as_well = await second.close(two)
    await first.open(one, closed)
    assert (await second.observe()).closed is YES
    await second.open(two, closed_as_well)
    assert policies.equal(json.loads(bucket.policy()), json.loads(one.state["text"]))


async def test_a_policy_that_changed_since_the_capture_is_not_overwritten(bucket: Any, client: Any) -> None:
    """S3 has no lock on a policy, so it is read again just before it is written."""
    bucket.reset()
    quarantine = Hand(bucket.door.config, bucket.environment, client)
    snapshot = await quarantine.capture()
    bucket.change_behind_our_back()
    with pytest.raises(Refused):
        await quarantine.close(snapshot)
    assert bucket.effects() == 0


async def test_a_quarantine_never_denies_the_bucket_itself(bucket: Any, client: Any) -> None:
    """Only objects below the prefix are denied, so nobody loses the right to change the policy; one role reads."""
    bucket.reset()
    quarantine = Hand(bucket.door.config, bucket.environment, client)
    await quarantine.close(await quarantine.capture())
    ours = next(one for one in json.loads(bucket.policy())["Statement"] if one["Sid"].startswith("Firedoor"))
    assert ours["Resource"] == "arn:aws:s3:::training/users/*"
    assert ours["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": [ROLE]}}


def test_statements_are_the_same_whatever_they_are_called_and_however_lists_are_written() -> None:
    """One item or a list of one, and any order; another resource or effect is another statement."""
    one = {"Sid": "a", "Effect": "Deny", "Action": ["s3:*"], "Resource": ["x", "y"]}
    assert policies.same(one, {"Sid": "b", "Effect": "Deny", "Action": "s3:*", "Resource": ["y", "x"]})
    assert not policies.same(one, {**one, "Effect": "Allow"})
    assert not policies.same(one, {**one, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    assert policies.stand({"Statement": one}, one, "a").closed is YES


# Looking as a caller.


async def test_what_proves_nothing_is_no_refusal(bucket: Any, client: Any) -> None:
    """A wrong key and a missing object are unknown; a Deny is a refusal."""
    bucket.reset()
    quarantine = Hand(bucket.door.config, bucket.environment, client)
    look = {"call": "s3-get", "bucket": "training", **access(bucket.moto.url, "USERS")}
    assert (await quarantine.saw(**look, key="users/1.txt")).serving is YES
    assert (await quarantine.saw(**look, key="users/none.txt")).serving is UNKNOWN
    right = bucket.environment["USERS_SECRET_KEY"]
    bucket.environment["USERS_SECRET_KEY"] = "wrong"
    assert (await quarantine.saw(**look, key="users/1.txt")).serving is UNKNOWN
    bucket.environment["USERS_SECRET_KEY"] = right
    await quarantine.close(await quarantine.capture())
    assert (await quarantine.saw(**look, key="users/1.txt")).serving is NO


async def test_bedrock_is_denied_by_the_same_policy(bucket: Any, client: Any) -> None:
    """The default actions close SageMaker and Bedrock alike."""
    moto = bucket.moto
    keys = key_as("DENIER", moto.user("denier", ["iam:*"])) | key_as("BOTH", moto.user("both", ["bedrock:InvokeModel"]))
    door = {**IAM, "principal": "user/both", **access(moto.url, "DENIER"), "timeout_seconds": 20}
    deny = Hand(door, keys, client)
    look = {"call": "bedrock-invoke", "model": "anthropic.claude", "body": {}, **access(moto.url, "BOTH")}
    assert (await deny.saw(**look)).serving is YES
    await deny.close(await deny.capture())
    assert (await deny.saw(**look)).serving is NO


# SageMaker itself.


async def test_a_component_loses_its_copies_and_gets_them_back(double: Any, hand: Any) -> None:
    """Our tag comes before the change and goes after it; what scales the component is in the receipt."""
    component = hand(double[1].url, action="sagemaker-component", component="chat-large")
    snapshot = await component.capture()
    closed = await component.close(snapshot)
    assert (double[0].copies, (await component.observe()).ours) == (0, YES)
    assert closed.detail["scaling"] == [{"resource": "inference-component/chat-large", "minimum": 1, "maximum": 4}]
    await component.open(snapshot, closed)
    assert (double[0].copies, list(double[0].tags.values())) == (2, [{}])
    assert (await component.capture()).state == snapshot.state


async def test_a_component_is_closed_when_its_last_copy_is_gone(double: Any, hand: Any) -> None:
    """None wanted is not yet none running; what the platform says of itself waits for the latter."""
    component = hand(double[1].url, action="sagemaker-component", component="chat-large")
    await component.close(await component.capture())
    settings = component.connector.settings(component.target, component.door)
    assert await component.connector.platform(component.target, component.door, settings) is NO
    double[0].running = 0
    assert await component.connector.platform(component.target, component.door, settings) is YES


async def test_a_component_that_others_scaled_is_left_alone(double: Any, hand: Any) -> None:
    """Auto-scaling brought it back: a resume does not overwrite that."""
    component = hand(double[1].url, action="sagemaker-component", component="chat-large")
    snapshot = await component.capture()
    closed = await component.close(snapshot)
    double[0].copies = 1
    with pytest.raises(Refused, match="not as captured"):
        await component.open(snapshot, closed)


async def test_a_training_job_is_stopped_for_good(double: Any, hand: Any) -> None:
    """It is stopped once, known as ours, seen not to run, and a resume is refused."""
    job = hand(double[1].url, action="training-job", training_job="tune-7")
    look = {"call": "training-job", "training_job": "tune-7", **access(double[0].url, "RESPONDER")}
    assert (await job.saw(**look)).serving is YES
    snapshot = await job.capture()
    closed = await job.close(snapshot)
    assert (double[0].job, (await job.observe()).ours) == ("Stopping", YES)
    assert snapshot.state["checkpoints"] == "s3://models/tune-7/checkpoints"
    assert not (await job.close(snapshot)).changed
    with pytest.raises(Refused):
        await job.open(snapshot, closed)
    double[0].job = "Stopped"
    assert (await job.saw(**look)).serving is NO


async def test_a_job_that_ended_meanwhile_is_closed_and_not_ours(double: Any, hand: Any) -> None:
    """The service refuses to stop a job that has completed; a second look finds it closed."""
    job = hand(double[1].url, action="training-job", training_job="tune-7")
    snapshot = await job.capture()
    double[0].job = "Completed"
    assert not (await job.close(snapshot)).changed


async def test_an_endpoint_is_deleted_and_comes_back_from_its_configuration(moto: Any, hand: Any) -> None:
    """Configuration and tags are the captured ones; the second deletion is success without a change."""
    sagemaker = moto[0].client("sagemaker")
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "registry.example/m"})
    variant = {"VariantName": "all", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    tags = [{"Key": "team", "Value": "chat"}]
    sagemaker.create_endpoint(EndpointName="chat", EndpointConfigName="c", Tags=tags)
    endpoint = hand(moto[1].url, action="sagemaker-endpoint", endpoint="chat", allow_deletion=True)
    snapshot, closed, _ = await endpoint.round()
    assert snapshot.state["tags"] == tags
    assert (await endpoint.connector.plan(endpoint.target, endpoint.door)).reversible == "lossy"
    sagemaker.delete_endpoint(EndpointName="chat")
    assert not (await endpoint.close(snapshot)).changed
    sagemaker.delete_endpoint_config(EndpointConfigName="c")
    with pytest.raises((Refused, Unanswered)):
        await endpoint.open(snapshot, closed)
