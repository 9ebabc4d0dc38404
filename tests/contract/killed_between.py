"""A process that suspends a target and is killed before it can write the receipt down.

The contract suite orders one for each rig. It tells nobody anything: whoever ordered it must find out by looking. Each
is a process of its own, forked from a server that has imported what all of them need, for imports take a second each.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import Inventory
from firedoor.runtime.config.secrets import ReferencedSecrets


def begin(order: Mapping[str, str], environment: Mapping[str, str]) -> BaseProcess:
    """Start the process on `target`, `door`, `operation_key` and `inventory` (JSON); `environment` has the secrets."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    process = server.Process(target=_in_a_process, args=(dict(order), dict(environment)))
    process.start()
    return process


def _in_a_process(order: dict[str, str], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    asyncio.run(suspend_and_die(order))


async def suspend_and_die(order: dict[str, str]) -> None:
    """Suspend, then die by SIGKILL."""
    inventory = Inventory.model_validate_json(order["inventory"])
    target = inventory.targets[order["target"]]
    door = next(door for door in target.doors if door.name == order["door"])
    async with open_client() as client:
        context = ConnectorContext(client, ReferencedSecrets(), lambda: datetime.now(UTC), inventory)
        connector = OpenConnectors(context)[door.connector]
        snapshot = await connector.capture_state(target, door)
        await connector.suspend(target, door, snapshot, order["operation_key"])
        os.kill(os.getpid(), signal.SIGKILL)
