"""The sources of other vendors that ship: one file each in `vendors`, which is a mapping and what belongs to it.

Decides that such a file holds the mapping, where the vendor documents its form, what to set at the sender, what happens
without a 2xx, and examples in the vendor's form with values of our own. Pages (`docs/reference/sources`) and the
contract suite are made from it. Leaves what a mapping means to `mapping`, and writing pages to the interfaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import GenericMapping, read_as
from firedoor.alerts.source import AlertSource, Example
from firedoor.core.language.yaml_source import read_yaml

FOLDER = "vendors"
Address = Annotated[str, Field(pattern=r"^https://[^\s]+$")]


class ShippedExample(BaseModel):
    """A body in the vendor's form, and the headers beside it; `content-type` is that of JSON unless it is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str = Field(min_length=1, max_length=200)
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = Field(min_length=2)


class ShippedSource(GenericMapping):
    """A mapping that ships."""

    documented_at: tuple[Address, ...] = Field(min_length=1)
    setup: str = Field(min_length=1)
    retries: str = Field(min_length=1)
    examples: tuple[ShippedExample, ...] = Field(min_length=1)


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, ShippedSource]:
    """Return every source of the folder by its id. Raises InvalidInput for a file that is wrong."""
    pages = (one for one in (files("firedoor.alerts") / FOLDER).iterdir() if one.name.endswith(".yaml"))
    read = [read_as(ShippedSource, read_yaml(page.read_bytes(), page.name).data) for page in pages]
    return MappingProxyType({one.source: one for one in sorted(read, key=lambda one: one.source)})


def shipped_sources() -> list[AlertSource]:
    """Return the sources that the folder makes."""
    return [replace(mapped_source(one), examples=_examples(one), retries=one.retries) for one in shipped().values()]


def _examples(one: ShippedSource) -> tuple[Example, ...]:
    """The examples, named after their source: `grafana.json`, `grafana-2.json`."""
    return tuple(
        Example(
            f"{one.source}{f'-{number}' if number > 1 else ''}.json", example.about,
            {"content-type": "application/json", **{name.lower(): value for name, value in example.headers.items()}},
            body=example.body.encode(),
        )
        for number, example in enumerate(one.examples, 1)
    )  # fmt: skip
