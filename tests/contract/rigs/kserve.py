"""The rig of the kserve connector: two InferenceServices, their API kept by an emulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.rigs_support.kubernetes import SERVICES, TwoModels


class Rig(TwoModels):
    """Two InferenceServices, each with a canary; the first is stopped."""

    kind: ClassVar[str] = "kserve"
    cannot: ClassVar[Mapping[str, str]] = {}
    resource = SERVICES
    prefix = "isvc-"
    rivals: ClassVar[dict[str, Any]] = {"spec": {"predictor": {"canaryTrafficPercent": 50}}}
    closed: ClassVar[dict[str, Any]] = {"metadata": {"annotations": {"serving.kserve.io/stop": "true"}}}
