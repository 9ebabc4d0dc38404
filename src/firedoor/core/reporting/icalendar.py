"""Clocks and tasks as an iCalendar file (RFC 5545), so that a limit stands in everybody's calendar.

Decides what a calendar may show: the incident's number, the duty, the article and the
limit; of a task its number and role. Never a title, a name or a fact of the incident: calendars are shared and synced.
Of an incident that only some need to know about (`neutral`) not even the duty, which would tell what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from firedoor.core.dates.arithmetic import recorded
from firedoor.core.law.territories import IN_UTC

LONGEST = 73  # characters of a line before it is folded (RFC 5545 section 3.1: 75 octets)
REFRESH = ("REFRESH-INTERVAL;VALUE=DURATION:PT15M", "X-PUBLISHED-TTL:PT15M")  # RFC 7986 section 5.7; older readers


def calendar(clocks: Iterable[Mapping[str, object]], now: datetime, tasks: Iterable[Mapping[str, object]] = ()) -> str:
    """Write a calendar of the open clocks that have a limit, and of tasks. `now` is the stamp.

    A clock has incident, id, title, citation, state and due; a task has incident, number, role and due; both ISO 8601
    with an offset. `practice` in either labels it. `neutral` in either says that nothing but the incident's number may
    stand there.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Firedoor//clocks//EN", *REFRESH]
    for clock in clocks:
        if clock.get("due") and clock.get("state") not in ("submitted", "waived", "not_applicable", "superseded"):
            lines += _event(clock, now)
    for task in tasks:
        lines += _task(task, now)
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _fold(line))


def _event(clock: Mapping[str, object], now: datetime) -> list[str]:
    incident = _named(clock)
    if clock.get("neutral"):
        name = sha256(f"{clock['incident']}/{clock['id']}".encode()).hexdigest()[:24]
        return _written(f"{clock['incident']}-{name}", f"{incident}: a limit", "", str(clock["due"]), now)
    summary = f"{incident} limit: {clock.get('title') or clock['id']}"
    said = [str(clock.get("citation", "")), IN_UTC if clock.get("zone_guessed") else ""]
    return _written(
        f"{clock['incident']}-{clock['id']}", summary, "; ".join(filter(None, said)), str(clock["due"]), now
    )


def _task(task: Mapping[str, object], now: datetime) -> list[str]:
    """The question is left out: it may hold facts."""
    incident, number = _named(task), task["number"]
    role = "" if task.get("neutral") else f" for {str(task['role']).replace('_', ' ')}"
    return _written(f"{task['incident']}-T{number}", f"{incident}: task T{number}{role}", "", str(task["due"]), now)


def _named(row: Mapping[str, object]) -> str:
    """The incident's number; a limit of practice must not look like one in a calendar of real ones."""
    return f"{'Practice: ' if row.get('practice') else ''}{row['incident']}"


def _written(uid: str, summary: str, description: str, due: str, now: datetime) -> list[str]:
    at = recorded(due)
    if at is None:  # one that is left out would read as "no limit"
        at, summary = now, f"{summary} (when cannot be read)"
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}@firedoor",
        f"DTSTAMP:{_stamp(now)}",
        f"DTSTART:{_stamp(at)}",
        f"SUMMARY:{_text(summary)}",
        f"DESCRIPTION:{_text(description)}",
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
