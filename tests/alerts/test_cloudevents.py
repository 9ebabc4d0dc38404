"""CloudEvents: three modes, one meaning; our types fix the method, foreign types show their envelope alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from firedoor.alerts.cloudevents import SOURCE, TYPES, parse
from firedoor.core.alerts.alert import Alert, Method, Strength
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity

STRUCTURED = {"content-type": "application/cloudevents+json"}
EVENT = {
    "specversion": "1.0", "id": "e1", "source": "/d", "type": "dev.firedoor.leakage.complaint",
    "time": "2026-11-21T03:00:00Z", "subject": "ticket/7",
}  # fmt: skip
DATA = {"severity": "high", "model": "m"}


def read(event: Any, headers: Mapping[str, str] = STRUCTURED) -> Alert:
    """Parse a body of one event."""
    (alert,) = parse(json.dumps(event).encode(), headers)
    return alert


def binary(data: Any, **changes: str) -> Alert:
    """Send the event with its attributes as headers."""
    attributes = {**EVENT, **changes}
    return read(data, {"Content-Type": "application/json", **{f"Ce-{name}": text for name, text in attributes.items()}})


def codes(event: Any, headers: Mapping[str, str] = STRUCTURED) -> dict[str | None, str]:
    """Return the field and code of every problem."""
    with pytest.raises(InvalidInput) as caught:
        parse(json.dumps(event).encode(), headers)
    return {problem.field: problem.code for problem in caught.value.problems}


def test_the_three_modes_say_the_same() -> None:
    """Structured, binary and batched: the same alert but for the digest of its bytes."""
    event = {**EVENT, "data": DATA}
    (batched,) = parse(json.dumps([event]).encode(), {"content-type": "application/cloudevents-batch+json"})
    shown = [alert.model_dump(exclude={"raw_sha256"}) for alert in (read(event), binary(DATA), batched)]
    assert shown[0] == shown[1] == shown[2]


def test_data_in_base64_is_the_same_data() -> None:
    """`data_base64` is how a sender carries bytes; beside `data` it is refused."""
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()
    assert read({**EVENT, "data_base64": encoded}).model == "m"
    assert codes({**EVENT, "data_base64": encoded, "data": DATA}) == {"data_base64": "D122"}
    assert codes({**EVENT, "data_base64": "!"}) == {"data_base64": "D123"}
    inside = base64.b64encode(b'{"score": NaN}').decode()
    assert codes({**EVENT, "data_base64": inside}) == {"data_base64: score": "D106"}


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_of_ours_fixes_method_and_incident(kind: str) -> None:
    """The type says how it was detected; the data may name another incident, not another method."""
    method, incident = TYPES[kind]
    alert = read({**EVENT, "type": kind, "data": DATA})
    assert (alert.method, alert.incident_type) == (method, incident)
    named = read({**EVENT, "type": kind, "data": {**DATA, "incident": "data_leakage_in_ai_models"}})
    assert named.incident_type is IncidentType.DATA_LEAKAGE


def test_weak_evidence_cannot_call_itself_a_canary() -> None:
    """A membership test that claims another method contradicts its type."""
    event = {**EVENT, "type": "dev.firedoor.training.membership-inference"}
    assert read({**event, "data": DATA}).strength is Strength.WEAK
    assert codes({**event, "data": {**DATA, "method": "canary"}}) == {"data.method": "D121"}


def test_a_misspelt_type_of_ours_is_refused_with_the_nearest() -> None:
    """Taken as a foreign type it would be an alert that says nothing."""
    with pytest.raises(InvalidInput, match=r"dev\.firedoor\.leakage\.complaint"):
        read({**EVENT, "type": "dev.firedoor.leakage.complaints", "data": DATA})


def test_a_foreign_event_shows_its_envelope_and_our_extensions() -> None:
    """Its data is not read; what we need stands in extension attributes."""
    event = {**EVENT, "type": "com.example.x", "data": {"severity": "low"}, "firedoorseverity": "critical",
             "firedoormethod": "hash_match", "firedoorminor": "no", "firedoorbank": "NCMEC",
             "firedoorcasestatus": "Deleted"}  # fmt: skip
    alert = read(event)
    assert (alert.title, alert.severity, alert.method) == ("com.example.x", Severity.CRITICAL, Method.HASH_MATCH)
    assert (alert.bank, alert.case_status) == ("NCMEC", "Deleted")
    assert alert.labels == {"type": "com.example.x", "source": "/d", "subject": "ticket/7"}
    assert codes({**event, "firedoorseverity": "hot"}) == {"severity": "D113"}


def test_a_foreign_event_may_carry_any_data() -> None:
    """Binary mode with bytes that are no JSON is an event like any other, when its type is not ours."""
    headers = {"content-type": "image/png", **{f"ce-{k}": v for k, v in {**EVENT, "type": "com.example.x"}.items()}}
    (alert,) = parse(b"\x89PNG", headers)
    assert alert.title == "com.example.x"
    with pytest.raises(InvalidInput, match="D100"):
        parse(b"\x89PNG", {**headers, "ce-type": EVENT["type"]})


def test_headers_are_percent_encoded() -> None:
    """CloudEvents over HTTP encodes what is not ASCII; what is not UTF-8 then is refused."""
    assert binary(DATA, subject="Z%C3%BCrich").labels["subject"] == "Zürich"
    with pytest.raises(InvalidInput, match="D103"):
        binary(DATA, subject="%FF")


def test_source_and_id_are_the_event_and_an_id_in_the_data_is_the_detection() -> None:
    """The same id from another source is another event; the same detection in two events is one."""
    event = {**EVENT, "data": DATA}
    assert read(event).fingerprint != read({**event, "source": "/other"}).fingerprint
    assert read(event).fingerprint != read({**event, "id": "e2"}).fingerprint
    known = {**EVENT, "data": {**DATA, "id": "d1"}}
    assert read(known).fingerprint == read({**known, "id": "e2"}).fingerprint


def test_what_an_event_needs_is_named() -> None:
    """specversion, id, source and type are required, and each has its problem."""
    assert codes({}) == dict.fromkeys(("type", "source", "id", "specversion"), "D110")
    assert codes({**EVENT, "specversion": "0.3"}) == {"specversion": "D118"}


def test_a_signed_event_carries_nothing_in_headers() -> None:
    """The scheme of this source refuses ce-* headers, which the signature does not cover."""
    assert SOURCE.signature is not None
    assert SOURCE.signature.refused_headers == "ce-"
