"""Starts and stops everything that one process runs, and says how each part is.

Decides the order: store, world, playbooks, then the loops, then Prefect in the
background. Alerts are accepted as soon as the playbooks are read; nothing waits
for Prefect. Leaves HTTP to the interfaces.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from firedoor.alerts.mapping import read_mapping
from firedoor.alerts.registry import sources, with_mapped
from firedoor.alerts.source import AlertSource
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.registry import OpenConnectors
from firedoor.core.source import read_yaml
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.counting import Counting
from firedoor.runtime.driver import Driver
from firedoor.runtime.holding import Holding
from firedoor.runtime.house_brake import HouseBrake
from firedoor.runtime.inventory import read_inventory, read_organisation
from firedoor.runtime.kill_point import kill_points
from firedoor.runtime.memory import settle
from firedoor.runtime.messengers import messengers
from firedoor.runtime.outbox import Outbox
from firedoor.runtime.secrets import ReferencedSecrets
from firedoor.runtime.service import Service
from firedoor.runtime.settings import Settings
from firedoor.runtime.shelf import Shelf
from firedoor.runtime.warming import warm
from firedoor.runtime.watch import Watch
from firedoor.runtime.weekly import Weekly
from firedoor.runtime.world import World, dead, utc_now
from firedoor.store import deliveries, drives
from firedoor.store.journal import Store
from firedoor.store.schema import migrate
from firedoor.store.vault import Vault

SWITCH = 0.0005  # seconds; with the usual 5 ms, Prefect's thread would hold up containment by as much at every await
PREFECT_LOOK = 1.0  # seconds between two looks whether Prefect is there
SILENT = timedelta(seconds=10)  # a loop that has not looked for so long is not well


def open_store(settings: Settings) -> Store:
    """Open the database, making the data folder (for this user only) and the schema where they are missing."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(settings.database)
    migrate(store.engine)
    return store


def open_world(settings: Settings) -> World:
    """Put the world together from the settings. Raises InvalidInput when a file of one's own house is wrong."""
    store = open_store(settings)
    inventory = read_inventory(settings.targets or settings.data_dir / "targets.yaml")
    organisation = read_organisation(
        settings.organisation or settings.data_dir / "organisation.yaml", catalogue().facts
    )
    world = World(store, Vault(settings.data_dir / "vault"), inventory, {}, organisation, catalogue)
    client = open_client(settings.certificates)
    context = ConnectorContext(client, ReferencedSecrets(), utc_now, inventory, world.closed_on_purpose)
    world.connectors = OpenConnectors(context)
    world.brake = HouseBrake(
        store, utc_now, settings.automatic_suspensions_per_hour, evidence=settings.automatic_evidence == "strong"
    )
    return world


def read_sources(settings: Settings) -> Mapping[str, AlertSource]:
    """The sources of alerts, with those that the mapping files make. Raises InvalidInput naming the file."""
    folder = settings.mappings or settings.data_dir / "mappings"
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    return with_mapped(sources(), [read_mapping(read_yaml(file.read_bytes(), str(file)).data) for file in files])


