"""The one way of an alert: which facts an incident takes, when it was received, and what is named as left out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.intake import Here, facts_for, take_in
from firedoor.core.alerts.triage import Decision, KnownIncident, Triage
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.lifecycle import IncidentType
from firedoor.core.playbook.playbook import StartRule

LEAK = IncidentType.DATA_LEAKAGE
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DIGEST = hashlib.sha256(b"one detection").hexdigest()
KNOWN = {
    "endpoint": FactType.TARGET, "noticed_at": FactType.INSTANT, "people_affected": FactType.COUNT,
    "request_received_at": FactType.INSTANT, "minor": FactType.FLAG, "origin": FactType.TEXT,
}  # fmt: skip
DEFINITIONS = {name: FactDefinition(name=name, type=kind) for name, kind in KNOWN.items()}


@dataclass(frozen=True)
class Book:
    """As much of a playbook as the intake sees."""

    start: tuple[StartRule, ...]
    name: str = "leak"
    incident: IncidentType = LEAK


def here(*rules: tuple[str, Mapping[str, Any]]) -> Here:
    """One playbook with these rules for any source."""
    start = tuple(StartRule(source="any", when=when, facts=dict(facts)) for when, facts in rules)
    return Here((Book(start),), lambda _: DEFINITIONS, ())


def alert(**changes: Any) -> Alert:
    """A leak of high severity on one endpoint."""
    base = {
        "source": "generic", "source_id": "1", "fingerprint": DIGEST, "title": "Leak", "raw_sha256": DIGEST,
        "severity": "high", "endpoint": "chat", "incident_type": LEAK,
    }  # fmt: skip
    return Alert(**{**base, **changes})


def decided(place: Here, *incidents: KnownIncident, **changes: Any) -> Triage:
    """What is decided about an alert."""
    return take_in(alert(**changes), place, incidents, NOW)[1]


def test_what_cannot_be_taken_is_named() -> None:
    """A fact that nobody knows, and one whose value does not fit: both are said, and the rest is taken."""
    rule = {"endpoint": "{{ alert.endpoint }}", "colour": "red", "people_affected": "{{ alert.endpoint }}"}
    result = decided(here(("", rule)))
    assert result.facts == {"endpoint": "chat"}
    said = "\n".join(result.reasons)
    assert "The fact colour was left out" in said
    assert "The alert's people_affected was left out" in said


def test_every_rule_that_holds_tells_facts() -> None:
    """The more specific rule counts where two tell different values; what only the other one tells is not lost."""
    general = ("alert.severity >= low", {"origin": "general", "noticed_at": "{{ alert.occurred_at }}"})
    narrow = ('alert.severity >= low and alert.endpoint == "chat"', {"origin": "narrow"})
    for rules in ((general, narrow), (narrow, general)):
        facts = decided(here(*rules), occurred_at=NOW).facts
        assert facts == {"origin": "narrow", "noticed_at": NOW.isoformat()}


def test_a_playbook_that_a_person_chose_takes_what_all_its_rules_take() -> None:
    """What follows from the condition of one rule is not filled in where that condition does not hold."""
    common = {"endpoint": "{{ alert.endpoint }}"}
    place = here(
        ('alert.method == "provenance"', {**common, "origin": "watermark"}), ("alert.severity >= critical", common)
    )
    assert facts_for(alert(severity="low", method="complaint"), "leak", place) == ({"endpoint": "chat"}, ())
    assert facts_for(alert(method="provenance"), "leak", place)[0] == {"endpoint": "chat", "origin": "watermark"}


@pytest.mark.parametrize("seconds", [1, 20, 86_400])
def test_a_clock_that_is_ahead_counts_from_our_receipt(seconds: int) -> None:
    """By how much it is ahead is on record, in the alert and in the reasons."""
    place = here(("", {"request_received_at": "{{ alert.occurred_at }}"}))
    recorded, result = take_in(alert(occurred_at=NOW + timedelta(seconds=seconds)), place, (), NOW)
    assert result.facts["request_received_at"] == NOW.isoformat()
    assert (recorded.occurred_at, recorded.received_at, recorded.ahead_seconds) == (NOW, NOW, seconds)
    assert any("ahead of ours" in reason for reason in result.reasons)


def test_a_clock_that_is_behind_is_believed() -> None:
    """A request may have lain somewhere before it came here: the law counts from then."""
    recorded, _ = take_in(alert(occurred_at=NOW - timedelta(hours=2)), here(("", {})), (), NOW)
    assert (recorded.occurred_at, recorded.ahead_seconds) == (NOW - timedelta(hours=2), None)


def test_a_further_alert_tells_facts_to_the_playbook_of_its_incident() -> None:
    """Whatever playbook the alert alone would have started."""
    incident = KnownIncident("INC-1", LEAK, open=True, opened_at=NOW, places=frozenset({"chat"}), playbook="leak")
    result = decided(here(("", {"people_affected": "{{ alert.occurrences }}"})), incident, occurrences=7)
    assert (result.decision, result.facts) == (Decision.ATTACH, {"people_affected": 7})


def test_a_suspected_minor_is_a_fact_for_every_playbook() -> None:
    """The law's vocabulary knows it, whether or not the playbook declares it."""
    assert decided(here(("", {})), possible_minor="yes").facts == {"minor": "yes"}


def test_who_says_nothing_of_the_method_has_not_said_how_strong_it_is() -> None:
    """Strength follows from the method; without one it is unknown, and not ordinary."""
    place = here(("", {"origin": "{{ alert.strength }}"}))
    assert decided(place).facts == {}
    assert decided(place, method="canary").facts == {"origin": "strong"}


def test_what_a_delivery_says_tells_it_from_a_copy() -> None:
    """Another severity, count, target or person is no copy; another title, label or time of sending is one."""
    first = alert()
    same = alert(title="Leak!", labels={"trace": "2"}, occurred_at=NOW, notes=("x",), raw_sha256="0" * 64)
    assert same.content == first.content
    others = [{"severity": "critical"}, {"occurrences": 2}, {"endpoint": "b"}, {"subjects": {"minimum": 2}}]
    others += [{"possible_minor": "yes"}, {"score": 0.99}]
    assert len({alert(**change).content for change in others} | {first.content}) == len(others) + 1
