"""A service that knows the hashes of everything that a platform stores, asked over HTTP.

Decides the form of the question and of the answer, which is read page by page within bounds. Distances are worked out
here from the hashes in the answer, whatever the service says of them. Content never crosses this port.

Asked with POST: {"sha256": [...], "pdq": [...], "locators": [...], "max_distance": 31, "after": "..."}; answered with
{"content": [{"locator": "...", "sha256"?, "pdq"?, "quality"?, "turns"?: [...]}], "looked_at": 123, "next"?: "..."}.
"""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.content.locators import locator_fault
from firedoor.core.json_types import JsonObject, array_at, as_object, objects_at, text_at
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.removal.matching import MAXIMUM_COPIES, ContentRow, Search, Wanted, search

MOST_PAGES = 1_000
_HEX = re.compile(r"[0-9a-f]{64}")


class Config(BaseModel):
    """Where the service is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(pattern=r"^https?://")
    path: str = Field(default="/search", pattern=r"^/")
    headers: dict[str, str] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=30.0, gt=0, le=120)


class HttpIndex:
    """The service."""

    kind: ClassVar[str] = "http-index"
    Settings: ClassVar[type[BaseModel]] = Config

    def __init__(self, context: ConnectorContext, config: Config) -> None:
        self._config = config
        self._api = Api(context, config.base, config.headers, config.timeout_seconds)

    async def search(self, wanted: Wanted) -> Search:
        """Ask twice where places were named: the second time with the hashes of what lies there."""
        rows, looked_at = await self._asked(wanted)
        named = set(wanted.locators)
        known = [row for row in rows if row.locator in named]
        wider = Wanted(
            wanted.sha256 | {row.sha256 for row in known if row.sha256},
            wanted.pdq | {row.pdq for row in known if row.pdq}, wanted.locators, wanted.distance,
        )  # fmt: skip
        if wider != wanted:
            rows, looked_at = await self._asked(wider)
        found = search(wider, lambda: rows, lambda place: place)
        return Search(found.found, looked_at, wanted=found.wanted)

    async def _asked(self, wanted: Wanted) -> tuple[list[ContentRow], int]:
        question: dict[str, object] = {
            "sha256": sorted(wanted.sha256), "pdq": sorted(wanted.pdq), "locators": list(wanted.locators),
            "max_distance": wanted.distance,
        }  # fmt: skip
        rows: list[ContentRow] = []
        looked_at, after = 0, ""
        for _ in range(MOST_PAGES):
            asked = {**question, **({"after": after} if after else {})}
            said = as_object((await self._api.look("POST", self._config.path, asked)).document())
            rows += [_row(one) for one in objects_at(said, "content")]
            counted, after = said.get("looked_at"), text_at(said, "next")
            looked_at = max(looked_at, counted if isinstance(counted, int) else 0)
            if not after or len(rows) > MAXIMUM_COPIES:
                return rows, looked_at
        raise _odd(f"it does not end after {MOST_PAGES} pages")


def _row(said: JsonObject) -> ContentRow:
    locator, quality = text_at(said, "locator"), said.get("quality")
    hashes = [text_at(said, name).lower() for name in ("sha256", "pdq")]
    turns = tuple(str(one).lower() for one in array_at(said, "turns"))
    if locator_fault(locator):
        raise _odd("a place in its answer is none")
    if not all(_HEX.fullmatch(one) for one in (*hashes, *turns) if one):
        raise _odd("a hash in its answer is none")
    return ContentRow(locator, hashes[0], hashes[1], quality if isinstance(quality, int) else None, turns)


def _odd(what: str) -> Unanswered:
    return Unanswered(Problem(code="K207", message=f"the index of content: {what}", do="look at the service"))
