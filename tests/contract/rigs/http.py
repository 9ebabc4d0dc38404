"""The rig of the http connector: the demonstration's model server, as its own process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
from tests.contract.connector_suite import TIMEOUT
from tests.patience import stop, until

from firedoor.core.targets import Door, Inventory, Target
from firedoor.demo.targets import demo_inventory

KEYS = {"FIREDOOR_DEMO_API_KEY": "caller-key-of-the-rig", "FIREDOOR_DEMO_ADMIN_KEY": "admin-key-of-the-rig"}
FAULTS: Mapping[str, dict[str, Any]] = {
    "lie": {"fault": "lie"},
    "half": {"fault": "half"},
    "overblock": {"fault": "overblock"},
    "hang": {"fault": "hang", "seconds": 12},
    "lost": {"fault": "hang-before", "seconds": 12},
    "error": {"fault": "error"},
    "conflict": {"fault": "conflict"},
    "busy": {"fault": "busy", "seconds": 1},
    "overloaded": {"fault": "busy", "seconds": 3600, "times": 1000},
}


class Rig:
    """Two chat models behind one admin API."""

    kind: ClassVar[str] = "http"
    cannot: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.environment = dict(KEYS)
        self.inventory = Inventory()
        self._unreachable = ""

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="firedoor-rig-")
        ready = Path(self._folder.name) / "ready.json"
        command = [sys.executable, "-m", "firedoor.demo.model_server", "--ready-file", str(ready), "--with-parent"]
        self._process = subprocess.Popen(command, env={**os.environ, **KEYS})
        until(ready.exists, self._process, "the model server does not start")
        self.url = json.loads(ready.read_text())["url"]
        headers = {"authorization": f"Bearer {KEYS['FIREDOOR_DEMO_ADMIN_KEY']}"}
        self._admin = httpx.Client(base_url=self.url, headers=headers, trust_env=False)
        self.reset()

    def stop(self) -> None:
        self._admin.close()
        stop(self._process)
        self._folder.cleanup()

    def reset(self) -> None:
        self.environment.update(KEYS)
        self.inventory = hurried(demo_inventory(self.url))
        self._admin.post("/admin/reset").raise_for_status()

    def effects(self) -> int:
        counts = self._admin.get("/admin/calls").json()["counts"]
        return int(counts.get("models/chat-large", {}).get("effects", 0))

    def requests(self, method: str) -> int:
        """Return how often the admin API of the target was called with a method."""
        counts = self._admin.get("/admin/calls").json()["counts"]
        return int(counts.get("models/chat-large", {}).get(method, 0))

    def break_with(self, fault: str) -> None:
        if fault == "wrong key":
            self.environment["FIREDOOR_DEMO_ADMIN_KEY"] = "not-the-key-at-all"
        elif fault == "down":
            self._change_door({self.url: _nowhere()})
        elif fault == "dark":
            self._change_probes(_nowhere())
        else:
            self.fault(**FAULTS[fault])

    def fault(self, **fault: Any) -> None:
        """Plan a fault of the model server itself."""
        self._admin.put("/admin/faults/models/chat-large", json=fault).raise_for_status()

    def change_behind_our_back(self) -> None:
        self.put({"config": {"replicas": 3, "temperature": 0.5}})

    def close_behind_our_back(self) -> None:
        self.put({"state": "suspended", "changed_by": "a colleague", "reason": "maintenance"})

    def put(self, change: dict[str, Any]) -> None:
        """Change the target as somebody else would."""
        self._admin.put("/admin/models/chat-large", json=change).raise_for_status()

    def _change_door(self, replacements: Mapping[str, str]) -> None:
        text = self.door.model_dump_json()
        for old, new in replacements.items():
            text = text.replace(old, new)
        self.replace(doors=(Door.model_validate_json(text),))

    def _change_probes(self, url: str) -> None:
        for target in list(self.inventory.targets.values()):
            probe = target.probe.model_copy(update={"url": url}) if target.probe else None
            self.replace(target.id, probe=probe)

    def replace(self, name: str = "chat-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})


def hurried(inventory: Inventory) -> Inventory:
    """Return the inventory with short time-outs."""
    text = inventory.model_dump_json(by_alias=True).replace('"timeout_seconds":5', f'"timeout_seconds":{TIMEOUT}')
    return Inventory.model_validate_json(text.replace(f'"timeout_seconds":{TIMEOUT}.0', f'"timeout_seconds":{TIMEOUT}'))


def _nowhere() -> str:
    """Return a URL on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
