"""Comparisons that can never hold, or hold always: found before a playbook runs, not by a step that is left out.

Decides, for the facts and the words of the incident and of an alert, which values each can have, and that a comparison
with another value is a mistake (`leak_kind == "trainig_data"`, `severity >= 5`). Leaves the language to `expression`
and the place of a mistake to `checks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from jinja2 import nodes

from firedoor.core import places
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.language.expression import WORDS, Expression, name_of, unparse
from firedoor.core.lifecycle import IncidentType, State
from firedoor.core.problems import nearest
from firedoor.core.severity import Severity

Found = tuple[str, str]  # what is wrong, what to do
_ORDERED = frozenset((FactType.COUNT, FactType.SEVERITY, FactType.INSTANT))
_EQUAL = frozenset(("eq", "ne", "in", "notin"))
_INCIDENT: Mapping[str, FactDefinition] = {
    "severity": FactDefinition(name="severity", type=FactType.SEVERITY),
    "type": FactDefinition(name="type", type=FactType.CHOICE, choices=tuple(IncidentType)),
    "state": FactDefinition(name="state", type=FactType.CHOICE, choices=tuple(State)),
}
_NEEDS = {
    FactType.COUNT: "a number, for example 10",
    FactType.SEVERITY: f"one of {', '.join(Severity)}",
    FactType.FLAG: "yes or no",
    FactType.INSTANT: 'a time with its offset, for example "2026-10-24T22:00:00+02:00"',
    FactType.TEXT: "text in quotes",
    FactType.TARGET: "the name of a target in quotes",
}


def impossible(expression: Expression, facts: Mapping[str, FactDefinition]) -> Iterator[Found]:
    """Yield every comparison in a condition that no value can satisfy, and a condition that depends on nothing.

    `facts` are those of an incident or, for a condition about an alert, the parts of an alert.
    """
    if not expression.references and name_of(expression.root) is None:
        yield f"{expression.text} depends on nothing: it is always the same", "compare a fact, or leave it out"
    outer = [expression.root] if isinstance(expression.root, nodes.Compare) else []
    for compare in (*outer, *expression.root.find_all(nodes.Compare)):
        left = compare.expr
        for operand in compare.ops:
            yield from _pair(left, operand.op, operand.expr, facts)
            yield from _pair(operand.expr, operand.op, left, facts)
            left = operand.expr


def _pair(named: nodes.Node, sign: str, other: nodes.Node, facts: Mapping[str, FactDefinition]) -> Iterator[Found]:
    definition = _definition(named, facts)
    if definition is None:
        return
    if definition.type is FactType.LIST:
        if sign in ("in", "notin") and isinstance(other, nodes.Const) and isinstance(other.value, str):
            yield from _named(definition, named, other.value)
        return
    if sign not in _EQUAL and definition.type not in _ORDERED and _is_value(other):
        yield f"{unparse(named)} has no order: {definition.type} is compared with == or in", "write == or !="
        return
    for item in other.items if isinstance(other, (nodes.List, nodes.Tuple)) else (other,):
        yield from _value(definition, named, item)


def _definition(node: nodes.Node, facts: Mapping[str, FactDefinition]) -> FactDefinition | None:
    path = name_of(node)
    if path is None or len(path) != 2:
        return None
    known = facts if path[0] in ("facts", "alert") else _INCIDENT if path[0] == "incident" else {}
    return known.get(path[1])


def _is_value(node: nodes.Node) -> bool:
    return isinstance(node, (nodes.Const, nodes.Neg)) or _word(node) is not None


def _word(node: nodes.Node) -> object | None:
    path = name_of(node)
    return WORDS.get(path[0]) if path is not None and len(path) == 1 else None


def _value(definition: FactDefinition, named: nodes.Node, node: nodes.Node) -> Iterator[Found]:
    if isinstance(node, nodes.Const):
        value: object = node.value
    elif isinstance(node, nodes.Neg):
        value = -1
    elif (value := _word(node)) is None:
        return
    name = unparse(named)
    if definition.type is FactType.CHOICE:
        if definition.choices and value not in definition.choices:
            yield f"{name} is never {unparse(node)}", nearest(str(value), definition.choices)
    elif not _fits(definition.type, value):
        article = "an" if definition.type is FactType.INSTANT else "a"
        yield f"{name} is {article} {definition.type}, and {unparse(node)} is not", f"write {_NEEDS[definition.type]}"
    elif isinstance(value, str):
        yield from _named(definition, named, value)


def _named(definition: FactDefinition, named: nodes.Node, value: str) -> Iterator[Found]:
    """A word that stands in no list of choices; a word that names no place, or not as facts are kept."""
    if definition.choices and value not in definition.choices:
        yield f'{unparse(named)} never holds "{value}"', nearest(value, definition.choices)
    if definition.name in places.FACTS and not (places.is_place(value) and value == value.upper()):
        do = f'write "{value.upper()}": places are kept in capitals' if places.is_place(value) else places.meant(value)
        yield f'{unparse(named)} never holds "{value}"', do


def _fits(kind: FactType, value: object) -> bool:
    match kind:
        case FactType.COUNT:
            return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        case FactType.SEVERITY:
            return value in tuple(Severity) or value is WORDS["unknown"]
        case FactType.FLAG:
            return isinstance(value, bool) or value in _flags()
        case FactType.INSTANT:
            return isinstance(value, str) and _is_instant(value)
        case _:
            return isinstance(value, str)


def _flags() -> Iterable[object]:
    return (WORDS["yes"], WORDS["no"], WORDS["unknown"])


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
