"""Somebody else's JSON: a mapping takes our fields out of it, and makes a source of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from firedoor.alerts import registry
from firedoor.alerts.generic import parse as parse_generic
from firedoor.alerts.mapping import look_up, mapped_source, read_mapping
from firedoor.core.alert import Alert
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity

MAPPING = {
    "source": "paging",
    "alerts_at": "/data/alerts",
    "fields": {"id": "alert.alertId", "title": "alert.message", "severity": "alert.priority", "status": "alert.state",
               "occurred_at": "alert.createdAt", "model": "alert.details.model", "score": "/alert/details/score~1raw"},
    "constants": {"incident": "data_leakage_in_ai_models", "method": "personal_data_detector"},
    "severities": {"P0": "critical"},
    "statuses": {"closed": "resolved"},
    "instants": "ms",
    "labels": {"team": "alert.teams[0].name"},
}  # fmt: skip
FOREIGN = {
    "alertId": 7731, "message": "Line one\nline two", "priority": "P0", "state": "open", "createdAt": 1795230000123,
    "details": {"model": "m", "score/raw": 0.4}, "teams": [{"name": "safety"}], "note": "words of a person",
}  # fmt: skip


def read(changes: dict[str, Any] | None = None, **mapping: Any) -> Alert:
    """Parse one foreign alert."""
    source = mapped_source(read_mapping({**MAPPING, **mapping}))
    body = {"data": {"alerts": [{"alert": {**FOREIGN, **(changes or {})}}]}}
    (alert,) = source.parse(json.dumps(body).encode(), {})
    return alert


def test_a_foreign_alert_is_read_through_its_mapping() -> None:
    """Numbers become texts where we name things, milliseconds an instant, line ends a space."""
    alert = read()
    assert (alert.source, alert.source_id, alert.title) == ("paging", "7731", "Line one line two")
    assert (alert.severity, alert.severity_raw, alert.status) == (Severity.CRITICAL, "P0", "firing")
    assert (str(alert.occurred_at), alert.score) == ("2026-11-21 03:00:00.123000+00:00", 0.4)
    assert (alert.labels, alert.incident_type) == ({"team": "safety"}, "data_leakage_in_ai_models")


def test_what_is_not_mapped_is_not_kept() -> None:
    """Only the paths that the operator wrote are looked at."""
    assert "words of a person" not in read().model_dump_json()


def test_a_severity_that_is_not_mapped_is_unknown_with_a_note() -> None:
    """The alert is not lost; words that all vendors mean alike are read."""
    alert = read({"priority": "gold"})
    assert (alert.severity, alert.severity_raw, len(alert.notes)) == (None, "gold", 1)
    assert read({"priority": "Warning"}).severity is Severity.MEDIUM
    assert read({"state": "closed"}).status == "resolved"


def test_a_constant_holds_where_the_payload_is_silent() -> None:
    """And what the payload says goes before it."""
    constants = {**MAPPING["constants"], "model": "default", "severity": "low"}  # type: ignore[dict-item]
    assert read({"details": {}}, constants=constants).model == "default"
    assert read(constants=constants).model == "m"
    assert read({"priority": None}, constants=constants).severity is Severity.LOW


def test_a_problem_names_the_path_in_the_payload() -> None:
    """The operator knows the sender's names, not ours."""
    with pytest.raises(InvalidInput) as caught:
        read({"alertId": None, "createdAt": 10**30, "details": {"score/raw": "high"}})
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {
        "alert.alertId (our id)", "alert.createdAt (our occurred_at)", "/alert/details/score~1raw (our score)"
    }  # fmt: skip


def test_a_path_that_leads_nowhere_is_refused() -> None:
    """`alerts_at` without alerts is not an empty delivery: the mapping is wrong, or the sender changed."""
    with pytest.raises(InvalidInput, match="D116"):
        mapped_source(read_mapping(MAPPING)).parse(b'{"data": {}}', {})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b[1].c", 3),
        ("/a/b/1/c", 3),
        ("/x.y", 4),
        ("/s~1t", 5),
        ("/u~0v", 6),
        ("a.b.1.c", 3),
        ("a.b[9]", None),
        ("a.c.d", None),
    ],
)
def test_paths(path: str, value: int | None) -> None:
    """JSON pointers (RFC 6901) with their escapes, and dotted paths with indices."""
    assert look_up({"a": {"b": [0, {"c": 3}]}, "x.y": 4, "s/t": 5, "u~v": 6}, path) == value


def test_every_problem_of_a_mapping_is_named() -> None:
    """A field that is not ours with the nearest, a path that is none, a severity that is none, a missing id."""
    with pytest.raises(InvalidInput) as caught:
        read_mapping(
            {"source": "X", "fields": {"sevrity": "a"}, "labels": {"a": "a..b"}, "severities": {"P1": "bad"}, "a": 1}
        )
    assert len(caught.value.problems) == 5
    assert 'did you mean "severity"?' in str(caught.value)


def test_a_mapped_source_joins_and_cannot_take_a_name() -> None:
    """It is a source like the others, with its own way to authenticate."""
    known = registry.sources()
    mapping = read_mapping({**MAPPING, "authentication": ["hmac"]})
    joined = registry.with_mapped(known, [mapping])
    assert joined["paging"].signature is not None
    with pytest.raises(InvalidInput, match="D212"):
        registry.with_mapped(known, [mapping.model_copy(update={"source": "generic"})])


def test_our_own_form_names_all_problems_and_notes_what_it_does_not_know() -> None:
    """A wrong value is refused; a field that is not known is left out with a note and the nearest name."""
    wrong = {
        "severity": "hot",
        "subjects": {"min": 3, "max": 1},
        "content_hashes": [{"algorithm": "md5", "value": "x"}],
    }
    with pytest.raises(InvalidInput) as caught:
        parse_generic(json.dumps(wrong).encode(), {})
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["id", "severity", "subjects.max", "content_hashes[0].value"]
    (alert,) = parse_generic(b'{"id": "1", "sevrity": "high", "what someone said": 1}', {})
    assert "sevrity is not known" in alert.notes[0]
    assert "what someone said" not in alert.model_dump_json()
