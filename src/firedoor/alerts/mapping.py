"""Somebody else's JSON as our detections, by a mapping that an operator writes.

Decides the form of a mapping and how it is applied. A mapping makes a source of its own:

    source: opsgenie                       # posts go to /alerts/opsgenie
    alerts_at: /alerts                     # an array; left out: the body is one alert, an array of them, or one a line
    alert_when: {"alert.flagged": true}    # what is no alert; left out: everything is one
    fields: {id: alert.alertId, title: alert.message, severity: alert.priority, occurred_at: alert.createdAt}
    constants: {incident: data_leakage_in_ai_models}
    incidents: {pii: data_leakage_in_ai_models}
    severities: {P1: critical, 7..11: high}
    instants: ms                           # when times are numbers
    zone: Europe/Berlin                    # when times name none
    labels: {team: alert.team}

What cannot be read in a field that may be left out is left out with a note; the alert is not lost. Leaves the paths to
`paths`, single values to `foreign`, and reading the file to the runtime.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from typing import Literal
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from firedoor.alerts import foreign
from firedoor.alerts.detection import FIELDS, TEXTS, Envelope, read_detection
from firedoor.alerts.foreign import RANGE, Reading, Status, scalar
from firedoor.alerts.paths import HEADER, is_path, look_up, look_up_all, said
from firedoor.alerts.source import (
    AlertSource,
    Authentication,
    Headers,
    all_or_nothing,
    body_digest,
    check_media_type,
    media_type,
)
from firedoor.core.alerts.alert import MAXIMUM_ITEMS, MAXIMUM_LABELS, MAXIMUM_NOTES, Alert
from firedoor.core.alerts.signatures import FIREDOOR, SignatureScheme
from firedoor.core.dates.arithmetic import zone_named
from firedoor.core.json_types import Json
from firedoor.core.language.json_fields import Fields
from firedoor.core.language.json_payload import one_line, read_json
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.severity import Severity

MAXIMUM_DETECTIONS = 500
FORM = "application/x-www-form-urlencoded"
LISTS = ("data_categories", "entity_types", "locators")  # take everything that a path finds
SECRET_HEADERS = frozenset(("authorization", "cookie", "proxy-authorization"))
Condition = bool | int | str | tuple[bool | int | str, ...]
Paths = str | dict[str, str] | dict[str, Condition] | None  # one path, several by our names, or conditions by path


class GenericMapping(BaseModel):
    """Where our fields stand in a payload. Field names are those of the flat form (docs/how-to/send-alerts.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")
    title: str = Field(default="", max_length=200)
    alerts_at: str | None = None
    alert_when: dict[str, Condition] = Field(default_factory=dict, max_length=16)
    form_field: str = Field(default="payload", min_length=1, max_length=64)
    fields: dict[str, str]
    constants: dict[str, object] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict, max_length=MAXIMUM_LABELS)
    incidents: dict[str, IncidentType] = Field(default_factory=dict)
    severities: dict[str, Severity] = Field(default_factory=dict)
    statuses: dict[str, Status] = Field(default_factory=dict)
    instants: Literal["rfc3339", "s", "ms", "us", "ns"] = "rfc3339"
    zone: str | None = None
    content_types: tuple[str, ...] = ("application/json",)
    authentication: tuple[Authentication, ...] = Field(default=("bearer",), min_length=1)
    signature: SignatureScheme | None = None

    @field_validator("fields", "constants")
    @classmethod
    def _known(cls, value: dict[str, object]) -> dict[str, object]:
        for name in value:
            if name not in FIELDS or name == "labels":
                raise ValueError(f"{one_line(name, 40)} is not a field of ours: {nearest(name, FIELDS)}")
        return value

    @field_validator("alerts_at", "fields", "labels", "alert_when")
    @classmethod
    def _paths(cls, value: Paths, info: ValidationInfo) -> Paths:
        keys = _written(value, by_key=info.field_name == "alert_when")
        for path in keys:
            if not is_path(path):
                raise ValueError(f"{one_line(path, 60)} is no path: write /a/b/0, a.b[0] or a[?name=value]")
            if path.lower().removeprefix(HEADER) in SECRET_HEADERS and path.startswith(HEADER):
                raise ValueError("this header holds a secret, which is never stored")
        return value

    @field_validator("fields")
    @classmethod
    def _identified(cls, value: dict[str, str]) -> dict[str, str]:
        if "id" not in value:
            raise ValueError("needs id, which tells one detection from another")
        return value

    @field_validator("severities")
    @classmethod
    def _ranges(cls, value: dict[str, Severity]) -> dict[str, Severity]:
        for key in value:
            found = RANGE.fullmatch(key)
            if found and (key == ".." or (all(found.groups()) and float(found["low"]) > float(found["high"]))):
                raise ValueError(f"{key} is no range: write 7..11, 12.. or ..3")
        return value

    @field_validator("zone")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        try:
            return value if value is None else zone_named(value).key
        except InvalidInput as error:
            raise ValueError(f"{error.problems[0].message}: {error.problems[0].do}") from None

    @model_validator(mode="after")
    def _signed(self) -> GenericMapping:
        paths = (*self.fields.values(), *self.labels.values(), *self.alert_when)
        if "hmac" in self.authentication and any(path.startswith(HEADER) for path in paths):
            raise ValueError("a signature covers the body alone, so nothing is read from a header: use bearer only")
        return self


