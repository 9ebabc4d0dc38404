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
from typing import TYPE_CHECKING, TypedDict

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.access.security import SYSTEM, SecurityEvent, SecurityKind
from firedoor.core.ports import Confidant
from firedoor.core.problems import FiredoorError
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config.alert_sources import Sources
from firedoor.runtime.config.automatic_limits import HouseBrake
from firedoor.runtime.config.container import World, dead, utc_now
from firedoor.runtime.config.inventory import read_inventory, read_organisation
from firedoor.runtime.config.keys import KeyFile, need_keys
from firedoor.runtime.config.private_files import need_private
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.execution.driver import Driver
from firedoor.runtime.execution.failpoints import kill_points
from firedoor.runtime.hashing.kept import KeptBanks
from firedoor.runtime.loops.deadlines import Watch
from firedoor.runtime.loops.messengers import messengers
from firedoor.runtime.loops.metrics import Counting
from firedoor.runtime.loops.outbox import Outbox
from firedoor.runtime.loops.reverification import Holding
from firedoor.runtime.loops.security_log import Security
from firedoor.runtime.loops.weekly import Weekly
from firedoor.runtime.process.gc_tuning import settle
from firedoor.runtime.process.warmup import warm
from firedoor.runtime.removal.systems import OpenSystems
from firedoor.runtime.repeating import Failing, Failure
from firedoor.runtime.service.administration import Administration
from firedoor.runtime.service.facade import Service
from firedoor.runtime.service.playbook_cache import Shelf
from firedoor.runtime.service.quotas import Quotas
from firedoor.runtime.service.roles import Roles
from firedoor.runtime.service.takedown_requests import TakedownRequests
from firedoor.store.database.keyring import Purpose
from firedoor.store.database.migrate import migrate
from firedoor.store.identity.sealed_values import seal_what_is_clear, used_keys
from firedoor.store.identity.sessions import end_sessions_without_codes
from firedoor.store.incidents import leases
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.projections import take_up_reminders
from firedoor.store.incidents.security import record
from firedoor.store.incidents.vault import Vault
from firedoor.store.outbox import deliveries

if TYPE_CHECKING:
    from firedoor.runtime.prefect.bridge import PrefectBridge

if TYPE_CHECKING:
    from firedoor.runtime.process.prefect_host import FlowHost

SWITCH = 0.0005  # seconds; with the usual 5 ms, Prefect's thread would hold up containment by as much at every await
PREFECT_LOOK = 1.0  # seconds between two looks whether Prefect is there
NEEDED = ("watch", "holding", "recovery")  # the loops without which this process is not ready
SILENT = timedelta(seconds=10)  # a loop that has not looked for so long is not well


def open_store(settings: Settings, *, sealed: bool = True) -> Store:
    """Open the database, making the data folder (for this user only), keys and schema where they are missing.

    Without `sealed` nothing secret is read or stored, and no keys are needed. Raises Refused where others can reach
    what is kept, or the keys are missing with which secrets in the database are sealed.
    """
    need_private(settings)
    keys = KeyFile(settings)
    store = Store(settings.database, keys)
    try:
        migrate(store.engine)
        if sealed:
            _see_to_keys(store, keys)
    except BaseException:
        store.close()
        raise
    return store


def _see_to_keys(store: Store, keys: KeyFile) -> None:
    """Make the key ring of a new installation, and seal what an earlier version left in clear."""
    now, used = utc_now(), used_keys(store.engine)
    if need_keys(keys, {key for key in used if key}, now):
        ids = {purpose.value: keys().current(purpose).id for purpose in Purpose}
        record(store, [SecurityEvent(SecurityKind.KEYS_MADE, SYSTEM, ids)], now).result()
    if used[""]:
        seal_what_is_clear(store)


def open_world(settings: Settings) -> World:
    """Put the world together from the settings. Raises InvalidInput when a file of one's own house is wrong."""
    store = open_store(settings)
    inventory = read_inventory(settings.targets_file)
    organisation = read_organisation(settings.organisation_file, catalogue().facts)
    world = World(store, Vault(settings.data_dir / "vault"), inventory, {}, organisation, catalogue)
    client = open_client(settings.certificates)
    context = ConnectorContext(client, ReferencedSecrets(), utc_now, inventory, world.closed_on_purpose)
    world.connectors = OpenConnectors(context)
    world.stores = OpenSystems(context)
    world.banks = KeptBanks(store)
    world.brake = HouseBrake(
        store, utc_now, settings.automatic_suspensions_per_hour, evidence=settings.automatic_evidence == "strong"
    )
    return world


def read_sources(settings: Settings) -> Sources:
    """The sources of alerts, with those that the mapping files make."""
    return Sources(settings.mappings_folder)


class Health(TypedDict):
    """How each part is, in a word each, and the playbooks that can be started; `well` is the word for all."""

    well: bool
    parts: dict[str, str]
    playbooks: list[str]


