"""Which drivers of content there are, found by folder, and how their configuration is read.

Decides that a module of this folder is the driver of its own name (`_` read as `-`). Leaves what it does to the driver.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, ValidationError

import firedoor.connectors.content
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.problems import InvalidInput, NotFound, Problem, nearest
from firedoor.core.removal.ports import Blocklist, ContentIndex, Remover

Part = Literal["removal", "blocklist", "index"]
_NOT_DRIVERS = frozenset({"registry", "outside"})
_METHOD: Mapping[Part, str] = {"removal": "remove", "blocklist": "block", "index": "search"}


def available() -> tuple[str, ...]:
    """Return the drivers by kind, without importing any."""
    modules = pkgutil.iter_modules(firedoor.connectors.content.__path__)
    return tuple(sorted(module.name.replace("_", "-") for module in modules if module.name not in _NOT_DRIVERS))


def remover(kind: str, config: Mapping[str, object], context: ConnectorContext) -> Remover:
    """A driver that takes content away. Raises NotFound or InvalidInput with all problems."""
    return cast("Remover", _opened("removal", kind, config, context))


def blocklist(kind: str, config: Mapping[str, object], context: ConnectorContext) -> Blocklist:
    """A driver that keeps uploads out. Raises as `remover`."""
    return cast("Blocklist", _opened("blocklist", kind, config, context))


def index(kind: str, config: Mapping[str, object], context: ConnectorContext) -> ContentIndex:
    """A driver that knows the hashes of what is stored. Raises as `remover`."""
    return cast("ContentIndex", _opened("index", kind, config, context))


def _opened(part: Part, kind: str, config: Mapping[str, object], context: ConnectorContext) -> object:
    found = _load(kind)
    if not hasattr(found, _METHOD[part]):
        message = f'the driver "{kind}" cannot be used as {part}'
        raise InvalidInput(Problem(code="K121", message=message, do=f"one of {', '.join(available())}"))
    return cast("Callable[[ConnectorContext, BaseModel], object]", found)(context, _read(kind, found.Settings, config))


def _load(kind: str) -> Any:  # noqa: ANN401 - a class of one of three ports
    if kind not in available():
        message = f'no driver of content is called "{kind[:80]}"'
        raise NotFound(Problem(code="K120", message=message, do=nearest(kind[:80], available())))
    module = importlib.import_module(f"{firedoor.connectors.content.__name__}.{kind.replace('-', '_')}")
    for _, member in inspect.getmembers(module, inspect.isclass):
        if member.__module__ == module.__name__ and getattr(member, "kind", None) == kind:
            return member
    raise LookupError(f'no class in {module.__name__} says kind = "{kind}"')


def _read(kind: str, form: type[BaseModel], config: Mapping[str, object]) -> BaseModel:
    try:
        return form.model_validate(dict(config))
    except ValidationError as error:
        raise InvalidInput(
            Problem(
                code="K122", field=".".join(map(str, item["loc"])) or None,
                message=f"{kind}: {'.'.join(map(str, item['loc'])) or 'config'}: {item['msg']}",
                do=f"known: {', '.join(form.model_fields)}",
            )
            for item in error.errors(include_url=False, include_input=False)
        ) from None  # fmt: skip
