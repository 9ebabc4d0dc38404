"""How much one source of alerts may have stored, and what is said when it has used that up.

Decides the three bounds (new detections a minute with a burst, new detections a day, bytes a day), that a detection
which is known already uses nothing, and after how many seconds a refused sender may come again. Days are those of UTC.
Leaves counting over processes and telling people to the runtime.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from pydantic import BaseModel, ConfigDict, Field

MEGABYTE = 1_000_000  # bytes
EVERY_SOURCE = "*"


class Quota(BaseModel):
    """The bounds of one source. 0 is no bound. The bytes are those that came in with new detections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: int = Field(default=0, ge=0)
    burst: int = Field(default=0, ge=0)  # so many at once; 0: as many as in a minute
    per_day: int = Field(default=0, ge=0)
    megabytes_per_day: int = Field(default=2000, ge=0)  # half an hour of a thousand alerts a second


@dataclass(frozen=True, slots=True)
class Spent:
    """Which bound a delivery would pass, in words, and after how many seconds it would not."""

    quota: str
    words: str
    seconds: int


@dataclass(slots=True)
class Usage:
    """What one source has used: today, and of its burst. `at` is when it was last looked at."""

    at: datetime
    alerts: int = 0
    octets: int = 0
    burst_used: float = 0.0

    def passes(self, quota: Quota, alerts: int, octets: int, now: datetime) -> Spent | None:
        """Say which bound so much more would pass; None, and it is counted, where none is."""
        self.wind(quota, now)
        found = _spent(self, quota, alerts, octets, now)
        if found is None:
            self.alerts += alerts
            self.octets += octets
            self.burst_used += alerts
        return found

    def wind(self, quota: Quota, now: datetime) -> None:
        """Begin a new day where one has begun, and let what was used of the burst come back."""
        if now.astimezone(UTC).date() > self.at.astimezone(UTC).date():
            self.alerts = self.octets = 0
        passed = max((now - self.at).total_seconds(), 0.0)
        self.burst_used = max(self.burst_used - passed * quota.per_minute / 60, 0.0)
        self.at = max(now, self.at)


def _spent(used: Usage, quota: Quota, alerts: int, octets: int, now: datetime) -> Spent | None:
    tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    until_tomorrow = math.ceil((tomorrow - now).total_seconds())
    burst = max(quota.burst or quota.per_minute, 1)
    if quota.megabytes_per_day and used.octets + octets > quota.megabytes_per_day * MEGABYTE:
        return Spent("megabytes_per_day", f"{quota.megabytes_per_day} MB of new detections a day", until_tomorrow)
    if quota.per_day and used.alerts + alerts > quota.per_day:
        return Spent("per_day", f"{quota.per_day} new detections a day", until_tomorrow)
    # A delivery that is larger than the whole burst is taken when the burst is full, or it could never come in.
    over = used.burst_used + min(alerts, burst) - burst
    if quota.per_minute and over > 0:
        return Spent(
            "per_minute", f"{quota.per_minute} new detections a minute", math.ceil(over * 60 / quota.per_minute)
        )
    return None
