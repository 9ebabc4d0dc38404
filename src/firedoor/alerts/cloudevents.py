"""CloudEvents 1.0 over HTTP: structured, binary (`ce-*` headers) and batched.

Decides what the event types `dev.firedoor.*` mean: each fixes the method of detection and suggests
the incident type; the data is our flat form (`detection`). Any other type is taken by its envelope
alone, with our fields in extension attributes (`firedoormodel`, ...); its data is not read, as we do
not know what is in it. `source` and `id` tell one event from another (CloudEvents 1.0, section
"REQUIRED Attributes"); with an `id` in our data, `source` and that id tell one detection from another.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from firedoor.alerts.detection import Envelope, read_detection
from firedoor.alerts.items import each_item
from firedoor.alerts.source import AlertSource, Example, Headers, all_or_nothing, body_digest, media_type, open_json
from firedoor.alerts.unwrapping import unwrapped
from firedoor.core.alerts.alert import Alert, Method
from firedoor.core.alerts.signatures import FIREDOOR
from firedoor.core.language.json_fields import Fields
from firedoor.core.language.json_payload import one_line, read_json
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput, Problem, nearest

PREFIX = "dev.firedoor."
# The signature covers the body only, so a signed event may not carry its attributes as headers.
SIGNATURE = replace(FIREDOOR, refused_headers="ce-")
_TRAINING, _CONTENT, _LEAKAGE = (
    IncidentType.UNAUTHORIZED_TRAINING,
    IncidentType.NONCONSENSUAL_GENERATION,
    IncidentType.DATA_LEAKAGE,
)

# Event type -> how it was detected, and which incident it suggests. None: the data says so, or nobody does.
TYPES: Mapping[str, tuple[Method | None, IncidentType | None]] = {
    "dev.firedoor.detection": (None, None),
    "dev.firedoor.training.consent-gap": (Method.CONSENT_AUDIT, _TRAINING),
    "dev.firedoor.training.opt-out-violation": (Method.OPT_OUT_VIOLATION, _TRAINING),
    "dev.firedoor.training.canary": (Method.CANARY, _TRAINING),
    "dev.firedoor.training.access-anomaly": (Method.ACCESS_ANOMALY, _TRAINING),
    "dev.firedoor.training.rate-anomaly": (Method.RATE_ANOMALY, _TRAINING),
    "dev.firedoor.training.vendor-notice": (Method.VENDOR_NOTICE, _TRAINING),
    "dev.firedoor.training.membership-inference": (Method.MEMBERSHIP_INFERENCE, _TRAINING),
    "dev.firedoor.content.classifier": (Method.CONTENT_CLASSIFIER, _CONTENT),
    "dev.firedoor.content.face-match": (Method.FACE_MATCH, _CONTENT),
    "dev.firedoor.content.hash-match": (Method.HASH_MATCH, _CONTENT),
    "dev.firedoor.content.provenance": (Method.PROVENANCE, _CONTENT),
    "dev.firedoor.content.removal-request": (Method.REMOVAL_REQUEST, _CONTENT),
    "dev.firedoor.leakage.personal-data": (Method.PERSONAL_DATA_DETECTOR, _LEAKAGE),
    "dev.firedoor.leakage.extraction": (Method.EXTRACTION_TEST, _LEAKAGE),
    "dev.firedoor.leakage.cross-tenant": (Method.CROSS_TENANT, _LEAKAGE),
    "dev.firedoor.leakage.secret": (Method.SECRET_EXPOSED, _LEAKAGE),
    "dev.firedoor.leakage.complaint": (Method.COMPLAINT, _LEAKAGE),
    "dev.firedoor.quality.score-drop": (Method.SCORE_DROP, None),
}

# Extension attributes (lower-case letters and digits only, by the standard) -> fields of our flat form.
EXTENSIONS: Mapping[str, str] = {
    f"firedoor{field}": field
    for field in (
        "incident",
        "severity",
        "model",
        "dataset",
        "endpoint",
        "detector",
        "method",
        "bank",
        "status",
        "episode",
    )
} | {"firedoorminor": "possible_minor", "firedoorcasestatus": "case_status"}


def parse(body: bytes, headers: Headers) -> tuple[Alert, ...]:
    """Read one event, or a batch. Raises InvalidInput."""
    problems: list[Problem] = []
    raw = body_digest(body)
    given = {name.lower(): value for name, value in headers.items()}
    if "ce-specversion" in given:
        event = _binary(body, given, problems)
        return all_or_nothing(problems, [_alert(event, raw)])
    payload = open_json(SOURCE, body, headers)
    if isinstance(payload, list) and media_type(headers) == "application/cloudevents+json":
        Fields(payload, "", problems)  # one event is an object
        raise InvalidInput(problems)
    return each_item([payload], lambda event: _alert(event, raw))


def _binary(body: bytes, given: Mapping[str, str], problems: list[Problem]) -> Fields:
    """Bring an event whose attributes are headers to the structured form."""
    event: dict[str, object] = {}
    for name, value in given.items():
        if not name.startswith("ce-"):
            continue
        try:
            event[name[3:]] = unquote(value.strip().strip('"'), errors="strict")
        except UnicodeDecodeError:
            do = "percent-encode the UTF-8 bytes"
            problems.append(Problem(code="D103", field=name[:60], message="is not percent-encoded UTF-8", do=do))
    body = unwrapped(body, given.get("content-encoding"), SOURCE.max_bytes)
    kind = media_type(given) or "application/json"
    if str(event.get("type", "")).startswith(PREFIX):
        if kind != "application/json" and not kind.endswith("+json"):
            problems.append(Problem(code="D100", field="content-type", message="the data is not JSON", do="send JSON"))
        elif body:
            event["data"] = read_json(body, maximum_bytes=SOURCE.max_bytes, maximum_depth=SOURCE.max_depth)
    return Fields(event, "", problems)


def _alert(event: Fields, raw: str) -> Alert | None:
    if not event.usable:
        return None
    kind, origin = event.text("type", required=True), event.text("source", required=True, maximum=512)
    identity, time = event.text("id", required=True), event.moment("time")
    if event.text("specversion", required=True) not in (None, "1.0"):
        event.problem("D118", "specversion", "is not 1.0", "send CloudEvents 1.0")
    if kind is None or origin is None or identity is None:
        return None
    ours = kind.startswith(PREFIX)
    if ours and kind not in TYPES:
        event.problem("D113", "type", "is not an event type of ours", nearest(one_line(kind, 80), TYPES))
        return None
    method, incident = TYPES.get(kind, (None, None))
    fields = _ours(event, method) if ours else _envelope(event)
    title = None if ours else one_line(kind, 200)
    defaults = {"method": method, "incident_type": incident, "occurred_at": time, "title": title}
    subject = event.text("subject", maximum=1024)
    labels = {"type": kind, "source": origin[:256], **({"subject": subject[:256]} if subject else {})}
    known = {name: value for name, value in defaults.items() if value is not None}
    return read_detection(fields, Envelope(SOURCE.id, raw, origin, identity, known, labels))


def _ours(event: Fields, method: Method | None) -> Fields:
    """Return the data of one of our event types, which cannot claim another method than its type."""
    data = Fields(_data(event), event.at("data"), event.problems)
    if method is not None and data.value.get("method") not in (None, method):
        data.problem("D121", "method", f"contradicts the event type, which means {method}", "leave the method out")
    return data


def _data(event: Fields) -> object:
    encoded = event.value.get("data_base64")
    if encoded is None:
        return event.value.get("data", {})
    if "data" in event.value:
        event.problem("D122", "data_base64", "stands beside data", "send one of the two")
        return {}
    try:
        inner = base64.b64decode(event.text("data_base64", maximum=SOURCE.max_bytes) or "", validate=True)
        return read_json(inner, maximum_bytes=SOURCE.max_bytes, maximum_depth=SOURCE.max_depth)
    except binascii.Error:
        event.problem("D123", "data_base64", "is not base64", "encode the bytes by RFC 4648, section 4")
    except InvalidInput as error:
        event.problems += [
            problem.model_copy(update={"field": f"{event.at('data_base64')}: {problem.field or 'the bytes'}"})
            for problem in error.problems
        ]
    return {}


def _envelope(event: Fields) -> Fields:
    """Return what the extension attributes of a foreign event say, under the names of our fields."""
    said = {field: event.value[name] for name, field in EXTENSIONS.items() if event.value.get(name) is not None}
    return Fields(said, event.path, event.problems)


SOURCE = AlertSource(
    id="cloudevents",
    title="CloudEvents 1.0",
    content_types=("application/cloudevents+json", "application/cloudevents-batch+json", "application/json"),
    authentication=("bearer", "hmac"),
    signature=SIGNATURE,
    parse=parse,
    examples=(
        Example("cloudevents.json", "Structured: a canary came out of a model",
                {"content-type": "application/cloudevents+json; charset=utf-8"}),
        Example("cloudevents-batch.json", "A batch: a consent gap, a membership test, and a type that is not ours",
                {"content-type": "application/cloudevents-batch+json"}),
        Example("cloudevents-binary.json", "Binary: the attributes are headers, the body is the data", {
            "content-type": "application/json", "ce-specversion": "1.0", "ce-id": "evt-9001",
            "ce-source": "/detectors/tenancy", "ce-type": "dev.firedoor.leakage.cross-tenant",
            "ce-time": "2026-11-21T02:57:00Z",
        }),
    ),
    retries="the sender's protocol decides; the same source and id are the same event",
)  # fmt: skip
