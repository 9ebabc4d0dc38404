"""A Kubernetes API as a process, two models in it, and a proxy before it that fails on demand.

Decides what the cluster of the rigs holds: the namespace `models` with `chat-large` and `chat-small`, each as a
Deployment, an InferenceService and a training Job. Leaves which of them is the target to each rig.
"""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import httpx
from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, Reply
from tests.parts import free_port, python_part
from tests.patience import stop

from firedoor.core.targets import Door, Inventory, Target

TOKEN, READER = "the-token-that-closes-doors", "the-token-that-only-reads"
KEYS = {"KUBE_TOKEN": TOKEN, "KUBE_READER": READER}
DEPLOYMENTS = "apps/v1/deployments"
SERVICES = "serving.kserve.io/v1beta1/inferenceservices"
JOBS = "batch/v1/jobs"
POLICIES = "networking.k8s.io/v1/networkpolicies"
AUTOSCALERS = "autoscaling/v2/horizontalpodautoscalers"
SCALED_OBJECTS = "keda.sh/v1alpha1/scaledobjects"
NAMESPACE = "models"
MODELS = ("chat-large", "chat-small")


def template(name: str, image: str = "1.0") -> dict[str, Any]:
    """A pod template."""
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "server", "image": f"m:{image}"}]}}


def metadata(name: str, **more: Any) -> dict[str, Any]:
    """Metadata of an object in the namespace of the models."""
    return {"name": name, "namespace": NAMESPACE, "labels": {"app": name, "kind": "model"}, **more}


def deployment(name: str, replicas: int = 3) -> dict[str, Any]:
    """A Deployment that serves a model."""
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name),
        "spec": {"replicas": replicas, "selector": selector, "template": template(name)},
    }


def service(name: str) -> dict[str, Any]:
    """An InferenceService; its own name, so that its callers are not those of the Deployment."""
    model = {"modelFormat": {"name": "huggingface"}, "storageUri": f"s3://models/{name}"}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata(f"isvc-{name}"),
        "spec": {"predictor": {"model": model, "canaryTrafficPercent": 20}},
    }


