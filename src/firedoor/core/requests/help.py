"""Who helps: one entry of the table of helplines, removal services and places to report, and which of them to show.

Decides the form of an entry, that each says where and when it was read and how sure that is, and which fit a country
and an age. Where the age is not known, what is for children is shown as well. Leaves the entries themselves to
`firedoor.helplines`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from firedoor.core.ternary import NO, YES, Ternary


class HelpKind(StrEnum):
    """What somebody does, in the order in which people are shown it."""

    REMOVAL = "removal"  # helps to have images removed
    HELPLINE = "helpline"  # listens and advises
    REPORT = "report"  # takes reports of images of children
    POLICE = "police"
    DIRECTORY = "directory"  # lists further ones


Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class HelpEntry(BaseModel):
    """One service. Without `countries` it helps everywhere. `read_on` and `review_by` are days in UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str = Field(pattern=r"^[a-z0-9.-]+$", max_length=60)
    name: str = Field(min_length=2, max_length=100)
    kind: HelpKind
    audience: Literal["children", "adults", "everyone"] = Field(alias="for")
    countries: tuple[Country, ...] = ()
    phone: str = Field("", max_length=60)
    url: str = Field(pattern=r"^https://\S+$", max_length=300)
    hours: str = Field("", max_length=100)
    source: str = Field(min_length=5, max_length=300)
    read_on: date
    review_by: date
    confidence: Literal["high", "medium", "low"]
    note: str = Field("", max_length=300)

    @model_validator(mode="after")
    def _says_how_sure(self) -> HelpEntry:
        if self.confidence == "low" and not self.note:
            raise ValueError("an entry of low confidence says in its note what was not verified")
        if not self.read_on < self.review_by:
            raise ValueError("review_by comes after read_on")
        return self


def who_helps(entries: Iterable[HelpEntry], country: str, child: Ternary) -> list[HelpEntry]:
    """Those for a country and an age, its own before those of everywhere, each by kind; of an unknown age, all."""
    other = {YES: "adults", NO: "children"}.get(child)
    fitting = [one for one in entries if one.audience != other and (not one.countries or country in one.countries)]
    order = list(HelpKind)
    return sorted(fitting, key=lambda one: (not one.countries, order.index(one.kind), one.id))
