"""Somebody else's JSON as our detections, by a mapping that an operator writes.

Decides the form of a mapping and how it is applied. A mapping makes a source of its own:

    source: opsgenie                       # posts go to /alerts/opsgenie
    alerts_at: /alerts                     # an array; left out: the body is one alert, or an array of them
    fields: {id: alert.alertId, title: alert.message, severity: alert.priority, occurred_at: alert.createdAt}
    constants: {incident: data_leakage_in_ai_models}
    severities: {P1: critical, P2: high}
    instants: ms                           # when times are numbers
    labels: {team: alert.team}

A path is a JSON pointer (RFC 6901, begins with `/`) or dotted (`a.b[0].c`). A severity or a status
that the mapping does not know leaves a note; the alert is not lost. Leaves reading the file to the runtime.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from firedoor.alerts.detection import FIELDS, Envelope, read_detection
from firedoor.alerts.source import AlertSource, Authentication, Headers, all_or_nothing, body_digest, open_json
from firedoor.core.alert import MAXIMUM_LABELS, Alert, severity_of
from firedoor.core.fields import Fields
from firedoor.core.payload import one_line
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.severity import Severity
from firedoor.core.signatures import FIREDOOR, SignatureScheme

MAXIMUM_DETECTIONS = 500
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
NUMBERS = ("confidence", "score", "threshold", "occurrences", "distinct_values")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = re.compile(r"[^.\[\]]+|\[\d{1,6}\]")
_DOTTED = re.compile(r"[^.\[\]]+(?:\[\d{1,6}\]|\.[^.\[\]]+)*")
_POINTER = re.compile(r"(?:/(?:[^/~]|~0|~1)*)+")


class GenericMapping(BaseModel):
    """Where our fields stand in a payload. Field names are those of the flat form (docs/how-to/send-alerts.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")
    title: str = Field(default="", max_length=200)
    alerts_at: str | None = None
    fields: dict[str, str]
    constants: dict[str, Any] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict, max_length=MAXIMUM_LABELS)
    severities: dict[str, Severity] = Field(default_factory=dict)
    statuses: dict[str, Literal["firing", "resolved"]] = Field(default_factory=dict)
    instants: Literal["rfc3339", "s", "ms", "us", "ns"] = "rfc3339"
    content_types: tuple[str, ...] = ("application/json",)
    authentication: tuple[Authentication, ...] = Field(default=("bearer",), min_length=1)
    signature: SignatureScheme | None = None

    @field_validator("fields", "constants")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name not in FIELDS or name == "labels":
                raise ValueError(f"{one_line(name, 40)} is not a field of ours: {nearest(name, FIELDS)}")
        return value

    @field_validator("alerts_at", "fields", "labels")
    @classmethod
    def _paths(cls, value: Any) -> Any:  # noqa: ANN401 - one path, several, or none
        for path in value.values() if isinstance(value, dict) else (value,):
            if path is not None and not (_POINTER if path.startswith("/") else _DOTTED).fullmatch(path):
                raise ValueError(f"{one_line(path, 60)} is no path: write /a/b/0 or a.b[0]")
        return value

    @field_validator("fields")
    @classmethod
    def _identified(cls, value: dict[str, str]) -> dict[str, str]:
        if "id" not in value:
            raise ValueError("needs id, which tells one detection from another")
        return value


def read_mapping(data: object) -> GenericMapping:
    """Read a mapping, for example from YAML. Raises InvalidInput with every problem (code D201)."""
    try:
        return GenericMapping.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        do = "see docs/how-to/send-alerts.md"
        places = [".".join(str(part) for part in fault["loc"]) or None for fault in faults]
        texts = [fault["msg"].removeprefix("Value error, ") for fault in faults]
        raise InvalidInput(
            Problem(code="D201", field=place, message=text, do=do) for place, text in zip(places, texts, strict=True)
        ) from None


