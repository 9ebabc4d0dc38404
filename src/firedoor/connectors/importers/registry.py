"""Which importers there are, found by folder, and how their settings are read.

Decides that a module of this folder is the importer of its own name (`_` read as `-`). Leaves what it finds to the
importer, and what becomes of it to `firedoor.connectors.importers.proposal`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

import firedoor.connectors.importers
from firedoor.core.language.validation import Fault, faults
from firedoor.core.ports import Importer
from firedoor.core.problems import InvalidInput, NotFound, Problem, nearest

if TYPE_CHECKING:  # it brings the HTTP client
    from firedoor.connectors.parts.context import ConnectorContext

_NOT_IMPORTERS = frozenset({"registry", "proposal"})
Form = TypeVar("Form", bound=BaseModel)


def available() -> tuple[str, ...]:
    """Return the importers by kind, without importing any."""
    modules = pkgutil.iter_modules(firedoor.connectors.importers.__path__)
    return tuple(sorted(module.name.replace("_", "-") for module in modules if module.name not in _NOT_IMPORTERS))


def load(kind: str) -> type[Importer]:
    """Import the class of one importer. Raises NotFound."""
    if kind not in available():
        message = f'no importer is called "{kind[:80]}"'
        raise NotFound(Problem(code="K110", message=message, do=nearest(kind[:80], available())))
    module = importlib.import_module(f"{firedoor.connectors.importers.__name__}.{kind.replace('-', '_')}")
    for _, member in inspect.getmembers(module, inspect.isclass):
        if member.__module__ == module.__name__ and getattr(member, "kind", None) == kind:
            return cast("type[Importer]", member)
    raise LookupError(f'no class in {module.__name__} says kind = "{kind}"')


def open_importer(kind: str, context: ConnectorContext) -> Importer:
    """Return one importer, ready to look. Raises NotFound."""
    return cast("Importer", cast("Any", load(kind))(context))


def read_settings(form: type[Form], settings: Mapping[str, object]) -> Form:
    """Validate what a person gave by `--set`. Raises InvalidInput with every problem."""
    try:
        return form.model_validate(dict(settings))
    except ValidationError as error:
        raise InvalidInput(
            Problem(code="K111", message=fault.message, do=_how(fault, form), field=fault.field or None)
            for fault in faults(error, form)
        ) from None


def _how(fault: Fault, form: type[BaseModel]) -> str:
    """What to do about a fault; of a setting that is missing, how it is given on the command line."""
    if fault.do and fault.kind != "missing":
        return fault.do
    name = fault.field if fault.kind == "missing" else "NAME"
    return f"write --set {name}=VALUE; known: {', '.join(form.model_fields)}"


def target_id(*parts: str) -> str:
    """Make an id that the inventory takes out of the names of a system: lower case, no more than 63 characters."""
    name = re.sub(r"[^a-z0-9._-]+", "-", "-".join(parts).lower()).strip("-._")
    return name[:63].rstrip("-._") or "unnamed"
