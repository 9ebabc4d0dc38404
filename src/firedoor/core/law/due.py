"""When a duty is due: one pure computation from a trigger's instant to a `Due`.

Decides the earliest defensible instant (for a hold, the latest), the later
reading that can be argued, and the reasons in words. Leaves the arithmetic to
`dates`, the numbers to the duty's dated version, and whether the duty applies
at all to `assessment`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from firedoor.core.dates import arithmetic
from firedoor.core.dates.calendars import calendar
from firedoor.core.facts import Facts
from firedoor.core.law.counting import RULE, CountBasis, calendar_for, counted_from, end_of, rolled_to
from firedoor.core.law.duty import Duty
from firedoor.core.law.period import Counting, Span, Version
from firedoor.core.ternary import NO, UNKNOWN, YES

_HOURS = (Counting.CLOCK_HOURS, Counting.FULL_HOURS)


class DueKind(StrEnum):
    """What the instant means."""

    INSTANT = "instant"
    END_OF_DAY = "end_of_day"
    HOLD_UNTIL = "hold_until"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Later:
    """A later reading and what it rests on."""

    due: datetime
    basis: str


@dataclass(frozen=True, slots=True)
class Due:
    """The answer. `due` None means that the law sets no outer limit, and `why` says so.

    Instants are aware: hours in the zone that was asked for, days in the zone of
    the authority. `internal_target` is our own aim and never law.
    """

    due: datetime | None
    kind: DueKind
    latest_arguable: Later | None
    version: str
    citation: str
    why: tuple[str, ...]
    internal_target: datetime | None = None


def compute_due(duty: Duty, trigger: datetime, zone: str, facts: Facts, *, event: str = "") -> Due:
    """Compute when a duty is due after its trigger.

    `zone` is where the duty is owed, for day-ends when the authority has no zone
    of its own, and for showing hours. `event` names the fact that carried the
    trigger ("aware"), where the duty has several. Raises InvalidInput for a naive
    trigger, an unknown zone, or a date outside 1970..2200.
    """
    trigger = arithmetic.instant(trigger.isoformat()) if trigger.tzinfo is None else trigger
    show = arithmetic.zone_named(zone)
    where = arithmetic.zone_named(duty.zone) if duty.zone else show
    day = arithmetic.local_day(trigger, where)
    if not arithmetic.EARLIEST <= day.year <= arithmetic.LATEST:
        arithmetic.instant(trigger.isoformat())
    version = duty.version_on(day)
    if version is None:
        return Due(None, DueKind.NONE, None, "", duty.citation, (f"not in force on {day.isoformat()}",))
    count = CountBasis(duty, version, trigger, where, show, calendar_for(version, facts))
    return _due(count, facts, event)


def _due(count: CountBasis, facts: Facts, event: str) -> Due:
    duty, version = count.duty, count.version
    aim = _internal_target(count)
    if version.counting is Counting.SET_BY_NOTICE:
        return _set_by_notice(count, facts, aim)
    if version.within is None:
        words = version.qualifier or "no period"
        return Due(
            None, DueKind.NONE, None, version.label, duty.citation, (f'"{words}": the law sets no outer limit',), aim
        )
    readings = tuple(_readings(count, facts, event))
    if not readings:
        return Due(
            None, DueKind.NONE, None, version.label, duty.citation, ("the law sets no outer limit in this case",), aim
        )
    first, *others = sorted(readings, key=lambda reading: reading[0].timestamp(), reverse=duty.hold)
    due, why = first
    due, later, rolled = _rolled(count, due, facts)
    later = later or _arguable(count, due) or _other_reading(due, others, hold=duty.hold)
    reasons = (*why, *rolled, *_entity_zone(count, due))
    noon = bool(rolled) and version.roll is not None and version.roll.rule == "noon_next_working_day"
    kind = DueKind.INSTANT if noon else _kind(count)
    return Due(due, kind, later, version.label, duty.citation, reasons, aim)


Reading = tuple[datetime, tuple[str, ...]]


def _readings(count: CountBasis, facts: Facts, event: str) -> Iterator[Reading]:
    """Yield every reading that the facts have not ruled out; the earliest is due."""
    outer = count.version.outer
    limit = facts.get(outer.after, UNKNOWN) if outer else UNKNOWN
    if outer and event and f"{event}_at" == outer.after:
        limit = count.start
    if outer and isinstance(limit, datetime):
        end = arithmetic.add_hours(limit, outer.within.amount)
        on_outer_limit_only = bool(event) and f"{event}_at" == outer.after
        if on_outer_limit_only or count.start <= end:
            yield end.astimezone(count.show), (f"at most {outer.within} after {outer.after.removesuffix('_at')}",)
        if on_outer_limit_only:
            return
    for says, span, counting in _periods(count.version, facts):
        yield end_of(count, span, counting), (f"{span} {RULE[counting]}{counted_from(count)}{says}",)


def _periods(version: Version, facts: Facts) -> Iterator[tuple[str, Span, Counting]]:
    """Yield the special cases that may hold, up to one that does, and else the ordinary period."""
    for case in version.cases:
        answer = case.holds.decide(facts)
        if answer is not NO and case.within is not None:
            doubt = "" if answer is YES else ", which is not known"
            yield f" ({case.says}{doubt})", case.within, case.counting or version.counting
        if answer is YES:
            return
    if version.within is not None:
        yield "", version.within, version.counting


def _kind(count: CountBasis) -> DueKind:
    if count.duty.hold:
        return DueKind.HOLD_UNTIL
    instant = count.version.counting in (*_HOURS, Counting.SEC_BUSINESS_DAYS)
    return DueKind.INSTANT if instant else DueKind.END_OF_DAY


def _rolled(count: CountBasis, due: datetime, facts: Facts) -> tuple[datetime, Later | None, tuple[str, ...]]:
    """Apply the law's own extension: to `due` if its condition holds, as an arguable reading if unknown."""
    rolling = count.version.roll
    if rolling is None:
        return due, None, ()
    closed = count.calendar.closed(arithmetic.local_day(due, count.zone))
    answer = rolling.holds.decide(facts)
    if not closed or answer is NO:
        return due, None, ()
    moved = rolled_to(count, rolling.rule, due, count.calendar)
    why = f"{rolling.cite}: {closed}, so {rolling.rule.replace('_', ' ')}"
    return (moved, None, (why,)) if answer is YES else (due, Later(moved, f"{why}, if it holds"), ())


