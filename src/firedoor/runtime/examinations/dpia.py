"""Holds an impact assessment against the inventory and the facts of an incident, for the command line and for CI.

Decides which inventory counts (the one that is named, else that of this installation if there is one). Leaves the form
and the gaps to `core.assessments`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from firedoor.core.assessments.form import read
from firedoor.core.assessments.gaps import changes, gaps, prior_consultation
from firedoor.core.json_types import Json
from firedoor.core.problems import NotFound, Problem
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.config.inventory import read_inventory
from firedoor.runtime.config.settings import Settings

METHOD = (
    "sections of the ICO's DPIA process and Art. 35(7) GDPR, feared events of the CNIL; inventory by id and lineage"
)


def assessed(
    settings: Settings,
    path: Path,
    content: bytes,
    inventory: Path | None,
    facts: Mapping[str, Json],
    since: bytes | None,
) -> dict[str, Json]:
    """The gaps of an assessment, whether Art. 36 asks for consultation, and what changed. Raises InvalidInput."""
    held = inventory or settings.targets_file
    if inventory is not None and not inventory.exists():
        raise NotFound(Problem(code="U103", message=f"{inventory} does not exist", do="check the path"))
    one = read(content, str(path))
    known = read_inventory(held) if held is not None and held.exists() else None
    found = gaps(one, known, facts, utc_now().date())
    flag, why = prior_consultation(one)
    return {
        "title": one.title, "version": one.version, "sha256": hashlib.sha256(content).hexdigest(),
        "inventory": str(held) if known is not None else None, "gaps": [gap.as_json() for gap in found],
        "prior_consultation": {"needed": flag, "why": why, "source": "GDPR Art. 36(1)"},
        "changes": list(changes(read(since, "the earlier version"), one)) if since is not None else None,
        "questions": [] if known is not None else ["no inventory was read: whether all data are assessed is unknown"],
        "method": METHOD,
    }  # fmt: skip