class Runtime:
    """Everything that runs in one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.world = open_world(settings)
        self.shelf = Shelf()
        self.shelf.refresh()
        self.roles = Roles(self.world, self.shelf)
        self.security = Security(self.world, settings)
        self.driver = Driver(self.world)
        self.driver.boundary = kill_points()  # none, except in a test that kills this process
        self.sources = read_sources(settings)
        self.service = Service(self.world, self.driver, self.shelf, self.sources)
        self.service.quotas = Quotas(self.world, settings.alert_quotas)
        self.takedowns = TakedownRequests(self.service)
        self.administration = Administration(self.world, self.roles, lambda: sorted(self.service.sources))
        self.watch = Watch(self.world, self.driver)
        self.holding = Holding(self.world, self.driver)
        self.counting = Counting(self.world)
        organisation, house = self.world.organisation, settings.address()
        week = Weekly(self.world, self.counting, organisation.digest, house)
        self.outbox = Outbox(self.world, organisation.messages, house, messengers(settings), week)
        self.service.confidants = lambda: [one for one in self.outbox.messengers.values() if isinstance(one, Confidant)]
        self.bridge: PrefectBridge | None = None
        self.failing: Failing = {}  # the loops of this process whose looks fail now
        self._loops: list[asyncio.Task[None]] = []
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the loops, and Prefect in the background. Returns at once."""
        await asyncio.to_thread(remember_suspended, self.world)
        await inherit(self.world)
        if self.settings.codes_for_deciding:
            await asyncio.to_thread(end_sessions_without_codes, self.world.store, self.world.now())
        sys.setswitchinterval(SWITCH)
        self._warming = asyncio.create_task(self._warm())
        self._loops = [
            asyncio.create_task(loop, name=name)
            for name, loop in (
                ("beat", self.driver.beat_forever(self.failing)),
                ("recovery", self.driver.look_forever(self.failing)),
                ("watch", self.watch.forever(self.failing)),
                ("holding", self.holding.forever(self.failing)),
                ("outbox", self.outbox.forever(self.failing)),
                ("counting", self.counting.forever(self.failing)),
                ("quotas", self.service.quotas.forever(self.failing)),
                ("takedowns", self.takedowns.forever(self.failing)),
                ("security", self.security.forever(self.failing)),
                ("shelf", self.shelf.forever(self._deploy, failing=self.failing)),
                ("sources", self.sources.forever(failing=self.failing)),
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
        with contextlib.suppress(FiredoorError):
            await asyncio.to_thread(self.security.look, last=True)
        with contextlib.suppress(Exception):
            await self.world.connectors.close()  # type: ignore[attr-defined]
        await asyncio.to_thread(self.world.store.close)

    def health(self) -> Health:
        """How each part is; `well` is the word for all of them."""
        now = self.world.now()
        parts = {
            "store": _store_health(self.world),
            "watch": _loop_health(self.watch.looked_at, now, self.failing.get("watch")),
            "holding": _loop_health(self.holding.looked_at, now, self.failing.get("holding")),
            "recovery": _loop_health(self.driver.looked_at, now, self.failing.get("recovery")),
            "alerts": self.service.quotas.state(),
            "messages": self.outbox.state,
            "prefect": "off" if not self.settings.prefect else (self.bridge.state if self.bridge else "starting"),
            "background": self._background(),
            "drives": "well" if not self.driver.failing else f"{len(self.driver.failing)} cannot be driven now",
            "playbooks": self._playbooks(),
            "sources": "well"
            if not self.sources.problems
            else f"cannot be read: {', '.join(self.sources.problems)}"[:500],
        }
        well = all(parts[name] == "well" for name in ("store", *NEEDED))
        return {"well": well, "parts": parts, "playbooks": sorted(self.shelf.plans)}

    def _background(self) -> str:
        """The loops without which alerts are still accepted and clocks still watched."""
        late = {name: one.words() for name, one in self.failing.items() if name not in NEEDED and one.lasts()}
        return "; ".join(f"{name} {words}" for name, words in sorted(late.items())) or "well"

    def _playbooks(self) -> str:
        if self.shelf.problems:
            return f"{len(self.shelf.problems)} cannot be read"
        without = self.shelf.without
        return f"none for {', '.join(without)}" if without else "well"

    def _deploy(self) -> None:
        if self.bridge is not None:
            self.bridge.deploy(self.shelf.playbooks.values())

    async def _warm(self) -> None:
        await asyncio.to_thread(warm, self.service)
        settle("warm")

    async def _start_prefect(self) -> None:
        from firedoor.runtime.process.prefect_host import start_bridge

        self.bridge = await start_bridge(self)
        self.driver.bridge = self.bridge
        while self.bridge.state == "starting":  # noqa: ASYNC110 - it reads a great deal, in a thread of its own
            await asyncio.sleep(PREFECT_LOOK)
        settle("prefect")


async def inherit(world: World) -> None:
    """Take back at once what a killed process was driving or telling, and what nobody is reminded of any more."""
    now = world.now()
    await asyncio.wrap_future(world.store.writer.submit(lambda connection: take_up_reminders(connection, now)))
    for owner in await asyncio.to_thread(leases.owners, world.store):
        if dead(owner):
            await asyncio.wrap_future(leases.free(world.store, owner))
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


def _loop_health(looked_at: datetime | None, now: datetime, failure: Failure | None) -> str:
    """A loop is well that looks and whose looks succeed; one that only begins them watches nothing."""
    if looked_at is None:
        return "starting"
    if failure is not None and failure.lasts():
        return failure.words()
    return "well" if now - looked_at < SILENT else f"silent since {looked_at.isoformat()}"


def default_paths(settings: Settings) -> Mapping[str, Path]:
    """Where this installation keeps what, for `firedoor doctor`."""
    return {
        "data": settings.data_dir,
        "targets": settings.targets_file,
        "organisation": settings.organisation_file,
        "vault": settings.data_dir / "vault",
    }


def flow_host() -> FlowHost:
    """The host of flows in a process that Prefect started: a worker, or a team's own script."""
    from firedoor.runtime.process.prefect_host import FlowHost

    settings = Settings(prefect=False)
    return FlowHost(Runtime(settings).service, settings.address)
