"""Where things stand on the report's picture: phases, clocks and turning points along one line of time.

Decides the geometry, on a logarithmic scale from the opening on, because the first
minute and the last month must both be seen. Positions are whole numbers from 0 to
WIDTH. Leaves drawing to the template.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from firedoor.core.journal import Body, Entry, Kind

WIDTH = 1000
MAXIMUM_CLOCKS = 14
UNIT = 10.0  # seconds that are about as wide as all the time before them
TICKS = (
    (60, "1 min"),
    (600, "10 min"),
    (3600, "1 h"),
    (21600, "6 h"),
    (86400, "1 day"),
    (259200, "3 days"),
    (604800, "1 week"),
    (2592000, "30 days"),
    (7776000, "90 days"),
    (31536000, "1 year"),
    (157680000, "5 years"),
)
OVERTAKEN = frozenset(("not_applicable", "superseded"))  # nothing was due by these limits
TURNS = {Kind.STATE: "state", Kind.CLOCK_MISSED: "missed", Kind.TASK_ESCALATED: "escalated"}


def chart(entries: Sequence[Entry], phases: Sequence[Body], clocks: Sequence[Body]) -> Body:
    """Return bars, marks and ticks. Clocks beyond the first fourteen are counted, not drawn."""
    if not entries:
        return {
            "width": WIDTH,
            "phases": [],
            "clocks": [],
            "marks": [],
            "ticks": [],
            "durations": [],
            "used": [],
            "more": 0,
        }
    scale = _Scale(entries, clocks)
    drawn = sorted(clocks, key=lambda clock: (clock["due"] is None, clock["due"] or ""))[:MAXIMUM_CLOCKS]
    return {
        "width": WIDTH,
        "now": scale.at(entries[-1].at),
        "more": len(clocks) - len(drawn),
        "phases": [
            _bar(scale, phase["phase"], phase["from"], phase["to"] or entries[-1].at)
            for phase in phases
            if phase["from"]
        ],
        "clocks": [_clock(scale, clock, entries[-1].at) for clock in drawn],
        "marks": [
            {"x": scale.at(e.at), "what": TURNS[Kind(e.kind)], "label": e.body.get("state", "")}
            for e in entries
            if e.kind in TURNS
        ],
        "durations": _durations(phases),
        "used": [_used(clock, entries[-1].at) for clock in drawn if clock["due"] and clock["result"] not in OVERTAKEN],
        "ticks": [{"x": scale.of(seconds), "label": label} for seconds, label in TICKS if seconds <= scale.longest],
    }


class _Scale:
    def __init__(self, entries: Sequence[Entry], clocks: Sequence[Body]) -> None:
        self.start = entries[0].instant
        ends = [entries[-1].at, *(clock["due"] for clock in clocks if clock["due"])]
        self.longest = max(60.0, *(self._seconds(end) for end in ends))

    def at(self, instant: str) -> int:
        return self.of(self._seconds(instant))

    def of(self, seconds: float) -> int:
        """Everything before the opening stands at its left edge."""
        inside = min(max(seconds, 0.0), self.longest)
        return round(WIDTH * math.log1p(inside / UNIT) / math.log1p(self.longest / UNIT))

    def _seconds(self, instant: str) -> float:
        return (datetime.fromisoformat(instant) - self.start).total_seconds()


def _durations(phases: Sequence[Body]) -> list[Body]:
    """How long each phase that has ended lasted, against the longest; on a linear scale."""
    ended = [phase for phase in phases if phase.get("seconds") is not None]
    longest = max((phase["seconds"] for phase in ended), default=0) or 1
    return [
        {
            "label": phase["phase"],
            "seconds": phase["seconds"],
            "width": max(round(WIDTH * phase["seconds"] / longest), 2),
        }
        for phase in ended
    ]


def _used(clock: Body, now: str) -> Body:
    """How much of a clock's time was used when it was settled, or until now; 1000 is all of it, more is cut off."""
    begun, due = datetime.fromisoformat(clock["trigger_at"]), datetime.fromisoformat(clock["due"])
    until = datetime.fromisoformat(clock["settled_at"] or now)
    whole = max((due - begun).total_seconds(), 1.0)
    share = max((until - begun).total_seconds(), 0.0) / whole
    return {
        "label": clock.get("name") or clock["title"], "result": clock["result"], "percent": round(100 * share),
        "settled": bool(clock["settled_at"]),
        "width": max(min(round(WIDTH * share), WIDTH), 2), "over": share > 1,
    }  # fmt: skip


def _bar(scale: _Scale, label: str, start: str, end: str) -> Body:
    x = scale.at(start)
    return {"label": label, "x": x, "width": max(scale.at(end) - x, 2)}


def _clock(scale: _Scale, clock: Body, now: str) -> Body:
    bar: dict[str, object] = _bar(
        scale, clock.get("name") or clock["title"], clock["started_at"], clock["due"] or clock["settled_at"] or now
    )
    settled = scale.at(clock["settled_at"]) if clock["settled_at"] else None
    return {
        **bar,
        "result": clock["result"],
        "settled": settled,
        "limit": scale.at(clock["due"]) if clock["due"] else None,
    }