def job(name: str, **labels: str) -> dict[str, Any]:
    """A Job that trains a model."""
    named = metadata(f"train-{name}")
    named["labels"] = {**named["labels"], **labels}
    specification = {"suspend": False, "template": template(name)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": named, "spec": specification}


def first_state() -> dict[str, list[dict[str, Any]]]:
    """What the cluster holds after a reset, by resource. KEDA is not installed."""
    made = {DEPLOYMENTS: deployment, SERVICES: service, JOBS: job}
    held = {resource: [make(name) for name in MODELS] for resource, make in made.items()}
    return {**held, POLICIES: [], AUTOSCALERS: []}


class KubernetesCluster:
    """The emulator as a process, and the proxy through which the connector reaches it."""

    def start(self, neighbour: dict[str, str] | None = None) -> None:
        """Start. `neighbour` says how the path of the target becomes that of its neighbour, for over-blocking."""
        program = str(Path(__file__).with_name("kubernetes_emulator.py"))
        command = [str(python_part("kmock") / "python"), program, TOKEN, READER]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self.api, self.data = (f"http://127.0.0.1:{ports[name]}" for name in ("api", "data"))
        self._rig = httpx.Client(base_url=self.data, trust_env=False, timeout=10)
        rewrite = {"overblock": lambda asked: [_to_neighbour(asked), asked]}
        self.proxy = FaultyHttpProxy(self.api, rewrite=rewrite, lied=_lied)
        self.reset()

    def stop(self) -> None:
        """End both."""
        if hasattr(self, "proxy"):
            self.proxy.stop()
            self._rig.close()
        if hasattr(self, "_process"):
            stop(self._process)

    def reset(self, **more: list[dict[str, Any]]) -> None:
        """Hold the first state, and more objects by resource."""
        self.proxy.reset()
        self._rig.put("/rig", json={**first_state(), **more}).raise_for_status()

    def settings(self, **settings: Any) -> None:
        """Let callers be served whatever the API says, or a rival change something before our next change."""
        self._rig.put("/rig/settings", json=settings).raise_for_status()

    def change(self, resource: str, name: str, patch: dict[str, Any]) -> None:
        """Change an object as somebody else does."""
        order = {"resource": resource, "namespace": NAMESPACE, "name": name, "patch": patch}
        self._rig.put("/rig/change", json=order).raise_for_status()

    def show(self, resource: str, name: str) -> dict[str, Any] | None:
        """Read an object, past the API."""
        query = {"resource": resource, "namespace": NAMESPACE, "name": name}
        found: dict[str, Any] | None = self._rig.get("/rig/objects", params=query).json()
        return found

    def rival(self, resource: str, name: str, patch: dict[str, Any]) -> None:
        """Let somebody else change an object after our look and before our change."""
        self.settings(rival={"resource": resource, "namespace": NAMESPACE, "name": name, "patch": patch})

    def cluster(self, variable: str = "KUBE_TOKEN") -> dict[str, str]:
        """How a door names this cluster."""
        return {"server": self.proxy.url, "token": f"secret://env/{variable}"}

    def target(self, name: str, connector: str, config: dict[str, Any], prefix: str = "") -> Target:
        """A model of the inventory, probed as callers reach it."""
        other = next(one for one in MODELS if one != name)
        door = {
            "name": "cluster",
            "connector": connector,
            "config": {
                "cluster": self.cluster(),
                "namespace": NAMESPACE,
                "name": f"{prefix}{name}",
                "timeout_seconds": TIMEOUT,
                **config,
            },
        }
        probe = {"url": f"{self.data}/v1/{NAMESPACE}/{prefix}{name}", "timeout_seconds": TIMEOUT}
        return Target.model_validate({"id": name, "doors": [door], "probe": probe, "neighbours": [other]})


class TwoModels:
    """What the rigs of both connectors have in common: two models, the first of which is the target."""

    resource = DEPLOYMENTS
    prefix = ""
    kind: ClassVar[str] = "kubernetes"
    config: ClassVar[dict[str, Any]] = {}
    rivals: ClassVar[dict[str, Any]] = {}
    closed: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.environment = dict(KEYS)
        self.inventory = Inventory()
        self.cluster = KubernetesCluster()

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        self.cluster.start()
        self.reset()

    def stop(self) -> None:
        self.cluster.stop()

    def reset(self) -> None:
        self.environment.clear()
        self.environment.update(KEYS)
        self.cluster.reset()
        made = (self.cluster.target(name, self.kind, self.config, self.prefix) for name in MODELS)
        self.inventory = Inventory(targets={one.id: one for one in made})

    def effects(self) -> int:
        return self.cluster.proxy.effects

    def break_with(self, fault: str) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}"
        if fault == "wrong key":
            self.environment["KUBE_TOKEN"] = "no-token-of-this-cluster"
        elif fault == "down":
            self._replace(self.cluster.proxy.url, nowhere)
        elif fault == "dark":
            self._replace(self.cluster.data, nowhere)
        elif fault == "conflict":
            self.cluster.rival(self.resource, f"{self.prefix}chat-large", self.rivals)
        elif fault == "half":
            self.cluster.settings(stubborn=True)
        else:
            self.cluster.proxy.plan(fault)

    def change_behind_our_back(self) -> None:
        self.cluster.change(self.resource, f"{self.prefix}chat-large", self.rivals)

    def close_behind_our_back(self) -> None:
        self.cluster.change(self.resource, f"{self.prefix}chat-large", self.closed)

    def _replace(self, old: str, new: str) -> None:
        text = self.inventory.model_dump_json(by_alias=True).replace(old, new)
        self.inventory = Inventory.model_validate_json(text)


def _to_neighbour(asked: Asked) -> Asked:
    """The same change to the neighbour, whose resourceVersion is another."""
    body = copy.deepcopy(json.loads(asked.body))
    body["metadata"].pop("resourceVersion", None)
    return asked.but(path=asked.path.replace("chat-large", "chat-small"), body=json.dumps(body).encode())


def _lied(asked: Asked) -> Reply:
    body = json.loads(asked.body or b"{}")
    return Reply(200, json.dumps({**body, "metadata": {"name": "chat-large", **body.get("metadata", {})}}).encode())
