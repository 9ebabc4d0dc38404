"""Questions to the inventory of this installation, as the command line asks them.

Decides which inventory is read and against which names of facts proposals are made. Leaves the answers to
`core.inventory`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firedoor.core.assets import SECTIONS
from firedoor.core.inventory import drawing
from firedoor.core.inventory.affected import affected
from firedoor.core.inventory.answer import answer
from firedoor.core.inventory.completeness import gaps
from firedoor.core.inventory.graph import graph_of
from firedoor.core.inventory.merge import Proposal
from firedoor.core.json_types import Json
from firedoor.core.problems import Problem
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.config.inventory import read_inventory
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.inventory.importing import import_from


@dataclass(frozen=True, slots=True)
class Found:
    """What is affected, in every form."""

    body: Mapping[str, Json]
    tree: str
    mermaid: str
    svg: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How much the inventory holds, and its gaps."""

    counts: Mapping[str, int]
    gaps: tuple[Problem, ...]

    @property
    def body(self) -> Mapping[str, Json]:
        """The answer of the command line."""
        listed = [{"code": one.code, "where": one.field, "message": one.message, "do": one.do} for one in self.gaps]
        return {"counts": dict(self.counts), "gaps": listed}


def imported(settings: Settings, kind: str, place: str, authorization: str) -> Proposal:
    """What a file, folder or server adds to the inventory."""
    inventory = read_inventory(settings.targets_file)
    return import_from(kind, place, inventory, settings.certificates, authorization)


def affected_by(settings: Settings, name: str) -> Found:
    """What else is affected by something. Raises NotFound for a name that the inventory does not have."""
    inventory = read_inventory(settings.targets_file)
    found = affected(graph_of(inventory), (name,))
    body = answer(inventory, found, catalogue().facts)
    return Found(body, drawing.text(found), drawing.mermaid(found), drawing.svg(found))


def checked(settings: Settings) -> Checked:
    """What the inventory holds and does not say."""
    inventory = read_inventory(settings.targets_file)
    counts = {name: len(getattr(inventory, name)) for name in ("targets", *SECTIONS)}
    return Checked(counts, tuple(gaps(inventory, graph_of(inventory), utc_now().date())))
