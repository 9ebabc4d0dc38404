"""Who may say how strong the evidence of an incident is: its alerts, and nobody."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.alerts.test_intake import NOW, alert

from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.evidence_strength import EVIDENCE, is_from_the_method, of_alert, read_given
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import InvalidInput

STRENGTHS = ("strong", "ordinary", "weak")
KNOWN = {
    EVIDENCE: FactDefinition(name=EVIDENCE, type=FactType.CHOICE, choices=STRENGTHS),
    "endpoint": FactDefinition(name="endpoint", type=FactType.TARGET),
}


@pytest.mark.parametrize("word", [*STRENGTHS, "unknown", None])
def test_nobody_gives_it_whatever_its_value(word: str | None) -> None:
    """Weak would be as much of a claim as strong; what else is wrong is told with it."""
    with pytest.raises(InvalidInput) as refused:
        read_given(KNOWN, {EVIDENCE: word, "endpiont": "chat"})
    assert [problem.code for problem in refused.value.problems] == ["F104", "F100"]
    assert read_given(KNOWN, {"endpoint": "chat"}) == {"endpoint": "chat"}


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ({"method": "canary"}, {EVIDENCE: "strong"}),
        ({"method": "score_drop", "severity": "critical"}, {EVIDENCE: "weak"}),
        ({"method": "hash_match"}, {EVIDENCE: "ordinary"}),
        ({"method": "hash_match", "trusted_bank": True}, {EVIDENCE: "strong"}),
        ({"labels": {EVIDENCE: "strong", "method": "canary"}}, {}),
    ],
)
def test_it_follows_from_the_method(said: dict[str, Any], facts: dict[str, str]) -> None:
    """Labels say nothing, and without a method it stays unknown."""
    detection: Alert = alert(**said)
    assert of_alert(detection, KNOWN) == facts
    assert of_alert(detection, {}) == {}


@pytest.mark.parametrize(
    ("actor", "believed"),
    [
        ("person:ada", False),
        ("person:prefect", False),
        ("system:prefect", False),
        ("source:generic", True),
        ("firedoor", True),
    ],
)
def test_a_journal_of_before_folds_without_anybodys_word(actor: str, believed: bool) -> None:
    """What a person once said of it stays on record, and nothing follows from it; other facts of theirs count."""
    view = IncidentView("INC-1")
    values = {EVIDENCE: "strong", "endpoint": "chat"}
    suppose(view, [Draft(Kind.FACTS, actor, {"values": values, "why": "a test"})], NOW)
    assert view.facts == (values if believed else {"endpoint": "chat"})


def test_a_start_rule_may_name_the_method_and_nothing_else() -> None:
    """A default behind it would be somebody's word again."""
    assert is_from_the_method("{{alert.strength}}")
    assert not any(
        map(is_from_the_method, ("strong", "{{ alert.labels.x }}", "{{ alert.strength or alert.model }}", 1))
    )
