"""Proposes targets from a LiteLLM proxy: one for each group of deployments that it serves under one name.

Decides that a group is proposed only where every deployment of it is kept in the proxy's database, because those of its
configuration file cannot be blocked. Leaves to a person what the proxy does not tell: a caller's key for the probe, and
to which groups the router sends callers of a blocked one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, Field

from firedoor.connectors.importers.registry import read_settings, target_id
from firedoor.connectors.litellm import LiteLLMDoor
from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.platform_api import REFERENCE
from firedoor.core.ports import Found, Members
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.targets import Door, Part, Target

SECONDS = 30.0
_UNKNOWN = (
    "probe: POST /v1/chat/completions of the proxy with a caller's key and this model's name",
    "neighbours: a group of the same proxy that must go on being served when this one is blocked",
    "fallbacks: the groups to which the router sends callers when this one is blocked",
    "owner: who answers for it",
)


class LiteLLMImport(Part):
    """Where the proxy is, and the key of a proxy admin as a reference to a secret."""

    url: str = Field(pattern=r"^https?://")
    admin_key: str = Field(pattern=REFERENCE)


class LiteLLMImporter:
    """Lists; never changes anything."""

    kind: ClassVar[str] = "litellm"
    Settings: ClassVar[type[BaseModel]] = LiteLLMImport

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context

    async def found(self, settings: Mapping[str, object]) -> Found:
        """Read every deployment. Raises InvalidInput and Unanswered."""
        asked = read_settings(LiteLLMImport, settings)
        groups: dict[str, list[Members]] = {}
        for row in await self._deployments(asked):
            groups.setdefault(str(row.get("model_name")), []).append(row)
        stored = {name: rows for name, rows in groups.items() if all(map(_in_database, rows))}
        targets = tuple(_target(name, rows, asked) for name, rows in sorted(stored.items()))
        notes = ["whoever calls a provider past the proxy is not closed by it"]
        if left_out := sorted(set(groups) - set(stored)):
            notes.append(f"from the proxy's file, and so without a door here: {', '.join(left_out[:20])}")
        return Found(targets=targets, unknown={target.id: _UNKNOWN for target in targets}, notes=tuple(notes))

    async def _deployments(self, asked: LiteLLMImport) -> list[Members]:
        api = Api(self._context, asked.url, {"authorization": f"Bearer {asked.admin_key}"}, SECONDS)
        document = (await api.get("/model/info")).document()
        rows = document.get("data") if isinstance(document, dict) else None
        if not isinstance(rows, list):
            do = "look whether the URL is that of a LiteLLM proxy"
            raise Unanswered(Problem(code="K207", message="the answer holds no models", do=do))
        return [row for row in rows if isinstance(row, dict) and row.get("model_name")]


def _in_database(row: Members) -> bool:
    info = row.get("model_info") or {}
    return info.get("db_model") is True and isinstance(info.get("id"), str)


def _target(name: str, rows: list[Members], asked: LiteLLMImport) -> Target:
    door = LiteLLMDoor(url=asked.url, admin_key=asked.admin_key, model=name)
    behind = sorted({str((row.get("litellm_params") or {}).get("model")) for row in rows})
    return Target(
        id=target_id(name),
        title=f"{name} at the proxy: {', '.join(behind)}"[:200],
        model=name,
        doors=(Door(name="proxy", connector="litellm", config=door.model_dump(exclude_defaults=True)),),
    )
