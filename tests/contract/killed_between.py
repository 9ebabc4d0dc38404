"""A process that suspends a target and is killed before it can write the receipt down.

Started by the contract suite with one argument, a file that names kind, inventory, target
and operation key. It prints nothing: whoever started it must find out by looking.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import Inventory
from firedoor.runtime.config.secrets import ReferencedSecrets


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


if __name__ == "__main__":
    asyncio.run(suspend_and_die(json.loads(Path(sys.argv[1]).read_text())))
