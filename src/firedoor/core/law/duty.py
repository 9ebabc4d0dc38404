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
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from firedoor.core.law.clause import Clause, Frozen, Overlap
from firedoor.core.law.period import Counting, Version, Within

_ID = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+(#[a-z0-9_]+)?$"


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


AWARE, KNOWN = "aware_at", "known_at"
OPENED = "opened_at"  # when the incident was opened: on record, and nobody's to say
NOTICED = ("noticed_at", "discovered_at", OPENED)

Addressee = Literal["authority", "individuals", "internal", "other"]


class Trigger(Frozen):
    """What starts the period, and the fact that carries its instant.

    `or_first_of`: other facts of which the earliest known counts as well (the law
    says "whichever first"). `stand_in`: facts used, provisionally and by name,
    while the law's own instant is not recorded; see `provisional_facts`. `of`: the
    duty whose submission starts this one. The kind `none` starts no clock; its fact only says from which
    instant another duty counts the period that is repeated here.
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

    @property
    def by_notice(self) -> bool:
        """Whether awareness or discovery starts it. Actual knowledge is a person's, and no notice stands in for it."""
        return self.kind in (TriggerKind.AWARENESS, TriggerKind.DISCOVERY) and self.fact != KNOWN

    @property
    def provisional_facts(self) -> tuple[str, ...]:
        """The facts from which it counts, by name, while the law's own instant is not recorded.

        Awareness and discovery never wait for somebody's click: until a person has said since when it was certain, they
        count from when it was noticed, and from the opening of the incident at the latest (EDPB Guidelines 9/2022 v2.0,
        paras 31-35).
        """
        return tuple(dict.fromkeys((*self.stand_in, *(NOTICED if self.by_notice else ()))))


class ContentField(Frozen):
    """One thing that the submission must say, and the fact that fills it, if one does."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    fact: str = ""


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
    facts: dict[str, object] = Field(default_factory=dict)
    event: str = ""
    at: str
    tz: str = "UTC"
    expect: Expected


class Stage(Frozen):
    """A later report of the same duty, or its notice to others; loaded as a duty of its own, `<duty>#<id>`.

    `when` takes the place of the duty's own condition, where this report has another one.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    addressee: Addressee | None = None
    authority: str = ""
    when: tuple[Clause, ...] | None = None
    trigger: Trigger
    within: Within | None = None
    qualifier: str = ""
    counting: Counting = Counting.NONE
    content: tuple[ContentField, ...] = ()
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
    content: tuple[ContentField, ...] = ()
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
        return next((version for version in reversed(self.versions) if version.holds_on(day)), None)

    @model_validator(mode="after")
    def _versions_in_order(self) -> Self:
        dated = [version for version in self.versions if version.dated]
        for before, after in pairwise(dated):
            if before.until is None or after.start is None or before.until + timedelta(days=1) > after.start:
                raise ValueError(
                    f"{self.id}: the version from {before.label} must end before the one from {after.label} begins"
                )
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
        "cases": (), "outer": None, "arguable": None, **({} if stage.when is None else {"when": None}),
    }  # fmt: skip
    return duty.model_copy(
        update={
            "id": f"{duty.id}#{stage.id}", "title": stage.title, "provision": stage.cite or duty.provision,
            "trigger": stage.trigger, "content": stage.content or duty.content, "stages": (), "examples": (),
            "addressee": stage.addressee or duty.addressee, "authority": stage.authority or duty.authority,
            "when": duty.when if stage.when is None else stage.when,
            "versions": tuple(version.model_copy(update=rule) for version in duty.versions), "stage_of": duty.id,
            "internal_target": None,
        }
    )  # fmt: skip