def _arguable(count: CountBasis, due: datetime) -> Later | None:
    """The duty's own arguable reading, where it ends later than `due`."""
    arguable, version = count.version.arguable, count.version
    if arguable is None or version.within is None:
        return None
    end = due
    if arguable.counting or arguable.within:
        end = end_of(count, arguable.within or version.within, arguable.counting or version.counting)
    if arguable.roll:
        end = rolled_to(count, arguable.roll, end, calendar(arguable.calendar) if arguable.calendar else count.calendar)
    return Later(end, arguable.basis) if end > due else None


def _other_reading(due: datetime, others: list[Reading], *, hold: bool) -> Later | None:
    """The latest of the readings that were not chosen, for a period that hangs on an unknown fact."""
    if hold or not others or others[-1][0] <= due:
        return None
    end, why = others[-1]
    return Later(end, "; ".join(why))


def _set_by_notice(count: CountBasis, facts: Facts, aim: datetime | None) -> Due:
    end = facts.get("notice_due_at", UNKNOWN)
    known = isinstance(end, datetime)
    why = "the instant that the notice sets" if known else "the notice sets the instant; it is not recorded yet"
    due = end if isinstance(end, datetime) else None
    kind = DueKind.INSTANT if known else DueKind.NONE
    return Due(due, kind, None, count.version.label, count.duty.citation, (why,), aim)


def _internal_target(count: CountBasis) -> datetime | None:
    target = count.duty.internal_target
    if target is None:
        return None
    hours = target.amount * (24 if target.unit == "days" else 1)
    return (count.start.astimezone(UTC) + timedelta(hours=hours)).astimezone(count.show)


def _entity_zone(count: CountBasis, due: datetime) -> tuple[str, ...]:
    """Say so when the count in the organisation's own zone ends on an earlier day."""
    if count.zone is count.show or _kind(count) is not DueKind.END_OF_DAY:
        return ()
    shift = arithmetic.local_day(count.start, count.show) - arithmetic.local_day(count.start, count.zone)
    if shift >= timedelta(0):
        return ()
    earlier = arithmetic.local_day(due, count.zone) + shift
    return (f"counted in {count.show.key} the last day would be {earlier.isoformat()}",)
