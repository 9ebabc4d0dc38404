"""`firedoor alert map`: what it proposes works as it stands, and what it is not sure of it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import read_mapping
from firedoor.alerts.proposal import Proposal, propose
from firedoor.core.problems import InvalidInput

JSON = {"content-type": "application/json"}
CASES = sorted((Path(__file__).parents[1] / "journeys" / "cases" / "mappings").glob("*.json"))


def proposed(body: object, headers: dict[str, str] | None = None) -> Proposal:
    """Propose a mapping for a body."""
    return propose("paging", json.dumps(body).encode(), headers or JSON)


def test_an_example_with_usual_names_is_mapped_whole() -> None:
    """Times, severities, a model in a tag, kinds of data in a list; the proposal is a mapping that reads it."""
    body = {"alerts": [{
        "alert_id": "a-1", "title": "Rate of findings", "priority": "P2", "state": "triggered",
        "created_at": 1795230000,
        "tags": ["env:prod", "model:chat-large"], "findings": [{"entity_type": "EMAIL"}, {"entity_type": "PHONE"}],
        "message": "words", "confidence": "0.9",
    }]}  # fmt: skip
    found = proposed(body)
    (alert,) = found.alerts
    assert (alert.source_id, alert.severity, alert.status, alert.model) == ("a-1", "high", "firing", "chat-large")
    assert (alert.entity_types, alert.score, alert.title) == (("EMAIL", "PHONE"), 0.9, "Rate of findings")
    assert str(alert.occurred_at).startswith("2026-11-21")
    assert any("words may stand there: message" in one for one in found.unsure)
    written = yaml.safe_load(found.text())
    assert written == found.mapping
    assert mapped_source(read_mapping(written)).parse(json.dumps(body).encode(), JSON) == found.alerts


def test_what_is_not_sure_is_said() -> None:
    """Numbers as severities, a word as a status, a time without a zone, no id, no kind of incident."""
    body = {"level": 12, "state": "3", "timestamp": "2026-03-04 11:01:41", "host": "gw1"}
    said = " ".join(proposed(body).unsure)
    for word in ("no field looks like an id", "severities:", "statuses:", "zone:", "incident and method:"):
        assert word in said


def test_two_detections_never_become_copies_by_a_guess() -> None:
    """Where nothing looks like an id, everything that an alert says tells it from others."""
    lines = "\n".join(json.dumps({"name": "AWS", "file": name}) for name in "ab")
    found = propose("paging", lines.encode(), JSON)
    assert len({alert.fingerprint for alert in found.alerts}) == 2


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_every_case_gets_a_proposal_that_reads_it(file: Path) -> None:
    """From the field: a form, lines, JSON in a text. As many alerts as there are, or none where nothing was flagged."""
    one: dict[str, Any] = json.loads(file.read_text())
    found = propose("paging", one["body"].encode(), {"content-type": one["content_type"]})
    assert len(found.alerts) == len(one["want"]) or "clean" in file.stem
    assert yaml.safe_load(found.text()) == found.mapping


@pytest.mark.parametrize("body", [[], 7, "x", None, [1]])
def test_an_example_without_an_object_is_refused(body: object) -> None:
    """With what to give instead."""
    with pytest.raises(InvalidInput, match="D125"):
        proposed(body)


def test_odd_names_become_pointers_or_nothing() -> None:
    """A name with a dot or a slash, and one inside a list, which no path reaches."""
    found = proposed(
        {"kibana.alert.uuid": "u", "kibana.alert.severity": "high", "l": [{"a.b": 1}], "x/y": {"model": "m"}}
    )
    assert found.alerts[0].source_id == "u"
    assert (found.alerts[0].severity, found.alerts[0].model) == ("high", "m")
