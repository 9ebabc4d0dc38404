"""The how-to says what the code does: its tables are complete, and what it shows works."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from firedoor.alerts import registry
from firedoor.alerts.alertmanager import parse as parse_alertmanager
from firedoor.alerts.cloudevents import EXTENSIONS, TYPES
from firedoor.alerts.detection import FIELDS
from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import read_mapping
from firedoor.core.alerts.alert import HASH_LENGTHS, MAXIMUM_LABELS, Method
from firedoor.core.alerts.matching import THRESHOLDS, Review, TrustedBank
from firedoor.core.alerts.signatures import FIREDOOR, verify
from firedoor.runtime.config.inventory import read_organisation

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "send-alerts.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def defined_in(block: str) -> dict[str, Any]:
    """Run a block of Python and return what it defines."""
    names: dict[str, Any] = {}
    exec(compile(block, "send-alerts.md", "exec"), names)  # noqa: S102 - our own page, to see that it works
    return names


@pytest.mark.parametrize(
    "words",
    [TYPES, EXTENSIONS, FIELDS, HASH_LENGTHS, list(Method)],
    ids=["types", "extensions", "fields", "hashes", "methods"],
)
def test_every_word_that_a_sender_may_use_is_on_the_page(words: Any) -> None:
    """Event types, extension attributes, fields, hash algorithms and methods: all of them, in backticks."""
    assert not [word for word in words if f"`{word}`" not in TEXT]


def test_the_table_of_event_types_says_what_the_code_does() -> None:
    """Method and suggested incident of each row are those of the type."""
    rows = re.findall(r"^\| `(dev\.firedoor\.[a-z.-]+)` \| (.+?) \| (.+?) \|$", TEXT, re.MULTILINE)
    said = {kind: (method.strip("`"), incident.strip("`")) for kind, method, incident in rows}
    silent = "as the data says"
    assert said == {
        kind: (str(method or silent), str(incident or silent)) for kind, (method, incident) in TYPES.items()
    }


def test_the_bounds_on_the_page_are_the_bounds() -> None:
    """1 MiB, 16 levels, 60 labels."""
    limits = {(source.max_bytes, source.max_depth) for source in registry.sources().values()}
    assert (limits, MAXIMUM_LABELS - 4) == ({(1024 * 1024, 16)}, 60)


def test_the_signature_that_is_shown_is_accepted() -> None:
    """The code of the page signs what the receiver verifies."""
    signature = defined_in(blocks("python")[0])["signature"]
    secret, body = b"a secret of at least 16 bytes", b"{}"
    headers = {"X-Firedoor-Signature": signature(secret, body)}
    assert verify(FIREDOOR, [secret], body, headers, datetime.fromtimestamp(time.time(), UTC)) == 0


def test_the_wrapper_that_is_shown_is_read() -> None:
    """The code of the page wraps what Presidio returns into what we read."""
    result = SimpleNamespace(entity_type="EMAIL_ADDRESS", start=0, end=5, score=1.0)
    body = defined_in(blocks("python")[1])["wrapper"]("r1", "m", [result])
    assert registry.find("presidio").parse(body, {})[0].entity_types == ("EMAIL_ADDRESS",)


def test_the_labels_of_the_alerting_rule_that_is_shown_are_read() -> None:
    """Alertmanager would send these labels; none of them leaves a note."""
    rule = yaml.safe_load(blocks("yaml")[1])["groups"][0]["rules"][0]
    alert = {"labels": {"alertname": rule["alert"], **rule["labels"]}, "startsAt": "2026-11-21T03:00:00Z"}
    (read,) = parse_alertmanager(json.dumps({"version": "4", "alerts": [alert]}).encode(), {})
    assert (read.notes, read.severity, read.method) == ((), "critical", Method.PERSONAL_DATA_DETECTOR)


def test_the_banks_that_are_shown_are_read(tmp_path: Path) -> None:
    """None is trusted without a file, as the page says; the thresholds on the page are those of the program."""
    file = tmp_path / "organisation.yaml"
    file.write_text(blocks("yaml")[2])
    banks = {bank.name: bank for bank in read_organisation(file, {}).trusted_banks}
    assert banks["StopNCII"] == TrustedBank("StopNCII")
    assert banks["our-victims-list"].review is Review.AUTOMATIC
    assert banks["shared-list"].suspended
    assert read_organisation(tmp_path / "none.yaml", {}).trusted_banks == ()
    pdq = THRESHOLDS["pdq"]
    assert f"at most {pdq.distance} of {pdq.bits} bits" in TEXT
    assert f"a quality of at least {pdq.quality}" in TEXT
    for name, one in THRESHOLDS.items():
        assert f"| `{name}` | {'never' if one.distance is None else one.distance} |" in TEXT, name


def test_the_mapping_that_is_shown_reads_what_it_is_for() -> None:
    """And the other signature that the page shows fits into it."""
    data = yaml.safe_load(blocks("yaml")[3])
    shown = re.search(r"`signature: (\{.*?\})`", TEXT)
    assert shown is not None
    source = mapped_source(read_mapping({**data, "signature": yaml.safe_load(shown[1]), "authentication": ["hmac"]}))
    foreign = {
        "alertId": "1",
        "state": "closed",
        "createdAt": 0,
        "details": {"model name": "m"},
        "teams": [{"name": "t"}],
    }
    (alert,) = source.parse(json.dumps({"alerts": [{"alert": foreign}]}).encode(), {})
    assert (alert.model, alert.status, alert.labels) == ("m", "resolved", {"team": "t"})
