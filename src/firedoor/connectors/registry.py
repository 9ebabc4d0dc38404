"""Which connectors there are, found by folder and by entry point, and imported on first use.

Decides that a module of this folder is the connector of its own name (`_` read as `-`),
that an installed package adds one under the entry point group `firedoor.connectors`, and
that two of one name are a mistake. Leaves what a connector does to the connector.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import cast

import firedoor.connectors
from firedoor.core.ports import Connector
from firedoor.core.problems import InvalidInput, NotFound, Problem, nearest

GROUP = "firedoor.connectors"
_NOT_CONNECTORS = frozenset({"registry"})


class UnknownConnector(NotFound, KeyError):
    """No connector has this name. A KeyError as well, so that the registry is an honest Mapping."""

    __str__ = Exception.__str__


@dataclass(frozen=True)
class Origin:
    """Where a connector comes from: a module of ours, or `module:Class` of an installed package."""

    kind: str
    module: str
    attribute: str | None = None
    package: str | None = None


@cache
def available() -> Mapping[str, Origin]:
    """Return every connector by kind, without importing any. Raises InvalidInput when two have one name."""
    ours = {origin.kind: origin for origin in _by_folder()}
    found, problems = dict(ours), []
    for point in entry_points(group=GROUP):
        origin = _by_entry_point(point)
        if origin.kind in found and found[origin.kind] != origin:
            message = f'two connectors are called "{origin.kind}": {found[origin.kind].module} and {origin.module}'
            problems.append(
                Problem(code="K106", message=message, do=f"uninstall or rename {origin.package or origin.module}")
            )
        found.setdefault(origin.kind, origin)
    if problems:
        raise InvalidInput(problems)
    return found


def load(kind: str) -> type[Connector]:
    """Import the class of one connector. Raises UnknownConnector, or InvalidInput when it cannot be imported."""
    origin = available().get(kind)
    if origin is None:
        message = f'no connector is called "{kind}"'
        raise UnknownConnector(Problem(code="K104", message=message, do=nearest(kind, available())))
    try:
        module = importlib.import_module(origin.module)
        return _class_of(module, origin)
    except (ImportError, AttributeError, LookupError) as error:
        do = f"repair or uninstall {origin.package}" if origin.package else "install the extra that it needs"
        message = f'the connector "{kind}" cannot be loaded from {origin.module}: {error}'
        raise InvalidInput(Problem(code="K106", message=message, do=do)) from error


def _by_folder() -> Iterator[Origin]:
    for module in pkgutil.iter_modules(firedoor.connectors.__path__):
        if not module.ispkg and module.name not in _NOT_CONNECTORS and not module.name.startswith("_"):
            yield Origin(kind=module.name.replace("_", "-"), module=f"{firedoor.connectors.__name__}.{module.name}")


def _by_entry_point(point: EntryPoint) -> Origin:
    package = point.dist.name if point.dist else None
    return Origin(kind=point.name, module=point.module, attribute=point.attr or None, package=package)


def _class_of(module: ModuleType, origin: Origin) -> type[Connector]:
    if origin.attribute:
        return cast("type[Connector]", getattr(module, origin.attribute))
    for _, member in inspect.getmembers(module, inspect.isclass):
        if member.__module__ == module.__name__ and getattr(member, "kind", None) == origin.kind:
            return cast("type[Connector]", member)
    raise LookupError(f'no class in it says kind = "{origin.kind}"')
