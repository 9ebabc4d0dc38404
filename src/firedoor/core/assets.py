"""What stands around the targets in the inventory: data sets, training runs, models, customers, recipients, owners.

Decides the written form of these sections, all of which may be left out: an inventory of targets alone goes on as it
was. A section names others by their ids; whatever is named and not described counts all the same, as something of which
only the name is known. Leaves what follows from what to `inventory.graph`, and what is missing to
`inventory.completeness`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from firedoor.core.facts import Count, FactDefinition, FactType, read
from firedoor.core.places import is_place, meant
from firedoor.core.problems import FiredoorError

LONGEST = 300  # characters of an id: as long as the names of registries and of tables get
SECTIONS = ("owners", "datasets", "training_runs", "models", "customers", "recipients")
_COUNT = FactDefinition(name="people", type=FactType.COUNT)


def _place(word: str) -> str:
    if not is_place(word):
        raise ValueError(f'"{word[:40]}" is no place: {meant(word)}')
    return word.strip().upper()


def _count(raw: object) -> object:
    if isinstance(raw, Count):
        return raw
    if isinstance(raw, Mapping) and "minimum" in raw:  # as a count is written where it was read
        return Count.model_validate(raw)
    try:
        return read(_COUNT, raw)
    except FiredoorError as error:
        raise ValueError(f"{error.problems[0].message}; write 12, 1..500 or 100..") from None


Id = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f\x7f]{1,300}$")]
Where = Annotated[str, AfterValidator(_place)]  # ISO 3166-1, US-CA for a part; EU, EEA and UK as the law's facts
HowMany = Annotated[Count, BeforeValidator(_count)]
People = Mapping[Where, HowMany]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Asset(BaseModel):
    """What every entry may say. `owner` is an id of `owners`; `as_of` the day on which somebody last looked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    owner: Id | None = None
    as_of: date | None = None
    source: str = ""  # from which file or system it was imported


class Owner(BaseModel):
    """A person who answers for things. `contact` is an address at work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    role: str = ""
    contact: str = ""


class Dataset(Asset):
    """Data that models are trained on. `legal_bases` are by purpose; `people` are those whom the data are about."""

    version: str = ""
    sha256: Sha256 | None = None
    digest: str = ""  # as another system writes it, where that is no SHA-256 of the data
    location: str = ""
    purposes: tuple[str, ...] = ()
    legal_bases: Mapping[str, str] = Field(default_factory=dict)
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    licence: str = ""
    people: People = Field(default_factory=dict)
    derived_from: tuple[Id, ...] = ()
    recipients: tuple[Id, ...] = ()


class TrainingRun(Asset):
    """One training: from which data and models. The models say by `run` that they came out of it."""

    datasets: tuple[Id, ...] = ()
    starts_from: tuple[Id, ...] = ()
    at: datetime | None = None


class Model(Asset):
    """One version of a model: weights, an adapter, a merge, a smaller copy. `base` are those it was made from."""

    kind: Literal["weights", "adapter", "merge", "quantised"] = "weights"
    name: str = ""  # as targets say it in `model`, where the id has a version
    version: str = ""
    sha256: Sha256 | None = None
    run: Id | None = None
    datasets: tuple[Id, ...] = ()  # where no run is known
    base: tuple[Id, ...] = ()
    recipients: tuple[Id, ...] = ()
    licence: str = ""


class Customer(Asset):
    """Who uses targets, in which country, and how many people use them through it, by country."""

    targets: tuple[Id, ...] = ()
    country: Where | None = None
    contact: str = ""
    people: People = Field(default_factory=dict)


class Recipient(Asset):
    """Who was given data or a model. What it was given says so by `recipients`."""

    country: Where | None = None
    contact: str = ""


class Assets(BaseModel):
    """The sections, each by id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owners: dict[Id, Owner] = Field(default_factory=dict)
    datasets: dict[Id, Dataset] = Field(default_factory=dict)
    training_runs: dict[Id, TrainingRun] = Field(default_factory=dict)
    models: dict[Id, Model] = Field(default_factory=dict)
    customers: dict[Id, Customer] = Field(default_factory=dict)
    recipients: dict[Id, Recipient] = Field(default_factory=dict)
