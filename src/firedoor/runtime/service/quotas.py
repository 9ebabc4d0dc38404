"""The quotas of the sources of alerts: counted in memory, known again after a restart, loud where one is used up.

Decides that a source which has used up its quota is refused and no other one, that what it delivered before is still
taken, and that people are told once for each source, bound and day, and not for each refusal. Several processes count
together once a minute, from the database. Leaves the bounds themselves to `core.quota`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

import orjson
from sqlalchemy import func, select

from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.quota import EVERY_SOURCE, Quota, Spent, Usage
from firedoor.core.alerts.withheld import stored
from firedoor.core.ports import Notice, Standing
from firedoor.core.problems import FiredoorError, Problem
from firedoor.runtime.config.container import World
from firedoor.runtime.repeating import Failing, repeat
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import AlertRow
from firedoor.store.outbox import deliveries

KIND = "quota"
TOLD = ("admin", "manager", "commander")  # the roles that are told
AGAIN = timedelta(seconds=60)  # between two looks at what all processes have stored
SHOWN = timedelta(minutes=15)  # after its last refusal a source is well again

log = logging.getLogger(__name__)


class QuotaSpent(FiredoorError):
    """A source has used up what it may have stored; nothing of this delivery was."""

    exit_code = 3
    http_status = 429

    def __init__(self, source: str, spent: Spent) -> None:
        message = f"{source} has used up its quota: {spent.words}; nothing of this delivery was stored"
        do = f"send it again in {spent.seconds} seconds, or have FIREDOOR_ALERT_QUOTAS raised"
        super().__init__(Problem(code="D130", message=message, do=do, field=spent.quota))
        self.seconds = spent.seconds


class Quotas:
    """What each source may have stored, and has."""

    def __init__(self, world: World, quotas: Mapping[str, Quota] | None = None) -> None:
        self.world, self.quotas = world, dict(quotas or {})
        self.refused: Counter[tuple[str, str]] = Counter()  # deliveries, by source and bound
        self._used: dict[str, Usage] = {}
        self._last: dict[str, tuple[datetime, Spent]] = {}
        self._looked_at: datetime | None = None
        self._told: set[str] = set()

    def of(self, source: str) -> Quota:
        """The quota of a source: its own, that of every source, or the usual one."""
        return self.quotas.get(source) or self.quotas.get(EVERY_SOURCE) or Quota()

    async def admit(self, source: str, new: Sequence[Alert], octets: int) -> None:
        """Count what a delivery brings, or refuse the whole of it. Raises QuotaSpent."""
        if not new:
            return
        now = self.world.now()
        used = self._used.setdefault(source, Usage(now))
        spent = used.passes(self.of(source), len(new), octets, now)
        if spent is None:
            return
        if unknown := await asyncio.to_thread(self._unknown, new):
            # What all processes have stored by now decides, and not what this one remembers.
            spent = used.passes(self.of(source), len(unknown), octets * len(unknown) // len(new), now)
            if spent is not None:
                await self._refuse(source, spent, now)

    async def _refuse(self, source: str, spent: Spent, now: datetime) -> None:
        self.refused[source, spent.quota] += 1
        self._last[source] = (now, spent)
        about = f"{now.astimezone(UTC):%Y-%m-%d}:{source}:{spent.quota}"
        if about not in self._told:
            self._told.add(about)
            log.warning("alerts of %s are refused: %s", source, spent.words)
            await asyncio.wrap_future(deliveries.announce_once(self.world.store, KIND, about, TOLD, now))
        raise QuotaSpent(source, spent)

    def state(self) -> str:
        """The word for health: which sources are refused now."""
        since = self.world.now() - SHOWN
        late = {source: spent.words for source, (at, spent) in self._last.items() if at > since}
        return "; ".join(f"{source} is refused: more than {words}" for source, words in late.items()) or "well"

    async def forever(self, failing: Failing | None = None) -> None:
        """Look again and again at what all processes have stored today; no fault ends it."""
        await repeat("quotas", lambda: asyncio.to_thread(self.look), AGAIN.total_seconds(), failing)

    def look(self) -> None:
        """Take over what the database says was stored today, where that is more than this process knows of."""
        now = self.world.now()
        columns = table(AlertRow).c
        today = text_of(datetime.combine(now.astimezone(UTC).date(), time(), UTC))
        query = select(columns.source, func.count(), func.sum(func.length(columns.body)))
        with self.world.store.engine.connect() as connection:
            rows = connection.execute(query.where(columns.received_at >= today).group_by(columns.source)).all()
        for source, alerts, octets in rows:
            used = self._used.setdefault(source, Usage(now))
            used.wind(self.of(source), now)
            used.alerts, used.octets = max(used.alerts, alerts), max(used.octets, int(octets or 0))

    def _unknown(self, alerts: Sequence[Alert]) -> list[Alert]:
        """Those that no process has stored yet."""
        columns = table(AlertRow).c
        same = columns.fingerprint.in_({alert.fingerprint for alert in alerts})
        rows = self.world.store.rows(AlertRow, same & (columns.source == alerts[0].source), limit=None)
        known = {(row["fingerprint"], row["episode"]): row["body"] for row in rows}
        return [alert for alert in alerts if not _stored(alert, known)]


def _stored(alert: Alert, known: Mapping[tuple[str, str], str]) -> bool:
    """Whether the same was stored before: what says something new of a known detection is new."""
    if (alert.fingerprint, alert.changed_episode) in known:
        return True
    first = known.get((alert.fingerprint, alert.stored_episode))
    return first is not None and stored(orjson.loads(first)).content == alert.content


def refusing(row: Mapping[str, str], people: tuple[str, ...], house: str) -> Notice:
    """The letter about a source that is refused: which, why and what to do, and nothing of any detection."""
    day, source, quota = row["about"].split(":", 2)
    text = (
        f"On {day} (UTC) {source} sent more than its quota ({quota}) lets it have stored. What it sends beyond that\n"
        "is refused with 429, so that a well-behaved sender sends it again. Other sources are not affected.\n\n"
        "Look whether the sender is at fault, or is flooding you to hide something; then stop it, or raise\n"
        "FIREDOOR_ALERT_QUOTAS. /metrics counts what was refused (firedoor_alerts_refused_total).\n"
    )
    return Notice(
        key=row["key"], handle=row["handle"], kind="quota", incident="", roles=tuple(row["roles"].split(",")),
        link=f"{house}/sources", made_at=datetime.fromisoformat(row["made_at"]), address=row["address"], people=people,
        what=f"Alerts of {source} are refused: its quota is used up", text=text,
        standing=Standing(incident="", state="", severity="", restricted=False, link=house),
    )  # fmt: skip
