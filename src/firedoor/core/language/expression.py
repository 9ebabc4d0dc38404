"""Conditions over facts, with unknown as an answer.

Decides the language of `when:`, `automatic:` and of the law's conditions: the
syntax of Jinja2 expressions, cut down to comparisons, and / or / not, lists,
`in` and `is known`, evaluated here with Kleene's logic (Jinja2's own evaluation
would turn unknown into false). Nothing can be called, so nothing can escape.
Leaves which names exist to the caller, who checks `references` before anything runs.

    facts.people_affected >= 500 and alert.severity >= high
    role == "controller" and "DE" in jurisdictions and not encrypted
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from firedoor.core import ternary
from firedoor.core.facts import Count
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.severity import Severity
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

MAXIMUM_LENGTH = 2_000  # characters
MAXIMUM_NODES = 400

WORDS: Mapping[str, object] = {
    "yes": YES,
    "no": NO,
    "unknown": UNKNOWN,
    **{severity.value: severity for severity in Severity},
}
Path = tuple[str, ...]

# Only ever called on values from outside, of which nobody knows whether they can be put in order: they raise then.
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
}
_SIGN = {"gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "eq": "==", "ne": "!=", "in": "in", "notin": "not in"}
_environment = Environment(autoescape=False)  # noqa: S701 - parses only; never renders


@dataclass(frozen=True)
class Reason:
    """One atom of a condition, as written, and what it came to."""

    text: str
    answer: Ternary
    names: tuple[str, ...]


@dataclass(frozen=True)
class Expression:
    """A parsed condition. `references` are the dotted names it uses, for example ("facts", "minor")."""

    text: str
    root: nodes.Expr
    references: frozenset[Path]

    @staticmethod
    def parse(text: str) -> Expression:
        """Parse. Raises InvalidInput saying what is not allowed."""
        return _parse(text)

    def evaluate(self, scope: Mapping[str, object]) -> object:
        """Return the value; UNKNOWN where a name has none."""
        return _evaluate(self.root, scope)

    def decide(self, scope: Mapping[str, object]) -> Ternary:
        """Return yes, no or unknown."""
        return truth(self.evaluate(scope))

    def reasons(self, scope: Mapping[str, object]) -> tuple[Reason, ...]:
        """Return each atom with its answer, in the order written."""
        return tuple(_reason(atom, scope) for atom in _atoms(self.text))

    def missing(self, scope: Mapping[str, object]) -> tuple[str, ...]:
        """Return the names that keep the answer unknown; empty when it is decided."""
        if self.decide(scope) is not UNKNOWN:
            return ()
        return tuple(
            dict.fromkeys(n for reason in self.reasons(scope) if reason.answer is UNKNOWN for n in reason.names)
        )


@lru_cache(maxsize=4096)
def _parse(text: str) -> Expression:
    if len(text) > MAXIMUM_LENGTH:
        raise _invalid("", f"the expression is longer than {MAXIMUM_LENGTH} characters", "split it over several facts")
    try:
        parser = Parser(_environment, text, state="variable")
        root = parser.parse_expression()
        if not parser.stream.eos:
            raise _invalid(text, f'something is left over after the expression: "{parser.stream.current.value}"', "")
        found = tuple(_walk(root, text))
    except (TemplateSyntaxError, RecursionError, ValueError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "message", None) or error
        raise _invalid(text, f"cannot be read: {said}", "see the reference of expressions") from None
    if len(found) > MAXIMUM_NODES:
        raise _invalid(text, f"has more than {MAXIMUM_NODES} parts", "split it over several facts")
    references = frozenset(path for node in _outermost(root) if (path := _path(node)) and path[0] not in WORDS)
    return Expression(text, root, references)


def truth(value: object) -> Ternary:
    """Read a value as a condition: a flag as itself, a list or text as not empty, a count as at least one."""
    match value:
        case Ternary():
            return value
        case bool():
            return ternary.of(value)
        case Count():
            return _compare("gteq", value, 1)
        case None:
            return UNKNOWN
        case _:
            return ternary.of(bool(value))


_ALLOWED = (
    nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Const, nodes.Name, nodes.Getattr,
    nodes.List, nodes.Tuple, nodes.Test, nodes.Neg,
)  # fmt: skip


def _walk(node: nodes.Node, text: str) -> Iterator[nodes.Node]:
    if not isinstance(node, _ALLOWED):
        what = type(node).__name__.lower()
        raise _invalid(
            text, f"uses {what}, which is not part of the language", "use comparisons, and, or, not, in, is known"
        )
    if isinstance(node, nodes.Getattr) and _path(node) is None:
        raise _invalid(
            text, "takes a part of something that is not a name", "write names such as facts.people_affected"
        )
    if isinstance(node, nodes.Test) and (node.name not in ("known", "unknown") or node.args):
        raise _invalid(text, f'has no test "{node.name}"', nearest(node.name, ("known", "unknown")))
    if isinstance(node, nodes.Neg) and not _may_be_negative(node.node):
        raise _invalid(text, "has a minus before something that is no number", "write numbers such as -1")
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child, text)


def _may_be_negative(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Const):
        return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    return isinstance(node, (nodes.Name, nodes.Getattr, nodes.Neg))


def _outermost(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, (nodes.Name, nodes.Getattr)):
        yield node
        return
    for child in node.iter_child_nodes():
        yield from _outermost(child)


def name_of(node: nodes.Node) -> Path | None:
    """The parts of a dotted name; None for anything else."""
    return _path(node)


def _path(node: nodes.Node) -> Path | None:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        front = _path(node.node)
        return None if front is None or node.attr.startswith("_") else (*front, node.attr)
    return None


def _evaluate(node: nodes.Node, scope: Mapping[str, object]) -> object:
    if type(node) is nodes.Name:  # the most frequent by far
        return _look_up((node.name,), scope)
    match node:
        case nodes.And():
            return ternary.all_of((truth(_evaluate(node.left, scope)), truth(_evaluate(node.right, scope))))
        case nodes.Or():
            return ternary.any_of((truth(_evaluate(node.left, scope)), truth(_evaluate(node.right, scope))))
        case nodes.Not():
            return ternary.negate(truth(_evaluate(node.node, scope)))
        case nodes.Compare():
            return _chain(node, scope)
        case nodes.Const():
            return node.value
        case nodes.Neg():
            value = _evaluate(node.node, scope)
            # There is no less than nothing of words or of a range.
            return -value if isinstance(value, (int, float)) and not isinstance(value, bool) else UNKNOWN
        case nodes.List() | nodes.Tuple():
            return tuple(_evaluate(item, scope) for item in node.items)
        case nodes.Test():
            is_known = _evaluate(node.node, scope) is not UNKNOWN
            return ternary.of(is_known == (node.name == "known"))
        case _:
            return _look_up(_path(node) or (), scope)


def _look_up(path: Path, scope: Mapping[str, object]) -> object:
    if path[0] in WORDS and path[0] not in scope:
        return WORDS[path[0]]
    value: object = scope
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part, UNKNOWN)
        else:
            value = getattr(value, part, UNKNOWN) if part in getattr(type(value), "model_fields", ()) else UNKNOWN
        if value is None or value is UNKNOWN:
            return UNKNOWN
    return value


def _chain(node: nodes.Compare, scope: Mapping[str, object]) -> Ternary:
    left = _evaluate(node.expr, scope)
    answers = []
    for operand in node.ops:
        right = _evaluate(operand.expr, scope)
        answers.append(_compare(operand.op, left, right))
        left = right
    return ternary.all_of(answers)


def _compare(sign: str, left: object, right: object) -> Ternary:
    if left is UNKNOWN or right is UNKNOWN or left is None or right is None:
        return UNKNOWN
    if sign in ("in", "notin"):
        return _contains(sign, left, right)
    if isinstance(left, Count) or isinstance(right, Count):
        return _ranges(sign, left, right)
    left, right = _alike(left, right)
    try:
        return ternary.of(_ORDER[sign](left, right))
    except (TypeError, ValueError):
        return UNKNOWN  # values of different kinds cannot be put in order


def _contains(sign: str, left: object, right: object) -> Ternary:
    if not isinstance(right, (tuple, list, str)) or (isinstance(right, str) and not isinstance(left, str)):
        return UNKNOWN
    return ternary.of((left in right) == (sign == "in"))


def _alike(left: object, right: object) -> tuple[object, object]:
    """Bring a flag and a bool, or an instant and its text, to one kind."""
    if isinstance(left, bool) and isinstance(right, Ternary):
        return ternary.of(left), right
    if isinstance(right, bool) and isinstance(left, Ternary):
        return left, ternary.of(right)
    if isinstance(left, datetime) and isinstance(right, str):
        return left, _instant(right)
    if isinstance(right, datetime) and isinstance(left, str):
        return _instant(left), right
    return left, right


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _ranges(sign: str, left: object, right: object) -> Ternary:
    """Compare at both ends: yes when every possible value satisfies it, no when none does."""
    a, b = _as_range(left), _as_range(right)
    if a is None or b is None:
        return UNKNOWN
    (a_low, a_high), (b_low, b_high) = a, b
    match sign:
        case "gteq":
            return YES if a_low >= b_high else NO if a_high < b_low else UNKNOWN
        case "gt":
            return YES if a_low > b_high else NO if a_high <= b_low else UNKNOWN
        case "lteq":
            return _ranges("gteq", right, left)
        case "lt":
            return _ranges("gt", right, left)
        case "ne":
            return ternary.negate(_ranges("eq", left, right))
        case _:
            if a_high < b_low or b_high < a_low:
                return NO
            return YES if a_low == a_high == b_low == b_high else UNKNOWN


def _as_range(value: object) -> tuple[float, float] | None:
    if isinstance(value, Count):
        return value.minimum, float("inf") if value.maximum is None else value.maximum
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value, value
    return None


@dataclass(frozen=True, slots=True)
class _Atom:
    """A part of a condition without "and" and "or" around it: as written, and the names in it."""

    node: nodes.Node
    text: str
    paths: tuple[Path, ...]


@lru_cache(maxsize=4096)
def _atoms(text: str) -> tuple[_Atom, ...]:
    return tuple(_split(_parse(text).root))


def _split(node: nodes.Node) -> Iterator[_Atom]:
    if isinstance(node, (nodes.And, nodes.Or)):
        yield from _split(node.left)
        yield from _split(node.right)
        return
    paths = tuple(path for inner in _outermost(node) if (path := _path(inner)) and path[0] not in WORDS)
    yield _Atom(node, unparse(node), paths)


def _reason(atom: _Atom, scope: Mapping[str, object]) -> Reason:
    names = tuple(".".join(path) for path in atom.paths if _is_open(_look_up(path, scope)))
    return Reason(atom.text, truth(_evaluate(atom.node, scope)), names)


def _is_open(value: object) -> bool:
    """Whether more could be known of it: it is unknown, or a range."""
    return value is UNKNOWN or (isinstance(value, Count) and not value.exact)


def unparse(node: nodes.Node) -> str:
    """Write a part of an expression back as a person would."""
    match node:
        case nodes.And():
            return f"{unparse(node.left)} and {unparse(node.right)}"
        case nodes.Or():
            return f"({unparse(node.left)} or {unparse(node.right)})"
        case nodes.Not():
            return f"not {unparse(node.node)}"
        case nodes.Compare():
            return unparse(node.expr) + "".join(f" {_SIGN[item.op]} {unparse(item.expr)}" for item in node.ops)
        case nodes.Const():
            return f'"{node.value}"' if isinstance(node.value, str) else str(node.value)
        case nodes.Neg():
            return f"-{unparse(node.node)}"
        case nodes.List() | nodes.Tuple():
            return "[" + ", ".join(unparse(item) for item in node.items) + "]"
        case nodes.Test():
            return f"{unparse(node.node)} is {node.name}"
        case _:
            return ".".join(_path(node) or ())


def _invalid(text: str, message: str, do: str) -> InvalidInput:
    quoted = f'"{text[:80]}": ' if text else ""
    return InvalidInput(Problem(code="E201", message=f"expression {quoted}{message}", do=do))
