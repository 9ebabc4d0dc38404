"""The one line of a notice that a locked telephone shows at night: how bad, which incident, what, until when, whose.

Decides the order, so that the first eighty characters are enough to get up or to turn over. What may be said at all is
decided in `core.notices`; how the rest of a message looks, by each messenger.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from firedoor.core.ports import Notice
from firedoor.core.severity import Severity

OF_THE_HOUSE = ("week", "quota", "security")  # kinds of messages that belong to no incident
LONGEST = 150  # characters of the whole line
_BECAME = {"decided": "has been answered", "withdrawn": "is not needed any more"}
PRACTICE = "practice"  # in place of how bad it is
_SEVERITIES = frozenset(map(str, Severity))


def written(instant: datetime | None) -> str:
    """An instant for people who may be anywhere: UTC, and it says so."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if instant else "no limit"


def sentence(notice: Notice) -> str:
    """The line with what it is about, cut to what a subject line holds, without a line break."""
    what = "" if notice.became in _BECAME or notice.kind in ("state", *OF_THE_HOUSE) else notice.what
    whole = " ".join(f"{headline(notice)}: {what}".split()).removesuffix(":")
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def headline(notice: Notice) -> str:
    """The line without what it is about. One about practice begins so, whatever it says."""
    line = _line(notice)
    return f"[{PRACTICE}] {line}" if notice.standing.severity == PRACTICE else line


def _line(notice: Notice) -> str:
    if notice.kind in OF_THE_HOUSE:
        return notice.what
    if notice.kind == "link":
        return f"{notice.incident} {notice.task}: a link for you alone"
    if notice.kind == "state":
        return f"{notice.incident}: {notice.standing.state}"
    if notice.task and notice.became:
        return f"{notice.incident} {notice.task} {_BECAME[notice.became]}"
    severity = notice.standing.severity
    head = f"[{severity}] {notice.incident}" if severity in _SEVERITIES else notice.incident
    return f"{head} {_clock(notice) if notice.clock else _task(notice) if notice.task else _message(notice)}"


def _task(notice: Notice) -> str:
    whose, by = roles_in_words(notice.roles), f"by {_near(notice)}"
    match notice.kind:
        case "escalation":
            return f"OVERDUE {notice.task}, now {whose}"
        case "reminder" if notice.due_at is not None and notice.made_at > notice.due_at:
            return f"NOBODY ANSWERS {notice.task}, due {_near(notice)}, {whose}"
        case "reminder":
            return f"reminder {notice.task} {by}, {whose}"
        case "message":
            return f"{notice.task} passed on {by}, {whose}"
    return f"{notice.task} {by}, {whose}"


def _clock(notice: Notice) -> str:
    match notice.became:
        case "":
            return f"legal limit {_near(notice)}" if notice.due_at else "legal limit, as soon as possible"
        case "missed":
            return f"LIMIT PASSED {_near(notice)}"
    return f"legal limit {notice.became}"


def _message(notice: Notice) -> str:
    return f"message for {roles_in_words(notice.roles)}"


def roles_in_words(roles: Sequence[str]) -> str:
    """Two of them, and how many more."""
    plain = [role.replace("_", " ") for role in roles]
    return " and ".join(plain) if len(plain) < 3 else f"{plain[0]}, {plain[1]} and {len(plain) - 2} more"


def _near(notice: Notice) -> str:
    """The time, with its day where it is another than that of the notice, and its year where that is another."""
    if notice.due_at is None:
        return "no limit"
    due, made = notice.due_at.astimezone(UTC), notice.made_at.astimezone(UTC)
    if due.date() == made.date():
        return due.strftime("%H:%M UTC")
    return f"{due.day} {due.strftime('%b %H:%M UTC' if due.year == made.year else '%b %Y %H:%M UTC')}"
