"""The rig of the mlflow connector: MLflow's own server on SQLite, and a loader that asks it for every call.

MLflow is started the way its own command does it, but without that command, whose imports alone take seconds. It has no
keys here; in production something before it asks for one, and here the proxy does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, Reply
from tests.parts import free_port, python_part
from tests.patience import stop, until

from firedoor.core.targets import Door, HttpProbe, Inventory, Target

KEYS = {"FIREDOOR_RIG_MLFLOW_TOKEN": "registry-token-of-the-rig"}
MODELS = ("chat-large", "chat-small")
LOADER = Path(__file__).parents[1] / "rigs_support" / "model_loader.py"
ALIAS = "/api/2.0/mlflow/registered-models/alias"


class GuardedProxy(FaultyHttpProxy):
    """Asks for the token before anything else, and turns calls down whose path holds a word."""

    _word = ""

    def refuse(self, word: str) -> None:
        """Answer 500 to every call with this word in its path; none with an empty one."""
        self._word = word

    def answer(self, asked: Asked) -> Reply | None:
        if asked.headers.get("authorization") != f"Bearer {KEYS['FIREDOOR_RIG_MLFLOW_TOKEN']}":
            return Reply(401, b'{"error_code": "UNAUTHENTICATED"}')
        if self._word and self._word in asked.path:
            return Reply(500, b'{"error_code": "INTERNAL_ERROR"}')
        return super().answer(asked)


class Rig:
    """Two registered models with two versions each, and `champion` on the first of them."""

    kind: ClassVar[str] = "mlflow"
    cannot: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.environment = dict(KEYS)
        self.inventory = Inventory()

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        programs = python_part("mlflow")
        self._folder = tempfile.TemporaryDirectory(prefix="firedoor-mlflow-")
        port = free_port()
        command = ["gunicorn", "-b", f"127.0.0.1:{port}", "-w", "1", "--threads", "4", "--graceful-timeout", "1"]
        store = f"sqlite:///{self._folder.name}/registry.db"
        self._server = subprocess.Popen(
            [programs / command[0], *command[1:], "mlflow.server:app"],
            env={
                **os.environ,
                "_MLFLOW_SERVER_FILE_STORE": store,
                "_MLFLOW_SERVER_REGISTRY_STORE": store,
                "_MLFLOW_SERVER_ARTIFACT_ROOT": f"{self._folder.name}/artifacts",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}"
        self._registry = httpx.Client(base_url=f"{url}/api/2.0/mlflow", trust_env=False, timeout=30)
        until(self._is_up, self._server, "MLflow")
        for name in MODELS:
            self.tell("POST", "/registered-models/create", name=name)
            for number in (1, 2):
                self.tell("POST", "/model-versions/create", name=name, source=f"s3://models/{name}/{number}")
        neighbour = {"overblock": lambda asked: [asked.but(body=asked.body.replace(b"large", b"small")), asked]}
        self.proxy = GuardedProxy(url, changes=_changes, rewrite=neighbour)
        self._loader = subprocess.Popen([sys.executable, str(LOADER), url], stdout=subprocess.PIPE, text=True)
        self.loader_url = f"http://127.0.0.1:{self._loader.stdout.readline().strip()}"
        self._callers = httpx.Client(base_url=self.loader_url, trust_env=False)

    def stop(self) -> None:
        for client in ("_registry", "_callers"):
            if hasattr(self, client):
                getattr(self, client).close()
        if hasattr(self, "proxy"):
            self.proxy.stop()
        for name in ("_loader", "_server"):
            if hasattr(self, name):
                process: subprocess.Popen[Any] = getattr(self, name)
                stop(process)
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def reset(self) -> None:
        self.environment.update(KEYS)
        self.proxy.reset()
        self.proxy.refuse("")
        self._callers.delete("/cache").raise_for_status()
        for name in MODELS:
            self.tell("POST", "/registered-models/alias", name=name, alias="champion", version="1")
            for row in self.tags(name):
                self.tell("DELETE", "/model-versions/delete-tag", name=name, version="1", key=row["key"])
        self.inventory = self.listing(self.proxy.url)

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}"
        if fault == "wrong key":
            self.environment["FIREDOOR_RIG_MLFLOW_TOKEN"] = "not-the-token-at-all"
        elif fault == "down":
            self.replace(doors=self.listing(nowhere).targets["chat-large"].doors)
        elif fault == "dark":
            for name in MODELS:
                self.replace(name, probe=HttpProbe(url=nowhere, timeout_seconds=TIMEOUT))
        elif fault == "half":  # the server has loaded the model before, and asks nobody any more
            self._callers.put("/cache").raise_for_status()
            self._callers.get("/models/chat-large").raise_for_status()
        else:
            self.proxy.plan(fault)

    def change_behind_our_back(self) -> None:
        self.tell("POST", "/registered-models/alias", name="chat-large", alias="champion", version="2")

    def close_behind_our_back(self) -> None:
        self.tell("DELETE", "/registered-models/alias", name="chat-large", alias="champion")

    def tags(self, name: str) -> list[dict[str, str]]:
        """The tags of the first version."""
        version = self.tell("GET", f"/model-versions/get?name={name}&version=1")["model_version"]
        return version.get("tags", [])

    def tell(self, method: str, path: str, **body: str) -> Any:
        """Ask MLflow itself, as a colleague would."""
        return self._registry.request(method, path, json=body or None).raise_for_status().json()

    def replace(self, name: str = "chat-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})

    def listing(self, url: str) -> Inventory:
        """The inventory, with MLflow at this address."""
        token = {"authorization": "Bearer secret://env/FIREDOOR_RIG_MLFLOW_TOKEN"}
        config = {"url": url, "alias": "champion", "headers": token, "timeout_seconds": TIMEOUT}
        targets = {}
        for name, other in (MODELS, MODELS[::-1]):
            door = {"name": "registry", "connector": self.kind, "config": {**config, "model": name}}
            probe = {"url": f"{self.loader_url}/models/{name}", "timeout_seconds": TIMEOUT}
            targets[name] = {"doors": [door], "probe": probe, "neighbours": [other], "kind": "model_version"}
        return Inventory.model_validate({"targets": targets})

    def _is_up(self) -> bool:
        try:
            return self._registry.get("/registered-models/search").status_code == 200
        except httpx.HTTPError:
            return False


def _changes(asked: Asked) -> bool:
    return asked.method in ("POST", "DELETE") and asked.path == ALIAS
