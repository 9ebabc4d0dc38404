"""Presidio's findings: thresholds decide what counts, values are counted and forgotten."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from firedoor.alerts.presidio import KINDS, MANY, SOURCE, parse
from firedoor.alerts.registry import example_body
from firedoor.core.alerts.alert import Alert
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity

OUTPUT = "Ring 0171 2345678 or 0171 2345678, or 0171 9999999."


def finding(entity: str, start: int = 0, end: int = 4, score: float = 1.0, **more: Any) -> dict[str, Any]:
    """Return one result as the analyzer writes it."""
    return {"entity_type": entity, "start": start, "end": end, "score": score, **more}


def read(*results: dict[str, Any], **more: Any) -> Alert:
    """Parse a wrapper."""
    body = json.dumps({"request_id": "r1", "model": "m", "results": list(results), **more}).encode()
    (alert,) = parse(body, {})
    return alert


def test_the_worst_kind_of_entity_gives_the_severity() -> None:
    """A name is low, an address of a mailbox medium, a card high; a date alone means nothing."""
    for entity, severity in (
        ("DATE_TIME", "info"),
        ("PERSON", "low"),
        ("EMAIL_ADDRESS", "medium"),
        ("CREDIT_CARD", "high"),
    ):
        assert read(finding(entity), finding("DATE_TIME")).severity == severity


def test_many_distinct_values_raise_it_and_repeats_do_not() -> None:
    """Five cards are worse than one; the same card five times is one card."""
    several = [finding("CREDIT_CARD", text=f"card {index}") for index in range(MANY)]
    assert read(*several).severity is Severity.CRITICAL
    same = read(*[finding("CREDIT_CARD", text="card 1")] * MANY)
    assert (same.severity, same.occurrences, same.distinct_values) == (Severity.HIGH, MANY, 1)


def test_many_findings_without_their_values_do_not_raise_it() -> None:
    """How many distinct values there are is not known then, and stays so."""
    alert = read(*[finding("CREDIT_CARD")] * MANY)
    assert (alert.severity, alert.distinct_values) == (Severity.HIGH, None)


def test_a_finding_below_its_threshold_does_not_count() -> None:
    """Ours by entity type, the sender's for one type, the sender's for all."""
    alert = read(finding("PERSON", score=0.7), finding("EMAIL_ADDRESS", score=0.7))
    assert (alert.entity_types, alert.occurrences) == (("EMAIL_ADDRESS",), 1)
    assert "1 of 2 findings" in alert.notes[0]
    assert read(finding("PERSON", score=0.7), thresholds={"PERSON": 0.6}).entity_types == ("PERSON",)
    assert read(finding("EMAIL_ADDRESS", score=0.7), default_threshold=0.9).severity is Severity.INFO


def test_the_values_are_counted_and_only_the_output_is_hashed() -> None:
    """Offsets cut the values out of the output; the alert holds one hash, of the whole, and no digest of a number."""
    spans = [(5, 17), (21, 33), (38, 50)]
    alert = read(*(finding("PHONE_NUMBER", start, end) for start, end in spans), output=OUTPUT)
    assert (alert.occurrences, alert.distinct_values) == (3, 2)
    assert [item.value for item in alert.content_hashes] == [hashlib.sha256(OUTPUT.encode()).hexdigest()]
    shown = alert.model_dump_json()
    assert "0171" not in shown
    assert hashlib.sha256(b"0171 2345678").hexdigest() not in shown


def test_findings_keep_type_score_threshold_and_offsets() -> None:
    """Enough to find the place in the evidence, for those who may open it."""
    (kept,) = read(finding("EMAIL_ADDRESS", 3, 9, 0.9, text="a@b.de")).findings
    assert kept.model_dump() == {"entity_type": "EMAIL_ADDRESS", "score": 0.9, "threshold": 0.5, "start": 3, "end": 9}


def test_nothing_found_is_no_alert() -> None:
    """A filter may report every answer; most hold nothing."""
    assert parse(b'{"request_id": "r", "model": "m", "results": []}', {}) == ()


def test_the_request_is_the_detection() -> None:
    """Analysed again with other scores it is the same; another request or model is another."""
    first = read(finding("EMAIL_ADDRESS"))
    assert read(finding("EMAIL_ADDRESS", score=0.8)).fingerprint == first.fingerprint
    assert read(finding("EMAIL_ADDRESS"), request_id="r2").fingerprint != first.fingerprint
    assert read(finding("EMAIL_ADDRESS"), model="m2").fingerprint != first.fingerprint


def test_a_count_of_values_is_not_a_count_of_people() -> None:
    """Two addresses may be of one person; only the sender can say how many."""
    assert read(finding("EMAIL_ADDRESS", text="a"), finding("EMAIL_ADDRESS", text="b")).subjects is None


def test_an_entity_type_of_the_senders_own_is_taken_seriously_and_noted() -> None:
    """And one with a country's prefix is an official document."""
    own = read(finding("BADGE_NUMBER"))
    assert (own.severity, "BADGE_NUMBER" in own.notes[0]) == (Severity.MEDIUM, True)
    assert read(finding("ES_NIF")).data_categories == ("official_document",)


