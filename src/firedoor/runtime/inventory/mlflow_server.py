"""Asks an MLflow tracking server for its runs, their data sets, and the versions of registered models.

Decides which calls are made, all of them reading ones, and how many pages are read before it gives up in words: half a
lineage would look like a whole one. Leaves what the answers mean to `core.inventory.formats.mlflow`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.core.inventory.formats.mlflow import CONTEXT, Run, Used, Version, entered
from firedoor.core.inventory.formats.reading import Entries
from firedoor.core.json_types import Json, JsonObject, as_array, as_object, object_at, objects_at, text_at
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.targets import Inventory
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.config.secrets import ReferencedSecrets

SECONDS = 30.0
PAGES = 500
API = "/api/2.0/mlflow"


def asked(url: str, certificates: Path | None = None, authorization: str = "") -> Entries:
    """Everything that a server says came of what. Raises Unanswered. `authorization` refers to a secret."""
    return asyncio.run(_asked(url, certificates, authorization))


async def _asked(url: str, certificates: Path | None, authorization: str) -> Entries:
    client = open_client(certificates)
    try:
        context = ConnectorContext(client, ReferencedSecrets(), utc_now, Inventory())
        api = Api(context, url, {"authorization": authorization} if authorization else {}, SECONDS)
        experiments = await _pages(api, "experiments/search", {"max_results": 1000, "view_type": "ALL"}, "experiments")
        ids = [str(one.get("experiment_id")) for one in experiments]
        runs = [run for some in _parts(ids) for run in await _runs(api, some)]
        versions = [_version(one) for one in await _versions(api)]
    finally:
        await client.aclose()
    return entered(Entries(), runs, versions)


async def _runs(api: Api, experiments: list[str]) -> list[Run]:
    body: dict[str, Json] = {"experiment_ids": experiments, "max_results": 1000, "run_view_type": "ALL"}
    return [_run(one) for one in await _pages(api, "runs/search", body, "runs")]


async def _pages(api: Api, path: str, body: Mapping[str, Json], name: str) -> list[JsonObject]:
    found: list[JsonObject] = []
    asked_for = dict(body)
    for _ in range(PAGES):
        answer = as_object((await api.look("POST", f"{API}/{path}", asked_for)).document())
        found += objects_at(answer, name)
        token = text_at(answer, "next_page_token")
        if not token:
            return found
        asked_for["page_token"] = token
    raise _too_many(name)


async def _versions(api: Api) -> list[JsonObject]:
    found: list[JsonObject] = []
    query = {"max_results": "1000"}
    for _ in range(PAGES):
        answer = as_object((await api.get(f"{API}/model-versions/search?{urlencode(query)}")).document())
        found += objects_at(answer, "model_versions")
        token = text_at(answer, "next_page_token")
        if not token:
            return found
        query["page_token"] = token
    raise _too_many("model versions")


def _too_many(what: str) -> Unanswered:
    message = f"the server has more than {PAGES} pages of {what}"
    return Unanswered(Problem(code="I225", message=message, do="import the folder `mlruns` in parts"))


def _parts(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + 100] for start in range(0, len(ids), 100)]


def _run(one: JsonObject) -> Run:
    info = object_at(one, "info")
    used = [
        Used(
            text_at(held := object_at(given, "dataset"), "name"), text_at(held, "digest"), text_at(held, "source"),
            next((text_at(tag, "value") for tag in objects_at(given, "tags") if tag.get("key") == CONTEXT), ""),
        )
        for given in objects_at(object_at(one, "inputs"), "dataset_inputs")
    ]  # fmt: skip
    return Run(
        text_at(info, "run_id"), text_at(info, "run_name"), text_at(info, "user_id"), info.get("start_time"), used
    )


def _version(one: JsonObject) -> Version:
    aliases = tuple(str(alias) for alias in as_array(one.get("aliases")))
    return Version(
        text_at(one, "name"), text_at(one, "version"), text_at(one, "run_id"), text_at(one, "source"), aliases,
        text_at(one, "user_id"),
    )  # fmt: skip
