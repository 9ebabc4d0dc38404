"""A duty: what a law asks of whom, from when, on what condition, and by when.

Decides the shape of `duties/*.yaml` (its JSON Schema comes from here) and which
dated version of a law binds at an instant. Leaves counting to `due`, the
condition's answer to `assessment`, and the running clock to `clock`.

A condition is written in three lists of clauses, each with the words for a
person, the expression over facts, and the paragraph it stands in:

    reach    whom the law reaches at all: territory and, for a law of one sector, the sector.
             While it is unknown no clock starts, not even a provisional one
    when     what must have happened; unknown runs a provisional clock
    unless   exemptions; one without an expression is for a person to judge
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from firedoor.core.expression import Expression

_SPAN = re.compile(r"(\d{1,4}) (hours?|days?|months?|years?)")
_ID = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+(#[a-z0-9_]+)?$"


class Frozen(BaseModel):
    """A record of the law: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)


class Status(StrEnum):
    """The state of a version when it was last verified. `phased`: enacted, and without an object yet."""

    IN_FORCE = "in_force"
    PENDING = "pending"
    PHASED = "phased"
    REPEALED = "repealed"


class TriggerKind(StrEnum):
    """What starts the period."""

    AWARENESS = "awareness"
    BELIEF = "belief"
    DISCOVERY = "discovery"
    DETERMINATION = "determination"
    CLASSIFICATION = "classification"
    OCCURRENCE = "occurrence"
    REQUEST = "request"
    NOTICE = "notice"
    SUBMISSION = "submission"
    YEAR_END = "year_end"
    NONE = "none"


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


Addressee = Literal["authority", "individuals", "internal", "other"]
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


def _span(raw: Any) -> Any:  # noqa: ANN401 - whatever the file held
    if not isinstance(raw, str):
        return raw
    found = _SPAN.fullmatch(raw.strip())
    if found is None:
        raise ValueError(f'"{raw[:40]}" is not a period: write "72 hours", "3 days", "1 month" or "1 year"')
    return {"amount": int(found[1]), "unit": found[2].rstrip("s") + "s"}


Within = Annotated[
    Span, BeforeValidator(_span), PlainSerializer(str), WithJsonSchema({"type": "string", "pattern": _SPAN.pattern})
]
Condition = Annotated[
    Expression,
    BeforeValidator(lambda raw: raw if isinstance(raw, Expression) else Expression.parse(str(raw))),
    PlainSerializer(lambda expression: expression.text),
    WithJsonSchema({"type": "string", "description": "an expression over the facts of the vocabulary"}),
]


class Clause(Frozen):
    """One part of a condition: in words, as an expression, and where it is written.

    `curable`: a "no" leaves a labelled shadow clock running, because the person
    can complete what is missing (an incomplete removal request).
    """

    says: str
    holds: Condition | None = Field(default=None, alias="if")
    cite: str = ""
    curable: bool = False


class Case(Frozen):
    """A different period in a special case. Cases are read in order, shortest first."""

    says: str
    holds: Condition = Field(alias="if")
    within: Within
    counting: Counting | None = None
    cite: str = ""


class Trigger(Frozen):
    """What starts the period, and the fact that carries its instant.

    `or_first_of`: other facts of which the earliest known counts as well (the law
    says "whichever first"). `stand_in`: facts used, provisionally and by name,
    while the law's own instant is not recorded. `of`: the duty whose submission
    starts this one.
    """

    kind: TriggerKind
    fact: str = ""
    or_first_of: tuple[str, ...] = ()
    stand_in: tuple[str, ...] = ()
    of: str = ""
    means: str = ""

    @property
    def own_facts(self) -> tuple[str, ...]:
        """The facts that the law itself names, the submission included."""
        own = submitted_fact(self.of) if self.of else self.fact
        return ((own,) if own else ()) + self.or_first_of


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
    """A law as it stood from a day to a day, both included, in the authority's zone."""

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
        """The day from which it holds, or its status."""
        return self.start.isoformat() if self.start else str(self.status)

    @property
    def binding(self) -> bool:
        """Whether a clock of it may run by itself."""
        return self.start is not None and self.status in (Status.IN_FORCE, Status.PENDING)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        timed = self.counting not in (Counting.NONE, Counting.SET_BY_NOTICE)
        if timed != (self.within is not None):
            raise ValueError(f'counting "{self.counting}" {"needs" if timed else "has no"} `within`')
        if self.start and self.until and self.until < self.start:
            raise ValueError("`until` lies before `from`")
        return self


