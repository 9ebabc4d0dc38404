"""The connectors of one process, each built on first use with one context, and what they say of an inventory.

Decides that all share one HTTP client, and that every problem of an inventory is told at once. Leaves which connectors
there are to the registry, and what is wrong with a door to its connector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import cast

from firedoor.connectors.content import registry
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.probes import caller
from firedoor.connectors.registry import available, load
from firedoor.core.ports import Connector
from firedoor.core.problems import FiredoorError, Problem
from firedoor.core.removal.store import ContentStore, Driven
from firedoor.core.targets import ConnectorProbe, Door, Inventory, Target, inventory_problems


class OpenConnectors(Mapping[str, Connector]):
    """Connectors by kind, built on first use with one context."""

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context
        self._open: dict[str, Connector] = {}

    def __getitem__(self, kind: str) -> Connector:
        if kind not in self._open:
            self._open[kind] = cast("type", load(kind))(self._context)
        return self._open[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(available())

    def __len__(self) -> int:
        return len(available())

    async def close(self) -> None:
        """Close the HTTP client that they share."""
        await self._context.client.aclose()

    def check_inventory(self, inventory: Inventory) -> tuple[Problem, ...]:
        """Return the problems of the inventory and of every door in it, warnings included."""
        problems = list(inventory_problems(inventory))
        for target in inventory.targets.values():
            for door in target.doors:
                place = f"targets.{target.id}.doors.{door.name}"
                problems += _found(place, partial(self._check_door, target, door))
            if target.content is not None:
                problems += _content(target.id, target.content, self._context)
            if isinstance(target.probe, ConnectorProbe):
                problems += _found(f"targets.{target.id}.probe", partial(self._check_probe, target.probe))
        return tuple(problems)

    def _check_door(self, target: Target, door: Door) -> None:
        self[door.connector].check(target, door)

    def _check_probe(self, probe: ConnectorProbe) -> None:
        """Raise InvalidInput when the connector that a probe names takes no looks, or not this one."""
        caller(self._context, probe.via).check_probe(probe.config)


def _content(target: str, content: ContentStore, context: ConnectorContext) -> list[Problem]:
    """What the drivers of a store say of their configuration."""
    place, found = f"targets.{target}.content", []
    if content.removal is not None:
        part = content.removal
        found += _found(f"{place}.removal", partial(_used, registry.remover, part, context))
    if content.blocklist is not None:
        found += _found(f"{place}.blocklist", partial(_used, registry.blocklist, content.blocklist, context))
    if content.index is not None and content.index.service is not None:
        found += _found(f"{place}.index.service", partial(_used, registry.index, content.index.service, context))
    return found


def _used(
    opened: Callable[[str, Mapping[str, object], ConnectorContext], object], part: Driven, context: ConnectorContext
) -> None:
    opened(part.via, part.config, context)


def _found(place: str, check: Callable[[], None]) -> list[Problem]:
    """The problems that a check raises, each with its place."""
    try:
        check()
    except FiredoorError as error:
        return [problem if problem.field else problem.model_copy(update={"field": place}) for problem in error.problems]
    return []
