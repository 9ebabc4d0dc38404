"""What the rigs of the gateways share: a process of the real gateway, looks as a caller takes them, and an inventory.

Decides that each gateway routes two models, `/v1/chat-large` and `/v1/chat-small`, and answers for them itself, so that
no model server is needed. Leaves the gateway's configuration and its faults to each rig.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from tests.contract.connector_suite import TIMEOUT
from tests.parts import free_port
from tests.patience import stop, until

from firedoor.core.targets import Door, Inventory, Target

LARGE, SMALL = "/v1/chat-large", "/v1/chat-small"


class Gateway:
    """One process of a gateway that listens on `port`, with a folder of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="firedoor-rig-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], name: str, ready: Sequence[str] = (LARGE, SMALL)) -> None:
        """Start it; it is ready when both models answer, or those that are named."""
        log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(list(command), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        until(lambda: all(self.answers(path) == 200 for path in ready), self._process, name)

    def answers(self, path: str) -> int:
        """Return the status that a caller gets, or 0 where there is no answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False, timeout=2).status_code
        except httpx.HTTPError:
            return 0

    @property
    def pid(self) -> int:
        """The process id of the gateway."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End it, and take its folder away."""
        self.end()
        self._folder.cleanup()

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            stop(self._process)


def two_models(port: int, connector: str, large: dict[str, Any], small: dict[str, Any]) -> Inventory:
    """Return the inventory of two models behind one gateway, each the other's neighbour."""

    def model(name: str, other: str, config: dict[str, Any]) -> Target:
        probe = {"url": f"http://127.0.0.1:{port}/v1/{name}", "timeout_seconds": TIMEOUT}
        doors = ({"name": "gateway", "connector": connector, "config": config},)
        return Target.model_validate({"id": name, "doors": doors, "probe": probe, "neighbours": (other,)})

    models = (model("chat-large", "chat-small", large), model("chat-small", "chat-large", small))
    return Inventory(targets={each.id: each for each in models})


def with_door(inventory: Inventory, **config: Any) -> Inventory:
    """Return the inventory with something else in the configuration of the door under test."""
    target = inventory.targets["chat-large"]
    door = Door(name="gateway", connector=target.doors[0].connector, config={**target.doors[0].config, **config})
    changed = target.model_copy(update={"doors": (door,)})
    return Inventory(targets={**inventory.targets, target.id: changed})


def in_the_dark(inventory: Inventory) -> Inventory:
    """Return the inventory with probes that nobody answers."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    targets = {}
    for name, target in inventory.targets.items():
        probe = target.probe.model_copy(update={"url": nowhere}) if target.probe else None
        targets[name] = target.model_copy(update={"probe": probe})
    return Inventory(targets=targets)