def _written(value: Paths, *, by_key: bool) -> Iterator[str]:
    """The paths in a part of a mapping."""
    if isinstance(value, dict):
        yield from (str(path) for path in (value if by_key else value.values()))
    elif value is not None:
        yield value


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


def _parse(mapping: GenericMapping, body: bytes, headers: Headers) -> tuple[Alert, ...]:
    source = mapped_source(mapping)
    check_media_type(source, headers)
    items = list(_items(mapping, source, body, headers))
    problems: list[Problem] = []
    if len(items) > MAXIMUM_DETECTIONS:
        message = f"holds more than {MAXIMUM_DETECTIONS} alerts"
        problems.append(Problem(code="D116", field=mapping.alerts_at or "(the body)", message=message, do="send fewer"))
    raw = body_digest(body)
    found = [] if problems else [_Item(mapping, item, headers, raw, problems).alert() for item in items]
    return all_or_nothing(problems, found)


def _items(mapping: GenericMapping, source: AlertSource, body: bytes, headers: Headers) -> Iterator[Json]:
    """What may be alerts: the body, the items of its array, or one on each line."""
    for payload in _payloads(mapping, source, body, headers):
        inner = payload if mapping.alerts_at is None else look_up(payload, mapping.alerts_at)
        if inner is None:
            message, do = "holds no alerts", "compare the mapping with the body: the path leads nowhere"
            raise InvalidInput(Problem(code="D116", field=mapping.alerts_at or "(the body)", message=message, do=do))
        yield from inner if isinstance(inner, list) else (inner,)


def _payloads(mapping: GenericMapping, source: AlertSource, body: bytes, headers: Headers) -> list[Json]:
    if media_type(headers) == FORM:
        body = _form_field(mapping, body)
    bounds = {"maximum_bytes": source.max_bytes, "maximum_depth": source.max_depth}
    try:
        return [read_json(body, **bounds)]
    except InvalidInput as error:
        lines = [line for line in body.splitlines() if line.strip()]
        if error.problems[0].code != "D104" or not 1 < len(lines) <= MAXIMUM_DETECTIONS:
            raise
        try:
            return [read_json(line, **bounds) for line in lines]
        except InvalidInput:
            raise error from None  # what is wrong is that it is no JSON; that it is no list of lines either is no news


def _form_field(mapping: GenericMapping, body: bytes) -> bytes:
    """The JSON in a field of a form."""
    try:
        fields = dict(parse_qsl(body.decode("ascii"), max_num_fields=64))
    except (UnicodeDecodeError, ValueError):
        fields = {}
    if mapping.form_field not in fields:
        message, do = f"the form has no field {mapping.form_field}", "name the field with the JSON: form_field"
        raise InvalidInput(Problem(code="D104", field=mapping.form_field, message=message, do=do))
    return fields[mapping.form_field].encode("utf-8", "surrogatepass")