def test_a_sentence_is_no_entity_type() -> None:
    """Nothing that could be content passes for the name of a type; no path or message repeats it."""
    with pytest.raises(InvalidInput) as caught:
        read(
            finding("Jane lives here"), finding("EMAIL_ADDRESS", 9, 3), {"entity_type": "PERSON", "start": 0, "end": 1}
        )
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["results[0].entity_type", "results[1].end", "results[2].score"]
    assert "Jane" not in str(caught.value)


def test_the_table_of_kinds_is_sound() -> None:
    """Scores are from 0 to 1, and no threshold lets everything count."""
    assert all(0 < kind.threshold <= 1 for kind in KINDS.values())


ANALYZER = next(example for example in SOURCE.examples if example.file == "presidio-analyzer.json")


def test_the_analyzers_own_array_is_taken_as_it_comes() -> None:
    """With what is said beside it; the same findings count the same as in a wrapper."""
    (alert,) = SOURCE.parse(example_body(ANALYZER), ANALYZER.headers)
    assert (alert.model, alert.endpoint, alert.severity, alert.occurrences) == ("support-chat", None, Severity.HIGH, 2)
    wrapped = {"model": "support-chat", "request_id": "req-8f2c41d2", "results": json.loads(example_body(ANALYZER))}
    (same,) = SOURCE.parse(json.dumps(wrapped).encode(), {})
    assert (same.fingerprint, same.content) == (alert.fingerprint, alert.content)


def test_what_nobody_says_beside_an_array_is_unknown() -> None:
    """No model is invented; the bytes tell one detection from another, and a note says so."""
    (alert,) = SOURCE.parse(example_body(ANALYZER), {})
    assert (alert.model, alert.endpoint, alert.occurred_at) == (None, None, None)
    assert any("No request was named" in note for note in alert.notes)
    other = example_body(ANALYZER).replace(b"63", b"64")
    assert SOURCE.parse(other, {})[0].fingerprint != alert.fingerprint
    assert SOURCE.parse(b"[]", {}) == ()


def test_a_wrapper_says_its_own_model() -> None:
    """What is in the body counts before what is said beside it; a value that does not fit is a problem."""
    body = json.dumps({"model": "a", "request_id": "1", "results": json.loads(example_body(ANALYZER))}).encode()
    assert SOURCE.parse(body, {"X-Presidio-Model": "b", "x-presidio-endpoint": "c"})[0].model == "a"
    with pytest.raises(InvalidInput):
        SOURCE.parse(example_body(ANALYZER), {"x-presidio-occurred-at": "yesterday"})
