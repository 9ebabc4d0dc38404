"""The page about AWS is true: its inventory has no problem, its policy allows what is called and nothing more."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy
from tests.contract.rigs_support.moto_server import REGION, Moto, access, key_as, named
from tests.contract.rigs_support.sagemaker_double import SageMakerDouble

from firedoor.connectors import aws
from firedoor.connectors.parts.aws.caller import CALLS
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import Inventory, Target
from firedoor.runtime.config.secrets import ReferencedSecrets

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-with-aws.md"
ROLE = "arn:aws:iam::123456789012:role/incident-response"


def shown(language: str) -> str:
    """Return the first block of a language on the page."""
    block = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    return block[1]


def granted(sid: str) -> set[str]:
    """Return the actions of one statement of the policy on the page."""
    actions = next(one["Action"] for one in json.loads(shown("json"))["Statement"] if one["Sid"] == sid)
    return set(actions if isinstance(actions, list) else [actions])


@pytest.fixture(name="make")
async def _make() -> AsyncIterator[Any]:
    async with open_client() as client:

        def make(inventory: Inventory, environment: dict[str, str]) -> OpenConnectors:
            secrets = ReferencedSecrets(environment)
            return OpenConnectors(ConnectorContext(client, secrets, lambda: datetime.now(UTC), inventory))

        yield make


@pytest.fixture(name="systems", scope="module")
def _systems() -> Iterator[Any]:
    moto = Moto()
    iam, sagemaker, s3 = (moto.client(service) for service in ("iam", "sagemaker", "s3"))
    iam.create_role(RoleName="chat-backend", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    s3.create_bucket(Bucket="training", CreateBucketConfiguration={"LocationConstraint": REGION})
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "registry.example/m"})
    variant = {"VariantName": "all", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="chat-large-1", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="chat-large", EndpointConfigName="chat-large-1")
    double = SageMakerDouble()
    yield {"moto": moto.url, "double": double.url}
    double.stop()
    moto.stop()


def test_the_inventory_on_the_page_has_no_problem(make: Any) -> None:
    """What a reader copies passes the check, its probes included."""
    inventory = Inventory.model_validate(yaml.safe_load(shown("yaml")))
    assert make(inventory, {}).check_inventory(inventory) == ()


def test_every_action_every_look_and_every_key_is_on_the_page() -> None:
    """Nobody has to read the code to find a key."""
    text = PAGE.read_text()
    forms = [form for form, _ in aws._WAYS.values()] + list(CALLS.values())
    keys = {key for form in forms for key in form.model_fields}
    assert not [name for name in (*aws._WAYS, *CALLS, *keys) if f"`{name}`" not in text and f"{name}:" not in text]


@pytest.mark.parametrize(
    ("name", "door", "system", "sids", "besides"),
    [
        ("chat-large", "callers", "moto", ["DenyCallers"], set()),
        ("users-photographs", "bucket", "moto", ["QuarantineObjects"], set()),
        ("chat-large", "endpoint", "moto", ["DeleteEndpoint", "SeeScaling"], {"sagemaker:AddTags"}),
        ("chat-large", "copies", "double", ["EmptyComponent", "SeeScaling"], set()),
        ("tune-7", "job", "double", ["StopTraining"], set()),
    ],
)
async def test_the_policy_allows_every_call_and_nothing_more(
    systems: Any, make: Any, name: str, door: str, system: str, sids: list[str], besides: set[str]
) -> None:
    """Each door of the page is looked at, closed, asked after and opened; what was called is what is granted."""
    heard: set[str] = set()

    def listen(asked: Asked) -> bool:
        heard.add(named(asked))
        return False

    proxy = FaultyHttpProxy(systems[system], changes=listen)
    inventory = Inventory.model_validate(yaml.safe_load(shown("yaml")))
    await drive(make, inventory.targets[name], door, proxy)
    proxy.stop()
    assert heard == set().union(*map(granted, sids)) - besides


async def drive(make: Any, target: Target, name: str, proxy: FaultyHttpProxy) -> None:
    """Take a door through everything that may be done to it, with the given system behind it."""
    door = next(door for door in target.doors if door.name == name)
    config = {**door.config, **access(proxy.url, "RESPONDER"), "timeout_seconds": 20}
    door = door.model_copy(update={"config": config})
    connector = make(Inventory(), key_as("RESPONDER", ("an-access-key-id", "a-secret-key")))["aws"]
    snapshot = await connector.capture_state(target, door)
    receipt = await connector.suspend(target, door, snapshot, "inc-1.suspend")
    await connector.observe(target, door, "inc-1.suspend")
    if (await connector.plan(target, door)).reversible != "no":
        assert (await connector.resume(target, door, snapshot, "inc-1.resume", receipt)).changed
