"""Words with holes in them: `{{ facts.endpoint }}`, sandboxed, with names known before anything runs.

Decides which template language playbooks may use: Jinja2 in its immutable
sandbox, without includes, imports, macros or calls, and with a short list of
filters. An unknown value renders as a visible mark, never as nothing. Leaves
which names exist to the caller, who checks `references`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from firedoor.core.facts import Count, show
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.ternary import UNKNOWN

MAXIMUM_LENGTH = 20_000  # characters
MAXIMUM_OUTPUT = 200_000  # characters
FILTERS = ("default", "join", "length", "lower", "upper", "title", "trim", "replace", "first", "last", "sort", "unique")

_REFUSED = (
    nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends, nodes.Macro, nodes.CallBlock, nodes.Call, nodes.Block,
    nodes.FilterBlock, nodes.Mul, nodes.Pow, nodes.Add, nodes.Concat, nodes.ExprStmt,
)  # fmt: skip
Path = tuple[str, ...]


class _Marked(Undefined):
    """A name without a value renders as a mark that nobody overlooks."""

    def __str__(self) -> str:
        return f"[unknown: {self._undefined_name}]"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        return _Marked(name=f"{self._undefined_name}.{name}")


def _finalize(value: Any) -> Any:  # noqa: ANN401
    if value is None or value is UNKNOWN:
        return "[unknown]"
    return show(value) if isinstance(value, (Count, tuple)) else value


_environment = ImmutableSandboxedEnvironment(
    undefined=_Marked, finalize=_finalize, autoescape=False, keep_trailing_newline=True
)
_environment.filters = {name: _environment.filters[name] for name in FILTERS}
_environment.globals = {}


@dataclass(frozen=True)
class Template:
    """A parsed template. `references` are the dotted names that it uses."""

    text: str
    references: frozenset[Path]

    @staticmethod
    def parse(text: str) -> Template:
        """Parse. Raises InvalidInput saying what is not allowed."""
        return _parse(text)

    def render(self, scope: Mapping[str, Any]) -> str:
        """Fill the holes. Raises InvalidInput when the result is unreasonably long or unsafe."""
        if "{" not in self.text:
            return self.text
        try:
            result = _compiled(self.text).render(scope)
        except (SecurityError, TypeError, ValueError, OverflowError) as error:
            raise _invalid(self.text, f"cannot be filled in: {error}") from None
        if len(result) > MAXIMUM_OUTPUT:
            raise _invalid(self.text, f"grows beyond {MAXIMUM_OUTPUT} characters")
        return result


@lru_cache(maxsize=2048)
def _compiled(text: str) -> JinjaTemplate:
    return _environment.from_string(text)


@lru_cache(maxsize=2048)
def _parse(text: str) -> Template:
    if len(text) > MAXIMUM_LENGTH:
        raise _invalid(text, f"is longer than {MAXIMUM_LENGTH} characters")
    if "{" not in text:
        return Template(text, frozenset())
    try:
        tree = _environment.parse(text)
        _compiled(text)  # unknown filters and tests are found here
    except (TemplateSyntaxError, RecursionError) as error:
        raise _invalid(text, f"cannot be read: {getattr(error, 'message', 'nested too deeply')}") from None
    for node in tree.find_all(_REFUSED):
        raise _invalid(text, f"uses {type(node).__name__.lower()}, which is not part of the language")
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}  # names that it makes itself
    references = frozenset(path for path in _paths(tree) if path[0] not in own | {"loop"})
    return Template(text, references)


def _paths(node: nodes.Node) -> Iterator[Path]:
    if isinstance(node, (nodes.Name, nodes.Getattr)):
        path = _path(node)
        if path:
            yield path
            return
    for child in node.iter_child_nodes():
        yield from _paths(child)


def _path(node: nodes.Node) -> Path:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        front = _path(node.node)
        return (*front, node.attr) if front else ()
    return ()


def _invalid(text: str, message: str) -> InvalidInput:
    return InvalidInput(
        Problem(
            code="E202",
            message=f'template "{text[:60]}" {message}',
            do="use {{ name }}, if, for and the listed filters",
        )
    )
