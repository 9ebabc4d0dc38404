"""The page about Kubernetes is true: its inventory has no problem, its roles grant what is called and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from tests.contract.rigs_support.faulty_proxy import Asked
from tests.contract.rigs_support.kubernetes import AUTOSCALERS, KEYS, NAMESPACE, SCALED_OBJECTS, KubernetesCluster

from firedoor.connectors.importers.kubernetes import KubernetesImporter
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.kubernetes.door import KubernetesDoor
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import ConnectorProbe, Inventory, Target
from firedoor.runtime.config.secrets import ReferencedSecrets

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-with-kubernetes.md"
Right = tuple[str, str, str, str]  # who, API group, resource, verb
ALONE = {"GET": "list", "POST": "create"}
NAMED = {"GET": "get", "PATCH": "patch", "DELETE": "delete"}


def blocks() -> list[str]:
    """Return the YAML of the page: the inventory, then the roles."""
    return re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def shown_inventory() -> Inventory:
    return Inventory.model_validate(yaml.safe_load(blocks()[0]))


def granted() -> Iterator[tuple[Right, list[str]]]:
    """Yield every right of the roles, with the names to which it is limited."""
    for document in yaml.safe_load_all(blocks()[1]):
        if document["kind"] == "Role":
            for rule in document["rules"]:
                (group,), (resource,) = rule["apiGroups"], rule["resources"]
                for verb in rule["verbs"]:
                    yield (document["metadata"]["name"], group, resource, verb), rule.get("resourceNames", [])


class Listener:
    """Remembers which rights were used, by whom and for which object."""

    def __init__(self) -> None:
        self.used: set[tuple[Right, str]] = set()

    def hear(self, asked: Asked) -> bool:
        """Note a request; the proxy asks whether it is a change."""
        parts = urlsplit(asked.path).path.strip("/").split("/")
        group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
        assert rest[:2] == ["namespaces", NAMESPACE]
        name = rest[3] if len(rest) > 3 else ""
        who = "firedoor-doors" if KEYS["KUBE_TOKEN"] in asked.headers["authorization"] else "firedoor-reader"
        verb = (NAMED if name else ALONE)[asked.method]
        self.used.add(((who, group, rest[2], verb), name))
        return asked.method not in ("GET", "HEAD")


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[KubernetesCluster]:
    cluster = KubernetesCluster()
    cluster.start()
    yield cluster
    cluster.stop()


def here(cluster: KubernetesCluster) -> Inventory:
    """Return the inventory of the page, pointed at the emulated cluster, with the accounts that the page means."""
    targets: dict[str, Target] = {}
    for name, target in shown_inventory().targets.items():
        config = {"cluster": cluster.cluster()}
        doors = [door.model_copy(update={"config": {**door.config, **config}}) for door in target.doors]
        probe: Any = {"url": f"{cluster.data}/v1/{NAMESPACE}/{name}"}
        if isinstance(target.probe, ConnectorProbe):
            reader = {**target.probe.config, "cluster": cluster.cluster("KUBE_READER")}
            probe = target.probe.model_copy(update={"config": reader})
        plain = target.model_dump(by_alias=True, exclude={"doors", "probe"})
        targets[name] = Target.model_validate({**plain, "doors": doors, "probe": probe})
    return Inventory(targets=targets)


async def drive(inventory: Inventory, cluster: KubernetesCluster) -> None:
    """Close every door of the page, prove it, open it again; then import."""
    async with open_client() as client:
        context = ConnectorContext(client, ReferencedSecrets(KEYS), lambda: datetime.now(UTC), inventory)
        connectors = OpenConnectors(context)
        for target in inventory.targets.values():
            for door in target.doors:
                connector = connectors[door.connector]
                await connector.plan(target, door)
                snapshot = await connector.capture_state(target, door)
                receipt = await connector.suspend(target, door, snapshot, "inc-1.suspend")
                assert str((await connector.verify(target, door, "refused")).holds) == "yes", door.name
                await connector.resume(target, door, snapshot, "inc-1.resume", receipt)
        settings = {**cluster.cluster("KUBE_READER"), "namespace": NAMESPACE, "labels": "kind=model"}
        await KubernetesImporter(context).found(settings)


def test_the_inventory_on_the_page_has_no_problem() -> None:
    """Every door and every probe is accepted by its connector, and none lacks a proof."""
    inventory = shown_inventory()
    context = ConnectorContext(open_client(), ReferencedSecrets({}), lambda: datetime.now(UTC), inventory)
    assert OpenConnectors(context).check_inventory(inventory) == ()


async def test_the_roles_grant_what_is_called_and_nothing_more(cluster: KubernetesCluster) -> None:
    """Each call has its verb in a role, for that name where it has one; no verb is there for nothing."""
    aim = {"kind": "Deployment", "name": "chat-large"}
    about = {"metadata": {"name": "scaler", "namespace": NAMESPACE}, "spec": {"scaleTargetRef": aim, "minReplicas": 0}}
    cluster.reset(**{AUTOSCALERS: [about], SCALED_OBJECTS: [about]})
    listener = Listener()
    cluster.proxy._changes = listener.hear
    await drive(here(cluster), cluster)
    names = dict(granted())
    assert {right for right, _ in listener.used} == set(names)
    assert not [(right, name) for right, name in listener.used if names[right] and name not in names[right]]


def test_every_account_of_the_roles_is_made_and_bound() -> None:
    """What can be applied as it stands: each role has an account and a binding of its name."""
    documents = list(yaml.safe_load_all(blocks()[1]))
    named = {
        kind: {one["metadata"]["name"] for one in documents if one["kind"] == kind}
        for kind in ("Role", "ServiceAccount")
    }
    bound = {(one["roleRef"]["name"], one["subjects"][0]["name"]) for one in documents if one["kind"] == "RoleBinding"}
    assert named["Role"] == named["ServiceAccount"] == {role for role, _ in bound} == {account for _, account in bound}


def test_every_key_of_a_door_is_on_the_page() -> None:
    """Nobody has to read the code to find a key that they may need."""
    text = PAGE.read_text()
    usual = {"timeout_seconds", "policy", "workload"}
    assert not [
        name for name in set(KubernetesDoor.model_fields) - usual if f"{name}:" not in text and f"`{name}`" not in text
    ]