def mapped_source(mapping: GenericMapping) -> AlertSource:
    """Return the source that a mapping makes."""
    signature = mapping.signature or (FIREDOOR if "hmac" in mapping.authentication else None)
    return AlertSource(
        id=mapping.source, title=mapping.title or mapping.source, content_types=mapping.content_types,
        authentication=mapping.authentication, signature=signature, parse=partial(_parse, mapping), examples=(),
    )  # fmt: skip


def look_up(value: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what stands at a path; None where nothing does."""
    if path.startswith("/"):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    else:
        steps = [step.strip("[]") for step in _STEP.findall(path)]
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 7:
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


def _parse(mapping: GenericMapping, body: bytes, headers: Headers) -> tuple[Alert, ...]:
    source = mapped_source(mapping)
    payload = open_json(source, body, headers)
    if mapping.alerts_at is not None:
        payload = look_up(payload, mapping.alerts_at)
    items = payload if isinstance(payload, list) else [payload]
    problems: list[Problem] = []
    if payload is None or len(items) > MAXIMUM_DETECTIONS:
        message = f"holds no alerts, or more than {MAXIMUM_DETECTIONS}"
        problems.append(Problem(code="D116", field=mapping.alerts_at or "(the body)", message=message, do="send fewer"))
    raw = body_digest(body)
    return all_or_nothing(problems, [] if problems else [_alert(mapping, item, raw, problems) for item in items])


def _alert(mapping: GenericMapping, item: Any, raw: str, problems: list[Problem]) -> Alert | None:  # noqa: ANN401
    """Build our flat form out of one item, and read it; problems name the path in the payload."""
    flat = {name: _prepared(mapping, name, look_up(item, path)) for name, path in mapping.fields.items()}
    given = flat.pop("severity", None)
    severity, notes = _severity(mapping, given)
    labels = {name: look_up(item, path) for name, path in mapping.labels.items()}
    flat["labels"] = {name: one_line(str(value), 256) for name, value in labels.items() if _scalar(value)}
    constants = {name: value for name, value in mapping.constants.items() if flat.get(name) is None}
    own: list[Problem] = []
    defaults = {"severity": severity, "severity_raw": one_line(str(given), 64) if given else None, "notes": notes}
    if "severity" in constants and severity is not None:
        del constants["severity"]
    envelope = Envelope(mapping.source, raw, defaults=defaults)
    alert = read_detection(Fields({**flat, **constants}, "", own), envelope)
    problems.extend(_placed(problem, mapping.fields) for problem in own)
    return alert


def _prepared(mapping: GenericMapping, name: str, value: Any) -> Any:  # noqa: ANN401
    """Bring a foreign scalar to the type that our form has."""
    if name == "occurred_at" and isinstance(value, (int, float)) and mapping.instants != "rfc3339":
        return _moment(value, PER_SECOND[mapping.instants])
    if name == "status":
        return mapping.statuses.get(str(value), "resolved" if str(value).lower() == "resolved" else "firing")
    if name in NUMBERS or name in ("subjects", "possible_minor") or not _scalar(value):
        return value
    return one_line(str(value), 200) if name == "title" else str(value)


def _moment(value: float, per_second: int) -> str | None:
    try:
        return (_EPOCH + timedelta(seconds=value / per_second)).isoformat()
    except OverflowError:
        return "out of range"  # is then refused as an instant, with its path


def _severity(mapping: GenericMapping, given: Any) -> tuple[Severity | None, tuple[str, ...]]:  # noqa: ANN401
    if not _scalar(given):
        return None, ()
    read = mapping.severities.get(str(given)) or severity_of(str(given))
    return read, () if read else ("The severity that was sent is not in the mapping; it is unknown.",)


def _scalar(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, (str, int, float))


def _placed(problem: Problem, paths: Mapping[str, str]) -> Problem:
    first, _, rest = (problem.field or "").partition(".")
    path = paths.get(first)
    return (
        problem.model_copy(update={"field": f"{path}{'.' + rest if rest else ''} (our {first})"}) if path else problem
    )
