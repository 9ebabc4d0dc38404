"""A law as it stood at a time: its period, how it is counted, and the readings beside it.

Decides the shape of a version in `duties/*.yaml`. Leaves the arithmetic to
`dates` and the choice among readings to `due`.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from firedoor.core.law.clause import Clause, Condition, Frozen

_SPAN = re.compile(r"(\d{1,4}) (hours?|days?|months?|years?)")


class Status(StrEnum):
    """The state of a version when it was last verified. `phased`: enacted, and without an object yet."""

    IN_FORCE = "in_force"
    PENDING = "pending"
    PHASED = "phased"
    REPEALED = "repealed"


class Counting(StrEnum):
    """How a period is counted; the arithmetic is in `dates`."""

    CLOCK_HOURS = "clock_hours"
    FULL_HOURS = "full_hours"
    CALENDAR_DAYS = "calendar_days"
    CALENDAR_DAYS_INCLUSIVE = "calendar_days_inclusive"
    BUSINESS_DAYS = "business_days"
    SEC_BUSINESS_DAYS = "sec_business_days"
    MONTHS = "months"
    AFTER_YEAR_END = "after_year_end"
    SET_BY_NOTICE = "set_by_notice"
    NONE = "none"


Roll = Literal["noon_next_working_day", "next_working_day"]


class Span(Frozen):
    """A length of time as a law writes it: "72 hours", "3 days", "1 month"."""

    amount: int = Field(ge=1, le=5000)
    unit: Literal["hours", "days", "months", "years"]

    def __str__(self) -> str:
        return f"{self.amount} {self.unit[:-1] if self.amount == 1 else self.unit}"

    @property
    def months(self) -> int:
        """In months; years are twelve."""
        return self.amount * (12 if self.unit == "years" else 1)


def _span(raw: object) -> object:
    if not isinstance(raw, str):
        return raw
    found = _SPAN.fullmatch(raw.strip())
    if found is None:
        raise ValueError(f'"{raw[:40]}" is not a period: write "72 hours", "3 days", "1 month" or "1 year"')
    return {"amount": int(found[1]), "unit": found[2].rstrip("s") + "s"}


Within = Annotated[
    Span, BeforeValidator(_span), PlainSerializer(str), WithJsonSchema({"type": "string", "pattern": _SPAN.pattern})
]


class Case(Frozen):
    """A different period in a special case; none where the law sets no limit for it. Read in order, shortest first."""

    says: str
    holds: Condition = Field(alias="if")
    within: Within | None = None
    counting: Counting | None = None
    cite: str = ""


class OuterLimit(Frozen):
    """A second limit from another instant; the earlier of the two counts (DORA: 24 hours after awareness).

    It falls away when the trigger itself comes after it, as Reg. (EU) 2025/301 Art 5(1)(a) says.
    """

    within: Within
    after: str


class Rolling(Frozen):
    """The law's own extension of a limit that falls on a closed day."""

    rule: Roll
    holds: Condition = Field(alias="if")
    cite: str


class Arguable(Frozen):
    """A later reading that can be argued and is never the default."""

    basis: str
    counting: Counting | None = None
    within: Within | None = None
    roll: Roll | None = None
    calendar: str = ""


class Version(Frozen):
    """A law as it stood from a day to a day, both included, in the authority's zone.

    No `from` and an `until`: its first day was not verified. Neither: it waits for a date, and no day chooses it.
    """

    start: date | None = Field(alias="from")
    until: date | None = None
    status: Status = Status.IN_FORCE
    within: Within | None = None
    qualifier: str = ""
    counting: Counting = Counting.NONE
    cases: tuple[Case, ...] = ()
    outer: OuterLimit | None = None
    roll: Rolling | None = None
    calendar: str = ""  # a name of `calendars`, or the name of a fact that holds one
    arguable: Arguable | None = None
    when: tuple[Clause, ...] | None = None  # replaces the duty's own, where the condition changed
    source: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        """The day from which it holds, else the day until which it held, else its status."""
        if self.start:
            return self.start.isoformat()
        return f"until {self.until.isoformat()}" if self.until else str(self.status)

    @property
    def dated(self) -> bool:
        """Whether a day can choose it."""
        return self.start is not None or self.until is not None

    def holds_on(self, day: date) -> bool:
        """Whether it is the law on this day."""
        return self.dated and (self.start is None or self.start <= day) and (self.until is None or day <= self.until)

    @property
    def binding(self) -> bool:
        """Whether a clock of it may run by itself."""
        return self.dated and self.status in (Status.IN_FORCE, Status.PENDING)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        timed = self.counting not in (Counting.NONE, Counting.SET_BY_NOTICE)
        if timed != (self.within is not None):
            raise ValueError(f'counting "{self.counting}" {"needs" if timed else "has no"} `within`')
        if self.start and self.until and self.until < self.start:
            raise ValueError("`until` lies before `from`")
        return self