class Runtime:
    """Everything that runs in one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.world = open_world(settings)
        self.shelf = Shelf()
        self.shelf.refresh()
        self.driver = Driver(self.world)
        self.driver.boundary = kill_points()  # none, except in a test that kills this process
        self.service = Service(self.world, self.driver, self.shelf, read_sources(settings))
        self.watch = Watch(self.world, self.driver)
        self.holding = Holding(self.world, self.driver)
        self.counting = Counting(self.world)
        organisation, house = self.world.organisation, settings.address()
        week = Weekly(self.world, self.counting, organisation.digest, house)
        self.outbox = Outbox(self.world, organisation.messages, house, messengers(settings), week)
        self.bridge: Any = None
        self._loops: list[asyncio.Task[None]] = []
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the loops, and Prefect in the background. Returns at once."""
        await asyncio.to_thread(remember_suspended, self.world)
        await inherit(self.world)
        sys.setswitchinterval(SWITCH)
        self._warming = asyncio.create_task(self._warm())
        self._loops = [
            asyncio.create_task(loop, name=name)
            for name, loop in (
                ("beat", self.driver.beat_forever()),
                ("recovery", self.driver.look_forever()),
                ("watch", self.watch.forever()),
                ("holding", self.holding.forever()),
                ("outbox", self.outbox.forever()),
                ("counting", self.counting.forever()),
                ("shelf", self.shelf.forever(self._deploy)),
            )
        ]
        if self.settings.prefect:
            self._loops.append(asyncio.create_task(self._start_prefect(), name="prefect"))

    async def stop(self) -> None:
        """Stop everything, leaving nothing running."""
        for loop in self._loops:
            loop.cancel()
        if self._warming:
            await asyncio.wait([self._warming])
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self.bridge is not None:
            await self.bridge.stop()
        await self.driver.stop()
        with contextlib.suppress(Exception):
            await self.world.connectors.close()  # type: ignore[attr-defined]
        await asyncio.to_thread(self.world.store.close)

    def health(self) -> dict[str, Any]:
        """How each part is; `well` is the word for all of them."""
        now = self.world.now()
        parts = {
            "store": _store_health(self.world),
            "watch": _loop_health(self.watch.looked_at, now),
            "holding": _loop_health(self.holding.looked_at, now),
            "recovery": _loop_health(self.driver.looked_at, now),
            "messages": self.outbox.state,
            "prefect": "off" if not self.settings.prefect else (self.bridge.state if self.bridge else "starting"),
            "drives": "well"
            if not self.driver.failing
            else "; ".join(f"{i}: {f[2]}" for i, f in self.driver.failing.items())[:500],
            "playbooks": "well" if not self.shelf.problems else f"{len(self.shelf.problems)} cannot be read",
        }
        well = all(parts[name] == "well" for name in ("store", "watch", "holding", "recovery", "drives"))
        return {"well": well, "parts": parts, "playbooks": sorted(self.shelf.plans)}

    def _deploy(self) -> None:
        if self.bridge is not None:
            self.bridge.deploy(self.shelf.playbooks.values())

    async def _warm(self) -> None:
        await asyncio.to_thread(warm, self.service)
        settle("warm")

    async def _start_prefect(self) -> None:
        from firedoor.runtime.flow_host import start_bridge

        self.bridge = await start_bridge(self)
        self.driver.bridge = self.bridge
        while self.bridge.state == "starting":  # noqa: ASYNC110 - it reads a great deal, in a thread of its own
            await asyncio.sleep(PREFECT_LOOK)
        settle("prefect")


async def inherit(world: World) -> None:
    """Take back at once what a killed process of this machine was driving or telling."""
    for owner in await asyncio.to_thread(drives.owners, world.store):
        if dead(owner):
            await asyncio.wrap_future(drives.free(world.store, owner))
    for owner in await asyncio.to_thread(deliveries.senders, world.store.engine):
        if dead(owner):
            await asyncio.wrap_future(deliveries.free(world.store, owner, world.now()))


def remember_suspended(world: World) -> None:
    """Learn from the store what incidents hold closed (as neighbours they prove nothing) and what was done unasked."""
    world.read_suspended()
    if world.brake is not None:
        world.brake.read()


def _store_health(world: World) -> str:
    try:
        with world.store.engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return f"does not answer: {error}"[:200]
    return "well"


def _loop_health(looked_at: datetime | None, now: datetime) -> str:
    if looked_at is None:
        return "starting"
    return "well" if now - looked_at < SILENT else f"silent since {looked_at.isoformat()}"


def default_paths(settings: Settings) -> Mapping[str, Path]:
    """Where this installation keeps what, for `firedoor doctor`."""
    return {
        "data": settings.data_dir,
        "targets": settings.targets or settings.data_dir / "targets.yaml",
        "organisation": settings.organisation or settings.data_dir / "organisation.yaml",
        "vault": settings.data_dir / "vault",
    }
