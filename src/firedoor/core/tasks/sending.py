"""The sending dialogue: what somebody must say before a deadline counts as met by what was sent.

Decides that four things are said, and none is ever filled in: which text went (an approved version, the file itself,
or that no copy is kept), by which channel, when, and with which reference. An instant that lies ahead, or before there
was anything to tell, is refused. Also says what a record of a sending cannot prove. Leaves which versions there are to
`versions`, keeping the text to whoever writes, and the reference to the choice that requires it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from firedoor.core.dates.arithmetic import instant
from firedoor.core.journal import Body
from firedoor.core.law.due import DueKind
from firedoor.core.problems import InvalidInput, Problem

if TYPE_CHECKING:
    from firedoor.core.entries.people import Choice
    from firedoor.core.incident.clock_record import ClockRecord
    from firedoor.core.incident.view import IncidentView, TaskView

VERSION, CHANNEL, SENT_AT, AS_SENT, FILE_DIGEST = "version", "channel", "sent_at", "as_sent", "as_sent_sha256"
SUBMITTED = "submitted"  # the choice of a task that says that something was sent
NOW = "now"  # how somebody says that it was just now
CHANNELS = ("the authority's portal", "e-mail", "post", "telephone", "in person", "our own register")
MAXIMUM_CHANNEL = 200  # characters
AHEAD = timedelta(minutes=5)  # what two clocks may differ; later is a mistake
COARSE = timedelta(minutes=1)  # people and forms give an instant to the minute
NO_COPY = "no copy of what was sent is kept here, by their word"
_DO = {
    VERSION: "say approved, the digest of an approved version, file (one that was handed in), or none: no copy is kept",
    CHANNEL: f"for example {', '.join(CHANNELS[:3])}",
    SENT_AT: f"an instant with its offset, such as 2026-11-22T09:30:00+01:00, or {NOW}",
}
HINTS = _DO
_WHAT = {VERSION: "which text was sent", CHANNEL: "by which channel it went", SENT_AT: "when it was sent"}


def asked_for(kind: str) -> tuple[str, ...]:
    """The fields that a sending needs beside its reference, by the kind of its limit; none where one must hold back."""
    return () if kind == DueKind.HOLD_UNTIL else (VERSION, CHANNEL, SENT_AT)


def requires(view: IncidentView, task: TaskView, choice: Choice) -> list[str]:
    """What a choice of a task requires, with all that a sending needs where it says that something was sent."""
    sends = task.kind == "submit" and choice["id"] == SUBMITTED and task.clock in view.clocks
    more = asked_for(view.clocks[str(task.clock)].kind) if sends else ()
    return list(dict.fromkeys((*choice.get("requires", ()), *more)))


def need_said(clock: ClockRecord, fields: Mapping[str, str]) -> None:
    """Raises InvalidInput with everything that a sending leaves unsaid, at once."""
    said = {name for name, value in fields.items() if str(value).strip()}
    if FILE_DIGEST in said:
        said.add(VERSION)
    problems = [_unsaid(name) for name in asked_for(clock.kind) if name not in said]
    if len(str(fields.get(CHANNEL, ""))) > MAXIMUM_CHANNEL:
        problems.append(_problem("C107", CHANNEL, "the channel is too long", f"at most {MAXIMUM_CHANNEL} characters"))
    if problems:
        raise InvalidInput(problems)


def sent_at(view: IncidentView, clock: ClockRecord, fields: Mapping[str, str], now: datetime) -> datetime:
    """When it was sent, never later than now. Raises InvalidInput for an instant that cannot be."""
    typed = str(fields.get(SENT_AT, "")).strip()
    at = now if typed.casefold() == NOW else instant(typed)
    if at > now + AHEAD:
        raise InvalidInput(_problem("C108", SENT_AT, f"{typed} is still ahead", "record it once it has been sent"))
    first = min(_instants(view.opened_at, clock.trigger_at, clock.started_at), default=now)
    if at < first - COARSE:
        message = f"{typed} is before there was anything to tell: {first.isoformat(timespec='minutes')}"
        raise InvalidInput(_problem("C108", SENT_AT, message, "look at the date, and give it with its offset"))
    return min(at, now)


def recorded(view: IncidentView, clock: ClockRecord, fields: Mapping[str, str], now: datetime) -> Body:
    """The fields of a sending as the journal keeps them. Raises InvalidInput where anything is unsaid or cannot be.

    The text is `as_sent` by now: whoever has kept it writes so.
    """
    given: Body = {name: str(value) for name, value in fields.items() if name != VERSION}
    if not asked_for(clock.kind):
        return given
    kept = {VERSION: given[AS_SENT]} if given.get(AS_SENT) else {}
    need_said(clock, {**given, **kept})
    at = sent_at(view, clock, given, now)
    return {**given, CHANNEL: given[CHANNEL].strip(), SENT_AT: at.isoformat(timespec="seconds")}


def weakness(clock: ClockRecord, settlement: Mapping[str, object]) -> str:
    """What the record of a sending cannot prove, in words; "" where nothing is wanting. Old records are judged too."""
    if not settlement.get("reference") or not asked_for(clock.kind):
        return ""
    says = str(settlement.get(AS_SENT) or "")
    if not settlement.get(FILE_DIGEST):
        return "No copy of what was sent is kept here."
    if says.startswith(("draft", "edited")):
        return "The text that is kept was approved by nobody."
    if not settlement.get(CHANNEL):
        return "Nobody said by which channel it was sent."
    return ""


def _instants(*given: object) -> list[datetime]:
    return [datetime.fromisoformat(str(one)) for one in given if one]


def _unsaid(name: str) -> Problem:
    return _problem("C107", name, f"it is not said {_WHAT[name]}", _DO[name])


def _problem(code: str, field: str, message: str, do: str) -> Problem:
    return Problem(code=code, field=field, message=message, do=do)
