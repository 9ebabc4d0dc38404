"""The rig of the kubernetes connector: two Deployments behind an ingress, their API kept by an emulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.rigs_support.kubernetes import DEPLOYMENTS, TwoModels, template


class Rig(TwoModels):
    """Two Deployments; the first is scaled. The other actions are tried in test_kubernetes_connector.py."""

    kind: ClassVar[str] = "kubernetes"
    cannot: ClassVar[Mapping[str, str]] = {}
    resource = DEPLOYMENTS
    config: ClassVar[dict[str, Any]] = {"action": "scale"}
    rivals: ClassVar[dict[str, Any]] = {"spec": {"template": template("chat-large", "2.0")}}
    closed: ClassVar[dict[str, Any]] = {"spec": {"replicas": 0}}
