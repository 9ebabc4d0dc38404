"""Templates of a door: text with a closed set of names, and secrets by reference only.

Decides what may be written between `{{` and `}}` (a name that is known beforehand, a few
filters, a comparison; nothing can be called), how a value enters a URL, a header or a
JSON body, and that a secret comes from the door's own text, never from a value that a
remote system has sent. Leaves resolving secrets to the Secrets port.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from firedoor.core.problems import InvalidInput, Problem, nearest

Names = Mapping[str, "Names | None"]  # None: a value; whatever lies inside it is allowed
Values = Mapping[str, object]
Resolve = Callable[[str], str]
Use = Literal["url", "header", "body"]

SECRET = re.compile(r"secret://(?:env/[A-Za-z_][A-Za-z0-9_]*|file/[A-Za-z0-9._/@+-]+)")
_FILTERS = ("default", "int", "join", "lower", "replace", "string", "trim", "upper")
_ONE_EXPRESSION = re.compile(r"\A\s*\{\{-?(.*?)-?\}\}\s*\Z", re.DOTALL)
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const,
    nodes.Filter, nodes.Keyword, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    nodes.Concat,
)  # fmt: skip


class _Environment(ImmutableSandboxedEnvironment):
    """Looks names up in mappings only, so that no attribute of a Python object can be reached."""

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: object, argument: object) -> object:
        if isinstance(obj, Mapping):
            with suppress(KeyError, TypeError):  # TypeError: what cannot be a key is none of its keys
                return obj[argument]
        if isinstance(obj, list | tuple) and isinstance(argument, int):
            with suppress(IndexError):
                return obj[argument]
        return self.undefined(obj=obj, name=str(argument))


def _into_url(value: object) -> str:
    """Quote a value so that it stays one piece of a path or a query, whatever it holds."""
    text = "" if value is None or isinstance(value, Undefined) else str(value)
    if text in ("", ".", ".."):
        raise _unusable(f"a URL would be built from {text!r}", "give the target the value that the door asks for")
    return quote(text, safe="")


def _into_header(value: object) -> str:
    text = "" if value is None else str(value)
    if not text.isprintable():
        raise _unusable("a header would hold a control character", "look at the value that it is built from")
    return text


def _into_body(value: object) -> str:
    return "" if value is None else str(value)


def _environment(finalize: Callable[[object], str]) -> Environment:
    environment = _Environment(undefined=StrictUndefined, finalize=finalize, autoescape=False)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.tests = {}
    return environment


_ENVIRONMENTS: Mapping[Use, Environment] = {
    "url": _environment(_into_url),
    "header": _environment(_into_header),
    "body": _environment(_into_body),
}


@dataclass(frozen=True)
class Text:
    """A compiled text: pieces that are rendered, and references that are resolved at call time."""

    source: str
    pieces: tuple[Callable[[Values], str] | str, ...]
    references: tuple[str, ...]

    def render(self, values: Values, resolve: Resolve) -> str:
        """Fill in names and secrets. Raises InvalidInput for a name without a value."""
        try:
            return "".join(resolve(piece) if isinstance(piece, str) else piece(values) for piece in self.pieces)
        except UndefinedError as error:
            raise _unusable(
                f"{self.source!r}: {error.message}", "the captured state does not hold what the door asks for"
            ) from None


Native = Callable[[Values], object]
Tree: TypeAlias = "Text | Native | dict[str, Tree] | list[Tree] | int | float | bool | None"


def compile_text(source: str, names: Names, use: Use) -> Text:
    """Compile one text. Raises InvalidInput naming what is not allowed in it."""
    pieces: list[Callable[[Values], str] | str] = []
    position = 0
    for found in (*SECRET.finditer(source), None):
        literal = source[position : found.start() if found else len(source)]
        if literal:
            pieces.append(_renderer(literal, names, use))
        if found:
            pieces.append(found.group())
            position = found.end()
    references = tuple(piece for piece in pieces if isinstance(piece, str))
    if references and use == "url":
        raise _unusable(f"{source!r} puts a secret into a URL", "send it in a header; URLs end up in logs")
    return Text(source, tuple(pieces), references)


def compile_tree(value: object, names: Names) -> Tree:
    """Compile every text of a JSON value. A text that is one expression keeps the type of its value."""
    match value:
        case str():
            return _native(value, names) or compile_text(value, names, "body")
        case dict():
            return {str(key): compile_tree(item, names) for key, item in value.items()}
        case list() | tuple():
            return [compile_tree(item, names) for item in value]
        case int() | float() | bool() | None:
            return value
        case _:
            raise _unusable(f"{value!r} is no JSON value", "write it as text")


def render_tree(tree: Tree, values: Values, resolve: Resolve) -> object:
    """Render a compiled JSON value."""
    match tree:
        case Text():
            return tree.render(values, resolve)
        case dict():
            return {key: render_tree(item, values, resolve) for key, item in tree.items()}
        case list():
            return [render_tree(item, values, resolve) for item in tree]
        case int() | float() | bool() | None:
            return tree
        case _:
            return tree(values)


def references_in(tree: Tree) -> Iterator[str]:
    """Yield the references to secrets in a compiled JSON value."""
    match tree:
        case Text():
            yield from tree.references
        case dict():
            for item in tree.values():
                yield from references_in(item)
        case list():
            for item in tree:
                yield from references_in(item)
        case _:
            return


def _renderer(literal: str, names: Names, use: Use) -> Callable[[Values], str]:
    if "secret://" in literal:
        raise _unusable(
            f"{literal!r} holds a reference that cannot be read", "write secret://env/NAME or secret://file/PATH"
        )
    _parse(literal, names)
    if "{{" not in literal:
        return lambda _values: literal
    template = _ENVIRONMENTS[use].from_string(literal)
    return template.render


def _native(source: str, names: Names) -> Native | None:
    match = _ONE_EXPRESSION.match(source)
    if match is None or "secret://" in source:
        return None
    parsed = _parse(source, names)
    if sum(isinstance(node, nodes.Output) for node in parsed.body) != 1 or "{{" in match.group(1):
        return None
    expression = _ENVIRONMENTS["body"].compile_expression(match.group(1), undefined_to_none=False)

    def evaluate(values: Values) -> object:
        value = expression(values)
        if isinstance(value, Undefined):
            raise _unusable(f"{source!r} has no value", "the captured state does not hold what the door asks for")
        return value

    return evaluate


def _parse(source: str, names: Names) -> nodes.Template:
    try:
        parsed = _ENVIRONMENTS["body"].parse(source)
    except TemplateSyntaxError as error:
        raise _unusable(f"{source!r} cannot be read: {error.message}", "see docs/how-to/connect-with-http.md") from None
    _check(parsed, source, names)
    return parsed


def _check(node: nodes.Node, source: str, names: Names) -> None:
    if not isinstance(node, _ALLOWED):
        raise _unusable(f"{source!r} uses {type(node).__name__.lower()}", "write names, filters and comparisons only")
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise _unusable(f'{source!r} uses the filter "{node.name}"', nearest(node.name, _FILTERS))
    path = _path(node)
    if path is not None:
        _check_path(path, source, names)
        return
    for child in node.iter_child_nodes():
        _check(child, source, names)


def _path(node: nodes.Node) -> tuple[str, ...] | None:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        front = _path(node.node)
        return None if front is None else (*front, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        front = _path(node.node)
        return None if front is None else (*front, str(node.arg.value))
    return None


def _check_path(path: tuple[str, ...], source: str, names: Names) -> None:
    known: Names | None = names
    for depth, part in enumerate(path):
        if known is None:
            return
        if part not in known:
            raise _unusable(f'{source!r} uses the name "{".".join(path[: depth + 1])}"', nearest(part, known))
        known = known[part]
    if known is not None:
        raise _unusable(f'{source!r} uses "{".".join(path)}", which is no single value', nearest("", known))


def _unusable(message: str, do: str) -> InvalidInput:
    return InvalidInput(Problem(code="K102", message=message, do=do))
