"""Proposes targets from MLflow's model registry: one for each alias of each registered model.

Decides that an alias is what can be taken away, and that prompts, which MLflow keeps beside models, are none. Leaves
what a registry cannot know to a person: which servers load the model, and how their callers ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from firedoor.connectors.importers.registry import read_settings, target_id
from firedoor.connectors.mlflow import MlflowDoor
from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.ports import Found, Members
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.targets import Door, Part, Target

SECONDS = 30.0
_PAGES = 50  # of 100 models each
_PROMPT = "mlflow.prompt.is_prompt"
_UNKNOWN = (
    "probe: what a caller asks the server that loads this alias, and what it is answered when the model is gone",
    "neighbours: a target with a probe that must go on serving when this one is closed",
    "doors: one that closes the servers, before this one, which closes the registry only",
    "owner: who answers for it",
)


class MlflowImport(Part):
    """Where MLflow is, the `Authorization` header as a reference to a secret, and one alias; all if none."""

    url: str = Field(min_length=1)
    authorization: str | None = Field(default=None, pattern=r"^(Bearer |Basic )?secret://\S+$")
    alias: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a door."""
        return {"authorization": self.authorization} if self.authorization else {}


class MlflowImporter:
    """Lists; never changes anything."""

    kind: ClassVar[str] = "mlflow"
    Settings: ClassVar[type[BaseModel]] = MlflowImport

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context

    async def found(self, settings: Mapping[str, object]) -> Found:
        """Read every registered model. Raises InvalidInput and Unanswered."""
        asked = read_settings(MlflowImport, settings)
        models = [model for model in await self._models(asked) if not _is_prompt(model)]
        doors = [door for model in models for door in _doors(model, asked)]
        without = [str(model.get("name")) for model in models if not model.get("aliases")]
        targets = tuple(_target(door, asked) for door in doors)
        notes = ["whoever loads a version by its number is not closed by an alias"]
        if without:
            notes.append(f"without an alias, and so without a door here: {', '.join(sorted(without)[:20])}")
        return Found(targets=targets, unknown={target.id: _UNKNOWN for target in targets}, notes=tuple(notes))

    async def _models(self, asked: MlflowImport) -> list[Members]:
        api, query, found = (
            Api(self._context, asked.url, asked.headers, SECONDS),
            {"max_results": "100"},
            list[Members](),
        )
        for _ in range(_PAGES):
            answer = await api.get(f"/api/2.0/mlflow/registered-models/search?{urlencode(query)}")
            document = answer.document()
            if not isinstance(document, dict):
                do = "look whether the URL is that of an MLflow server"
                raise Unanswered(Problem(code="K207", message="the answer holds no registered models", do=do))
            found += [row for row in document.get("registered_models") or [] if isinstance(row, dict)]
            if not document.get("next_page_token"):
                return found
            query["page_token"] = str(document["next_page_token"])
        do = "name one alias, or write these targets by hand"
        raise Unanswered(Problem(code="K207", message=f"more than {_PAGES * 100} registered models", do=do))


def _is_prompt(model: Members) -> bool:
    tags = {row.get("key"): row.get("value") for row in model.get("tags") or [] if isinstance(row, dict)}
    return str(tags.get(_PROMPT)).lower() == "true"


def _doors(model: Members, asked: MlflowImport) -> Iterator[MlflowDoor]:
    for row in model.get("aliases") or []:
        if asked.alias in (None, row.get("alias")):
            yield MlflowDoor(url=asked.url, model=model["name"], alias=row["alias"], headers=asked.headers)


def _target(door: MlflowDoor, asked: MlflowImport) -> Target:
    parts = (door.model,) if asked.alias else (door.model, door.alias)
    config = door.model_dump(exclude_defaults=True)
    return Target(
        id=target_id(*parts),
        title=f"models:/{door.model}@{door.alias}",
        kind="model_version",
        model=door.model,
        doors=(Door(name="registry", connector="mlflow", config=config),),
    )
