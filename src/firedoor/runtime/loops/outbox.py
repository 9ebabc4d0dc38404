"""The outbox loop: takes what the journal announced to people, through the messengers that their roles have.

Decides which messengers and people an announcement goes to, that words are made at the moment of sending (so that
nobody is woken for a task that was answered before they heard of it), how long is waited after a failure, and when it
is given up. Every API process and worker runs one; a delivery is held by one of them at a time. Leaves the words to
`core.notices`, and each far end to its messenger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from firedoor.core.access.need_to_know import Readers, readers_of
from firedoor.core.incident.view import IncidentView
from firedoor.core.isolated import fault_of
from firedoor.core.notices.notifications import notice_of, standing_of
from firedoor.core.notices.subject_lines import OF_THE_HOUSE
from firedoor.core.ports import Messenger, Notice
from firedoor.core.problems import FiredoorError, InDoubt, Later, Refused
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.setting_aside import passes
from firedoor.runtime.loops.weekly import KIND, Weekly
from firedoor.runtime.repeating import Failing, repeat
from firedoor.runtime.service.administration import message_about
from firedoor.runtime.service.quotas import refusing
from firedoor.store.identity.accounts import Account, list_accounts
from firedoor.store.incidents import announcements
from firedoor.store.incidents.heads import signed_head
from firedoor.store.outbox import deliveries
from firedoor.store.outbox.deliveries import BATCH, Addressed

LOOK = 0.5  # seconds between two looks
GIVE_UP = timedelta(hours=24)  # after which nobody is helped by a message any more
FIRST_PAUSE = 1.0  # seconds after the first failure; doubled after each further one
LONGEST_PAUSE = 300.0
REST = timedelta(seconds=LONGEST_PAUSE)  # until what could not be told is tried again
PEOPLE = timedelta(seconds=3)  # between two looks at who has which role
SHOW_SUMMARY = frozenset(("slack",))
SIDE_BY_SIDE = 8  # deliveries under way at once
OVER = "it was over before this was told"
LEFT_OUT = "they may not read it any more"
SLOWEST = 45.0  # seconds that one delivery may take; less than the claim on it lasts

log = logging.getLogger(__name__)
Row = Mapping[str, Any]
Made = TypeVar("Made")


@dataclass
class Outbox:
    """The loop of one process. `routes` says which messengers a role has; `house` is the console's address."""

    world: World
    routes: Mapping[str, tuple[str, ...]]
    house: str
    messengers: dict[str, Messenger] = field(default_factory=dict)
    week: Weekly | None = None
    looked_at: datetime | None = None
    state: str = "off"

    def __post_init__(self) -> None:
        self._lanes: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._resting: dict[str, datetime] = {}  # what cannot be told, by its key, and until when
        self._people_seen: tuple[datetime, object] | None = None
        if self.routes:
            self.state = "starting"
            announcements.switch_on(self.world.store.engine)

    async def forever(self, failing: Failing | None = None) -> None:
        """Look again and again, where anybody is to be told; no fault ends it."""
        try:
            if self.routes or (self.week and self.week.roles):
                await repeat("outbox", self.begin, LOOK, failing)
        finally:
            for lane in self._lanes.values():
                lane.cancel()
            await asyncio.gather(*self._lanes.values(), return_exceptions=True)

    async def look(self) -> None:
        """Look once, and wait for whatever was begun."""
        await self.begin()
        await asyncio.gather(*self._lanes.values())

    async def begin(self) -> None:
        """Address what is new, and begin every lane that has something to send and is not under way."""
        self.looked_at = now = self.world.now()
        store = self.world.store
        self._resting = {key: again for key, again in self._resting.items() if now < again <= now + REST}
        if self.week:
            await self._alone({"key": KIND, "kind": KIND, "incident": ""}, self.week.announce(now))
        for row in await asyncio.to_thread(deliveries.unaddressed, store.engine, BATCH + len(self._resting)):
            await self._alone(row, self._address(row))
        await self._look_at_people(now)
        lanes: dict[tuple[str, str], list[Row]] = {}
        limit = BATCH + len(self._resting)
        for row in await asyncio.to_thread(deliveries.due, store.engine, list(self.messengers), now, limit):
            if self.messengers[row["messenger"]].personal and not row["address"]:  # by whom it was not set up
                await self._alone(row, self._address(row))
            elif row["key"] not in self._resting:
                lanes.setdefault((row["messenger"], row["address"] or row["incident"]), []).append(row)
        for name, rows in lanes.items():
            if name not in self._lanes:
                task = asyncio.create_task(self._lane(rows), name=f"tell {name[0]}")
                self._lanes[name] = task
                task.add_done_callback(lambda _, name=name: self._lanes.pop(name, None))  # type: ignore[misc]
        self.state = self._words(await asyncio.to_thread(deliveries.waiting, store.engine, now - GIVE_UP))

    async def _alone(self, row: Row, work: Coroutine[object, object, Made]) -> Made | None:
        """Do one thing. What is raised over it is said, and keeps nothing else from leaving. None: it was not done."""
        if row["key"] in self._resting:
            work.close()
            return None
        try:
            return await work
        except Exception as error:
            if passes(error):
                raise
            log.error("outbox: %s of %s cannot be told: %s", row["kind"], row["incident"], fault_of(error).words)  # noqa: TRY400
            self._resting[row["key"]] = self.world.now() + REST
            return None

    async def _look_at_people(self, now: datetime) -> None:
        """Have whoever shows a summary look at who may see it, where somebody got or lost a role or was disabled.

        No entry of an incident says so; what changed while nobody was running is found at the first look.
        """
        before, shows = self._people_seen, self.messengers.keys() & SHOW_SUMMARY
        if not shows or (before and timedelta(0) <= now - before[0] < PEOPLE):
            return
        accounts = await asyncio.to_thread(list_accounts, self.world.store)
        seen = frozenset((one.name, one.slack_id, one.roles, one.disabled_at) for one in accounts)
        if before is None or before[1] != seen:
            for name in shows:
                why = f"people:{now.isoformat()}:{self.world.owner}"
                await asyncio.wrap_future(deliveries.stir(self.world.store, name, why, now))
        self._people_seen = (now, seen)

    # -- addressing ------------------------------------------------------------------------------

    async def _address(self, row: Row) -> None:
        """By the roles of an announcement. One messenger for all, or one delivery for each person."""
        if row["kind"] in OF_THE_HOUSE:
            await self._address_people(row)
            return
        view = await asyncio.to_thread(self.world.view, row["incident"])
        roles = set(filter(None, row["roles"].split(",")))
        to: list[Addressed] = []
        for name in [row["messenger"]] if row["messenger"] else self._wanted(row["kind"], roles):
            messenger = self.messengers.get(name)
            if messenger is None or not messenger.personal:
                to.append(Addressed(f"{row['key']}:{name}", name))
                continue
            key = row["key"] if row["messenger"] else f"{row['key']}:{name}"
            for account in await self._people(view, roles, name):
                address = messenger.address_of(account.email, account.slack_id)
                to.append(Addressed(f"{key}:{account.name}", name, address))
        await asyncio.wrap_future(deliveries.address(self.world.store, row, to))

    async def _address_people(self, row: Row) -> None:
        """To each person who can be reached, by messengers that know people one by one."""
        to: list[Addressed] = []
        for name, messenger in self.messengers.items():
            if self.week and messenger.personal:
                people = await self.week.people(row["roles"].split(","), messenger)
                to += [Addressed(f"{row['key']}:{name}:{account.name}", name, address) for account, address in people]
        await asyncio.wrap_future(deliveries.address(self.world.store, row, to))

    def _wanted(self, kind: str, roles: set[str]) -> list[str]:
        """Which messengers; a change of the incident only concerns those that show a summary of it."""
        if kind == "state":
            return sorted({name for names in self.routes.values() for name in names} & SHOW_SUMMARY)
        return sorted({name for role in roles for name in self.routes.get(role, ())})

    async def _people(self, view: IncidentView, roles: set[str], messenger: str) -> list[Account]:
        """The accounts that have one of the roles by this messenger, may read the incident, and can be reached."""
        readers, by = readers_of(view.readers), self.messengers[messenger]
        asked = {role for role in roles if messenger in self.routes.get(role, ())}
        accounts = await asyncio.to_thread(list_accounts, self.world.store)
        return [
            account for account in accounts
            if account.disabled_at is None and asked & account.roles and _may_read(readers, account)
            and by.address_of(account.email, account.slack_id)
        ]  # fmt: skip

    # -- sending ---------------------------------------------------------------------------------

    async def _lane(self, rows: list[Row]) -> None:
        """Send what waits in one lane, in order; a failure ends the lane until it has rested."""
        async with self._slots:
            for row in rows:
                if await self._alone(row, self._next(row, rows)) is False:
                    return

    async def _next(self, row: Row, lane: list[Row]) -> bool:
        """Send one of a lane, unless it is not ours or a newer one says more. Returns whether the lane may go on."""
        now = self.world.now()
        if row["state"] == "queued" and row["kind"] == "state" and row is not _newest(lane):
            await asyncio.wrap_future(deliveries.drop(self.world.store, row))
            return True
        claimed = await asyncio.wrap_future(deliveries.claim(self.world.store, row, self.world.owner, now))
        return not claimed or await self._send(row)

    async def _send(self, row: Row) -> bool:
        """Send one; look first where an attempt before this one may have got through."""
        messenger, store, owner = self.messengers[row["messenger"]], self.world.store, self.world.owner
        try:
            async with asyncio.timeout(SLOWEST):
                notice = await self.notice(row)
                if messenger.personal and row["address"] not in notice.people:
                    return await asyncio.wrap_future(deliveries.withdraw(store, row, owner, LEFT_OUT))
                before = await messenger.find(notice) if row["state"] == "sending" else None
                if before is None and _is_over(notice):
                    return await asyncio.wrap_future(deliveries.withdraw(store, row, owner, OVER))
                told = before or await messenger.send(await self._with_proof(notice, now=self.world.now()))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the delivery's own trouble
            return await self._failed(row, error)
        return await asyncio.wrap_future(deliveries.sent(store, row, owner, told.reference, self.world.now()))

    async def _with_proof(self, notice: Notice, now: datetime) -> Notice:
        """With where the journals stand, signed. A key that is missing keeps no message from leaving."""
        try:
            proof = await asyncio.to_thread(signed_head, self.world.store, now, notice.incident)
        except FiredoorError as error:
            log.error("outbox: a message leaves without a signed head: %s", error)  # noqa: TRY400 - the reason is there
            return notice
        return notice.model_copy(update={"proof": proof})

    async def _failed(self, row: Row, error: Exception) -> bool:
        """Come back later, or give it up. Returns whether the lane may go on."""
        store, owner, now = self.world.store, self.world.owner, self.world.now()
        words = str(error) if isinstance(error, FiredoorError) else f"{type(error).__name__}: {error}"
        if isinstance(error, Refused) or now - datetime.fromisoformat(row["made_at"]) >= GIVE_UP:
            log.error("outbox: %s for %s was given up: %s", row["kind"], row["incident"], words)
            await asyncio.wrap_future(deliveries.give_up(store, row, owner, words))
            return True
        pause = min(FIRST_PAUSE * 2 ** min(row["attempts"], 20), LONGEST_PAUSE)
        if isinstance(error, Later):
            pause = max(error.seconds, 0.1)
        doubt = isinstance(error, (InDoubt, TimeoutError)) or not isinstance(error, FiredoorError)
        again = now + timedelta(seconds=pause)
        await asyncio.wrap_future(deliveries.later(store, row, owner, words, again, doubt=doubt))
        return False

    async def notice(self, row: Row) -> Notice:
        """A delivery in words, as it would be told now."""
        if row["kind"] in OF_THE_HOUSE and self.week:
            messenger = self.messengers[row["messenger"]]
            if row["kind"] == KIND:
                return await self.week.notice(row, messenger)
            people = await self.week.people(row["roles"].split(","), messenger)
            words = message_about if row["kind"] == "security" else refusing
            return words(row, tuple(address for _, address in people), self.house)
        view = await asyncio.to_thread(self.world.view, row["incident"])
        plan = await asyncio.to_thread(self.world.store.plan, view.plan_digest)
        name, messenger = row["messenger"], self.messengers[row["messenger"]]
        roles = tuple(filter(None, row["roles"].split(",")))

        async def addresses(asked: set[str]) -> tuple[str, ...]:
            found = await self._people(view, asked, name)
            return tuple(messenger.address_of(account.email, account.slack_id) for account in found)

        concerned = {role for role in self.routes if role in plan.roles or role == "responder"}
        link, in_utc = f"{self.house}/incidents/{view.id}", self.world.law.in_utc(view)
        standing = standing_of(view, link, await addresses(concerned), in_utc)
        return notice_of(
            view, plan, self.world.definitions(plan), standing, key=row["key"], handle=row["handle"], kind=row["kind"],
            about=row["about"], seq=row["seq"], roles=roles, made_at=datetime.fromisoformat(row["made_at"]),
            address=row["address"], people=await addresses(set(roles)),
        )  # fmt: skip

    def _words(self, counts: Mapping[str, int]) -> str:
        missing = {name for names in self.routes.values() for name in names} - self.messengers.keys()
        told = [f"{', '.join(sorted(missing))} not set up in this process"] if missing else []
        if counts["waiting"]:
            told.append(f"{counts['waiting']} wait for a far end that does not answer")
        if self._resting:
            told.append(f"{len(self._resting)} cannot be told; the log says why")
        if counts["given_up"]:
            told.append(f"{counts['given_up']} given up within a day")
        return "; ".join(told) or "well"


def _may_read(readers: Readers | None, account: Account) -> bool:
    return readers is None or readers.include(account.person)


def _is_over(notice: Notice) -> bool:
    """Whether nobody need hear of it any more. That a limit was missed is news itself."""
    return notice.kind != "state" and notice.became not in ("", "missed")


def _newest(rows: list[Row]) -> Row:
    """The last summary of a lane: the ones before it would only be written over."""
    return [row for row in rows if row["kind"] == "state"][-1]
