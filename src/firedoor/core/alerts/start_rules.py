"""Whether a start rule of a playbook holds for an alert, in words, and which facts it gives.

Decides what an expression may name (`alert.<field>`, `alert.labels.<name>`, `alert.strength`), how
specific a rule is, and how facts are filled from the alert: a fact whose value the alert does not
know stays unknown. Leaves choosing between playbooks to `triage`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jinja2 import nodes

from firedoor.core import facts
from firedoor.core.alerts.alert import Alert, Method, Strength
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.json_types import Json
from firedoor.core.language.expression import Expression
from firedoor.core.language.template import Template
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

ANY_SOURCE = "any"
ALERT_NAMES = frozenset(Alert.model_fields) | {"strength"}  # what may follow `alert.` in a rule
ALERT_WORDS: Mapping[str, FactDefinition] = {  # those of its parts whose words are listed
    "severity": FactDefinition(name="severity", type=FactType.SEVERITY),
    "incident_type": FactDefinition(name="incident_type", type=FactType.CHOICE, choices=tuple(IncidentType)),
    "method": FactDefinition(name="method", type=FactType.CHOICE, choices=tuple(Method)),
    "strength": FactDefinition(name="strength", type=FactType.CHOICE, choices=tuple(Strength)),
    "status": FactDefinition(name="status", type=FactType.CHOICE, choices=("firing", "resolved")),
}
_NAMES = re.compile(r"\balert(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_ONE_HOLE = re.compile(r"\s*\{\{(?P<inside>[^{}]*)\}\}\s*")


class StartRule(Protocol):
    """Which alerts may start a playbook, and what they tell us (`playbook.StartRule`)."""

    @property
    def source(self) -> str:
        """The id of an alert source, or `any`."""

    @property
    def when(self) -> str:
        """An expression over `alert`; empty means always."""

    @property
    def facts(self) -> Mapping[str, object]:
        """Values of facts; texts may have holes such as `{{ alert.model }}`."""


class Startable(Protocol):
    """As much of a playbook as triage needs."""

    @property
    def name(self) -> str:
        """Its unique name."""

    @property
    def incident(self) -> IncidentType | None:
        """The incident that it is for."""

    @property
    def start(self) -> Sequence[StartRule]:
        """Its start rules."""


class _Labels(Mapping[str, str]):
    """Labels as rules see them: one that is absent is empty, as in Prometheus, and not unknown."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels

    def __getitem__(self, key: str) -> str:
        return self._labels.get(key, "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)


@dataclass(frozen=True)
class Judged:
    """One rule of one playbook, and what it came to for this alert."""

    playbook: Startable
    rule: StartRule
    answer: Ternary
    failing: tuple[str, ...] = ()  # the atoms that do not hold, with the values that they met
    open: tuple[str, ...] = ()  # the atoms that nobody can answer, with why

    @property
    def specificity(self) -> tuple[int, int, int]:
        """Named source before any; then the number of conditions joined by `and`; then the severity asked for."""
        named = [word for word in re.findall(r"[a-z]+", self.rule.when) if word in tuple(Severity)]
        asked = max((Severity(word).rank for word in named), default=-1)
        return int(self.rule.source != ANY_SOURCE), conditions(self.rule.when), asked


def scope_of(alert: Alert) -> dict[str, object]:
    """Return the names that a rule sees. A value that the sender did not give is UNKNOWN."""
    values = {name: getattr(alert, name) for name in Alert.model_fields}
    known = {name: UNKNOWN if value is None else value for name, value in values.items()}
    strength = UNKNOWN if alert.method is None else alert.strength
    return {"alert": {**known, "strength": strength, "labels": _Labels(alert.labels)}}


def judge(playbook: Startable, rule: StartRule, alert: Alert) -> Judged:
    """Judge one rule. A rule that cannot be read is unknown, with the reason: it never counts as a no."""
    if not rule.when.strip():
        return Judged(playbook, rule, YES)
    scope = scope_of(alert)
    try:
        expression = Expression.parse(rule.when)
        answer, atoms = expression.decide(scope), expression.reasons(scope)
    except InvalidInput as error:
        return Judged(playbook, rule, UNKNOWN, open=(f"the rule cannot be read: {error.problems[0].message}",))
    failing = tuple(_met(atom.text, scope) for atom in atoms if atom.answer is NO)
    unknown = tuple(_met(atom.text, scope) for atom in atoms if atom.answer is UNKNOWN)
    return Judged(playbook, rule, answer, failing, unknown)


def conditions(when: str) -> int:
    """Return how many conditions must all hold; alternatives count as one."""
    try:
        root: nodes.Node = Expression.parse(when).root if when.strip() else nodes.Tuple([], "load")
    except InvalidInput:
        return 0
    return _conjuncts(root) if when.strip() else 0


def _conjuncts(node: nodes.Node) -> int:
    return _conjuncts(node.left) + _conjuncts(node.right) if isinstance(node, nodes.And) else 1


def _met(atom: str, scope: Mapping[str, object]) -> str:
    """Return an atom with the values of its names: `alert.severity >= high (alert.severity is medium)`."""
    names = dict.fromkeys(_NAMES.findall(atom))
    values = "; ".join(f"{name} is {_shown(Expression.parse(name).evaluate(scope))}" for name in names)
    return f"{atom} ({values})" if values else atom


def _shown(value: object) -> str:
    text = facts.show(value) if not isinstance(value, (float, int)) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def facts_of(playbook: Startable, alert: Alert) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return the facts that a playbook takes from an alert, as JSON, and a sentence for each that stays unknown.

    All rules that hold tell facts; where two tell different values, the more specific rule counts. When none holds (a
    person chose the playbook), a fact counts that every rule which may hold would take alike: what only one rule says
    follows from that rule's condition, and nobody knows that.
    """
    judged = [judge(playbook, rule, alert) for rule in playbook.start if rule.source in (alert.source, ANY_SOURCE)]
    holding = sorted((item for item in judged if item.answer is YES), key=lambda item: item.specificity)
    maybe = [item for item in judged if item.answer is UNKNOWN] or judged
    told = [facts_from(item.rule, alert) for item in holding or maybe]
    given = {name: value for facts_, _ in told for name, value in facts_.items()}
    if not holding:
        given = {name: value for name, value in given.items() if all(facts_.get(name) == value for facts_, _ in told)}
    missing = dict.fromkeys((name, why) for _, unknown in told for name, why in unknown.items())
    return given, tuple(why for name, why in missing if name not in given)


def facts_from(rule: StartRule, alert: Alert) -> tuple[dict[str, Json], dict[str, str]]:
    """Return the facts that a rule gives, as JSON, and a sentence for each that stays unknown, by its name."""
    scope = scope_of(alert)
    given: dict[str, Json] = {}
    missing: dict[str, str] = {}
    for name, template in rule.facts.items():
        try:
            value = _filled(template, scope)
        except InvalidInput as error:
            value = UNKNOWN
            missing[name] = f"The fact {name} could not be filled in: {error.problems[0].message}."
        else:
            if value is UNKNOWN:
                missing[name] = f"The fact {name} stays unknown: the alert does not say {_asked(template)}."
        if value is not UNKNOWN:
            given[name] = value
    return given, missing


def _asked(template: object) -> str:
    names = dict.fromkeys(_NAMES.findall(str(template)))
    return ", ".join(names) or "it"


def _filled(template: object, scope: Mapping[str, object]) -> Json:
    """Fill one value; UNKNOWN when any hole in it is unknown. A text that is one hole keeps the type of its value.

    `{{ alert.endpoint or alert.model }}` takes the first that the alert says.
    """
    if isinstance(template, Mapping):
        parts = {name: _filled(value, scope) for name, value in template.items()}
        return UNKNOWN if any(part is UNKNOWN for part in parts.values()) else parts
    if isinstance(template, (list, tuple)):
        items = [_filled(value, scope) for value in template]
        return UNKNOWN if any(item is UNKNOWN for item in items) else items
    if not isinstance(template, str):
        return template if isinstance(template, (int, float)) else None
    hole = _ONE_HOLE.fullmatch(template)
    names = [name.strip() for name in hole["inside"].split(" or ")] if hole else []
    if names and all(_NAMES.fullmatch(name) for name in names):
        values = (Expression.parse(name).evaluate(scope) for name in names)
        return next((facts.write(value) for value in values if value not in (UNKNOWN, "", ())), UNKNOWN)
    parsed = Template.parse(template)
    known = all(Expression.parse(".".join(path)).evaluate(scope) is not UNKNOWN for path in parsed.references)
    return parsed.render(scope) if known else UNKNOWN
