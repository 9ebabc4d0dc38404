"""A finding against what is known: whole or not at all, and a list grows."""

from __future__ import annotations

from typing import Any

import pytest

from firedoor.core.examinations.finding import Finding
from firedoor.core.examinations.statement import stated

FOUND = Finding(summary="three copies", report={})


@pytest.mark.parametrize(
    ("known", "found", "set_to"),
    [
        ({}, {"content_locators": ["a"]}, {"content_locators": ["a"]}),
        ({"content_locators": ["a"]}, {"content_locators": ["b", "a"]}, {"content_locators": ["a", "b"]}),
        ({"content_locators": ["a"]}, {"content_locators": ["a"]}, {}),
        ({"endpoint": "one"}, {"endpoint": "one", "attribution": "proven"}, {"attribution": "proven"}),
        ({"people_affected": {"min": 10, "max": 90}}, {"people_affected": 57}, {}),
    ],
)
def test_what_a_finding_adds(known: dict[str, Any], found: dict[str, Any], set_to: dict[str, Any]) -> None:
    """Copies that are found join those that an alert named; what is known already is not written again."""
    statement = stated(FOUND, found, known)
    assert (statement.facts, statement.refused) == (set_to, "")


def test_one_contradiction_keeps_all_of_it_out() -> None:
    """Half of a finding is never taken."""
    statement = stated(FOUND, {"endpoint": "other", "attribution": "proven"}, {"endpoint": "one"})
    assert (statement.facts, statement.contradicts) == ({}, ("endpoint",))
    assert "endpoint is one, and this says other" in statement.refused
