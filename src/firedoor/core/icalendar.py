"""Clocks as an iCalendar file (RFC 5545), so that a limit stands in everybody's calendar.

Decides what a calendar may show: the incident's number, the duty, the article and the
limit. Never a title, a name or a fact of the incident: calendars are shared and synced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

LONGEST = 73  # characters of a line before it is folded (RFC 5545 section 3.1: 75 octets)


def calendar(clocks: Iterable[Mapping[str, Any]], now: datetime) -> str:
    """Write a calendar of the open clocks that have a limit. `now` is the stamp; lines end as the RFC says."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Firedoor//clocks//EN"]
    for clock in clocks:
        if clock.get("due") and clock.get("state") not in ("submitted", "waived", "not_applicable", "superseded"):
            lines += _event(clock, now)
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _fold(line))


def _event(clock: Mapping[str, Any], now: datetime) -> list[str]:
    incident = str(clock.get("incident", ""))
    summary = f"{incident} limit: {clock.get('title') or clock['id']}"
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(incident)}-{_text(str(clock['id']))}@firedoor",
        f"DTSTAMP:{_stamp(now)}",
        f"DTSTART:{_stamp(datetime.fromisoformat(str(clock['due'])))}",
        f"SUMMARY:{_text(summary)}",
        f"DESCRIPTION:{_text(str(clock.get('citation', '')))}",
        "CLASS:CONFIDENTIAL",
        "END:VEVENT",
    ]


def _stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(words: str) -> str:
    """Escape a text value (section 3.3.11)."""
    escaped = words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r", "").replace("\n", "\\n")


def _fold(line: str) -> Iterable[str]:
    """Fold a long line; the rest begins with a space. Characters may have several octets, so it folds early."""
    if len(line.encode()) <= LONGEST:
        return [line]
    width = LONGEST // 4 if not line.isascii() else LONGEST
    return [line[:width], *(f" {line[i : i + width - 1]}" for i in range(width, len(line), width - 1))]
