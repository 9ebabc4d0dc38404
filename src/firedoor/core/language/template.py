"""Words with holes in them: `{{ facts.endpoint }}`, sandboxed, with names known before anything runs.

Decides which template language playbooks may use: Jinja2 in its immutable sandbox, cut down to
names, comparisons, `if`, `for` and a short list of filters and tests. The parsed tree is held
against that list before anything of it is compiled or worked out, and rendering stops at a bound
of output and of rounds of loops. An unknown value renders as a visible mark, never as nothing.
Leaves which names exist to the caller, who checks `references`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.filters import do_join, do_replace
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from firedoor.core.facts import Count, show
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.ternary import UNKNOWN

MAXIMUM_LENGTH = 20_000  # characters
MAXIMUM_OUTPUT = 200_000  # characters
MAXIMUM_ROUNDS = 20_000  # of all loops of one rendering together
MAXIMUM_NODES = 4_000
FILTERS = ("default", "join", "length", "lower", "upper", "title", "trim", "replace", "first", "last", "sort", "unique")
TESTS = ("defined", "undefined", "none", "string", "number", "in", "eq", "ne", "lt", "le", "gt", "ge", "==", "!=")

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Assign, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Const, nodes.List, nodes.Tuple, nodes.If, nodes.For, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not,
    nodes.Compare, nodes.Operand, nodes.Filter, nodes.Keyword, nodes.Test,
)  # fmt: skip
_ROUNDS, _COUNTED = "_rounds_left", "_counted"  # names that no template can write: a leading underscore is refused
Path = tuple[str, ...]


class _Marked(Undefined):
    """A name without a value renders as a mark that nobody overlooks."""

    def __str__(self) -> str:
        return f"[unknown: {self._undefined_name}]"

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Marked(name=f"{self._undefined_name}.{name}")


@pass_context  # so that Jinja2 cannot work a hole out while it compiles
def _finalize(_: Context, value: object) -> object:
    if value is None or value is UNKNOWN:
        return "[unknown]"
    return show(value) if isinstance(value, (Count, tuple)) else value


@pass_context
def _counted(context: Context, items: Iterable[object]) -> Iterator[object]:
    """Go round a loop, as long as the rendering has rounds left."""
    left: list[int] = context[_ROUNDS]
    for item in items:
        left[0] -= 1
        if left[0] < 0:
            raise ValueError(f"its loops go round more than {MAXIMUM_ROUNDS} times")
        yield item


@pass_context
def _replace(context: Context, value: object, old: str, new: str, count: int | None = None) -> object:
    text = str(value)
    _bound(len(text) + (text.count(str(old)) if old else len(text) + 1) * len(str(new)))
    return do_replace(context.eval_ctx, text, old, new, count)


@pass_context
def _join(context: Context, value: Iterable[object], d: str = "", attribute: str | None = None) -> object:
    items = [str(item) for item in value] if attribute is None else list(value)
    _bound(sum(len(str(item)) for item in items) + len(items) * len(str(d)))
    return do_join(context.eval_ctx, items, d, attribute)


def _bound(size: int) -> None:
    if size > MAXIMUM_OUTPUT:
        raise ValueError(f"it grows beyond {MAXIMUM_OUTPUT} characters")


_environment = ImmutableSandboxedEnvironment(
    undefined=_Marked, finalize=_finalize, autoescape=False, keep_trailing_newline=True, optimized=False
)
_environment.filters = {name: _environment.filters[name] for name in FILTERS} | {
    "replace": _replace, "join": _join, _COUNTED: _counted,
}  # fmt: skip
_environment.tests = {name: _environment.tests[name] for name in TESTS}
_environment.globals = {}


@dataclass(frozen=True)
class Template:
    """A parsed template. `references` are the dotted names that it uses."""

    text: str
    references: frozenset[Path]

    @staticmethod
    def parse(text: str) -> Template:
        """Parse, and work out what is constant in it. Raises InvalidInput saying what is not allowed."""
        return _parse(text)

    def render(self, scope: Mapping[str, object]) -> str:
        """Fill the holes. Raises InvalidInput, and nothing else, when that cannot be done within bounds."""
        if "{" not in self.text:
            return self.text
        return _fill(self.text, _compiled(self.text), scope)


def _fill(text: str, template: JinjaTemplate, scope: Mapping[str, object]) -> str:
    pieces, size = [], 0
    try:
        for piece in template.generate({**scope, _ROUNDS: [MAXIMUM_ROUNDS]}):
            size += len(piece)
            _bound(size)
            pieces.append(piece)
    except Exception as error:  # noqa: BLE001 - whatever a value does here is a problem of this text alone
        raise _invalid(text, f"cannot be filled in: {error}") from None
    return "".join(pieces)


@lru_cache(maxsize=2048)
def _compiled(text: str) -> JinjaTemplate:
    tree = _read(text)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
    code = _environment.compile(tree)
    return JinjaTemplate.from_code(_environment, code, _environment.make_globals(None))


@lru_cache(maxsize=2048)
def _parse(text: str) -> Template:
    if len(text) > MAXIMUM_LENGTH:
        raise _invalid(text, f"is longer than {MAXIMUM_LENGTH} characters")
    if "{" not in text:
        return Template(text, frozenset())
    tree = _read(text)
    try:
        _compiled(text)
    except (TemplateSyntaxError, RecursionError, SyntaxError, ValueError) as error:
        raise _unreadable(text, error) from None
    _work_out_constants(text, tree)
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}  # names that it makes itself
    references = frozenset(path for path in _paths(tree) if path[0] not in own | {"loop"})
    return Template(text, references)


def _read(text: str) -> nodes.Template:
    """Return the tree, which holds nothing but what is part of the language. Nothing of it was worked out yet."""
    try:
        tree = _environment.parse(text)
        for count, node in enumerate(tree.find_all(nodes.Node)):
            if problem := _refusal(node, count):
                raise _invalid(text, problem)
    except (TemplateSyntaxError, RecursionError, ValueError) as error:
        raise _unreadable(text, error) from None
    return tree


def _refusal(node: nodes.Node, count: int) -> str:
    if count > MAXIMUM_NODES:
        return f"has more than {MAXIMUM_NODES} parts"
    name = getattr(node, "name", "")
    match node:
        case _ if not isinstance(node, _ALLOWED):
            return f"uses {type(node).__name__.lower()}, which is not part of the language"
        case nodes.List() | nodes.Tuple() if not all(
            isinstance(item, nodes.Const) or (isinstance(item, nodes.Name) and item.ctx == "store")
            for item in node.items
        ):
            return "has a list of something else than constants, which is not part of the language"
        case nodes.Filter() if name not in FILTERS:
            return f'has no filter "{name}"'
        case nodes.Test() if name not in TESTS:
            return f'has no test "{name}"'
        case nodes.For() if node.recursive:
            return "has a recursive loop, which is not part of the language"
        case nodes.Name() if name.startswith("_"):
            return f'uses the name "{name}"; names do not begin with an underscore'
    return ""


def _work_out_constants(text: str, tree: nodes.Template) -> None:
    """Raise InvalidInput for a part without a name in it that can never be filled in."""
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            if not isinstance(part, (nodes.TemplateData, nodes.Const)) and part.find(nodes.Name) is None:
                alone = nodes.Template([nodes.Output([part], lineno=part.lineno)], lineno=part.lineno)
                alone.set_environment(_environment)
                code = _environment.compile(alone)
                _fill(text, JinjaTemplate.from_code(_environment, code, {}), {})


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


def _unreadable(text: str, error: Exception) -> InvalidInput:
    said = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "message", None) or str(error)
    return _invalid(text, f"cannot be read: {said}")


def _invalid(text: str, message: str) -> InvalidInput:
    return InvalidInput(
        Problem(
            code="E202",
            message=f'template "{text[:60]}" {message}',
            do="use {{ name }}, if, for and the listed filters",
        )
    )
