"""A house in memory whose doors are those of a rig: real systems, and a hold that closes them again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.pages import HEAD, SUSPEND

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.testing import House, plan_of


@asynccontextmanager
async def house_before(rig: Any, folder: Path) -> AsyncIterator[House]:
    """Its playbook looks every minute, and closes again what serves again."""
    rig.reset()
    plan = plan_of(HEAD + "hold: {reverify: 1m, on_drift: suspend_again}\n" + SUSPEND.lstrip("\n"))
    house = House(folder, plan, inventory=rig.inventory)
    client = open_client()
    secrets, purpose = ReferencedSecrets(), house.world.closed_on_purpose
    house.world.connectors = OpenConnectors(ConnectorContext(client, secrets, house.clock, house.inventory, purpose))
    try:
        yield house
    finally:
        await house.driver.stop()
        await client.aclose()
        house.close()
