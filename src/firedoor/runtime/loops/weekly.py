"""The week in a letter, to the roles that `digest:` of the organisation names.

Decides when it is made (Mondays at eight on the organisation's own clock, once for all processes, and not a day late)
and that each person's letter counts what that person may read and nothing else. Leaves the words to `core.digest`, and
carrying it to the outbox, which tries again and shows what waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlmodel import SQLModel

from firedoor.core.access.need_to_know import may_read
from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.core.ports import Messenger, Notice, Standing
from firedoor.core.problems import Later, Problem
from firedoor.core.reporting.metrics import summary
from firedoor.core.reporting.weekly_summary import digest_message
from firedoor.core.tasks.answers import Person
from firedoor.runtime.config.container import World
from firedoor.runtime.loops.metrics import Counting
from firedoor.store.database.sql import table
from firedoor.store.database.tables import ClockRow, IncidentRow, TaskRow
from firedoor.store.identity.accounts import Account, list_accounts
from firedoor.store.incidents import figure_rows
from firedoor.store.incidents.figure_rows import Counted
from firedoor.store.outbox import deliveries

KIND: Literal["week"] = "week"
MONDAY_AT = time(8)
DAYS = 7
TOO_LATE = timedelta(hours=24)  # after that the week is in the next letter
AGAIN = 1.0  # seconds; what was opened just now is being counted
PATIENCE = 0.1  # seconds that the outbox waits for figures at each look
Row = Mapping[str, Any]


@dataclass
class Weekly:
    """The week's letters. `roles` get one; `house` is the console's address."""

    world: World
    counting: Counting
    roles: tuple[str, ...]
    house: str

    def __post_init__(self) -> None:
        self._announced = ""

    async def announce(self, now: datetime) -> None:
        """Have this week's letters made, if it is time; whoever is second changes nothing."""
        monday = _monday(now, self._zone())
        week = f"{monday.date():%G-W%V}"
        if not self.roles or self._announced == week:
            return
        if now < monday + TOO_LATE:
            if not await asyncio.to_thread(self._counted, now):
                return  # nothing waits behind a letter that cannot be written yet
            await asyncio.wrap_future(deliveries.announce_once(self.world.store, KIND, week, self.roles, now))
        self._announced = week

    async def people(self, roles: Collection[str], messenger: Messenger) -> list[tuple[Account, str]]:
        """The accounts that have one of the roles and that this messenger can reach, with their addresses."""
        accounts = await asyncio.to_thread(list_accounts, self.world.store)
        found = [
            (account, messenger.address_of(account.email, account.slack_id))
            for account in accounts
            if account.disabled_at is None and account.roles & set(roles)
        ]
        return [(account, address) for account, address in found if address]

    async def notice(self, row: Row, messenger: Messenger) -> Notice:
        """One person's letter, as the week is now. Raises Later while incidents are not counted."""
        roles = tuple(row["roles"].split(","))
        known = {address: account for account, address in await self.people(roles, messenger)}
        account, subject, text = known.get(row["address"]), "", ""
        if account is not None:  # else the outbox withdraws it: the role or the address was taken away
            subject, text = await asyncio.to_thread(self.words, account.person, self.world.now())
        return Notice(
            key=row["key"], handle=row["handle"], kind=KIND, incident="", roles=roles, link=f"{self.house}/figures",
            made_at=datetime.fromisoformat(row["made_at"]), address=row["address"], people=tuple(known),
            what=subject, text=text,
            standing=Standing(incident="", state="", severity="", restricted=False, link=self.house),
        )  # fmt: skip

    def words(self, person: Person, now: datetime) -> tuple[str, str]:
        """Subject and text for one person."""
        found = self.counting.figures([row for row in self._week(now) if may_read(row.readers, person)])
        if found.waiting:
            problem = Problem(code="H120", message=f"{found.waiting} incidents of the week are not counted yet")
            raise Later(problem, AGAIN)
        clocks, tasks = table(ClockRow).c, table(TaskRow).c
        running = clocks.state.not_in(SETTLED_CLOCKS) & clocks.due_at.is_not(None)
        return digest_message(
            summary(found.figures), self._of(person, ClockRow, running),
            self._of(person, TaskRow, tasks.state == "open"), now, DAYS,
        )  # fmt: skip

    def _week(self, now: datetime) -> list[Counted]:
        since = (now - timedelta(days=DAYS)).date().isoformat()
        return figure_rows.wanted(self.world.store, table(IncidentRow).c.opened_at >= since)[0]

    def _counted(self, now: datetime) -> bool:
        return not self.counting.figures(self._week(now), PATIENCE).waiting

    def _of(self, person: Person, kind: type[SQLModel], where: ColumnElement[bool]) -> Sequence[Row]:
        """Rows of incidents that this person may read, practice left out; `restricted` where not everybody may."""
        store = self.world.store
        rows = store.rows(kind, where, None, None)
        heads = {row["id"]: row for row in store.rows(IncidentRow, None, None, None)} if rows else {}
        return [
            {**row, "restricted": heads[row["incident"]]["readers"] is not None}
            for row in rows
            if may_read(heads[row["incident"]]["readers"], person) and not heads[row["incident"]]["practice"]
        ]

    def _zone(self) -> tzinfo:
        known = self.world.organisation.facts.get("time_zone")
        return ZoneInfo(known) if isinstance(known, str) else UTC


def _monday(now: datetime, zone: tzinfo) -> datetime:
    """The last Monday at eight that has come, on that zone's clocks."""
    today: date = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    at = datetime.combine(monday, MONDAY_AT, zone)
    return at if at <= now else datetime.combine(monday - timedelta(days=7), MONDAY_AT, zone)
