"""The rig of the mlflow importer: the server of the mlflow connector, with a prompt and a model without an alias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.connector_suite import rig_class
from tests.parts import free_port


class Rig:
    """Two models with an alias, one of them with two; what has none, or is no model, is left out."""

    kind: ClassVar[str] = "mlflow"
    expected: ClassVar[Mapping[str, str]] = {
        "chat-large-champion": "mlflow",
        "chat-large-prod": "mlflow",
        "chat-small-champion": "mlflow",
    }

    def __init__(self) -> None:
        self._registry = rig_class("mlflow")()
        self.environment: dict[str, str] = self._registry.environment

    def start(self) -> None:
        self._registry.start()
        self._registry.reset()
        tell = self._registry.tell
        tell("POST", "/registered-models/alias", name="chat-large", alias="prod", version="2")
        tell("POST", "/registered-models/create", name="unnamed")
        tell("POST", "/registered-models/create", name="greeting")
        tag = {"key": "mlflow.prompt.is_prompt", "value": "true"}
        tell("POST", "/registered-models/set-tag", name="greeting", **tag)

    def stop(self) -> None:
        self._registry.stop()

    def settings(self) -> dict[str, Any]:
        return {"url": self._registry.proxy.url, "authorization": "Bearer secret://env/FIREDOOR_RIG_MLFLOW_TOKEN"}

    def silent(self) -> dict[str, Any]:
        return {**self.settings(), "url": f"http://127.0.0.1:{free_port()}"}

    def effects(self) -> int:
        return self._registry.effects()
