"""ENISA's score: the method's own arithmetic, and a range while parts are unknown."""

from __future__ import annotations

from typing import Any

import pytest

from firedoor.core.facts import read_all
from firedoor.core.law.breach_severity import breach_severity
from firedoor.duties.catalogue import catalogue

NOTHING_LOST = {"severity_confidentiality": "none", "severity_integrity": "none", "severity_availability": "none"}


def score(**given: Any) -> Any:
    return breach_severity(read_all(catalogue().facts, given))


@pytest.mark.parametrize(
    ("kind", "ease", "confidentiality", "malicious", "total", "level"),
    [
        (1, "negligible", "none", "no", 0.25, "low"),
        (2, "maximum", "none", "no", 2.0, "medium"),
        (3, "maximum", "none", "no", 3.0, "high"),
        (4, "maximum", "unknown_recipients", "yes", 5.0, "very high"),
    ],
)
def test_the_score(kind: int, ease: str, confidentiality: str, malicious: str, total: float, level: str) -> None:
    """SE = DPC x EI + CB, and the limits at 2, 3 and 4 belong to the higher level."""
    parts = {**NOTHING_LOST, "severity_confidentiality": confidentiality, "severity_malicious": malicious}
    found = score(severity_context=kind, severity_identification=ease, **parts)
    assert (found.minimum, found.maximum, found.level) == (total, total, level)


def test_nothing_known_is_the_whole_scale() -> None:
    """Unknown parts take every value they could; the level stays unknown."""
    found = score()
    assert (found.minimum, found.maximum, found.level) == (0.25, 6.0, "unknown")


def test_flags_stand_outside_the_score() -> None:
    """More than 100 people, and data that nobody can read."""
    assert score(people_affected=101, encrypted="yes", key_compromised="no").flags == (
        "more than 100 people",
        "data unintelligible",
    )
    assert score(people_affected=100).flags == ()
