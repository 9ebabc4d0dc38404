"""Proposes a mapping from one example of what a detector sends.

Decides by the names of fields alone, in a fixed order: the same example gives the same proposal. What it is not sure of
it says, and what may be somebody's words it does not map. A person reads the proposal before it is used. Leaves where
things stand in an example to `sample`, and what a mapping means to `mapping`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from firedoor.alerts.detection import TEXTS
from firedoor.alerts.foreign import ENDED, FIRING, FRACTIONS, WHOLES, Reading, number, scalar
from firedoor.alerts.foreign_times import moment
from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import read_mapping
from firedoor.alerts.paths import said
from firedoor.alerts.sample import Leaf, leaves, opened_sample
from firedoor.alerts.source import Headers
from firedoor.core.alerts.alert import Alert, severity_of
from firedoor.core.json_types import Json, JsonObject
from firedoor.core.language.json_payload import one_line
from firedoor.core.problems import InvalidInput

# Our field: the names under which senders put it, without case and separators. The likeliest is first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": (
        "alertid", "findingid", "detectionid", "eventid", "fingerprint", "dedupkey", "deduplicationkey", "requestuuid",
        "requestid", "uuid", "guid", "uid", "id", "taskid", "messageid", "traceid", "commit", "hash", "number", "key",
    ),
    "title": ("title", "alertname", "rulename", "monitorname", "checkname", "name", "detectorname", "signature"),
    "severity": (
        "severity", "severitylabel", "severitytext", "priority", "level", "risklevel", "urgency", "criticality", "risk",
        "alerttype", "sev", "rating", "grade",
    ),
    "status": (
        "status", "state", "alertstate", "newstatevalue", "transition", "alerttransition", "notificationtype",
        "monitorcondition", "action", "eventtype",
    ),
    "occurred_at": (
        "occurredat", "detectedat", "triggeredat", "firedat", "fireddatetime", "startsat", "eventtime",
        "statechangetime", "timestamp", "@timestamp", "createdat", "creationtime", "createdon", "created", "starttime",
        "datetime", "shortdatetime", "longdatetime", "time", "date", "updatedat",
    ),
    "model": ("model", "modelname", "modelid", "deploymentname", "deployment", "modeldeployment", "modelversion"),
    "endpoint": (
        "endpoint", "endpointname", "service", "servicename", "application", "app", "hostname", "host", "resource",
        "resourceid", "resourcename", "target", "instance",
    ),
    "dataset": ("dataset", "datasetid", "bucket", "bucketname", "table", "collection", "index", "repository", "repo"),
    "detector": ("detector", "detectorname", "scanner", "productname", "product", "ruleid", "rule", "plugin", "probe"),
    "score": ("score", "confidence", "probability", "likelihood", "riskscore"),
    "threshold": ("threshold", "minconfidence"),
    "subjects": ("subjects", "affected", "affectedusers", "usersaffected", "affectedpeople", "userscount"),
    "occurrences": ("occurrences", "hits", "hitcount", "matchcount", "eventcount", "count"),
}  # fmt: skip
ENTITIES = ("entitytype", "detectortype", "infotype", "category", "class", "label", "type", "kind")
FLAGS = ("flagged", "detected", "isflagged", "match", "matched", "blocked", "violation", "triggered")
KEYWORDS: tuple[tuple[tuple[str, ...], str, str], ...] = (  # in the names and words of the example
    (
        ("nsfw", "nudity", "sexual", "deepfake", "intimate", "porn"),
        "nonconsensual_content_generation",
        "content_classifier",
    ),
    (("secret", "credential", "apikey", "private key"), "data_leakage_in_ai_models", "secret_exposed"),
    (("consent", "optout", "opt-out", "robots", "training"), "unauthorized_ai_training", "consent_audit"),
    (
        ("pii", "personal", "leak", "dlp", "email", "phone", "ssn"),
        "data_leakage_in_ai_models",
        "personal_data_detector",
    ),
)


@dataclass(frozen=True)
class Proposal:
    """A mapping as a person would write it, what it makes of the example, and what is not sure, in sentences."""

    mapping: JsonObject
    alerts: tuple[Alert, ...]
    unsure: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)  # what stands in the example for each of our fields

    def text(self) -> str:
        """The mapping as YAML; what is not sure, and what each field becomes, as comments."""
        lines = [f"# Not sure: {one}" for one in self.unsure]
        lines += [yaml.safe_dump(self.mapping, sort_keys=False, allow_unicode=True, width=110).rstrip()]
        for count, alert in enumerate(self.alerts[:3], 1):
            lines.append(f"# Alert {count} of {len(self.alerts)} in the example becomes:")
            lines += [f"#   {name}: {one_line(str(value), 100)}" for name, value in _kept(alert).items()]
        return "\n".join(lines) + "\n"


def propose(source: str, body: bytes, headers: Headers) -> Proposal:
    """Propose a mapping for what `body` is an example of. Raises InvalidInput when it holds nothing to map."""
    sample = opened_sample(body, headers)
    found = leaves(sample.item)
    unsure: list[str] = []
    fields, values = _fields(found, unsure)
    written: dict[str, Json] = {"source": source}
    if sample.alerts_at:
        written["alerts_at"] = sample.alerts_at
    if sample.form_field not in ("", "payload"):
        written["form_field"] = sample.form_field
    flag = next((leaf for leaf in found if leaf.plain in FLAGS and isinstance(leaf.value, bool)), None)
    if flag is not None:
        written["only_when"] = {flag.path: True}
    written["fields"] = {**fields}
    written["constants"] = {**_constants(found, unsure)}
    _explain(written, values, found, unsure)
    return Proposal(written, _tried(written, body, headers, unsure), tuple(unsure), values)


def _fields(found: Sequence[Leaf], unsure: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Where our fields stand: by the likeliest name, then by the shortest path."""
    chosen: dict[str, Leaf] = {}
    for ours, names in NAMES.items():
        fitting = [leaf for leaf in found if leaf.plain in names and leaf not in chosen.values() and _fits(ours, leaf)]
        if fitting:
            chosen[ours] = min(fitting, key=lambda leaf: (names.index(leaf.plain), leaf.depth, leaf.path))
    fields = {ours: leaf.path for ours, leaf in chosen.items()}
    if "id" not in fields:
        fields = {"id": "id", **fields}
        unsure.append("no field looks like an id; the digest of the whole alert stands for it.")
    elif chosen["id"].plain not in NAMES["id"][:9]:
        unsure.append(f"id: whether {chosen['id'].path} tells one detection from another.")
    kinds = [leaf for leaf in found if leaf.plain in ENTITIES and "[*]" in leaf.path]
    if kinds:
        fields["entity_types"] = min(kinds, key=lambda leaf: (ENTITIES.index(leaf.plain), leaf.depth)).path
    content = sorted({leaf.path for leaf in found if leaf.plain in (*TEXTS, "message", "description", "body", "raw")})
    if content:
        unsure.append(f"not mapped, as somebody's words may stand there: {', '.join(content[:6])}.")
    return fields, {ours: said(leaf.value) for ours, leaf in chosen.items()}