class _Item:
    """One item of a payload, while an alert is made of it."""

    def __init__(
        self, mapping: GenericMapping, item: Json, headers: Headers, raw: str, problems: list[Problem]
    ) -> None:  # fmt: skip
        self.mapping, self.item, self.headers, self.raw, self.problems = mapping, item, headers, raw, problems
        self.reading = Reading(mapping.fields)

    def alert(self) -> Alert | None:
        """The alert; None where the item says that nothing was detected, or that cannot be one."""
        if not self._detected():
            return None
        flat = {name: self._value(name, path) for name, path in self.mapping.fields.items()}
        if all(self._first(name) is None for name in flat):
            message = "has none of the fields that the mapping names"
            problem = Problem(code="D110", field="(an alert)", message=message, do="compare the mapping with the body")
            self.problems.append(problem)
            return None
        if flat["id"] is None:
            self.reading.notes.append("No id was sent, so the same delivery again counts as a copy.")
        given = self._first("severity")
        severity = foreign.severity(given, self.mapping.severities, self.reading)
        flat["labels"] = self._labels()
        constants = {name: value for name, value in self.mapping.constants.items() if flat.get(name) is None}
        if severity is not None:
            constants.pop("severity", None)
        return self._read({**flat, **constants}, severity, given)

    def _read(self, flat: dict[str, object], severity: Severity | None, given: Json) -> Alert | None:
        """Read our form; what is wrong in a field that may be left out becomes a note."""
        raw = one_line(said(given), 64) if scalar(given) and given != "" else None
        defaults = {"severity": severity, "severity_raw": raw}
        for _ in range(len(flat) + 1):
            notes = tuple(self.reading.notes)[:MAXIMUM_NOTES]
            envelope = Envelope(
                self.mapping.source, self.raw, identity=self._identity(), defaults={**defaults, "notes": notes}
            )
            wrong: list[Problem] = []
            alert = read_detection(Fields(flat, "", wrong), envelope)
            if alert is not None:
                return alert.model_copy(update={"notes": tuple(dict.fromkeys((*notes, *alert.notes)))[:MAXIMUM_NOTES]})
            for problem in wrong:
                name = (problem.field or "").partition(".")[0].partition("[")[0]
                if flat.pop(name, None) is not None:
                    self.reading.note(name, problem.message)
        self.problems.extend(wrong)
        return None

    def _identity(self) -> str:
        """What stands for an id that was not sent, or that cannot be one."""
        return hashlib.sha256(json.dumps(self.item, sort_keys=True).encode()).hexdigest()

    def _detected(self) -> bool:
        """Whether every condition holds; one over which the payload is silent holds, and a note says so."""
        for path, wanted in self.mapping.alert_when.items():
            found = [one for one in look_up_all(self.item, path, self.headers) if scalar(one)]
            if not found:
                why = f"It does not say {one_line(path, 60)}, by which the mapping tells what is an alert: it counts."
                self.reading.notes.append(why)
            elif not any(_holds(one, wanted) for one in found):
                return False
        return True

    def _first(self, name: str) -> Json:
        path = self.mapping.fields.get(name)
        return None if path is None else look_up(self.item, path, self.headers)

    def _value(self, name: str, path: str) -> Json:
        """The value of one of our fields, with its type."""
        if name in LISTS:
            found = look_up_all(self.item, path, self.headers)
            flat = [inner for one in found for inner in (one if isinstance(one, list) else (one,))]
            return list(dict.fromkeys(said(one) for one in flat if scalar(one)))[:MAXIMUM_ITEMS] or None
        value = look_up(self.item, path, self.headers)
        if name == "severity" or value is None:
            return None
        if name == "occurred_at":
            zone = ZoneInfo(self.mapping.zone) if self.mapping.zone else None
            return foreign.moment(value, self.mapping.instants, zone, self.reading)
        if name == "status":
            return foreign.status(value, self.mapping.statuses, self.reading)
        if name == "incident":
            return foreign.incident(value, self.mapping.incidents)
        if name in (*foreign.FRACTIONS, *foreign.WHOLES):
            return foreign.number(name, value)
        return foreign.text(name, value) if name not in TEXTS else value

    def _labels(self) -> dict[str, str]:
        found = {name: look_up(self.item, path, self.headers) for name, path in self.mapping.labels.items()}
        return {name: one_line(said(value), 256) for name, value in found.items() if scalar(value)}


def _holds(value: Json, wanted: Condition) -> bool:
    """Whether a value is the one that is wanted, one of several, or in a range such as 2.. ."""
    if isinstance(wanted, tuple):
        return any(_holds(value, one) for one in wanted)
    if isinstance(wanted, str) and (found := RANGE.fullmatch(wanted)):
        level = foreign.number("score", value)
        low, high = found.group("low", "high")
        if isinstance(level, bool) or not isinstance(level, (int, float)):
            return False
        return (not low or level >= float(low)) and (not high or level <= float(high))
    return said(value).lower() == said(wanted).lower()
