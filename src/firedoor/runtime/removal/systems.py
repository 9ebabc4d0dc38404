"""A store of content as one thing: its index, its removal, its blocklist and its outside, put together on first use.

Decides that a part which the inventory does not describe says so instead of doing nothing. Leaves each part to its
driver.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from firedoor.connectors.content import registry
from firedoor.connectors.content.outside import Stranger
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.removal.matching import Search, Wanted
from firedoor.core.removal.ports import Blocklist, ContentSystem, Look, Removal, Remover
from firedoor.core.removal.store import ContentStore, Driven
from firedoor.core.targets import Target
from firedoor.core.ternary import Ternary
from firedoor.runtime.removal.search import search_here

HOW = "see docs/how-to/remove-copies.md; until then do it by hand and say so"
PARTS = {
    "index": "where hashes of what is stored can be looked up", "removal": "how content is taken away",
    "blocklist": "how uploads are kept out", "outside": "the address under which strangers see it",
    "upload": "how an upload is tried",
}  # fmt: skip


class ContentSystems(Protocol):
    """Whoever has the stores of content of a world."""

    def __call__(self, target: Target) -> ContentSystem:
        """The store of a target. Raises InvalidInput where the inventory describes none."""


class NotDescribedHere(InvalidInput):
    """The inventory does not say how something is done at a store."""

    def __init__(self, target: str, part: str) -> None:
        message = f"the inventory does not say {PARTS.get(part, 'that it holds content')} at {target}"
        super().__init__(Problem(code="R121", field=f"targets.{target}.content", message=message, do=HOW))


class OpenSystems:
    """The stores of an inventory, each built on first use."""

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context
        self._open: dict[str, StoreSystem] = {}

    def __call__(self, target: Target) -> ContentSystem:
        """As `ContentSystems`."""
        if target.content is None:
            raise NotDescribedHere(target.id, "")
        if target.id not in self._open:
            self._open[target.id] = StoreSystem(target.id, target.content, self._context)
        return self._open[target.id]


class StoreSystem:
    """One store, as the inventory describes it."""

    def __init__(self, name: str, content: ContentStore, context: ConnectorContext) -> None:
        self.name, self.content = name, content
        self._context, self._stranger = context, Stranger(context)
        self._remover: Remover | None = None
        self._blocklist: Blocklist | None = None

    def has(self, part: str) -> bool:
        """Whether the inventory describes a part, or says so of `hidden_is_gone`."""
        if part == "hidden_is_gone":
            return self.content.outside is not None and self.content.outside.hidden_is_gone
        return getattr(self.content, part, None) is not None

    def key_of(self, locator: str) -> str | None:
        """As `ContentStore.key_of`."""
        return self.content.key_of(locator)

    async def search(self, wanted: Wanted) -> Search:
        """In the service, the file or the content that the inventory names."""
        index = self.content.index
        if index is None:
            raise NotDescribedHere(self.name, "index")
        if index.service is not None:
            service = registry.index(index.service.via, index.service.config, self._context)
            keys = tuple(dict.fromkeys(key for place in wanted.locators if (key := self.key_of(place))))
            own = Wanted(wanted.sha256, wanted.pdq, keys, wanted.distance)
            found = await service.search(own)
            back = Wanted(found.wanted.sha256, found.wanted.pdq, wanted.locators, wanted.distance)
            return Search(found.found, found.looked_at, found.not_looked, back)
        return await asyncio.to_thread(search_here, self.content, index, wanted)

    async def remove(self, locator: str, key: str) -> Removal:
        """Through the driver of removals."""
        return await self._removes().remove(locator, key)

    async def removed(self, locator: str) -> Ternary:
        """Through the driver of removals."""
        return await self._removes().removed(locator)

    async def restore(self, locator: str, undo: str, key: str) -> None:
        """Through the driver of removals."""
        await self._removes().restore(locator, undo, key)

    async def block(self, algorithm: str, value: str, key: str) -> bool:
        """Through the driver of the blocklist."""
        return await self._blocks().block(algorithm, value, key)

    async def blocked(self, algorithm: str, value: str) -> Ternary:
        """Through the driver of the blocklist."""
        return await self._blocks().blocked(algorithm, value)

    async def unblock(self, algorithm: str, value: str, key: str) -> bool:
        """Through the driver of the blocklist."""
        return await self._blocks().unblock(algorithm, value, key)

    async def look(self, locator: str) -> Look:
        """As a stranger."""
        if self.content.outside is None:
            raise NotDescribedHere(self.name, "outside")
        return await self._stranger.look(self.content.outside, locator)

    async def upload(self, name: str, content: bytes) -> Look:
        """As whoever uploads."""
        if self.content.upload is None:
            raise NotDescribedHere(self.name, "upload")
        return await self._stranger.upload(self.content.upload, name, content)

    def _removes(self) -> Remover:
        if self._remover is None:
            part = self._part("removal", self.content.removal)
            self._remover = registry.remover(part.via, part.config, self._context)
        return self._remover

    def _blocks(self) -> Blocklist:
        if self._blocklist is None:
            part = self._part("blocklist", self.content.blocklist)
            self._blocklist = registry.blocklist(part.via, part.config, self._context)
        return self._blocklist

    def _part(self, name: str, part: Driven | None) -> Driven:
        if part is None:
            raise NotDescribedHere(self.name, name)
        return part
