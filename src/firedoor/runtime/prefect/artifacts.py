"""The artifacts of a run: summary, clocks, evidence, links.

Decides their keys and shapes. One history for each incident: Prefect keeps every version under the same key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from firedoor.runtime.execution.performer import Views

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


async def show(client: PrefectClient, flow_run_id: UUID, incident_id: str, views: Views) -> None:
    """Write what there is to see of an incident as artifacts of its flow run; nothing for an empty view."""
    from prefect.client.schemas.actions import ArtifactCreate

    for key, kind, data, description in _artifacts(incident_id, views):
        artifact = ArtifactCreate(key=key, type=kind, data=data, description=description, flow_run_id=flow_run_id)
        await client.create_artifact(artifact)


def _artifacts(incident_id: str, views: Views) -> Iterator[tuple[str, str, str, str]]:
    """Key, type, data and description of each."""
    stem = _key(incident_id)
    if views.summary:
        yield f"{stem}-summary", "markdown", views.summary, f"{incident_id}: state"
    if views.clocks:
        yield f"{stem}-clocks", "table", _rows(views.clocks), f"{incident_id}: legal clocks"
    if views.evidence:
        yield f"{stem}-evidence", "table", _rows(views.evidence), f"{incident_id}: evidence"
    for name, address in views.links.items():
        yield f"{stem}-{_key(name)}", "markdown", f"[{name}]({address})", f"{incident_id}: {name}"


def _key(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _rows(rows: tuple[Mapping[str, object], ...]) -> str:
    return json.dumps([{str(name): str(value) for name, value in row.items()} for row in rows])
