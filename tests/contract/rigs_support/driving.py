"""A connector on its rig, outside the common suite: for what only one system shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.ports import Connector, Receipt, Snapshot
from firedoor.runtime.config.secrets import ReferencedSecrets

SUSPEND, RESUME = "inc-7:suspend[chat-large]:0a1b2c", "inc-7:resume[chat-large]:0a1b2c"
_NOBODY = """
import os, sys
from pathlib import Path
{imports}
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    {call}
except Exception as error:
    print(type(error).__name__, error)
"""


class Driven:
    """One door of a rig, with one connector that remembers and keys that do not change."""

    def __init__(self, rig: Any, connector: Connector) -> None:
        self.rig, self.connector = rig, connector

    async def capture(self) -> Snapshot:
        return await self.connector.capture_state(self.rig.target, self.rig.door)

    async def close(self, snapshot: Snapshot | None = None) -> tuple[Snapshot, Receipt]:
        """Capture, unless that was done, and suspend."""
        taken = snapshot or await self.capture()
        return taken, await self.connector.suspend(self.rig.target, self.rig.door, taken, SUSPEND)

    async def open(self, snapshot: Snapshot, receipt: Receipt | None) -> Receipt:
        return await self.connector.resume(self.rig.target, self.rig.door, snapshot, RESUME, receipt)

    async def observe(self) -> Any:
        return await self.connector.observe(self.rig.target, self.rig.door, SUSPEND)

    async def verify(self, expect: Any = "refused") -> Any:
        return await self.connector.verify(self.rig.target, self.rig.door, expect)


@asynccontextmanager
async def driving(rig: Any) -> AsyncIterator[Driven]:
    """Open a connector for the rig's inventory as it is now."""
    async with open_client() as client:
        secrets = ReferencedSecrets(rig.environment)
        context = ConnectorContext(client, secrets, lambda: datetime.now(UTC), rig.inventory)
        yield Driven(rig, OpenConnectors(context)[rig.kind])


def as_nobody(imports: str, call: str) -> str:
    """Run a call in a process without rights (where we are root, as `nobody`); return the error that it ends with."""
    program = _NOBODY.format(imports=imports, call=call)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
