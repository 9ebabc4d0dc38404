"""The artifacts of a run: summary, clocks, evidence, links.

Decides their keys and shapes. One history for each incident: Prefect keeps every version under the same key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from firedoor.runtime.prefect_ports import Views


async def show(incident_id: str, views: Views) -> None:
    """Write what there is to see of an incident as artifacts of the current flow run; nothing for an empty view."""
    from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact, acreate_table_artifact

    stem = re.sub(r"[^a-z0-9]+", "-", incident_id.lower()).strip("-")
    if views.summary:
        await acreate_markdown_artifact(views.summary, key=f"{stem}-summary", description=f"{incident_id}: state")
    if views.clocks:
        await acreate_table_artifact(
            _rows(views.clocks), key=f"{stem}-clocks", description=f"{incident_id}: legal clocks"
        )
    if views.evidence:
        await acreate_table_artifact(
            _rows(views.evidence), key=f"{stem}-evidence", description=f"{incident_id}: evidence"
        )
    for name, address in views.links.items():
        key = f"{stem}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"
        await acreate_link_artifact(address, link_text=name, key=key, description=f"{incident_id}: {name}")


def _rows(rows: tuple[Mapping[str, Any], ...]) -> list[dict[str, Any]]:
    return [{str(name): str(value) for name, value in row.items()} for row in rows]