class Field_(Frozen):
    """One thing that the submission must say, and the fact that fills it, if one does."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    fact: str = ""


class Overlap(Frozen):
    """Another law takes this one's place for some (DORA for NIS2, HIPAA for the FTC's rule)."""

    by: tuple[str, ...]
    says: str
    holds: Condition = Field(alias="if")
    cite: str


class Expected(Frozen):
    """What a worked example must come to. Fields left out are not compared."""

    applies: Literal["yes", "no", "unknown"] | None = None
    due: str | None = None
    kind: Literal["instant", "end_of_day", "hold_until", "none"] | None = None
    latest_arguable: str | None = None
    version: str | None = None


class Example(Frozen):
    """A worked example: facts and an instant in, the answer out. Every one is a test."""

    title: str
    facts: dict[str, Any] = Field(default_factory=dict)
    event: str = ""
    at: str
    tz: str = "UTC"
    expect: Expected


class Stage(Frozen):
    """A later report of the same duty; loaded as a duty of its own, `<duty>#<id>`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    trigger: Trigger
    within: Within | None = None
    qualifier: str = ""
    counting: Counting = Counting.NONE
    content: tuple[Field_, ...] = ()
    cite: str = ""


class Duty(Frozen):
    """What a law asks. Ids are stable; numbers live in dated versions."""

    id: str = Field(pattern=_ID)
    title: str
    jurisdiction: str
    instrument: str
    provision: str
    owed_by: str
    addressee: Addressee
    authority: str
    channel: str = ""
    zone: str = ""  # the authority's zone; "" means that of the place where it is owed
    reach: tuple[Clause, ...] = Field(min_length=1)
    when: tuple[Clause, ...] = ()
    unless: tuple[Clause, ...] = ()
    superseded_by: tuple[Overlap, ...] = ()
    trigger: Trigger
    hold: bool = False  # keep until, rather than do before
    versions: tuple[Version, ...] = Field(min_length=1)
    stages: tuple[Stage, ...] = ()
    staged: bool = False  # may be given in parts
    stage_of: str = ""
    content: tuple[Field_, ...] = ()
    internal_target: Within | None = None  # our own aim, never shown as law
    penalty: str = ""
    source: str
    confidence: Literal["high", "medium", "low"]
    verified_on: date
    review_by: date
    note: str = ""
    changelog: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def citation(self) -> str:
        """Instrument and provision, for a person."""
        return f"{self.instrument}, {self.provision}"

    def version_on(self, day: date) -> Version | None:
        """The version that holds on a day of the authority, or None."""
        for version in reversed(self.versions):
            if version.start is not None and version.start <= day and (version.until is None or day <= version.until):
                return version
        return None

    @model_validator(mode="after")
    def _versions_in_order(self) -> Self:
        dated = [version for version in self.versions if version.start]
        for before, after in zip(dated, dated[1:], strict=False):
            if before.until is None or after.start is None or before.until + timedelta(days=1) > after.start:
                raise ValueError(f"{self.id}: the version from {before.label} must end before the one from {after.label} begins")
        return self


def submitted_fact(duty: str) -> str:
    """The name of the fact that holds the instant at which a duty was submitted."""
    return "submitted_" + re.sub(r"[.#]", "_", duty) + "_at"


def with_stages(duty: Duty) -> tuple[Duty, ...]:
    """The duty and a duty for each of its later reports, which share its reach, condition and dates."""
    return (duty, *(_stage(duty, stage) for stage in duty.stages))


def _stage(duty: Duty, stage: Stage) -> Duty:
    rule = {
        "within": stage.within, "qualifier": stage.qualifier, "counting": stage.counting,
        "cases": (), "outer": None, "arguable": None,
    }  # fmt: skip
    return duty.model_copy(
        update={
            "id": f"{duty.id}#{stage.id}", "title": stage.title, "provision": stage.cite or duty.provision,
            "trigger": stage.trigger, "content": stage.content or duty.content, "stages": (), "examples": (),
            "versions": tuple(version.model_copy(update=rule) for version in duty.versions), "stage_of": duty.id,
            "internal_target": None,
        }
    )  # fmt: skip
