"""The rig of the kubernetes importer: the emulated cluster of the kubernetes connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.rigs_support.kubernetes import (
    DEPLOYMENTS,
    KEYS,
    MODELS,
    NAMESPACE,
    SERVICES,
    KubernetesCluster,
    deployment,
    metadata,
    service,
)
from tests.parts import free_port


class Rig:
    """Two models as Deployments and as InferenceServices, one Deployment of KServe's own, and one that is no model."""

    kind: ClassVar[str] = "kubernetes"
    expected: ClassVar[Mapping[str, str]] = {
        "chat-large": "kubernetes",
        "chat-small": "kubernetes",
        "isvc-chat-large": "kserve",
        "isvc-chat-small": "kserve",
    }

    def __init__(self) -> None:
        self.environment = dict(KEYS)
        self._cluster = KubernetesCluster()

    def start(self) -> None:
        made = deployment("isvc-chat-large-predictor")
        made["metadata"] |= {"ownerReferences": [{"kind": "InferenceService", "name": "isvc-chat-large"}]}
        other = {**deployment("web"), "metadata": metadata("web", labels={"app": "web"})}
        labelled = {"argocd.argoproj.io/tracking-id": "prod"}
        large = {**deployment("chat-large"), "metadata": metadata("chat-large", annotations=labelled)}
        answered = {**service("chat-large"), "status": {"url": "http://isvc-chat-large.models.example.org"}}
        self._cluster.start()
        self._cluster.reset(
            **{DEPLOYMENTS: [large, deployment(MODELS[1]), made, other], SERVICES: [answered, service(MODELS[1])]}
        )

    def stop(self) -> None:
        self._cluster.stop()

    def settings(self) -> dict[str, Any]:
        return {**self._cluster.cluster("KUBE_READER"), "namespace": NAMESPACE, "labels": "kind=model"}

    def silent(self) -> dict[str, Any]:
        return {**self.settings(), "server": f"http://127.0.0.1:{free_port()}"}

    def effects(self) -> int:
        return self._cluster.proxy.effects
