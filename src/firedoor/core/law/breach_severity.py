"""How severe a personal data breach is, by ENISA's method of 2013: an aid, never a decision.

Decides the score `SE = DPC x EI + CB` and its level, as a range while parts are
unknown. Leaves the decision to a person and the law: a score never overrules a
duty that has no test of risk (India's DPDP, POPIA, PECR).

    DPC  kind of data, 1 simple to 4 sensitive
    EI   ease of identification: 0.25, 0.5, 0.75 or 1
    CB   circumstances: confidentiality, integrity, availability 0 to 0.5 each, malicious intent 0.5

Source: ENISA, Recommendations for a methodology of the assessment of severity of
personal data breaches, working document v1.0, December 2013.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firedoor.core.facts import Count, Facts
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

_IDENTIFICATION = {"negligible": 0.25, "limited": 0.5, "significant": 0.75, "maximum": 1.0}
_CIRCUMSTANCES: Mapping[str, Mapping[str, float]] = {
    "severity_confidentiality": {"none": 0.0, "known_recipients": 0.25, "unknown_recipients": 0.5},
    "severity_integrity": {"none": 0.0, "recoverable": 0.25, "unrecoverable": 0.5},
    "severity_availability": {"none": 0.0, "temporal": 0.25, "full": 0.5},
}
_MALICIOUS = 0.5
_LEVELS = ((2.0, "low"), (3.0, "medium"), (4.0, "high"))  # below 2, 3, 4; else very high
_MANY = 100  # people; above it a flag outside the score


@dataclass(frozen=True, slots=True)
class BreachSeverity:
    """The score from least to most, the level (or "unknown" while both ends differ), and flags outside the score."""

    minimum: float
    maximum: float
    level: str
    flags: tuple[str, ...]
    unknown: tuple[str, ...]


def breach_severity(facts: Facts) -> BreachSeverity:
    """Score the facts `severity_*`; an unknown part takes every value it could."""
    data = _data_kind(facts)
    ease = _choice(facts, "severity_identification", _IDENTIFICATION)
    parts = [_choice(facts, name, values) for name, values in _CIRCUMSTANCES.items()]
    parts.append(_intent(facts.get("severity_malicious", UNKNOWN)))
    low = data[0] * ease[0] + sum(part[0] for part in parts)
    high = data[1] * ease[1] + sum(part[1] for part in parts)
    names = ("severity_context", "severity_identification", *_CIRCUMSTANCES, "severity_malicious")
    unknown = tuple(name for name in names if facts.get(name, UNKNOWN) is UNKNOWN)
    level = _level(low) if _level(low) == _level(high) else "unknown"
    return BreachSeverity(low, high, level, _flags(facts), unknown)


def _data_kind(facts: Facts) -> tuple[float, float]:
    count = facts.get("severity_context", UNKNOWN)
    if not isinstance(count, Count):
        return 1.0, 4.0
    return float(min(max(count.minimum, 1), 4)), float(min(4 if count.maximum is None else max(count.maximum, 1), 4))


def _choice(facts: Facts, name: str, values: Mapping[str, float]) -> tuple[float, float]:
    value = values.get(str(facts.get(name, UNKNOWN)))
    return (min(values.values()), max(values.values())) if value is None else (value, value)


def _intent(answer: object) -> tuple[float, float]:
    known = isinstance(answer, Ternary)
    return (_MALICIOUS if answer is YES else 0.0), (0.0 if known and answer is NO else _MALICIOUS)


def _level(score: float) -> str:
    return next((word for limit, word in _LEVELS if score < limit), "very high")


def _flags(facts: Facts) -> tuple[str, ...]:
    people = facts.get("people_affected", UNKNOWN)
    many = isinstance(people, Count) and people.minimum > _MANY
    unintelligible = facts.get("encrypted") is YES and facts.get("key_compromised") is NO
    return (*(["more than 100 people"] if many else []), *(["data unintelligible"] if unintelligible else []))
