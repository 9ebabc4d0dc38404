"""Firedoor's own flat form of a detection: the fields that a sender of ours writes.

Decides the names, types and bounds of the fields, for the `generic` source, for the data of our
CloudEvents and for mapped payloads. Texts that a sender includes (`text`, `output`, `prompt`,
`completion`, `quote`) are replaced by their SHA-256 here and go no further. A field that is not
known is left out with a note, not refused: a detector that learns a new field must not fall silent.
Leaves the envelope around it to the sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from firedoor.alerts.source import make_alert, text_hash
from firedoor.core.alerts.alert import HASH_LENGTHS, MAXIMUM_ITEMS, MAXIMUM_LABELS, Alert, ContentHash, Method
from firedoor.core.canonical import digest
from firedoor.core.facts import Count
from firedoor.core.language.json_fields import Fields
from firedoor.core.language.json_payload import PLAIN_NAME
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import nearest
from firedoor.core.severity import Severity
from firedoor.core.ternary import Ternary

TEXTS = ("text", "output", "prompt", "completion", "quote")
FIELDS = (
    "id", "episode", "status", "occurred_at", "title", "severity", "incident", "confidence", "method", "detector",
    "bank", "case_status", "review_state", "match_algorithm", "match_distance", "match_quality", "score", "threshold",
    "model", "dataset", "endpoint", "subjects", "possible_minor",
    "occurrences", "distinct_values", "data_categories", "entity_types", "content_hashes", "locators", "labels", *TEXTS,
)  # fmt: skip


@dataclass(frozen=True)
class Envelope:
    """What is known of a detection from around it: who sent it, in which bytes, and what holds by default.

    `identity` names the sender's event where the object itself has no `id`. `defaults` are values of
    the Alert that hold when the object does not say otherwise.
    """

    source: str
    raw_sha256: str
    sender: str = ""
    identity: str | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def read_detection(fields: Fields, envelope: Envelope) -> Alert | None:
    """Read one detection; None when something is wrong, which is then in `fields.problems`."""
    identifier = fields.text("id", required=envelope.identity is None) or envelope.identity or ""
    detector = fields.text("detector")
    method, severity = fields.word("method", list(Method)), fields.word("severity", list(Severity))
    said = {
        "title": fields.text("title", maximum=200), "severity": severity, "severity_raw": severity,
        "incident_type": fields.word("incident", list(IncidentType)), "method": method, "detector": detector,
        "bank": fields.text("bank"), "case_status": fields.text("case_status", maximum=128),
        "review_state": fields.text("review_state", maximum=64),
        "match_algorithm": fields.word("match_algorithm", HASH_LENGTHS),
        "match_distance": fields.whole("match_distance", 4096), "match_quality": fields.whole("match_quality", 100),
        "confidence": fields.number("confidence", 0, 1), "score": fields.number("score"),
        "threshold": fields.number("threshold"), "model": fields.text("model"), "dataset": fields.text("dataset"),
        "endpoint": fields.text("endpoint"), "subjects": _count(fields), "possible_minor": _answer(fields),
        "occurrences": fields.whole("occurrences"), "distinct_values": fields.whole("distinct_values"),
        "occurred_at": fields.moment("occurred_at"), "status": fields.word("status", ("firing", "resolved", "unknown")),
        "episode": fields.text("episode", maximum=128),
        "data_categories": fields.identifiers("data_categories", MAXIMUM_ITEMS),
        "entity_types": fields.identifiers("entity_types", MAXIMUM_ITEMS), "content_hashes": _hashes(fields),
        "locators": fields.texts("locators", MAXIMUM_ITEMS, longest=2048),
        "labels": {**_labels(fields), **envelope.labels},
        "notes": _left_out(fields),
    }  # fmt: skip
    values = {**envelope.defaults, **{name: value for name, value in said.items() if value not in (None, (), {})}}
    values.setdefault("title", title_of(values))
    return make_alert(fields.problems, fields.path, **values, source=envelope.source, source_id=identifier,
                      raw_sha256=envelope.raw_sha256,
                      fingerprint=digest([envelope.source, envelope.sender, detector or "", identifier]))  # fmt: skip


def title_of(values: Mapping[str, object]) -> str:
    """Return a title made of our words and identifiers only."""
    what = str(values.get("method") or "detection").replace("_", " ")
    where = next((str(values[name]) for name in ("model", "endpoint", "dataset") if values.get(name)), None)
    return (what[:1].upper() + what[1:] + (f": {where}" if where else ""))[:200]


def _count(fields: Fields) -> Count | None:
    """Read `subjects`: a number of people, or {"min": 1, "max": 40} with either end left out."""
    given = fields.value.get("subjects")
    if not isinstance(given, dict):
        exact = fields.whole("subjects")
        return None if exact is None else Count(minimum=exact, maximum=exact)
    inner = Fields(given, fields.at("subjects"), fields.problems)
    low, high = inner.whole("min") or 0, inner.whole("max")
    if high is not None and high < low:
        inner.problem("D114", "max", "is below min", "send the smaller number as min")
        return None
    return None if not given else Count(minimum=low, maximum=high)


def _answer(fields: Fields) -> Ternary | None:
    """Read `possible_minor`: yes, no, unknown, true or false."""
    given = fields.value.get("possible_minor")
    if isinstance(given, bool):
        return Ternary.YES if given else Ternary.NO
    word = fields.word("possible_minor", list(Ternary))
    return None if word is None else Ternary(word)


def _hashes(fields: Fields) -> tuple[ContentHash, ...]:
    """Read the hashes, and hash the texts."""
    found = list(read_hashes(fields, "content_hashes", MAXIMUM_ITEMS - len(TEXTS)))
    for name in TEXTS:
        given = fields.value.get(name)
        if isinstance(given, str):
            found.append(text_hash(given))
        elif given is not None:
            fields.problem("D111", name, "must be a string", "send the text, or better its SHA-256 in content_hashes")
    return tuple(dict.fromkeys(found))


def read_hashes(fields: Fields, name: str, maximum: int) -> tuple[ContentHash, ...]:
    """Read `[{"algorithm": ..., "value": ...}]`."""
    found = []
    for item in fields.objects(name, maximum):
        algorithm = item.word("algorithm", HASH_LENGTHS, required=True)
        value = item.text("value", required=True, maximum=512)
        if algorithm is None or value is None:
            continue
        try:
            found.append(ContentHash(algorithm=algorithm, value=value.lower()))
        except ValidationError:
            message = f"must be {HASH_LENGTHS[algorithm]} hexadecimal characters"
            item.problem("D117", "value", message, "send the hash, never content")
    return tuple(dict.fromkeys(found))


def _labels(fields: Fields) -> dict[str, str]:
    inner = fields.object("labels")
    if inner is None:
        return {}
    if len(inner.value) > MAXIMUM_LABELS - 4:  # the envelope adds its own
        fields.problem("D116", "labels", f"has more than {MAXIMUM_LABELS - 4} labels", "send fewer")
        return {}
    read = {name: inner.text(name, maximum=256) for name in inner.value}
    return {name[:128]: text for name, text in read.items() if text is not None and name}


def _left_out(fields: Fields) -> tuple[str, ...]:
    """Name the fields that are not known; a name that looks like content is only counted."""
    strange = [name for name in fields.value if name not in FIELDS]
    plain = [name for name in strange if PLAIN_NAME.fullmatch(name)][:10]
    notes = [f"The field {name} is not known and was left out: {nearest(name, FIELDS)}"[:300] for name in plain]
    more = len(strange) - len(plain)
    return (*notes, f"{more} more fields are not known and were left out.") if more else tuple(notes)
