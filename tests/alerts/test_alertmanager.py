"""Alertmanager's webhook: labels tell what it is, and nothing that fires is lost over a label."""

from __future__ import annotations

import json
from typing import Any

import pytest

from firedoor.alerts import registry
from firedoor.alerts.alertmanager import SOURCE, parse
from firedoor.core.alerts.alert import Alert
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity
from firedoor.core.ternary import YES


def delivery(*alerts: dict[str, Any], **changes: Any) -> bytes:
    """Return a delivery of version 4."""
    return json.dumps({"version": "4", "alerts": list(alerts), **changes}).encode()


def firing(labels: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """Return one alert of a delivery."""
    named = {"alertname": "A", **(labels or {})}
    return {"status": "firing", "labels": named, "startsAt": "2026-11-21T03:00:00Z", **changes}


def one(*alerts: dict[str, Any], **changes: Any) -> Alert:
    """Parse a delivery of one alert."""
    (alert,) = parse(delivery(*alerts, **changes), {})
    return alert


def test_the_example_is_two_firing_alerts_and_one_resolved() -> None:
    """One delivery mixes both; each alert keeps its own status."""
    alerts = parse(registry.example_body(SOURCE.examples[0]), {})
    assert [alert.status for alert in alerts] == ["firing", "firing", "resolved"]
    assert [alert.severity for alert in alerts] == [Severity.CRITICAL, Severity.CRITICAL, Severity.MEDIUM]


def test_labels_tell_what_it_is() -> None:
    """The documented labels become fields; annotations are read where a label is absent."""
    labels = {"firedoor_incident": "unauthorized_ai_training", "firedoor_endpoint": "chat-eu", "dataset": "posts"}
    alert = one(firing(labels, annotations={"model": "m", "firedoor_possible_minor": "yes", "summary": "Title"}))
    assert (alert.incident_type, alert.endpoint, alert.dataset) == (
        IncidentType.UNAUTHORIZED_TRAINING,
        "chat-eu",
        "posts",
    )
    assert (alert.model, alert.possible_minor, alert.title) == ("m", YES, "Title")


@pytest.mark.parametrize(
    "labels", [{"firedoor_incident": "nudity"}, {"firedoor_method": "magic"}, {"firedoor_possible_minor": "perhaps"}]
)
def test_a_label_that_cannot_be_read_is_a_note(labels: dict[str, str]) -> None:
    """A refusal would lose the detection: Alertmanager does not send again after a 4xx."""
    alert = one(firing({**labels, "severity": "gold"}))
    assert next(iter(labels)) in alert.notes[0]
    assert (alert.severity, alert.severity_raw, len(alert.notes)) == (None, "gold", 2)


def test_the_labels_are_the_detection_and_the_start_is_the_episode() -> None:
    """A repeat is the same; later annotations change nothing; a new start is a new episode."""
    first = one(firing())
    assert one(firing(annotations={"summary": "new"}, fingerprint="f")).detection_key == first.detection_key
    again = one(firing(startsAt="2026-11-21T04:00:00Z"))
    assert (again.fingerprint, again.episode != first.episode) == (first.fingerprint, True)
    assert one(firing({"model": "m"})).fingerprint != first.fingerprint


def test_the_same_start_in_another_zone_is_the_same_episode() -> None:
    """A sender that moves to another zone writes the same instant differently."""
    assert one(firing(startsAt="2026-11-21T05:00:00+02:00")).detection_key == one(firing()).detection_key


def test_alerts_that_were_left_out_are_reported() -> None:
    """max_alerts at the sender cuts the delivery; whoever reads the alert must know."""
    assert "left out 12" in one(firing(), truncatedAlerts=12).notes[0]
    with pytest.raises(InvalidInput, match="D119"):
        parse(delivery(truncatedAlerts=3), {})


def test_fields_of_newer_versions_are_no_problem() -> None:
    """`notification_reason` came later; more will come."""
    assert one(firing(somethingNew={"a": 1}), notification_reason="repeat", alsoNew=[1]).title == "A"


def test_every_problem_of_a_delivery_is_named_by_its_path() -> None:
    """Three wrong alerts, all of their problems at once, and nothing taken."""
    body = delivery(firing(startsAt="yesterday"), {"labels": {"a": 1}, "startsAt": None, "status": "on"}, 7)
    with pytest.raises(InvalidInput) as caught:
        parse(body, {})
    fields = {problem.field for problem in caught.value.problems}
    assert fields >= {"alerts[0].startsAt", "alerts[1].labels.a", "alerts[1].startsAt", "alerts[1].status", "alerts[2]"}


def test_a_hundred_labels_are_cut_and_still_tell_alerts_apart() -> None:
    """What is kept is bounded; the fingerprint is of all of them."""
    many = {f"label_{index:03}": "x" * 500 for index in range(100)}
    alert = one(firing(many))
    assert (len(alert.labels), max(map(len, alert.labels.values()))) == (64, 256)
    assert one(firing({**many, "label_099": "y"})).fingerprint != alert.fingerprint


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+02:00", "1970-01-01T00:00:00Z"])
def test_a_zero_instant_is_not_given_and_a_note_says_so(zero: str) -> None:
    """What Go writes for no time is no time; the alert is taken in all the same."""
    alert = one(firing(startsAt=zero))
    assert alert.occurred_at is None
    assert "no time is given" in alert.notes[-1]