def _fits(ours: str, leaf: Leaf) -> bool:
    """Whether a value may be what its name says: a number where we count, one name and not one of a list."""
    if not scalar(leaf.value) or (ours in ("id", "title") and "[*]" in leaf.path):
        return False
    if ours == "title" and leaf.plain == "name":
        return leaf.depth == 1
    return ours not in (*FRACTIONS, *WHOLES) or isinstance(number(ours, leaf.value), (int, float))


def _constants(found: Sequence[Leaf], unsure: list[str]) -> dict[str, str]:
    """Which incident, and how it was detected: guessed from words, and never sure."""
    words = " ".join(f"{leaf.plain} {said(leaf.value)[:200] if scalar(leaf.value) else ''}" for leaf in found).lower()
    for keywords, incident, method in KEYWORDS:
        if word := next((word for word in keywords if word in words), None):
            unsure.append(f'incident and method, which were guessed from the word "{word}".')
            return {"incident": incident, "method": method}
    unsure.append("incident and method: nothing in the example says what kind of incident this is; a person is asked.")
    return {}


def _explain(written: dict[str, Json], values: Mapping[str, str], found: Sequence[Leaf], unsure: list[str]) -> None:
    """What the words and numbers of the example need besides paths."""
    severity, status, at = values.get("severity"), values.get("status"), values.get("occurred_at")
    if severity is not None and severity_of(severity) is None:
        numeric = isinstance(number("score", severity), (int, float))
        written["severities"] = {"0..3": "low", "4..6": "medium", "7..": "high"} if numeric else {severity: "high"}
        unsure.append(f'severities: what "{one_line(severity, 40)}" means, and which others there are.')
    if status is not None and status.strip().lower() not in FIRING | ENDED:
        written["statuses"] = {status: "firing", "*": "unknown"}
        unsure.append(f'statuses: whether "{one_line(status, 40)}" means that it goes on.')
    if at is not None:
        reading = Reading({})
        leaf = next(leaf for leaf in found if leaf.path == _table(written, "fields").get("occurred_at"))
        moment(leaf.value, "auto", (), None, reading)
        if any("zone" in note for note in reading.notes):
            written["zone"] = "UTC"
            unsure.append("zone: the times name none; UTC was taken.")


def _table(written: JsonObject, name: str) -> JsonObject:
    """A part of a proposal that is a table."""
    inner = written.get(name)
    return inner if isinstance(inner, dict) else {}


def _tried(written: JsonObject, body: bytes, headers: Headers, unsure: list[str]) -> tuple[Alert, ...]:
    mapping = read_mapping(written)
    try:
        return mapped_source(mapping).parse(body, headers)
    except InvalidInput as error:
        unsure.append(f"the example is not read by this mapping: {error.problems[0].message}.")
        return ()


def _kept(alert: Alert) -> dict[str, object]:
    """What an alert says, without what every alert has."""
    dumped = alert.model_dump(mode="json", exclude={"fingerprint", "raw_sha256", "source"})
    return {name: value for name, value in dumped.items() if value not in (None, "", [], {}, False)}
