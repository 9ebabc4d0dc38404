"""Durations: how long it took to notice, confirm, contain, tell and close, and how long each phase lasted.

Decides from which instant to which each is counted, and that one whose ends are not
both known is unknown. Seconds, to the hundredth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Entry, Kind
from firedoor.core.lifecycle import Phase

FIRST_HARM = ("leaked_since", "occurred_at")  # facts that hold since when it happened, the earliest first
NOTICED = ("noticed_at", "discovered_at")


def measures(view: IncidentView, entries: Sequence[Entry], names: Names) -> list[Body]:
    """Return the five durations that a review asks about."""
    opened, harm = _instant(view.opened_at), _fact(view, FIRST_HARM)
    noticed = min(filter(None, (_fact(view, NOTICED), opened)), default=None)
    confirmed = _state(entries, "confirmed")
    sent = _first(entries, Kind.CLOCK_SUBMITTED)
    closed = _instant(view.closed_at)
    return [
        _measure("detect", "From when it began until it was noticed", harm, noticed),
        _measure("confirm", "From opening until a person confirmed it", opened, confirmed),
        _measure(
            "contain", "From opening until the first target was proved closed", opened, _suspended(view, entries, names)
        ),
        _measure("notify", "From confirmation until the first notice was sent", confirmed or opened, sent),
        _measure("close", "From opening until it was closed", opened, closed),
    ]


def phases(view: IncidentView, entries: Sequence[Entry], names: Names) -> list[Body]:
    """Return the four phases: from the first thing begun in each to the last thing settled."""
    at = {entry.seq: entry.at for entry in entries}
    return [_phase(str(phase), view, at, names) for phase in Phase]


def _phase(phase: str, view: IncidentView, at: Mapping[int, str], names: Names) -> Body:
    records = [
        record
        for instance, record in view.operations.items()
        if (operation := names.operation(instance)) is not None and str(operation.phase) == phase and record.started_seq
    ]
    begun = min((at[record.started_seq] for record in records), default=None)
    open_still = any(record.status in ("started", "waiting", "") for record in records) and view.closed_at is None
    ended = max((at[record.finished_seq] for record in records if record.finished_seq), default=None)
    seconds = _seconds(_instant(begun), _instant(ended)) if not open_still else None
    return {"phase": phase, "from": begun, "to": None if open_still else ended, "seconds": seconds, "open": open_still}


def _measure(name: str, about: str, start: datetime | None, end: datetime | None) -> Body:
    return {
        "name": name,
        "about": about,
        "from": start.isoformat() if start else None,
        "to": end.isoformat() if end else None,
        "seconds": _seconds(start, end),
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    """Unknown where an end is missing, or where the ends are the wrong way round."""
    if start is None or end is None or end < start:
        return None
    return round((end - start).total_seconds(), 2)


def _suspended(view: IncidentView, entries: Sequence[Entry], names: Names) -> datetime | None:
    at = {entry.seq: entry.at for entry in entries}
    closed = [
        at[record.finished_seq]
        for instance, record in view.operations.items()
        if getattr(names.operation(instance), "verb", "") == "suspend" and record.result.get("proved") == "yes"
    ]
    return _instant(min(closed, default=None))


def _state(entries: Sequence[Entry], state: str) -> datetime | None:
    found = (entry for entry in entries if entry.kind == Kind.STATE and entry.body["state"] == state)
    return next((entry.instant for entry in found), None)


def _first(entries: Sequence[Entry], kind: Kind) -> datetime | None:
    return next((entry.instant for entry in entries if entry.kind == kind), None)


def _fact(view: IncidentView, names: Sequence[str]) -> datetime | None:
    found = (_instant(view.facts.get(name)) for name in names)
    return next((instant for instant in found if instant is not None), None)


def _instant(raw: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo is not None else None


def span(seconds: float | None) -> str:
    """A duration in words, in its two largest units; "unknown" for none."""
    if seconds is None:
        return "unknown"
    if abs(seconds) < 10:
        return f"{abs(seconds):.1f} s"
    left, parts = round(abs(seconds)), []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
