"""Finds the sources of alerts: every file of this folder that defines SOURCE, `vendors`, and outsiders' entry points.

Decides that a source is one file, that its name is unique, and that our own cannot be replaced from
outside. An outsider's package declares `[project.entry-points."firedoor.alert_sources"]` with the
AlertSource as its value. Leaves sources made by mappings to the runtime, which adds them by `with_mapped`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from types import MappingProxyType
from typing import cast

from firedoor import alerts
from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import GenericMapping
from firedoor.alerts.shipped import shipped_sources
from firedoor.alerts.source import AlertSource, Example
from firedoor.core.language.json_payload import one_line
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem, nearest

GROUP = "firedoor.alert_sources"
# What the sources share.
PARTS = frozenset(
    ("bodies", "detection", "expressions", "foreign", "foreign_times", "items", "mapped_item", "mapping", "paths",
     "plain", "proposal", "registry", "sample", "shipped", "source", "unwrapping")
)  # fmt: skip


@lru_cache(maxsize=1)
def sources() -> Mapping[str, AlertSource]:
    """Return every source by its id. Raises InvalidInput when an outsider's cannot be used."""
    names = sorted(module.name for module in pkgutil.iter_modules(alerts.__path__) if not module.ispkg)
    own = [importlib.import_module(f"{alerts.__name__}.{name}").SOURCE for name in names if name not in PARTS]
    return collected([*own, *shipped_sources()], [(point.name, _loaded(point)) for point in entry_points(group=GROUP)])


def _loaded(point: EntryPoint) -> object:
    """What an entry point names. Raises InvalidInput (D211) when it cannot be imported: that names the package."""
    try:
        return cast("object", point.load())
    except (ImportError, AttributeError, FiredoorError) as error:
        package = point.dist.name if point.dist else point.value
        message = f"cannot be loaded from {point.value}: {one_line(str(error), 200)}"
        raise InvalidInput(_problem("D211", point.name, message, f"repair or uninstall {package}")) from error


def collected(own: Iterable[AlertSource], outside: Iterable[tuple[str, object]]) -> Mapping[str, AlertSource]:
    """Return sources by id; each id once. Raises InvalidInput (D211, D212) with every problem."""
    found = {source.id: source for source in own}
    problems = []
    for name, source in outside:
        if not isinstance(source, AlertSource):
            problems.append(_problem("D211", name, "is no AlertSource", "let the entry point name the SOURCE object"))
        elif source.id in found:
            problems.append(_problem("D212", name, f"the id {source.id} is taken", "choose an id of its own"))
        else:
            found[source.id] = source
    if problems:
        raise InvalidInput(problems)
    return MappingProxyType(dict(sorted(found.items())))


def with_mapped(known: Mapping[str, AlertSource], mappings: Iterable[GenericMapping]) -> Mapping[str, AlertSource]:
    """Return the sources together with those that mappings make. Raises InvalidInput (D212)."""
    return collected(known.values(), [(mapping.source, mapped_source(mapping)) for mapping in mappings])


def find(name: str) -> AlertSource:
    """Return a source by its id. Raises NotFound (D210) with the nearest name."""
    known = sources()
    if name not in known:
        problem = _problem("D210", "source", "no source of alerts has this name", nearest(name[:80], known))
        raise NotFound(problem)
    return known[name]


def example_body(example: Example) -> bytes:
    """Return the bytes of an example that ships with its source."""
    if example.body is not None:
        return example.body
    return (files(example.package) / example.file).read_bytes()


def _problem(code: str, field: str, message: str, do: str) -> Problem:
    return Problem(code=code, field=field, message=message, do=do)
