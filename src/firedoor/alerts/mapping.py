"""Somebody else's JSON as our detections, by a mapping that an operator writes.

Decides the form of a mapping. A mapping makes a source of its own:

    source: opsgenie                       # posts go to /alerts/opsgenie
    alerts_at: /alerts                     # an array; left out: the body is one alert, an array of them, or one a line
    only_when: {"alert.flagged": true}     # what is no alert; left out: everything is one
    fields: {id: alert.alertId, title: alert.message || alert.alias, severity: alert.priority}
    constants: {incident: data_leakage_in_ai_models}
    incidents: {pii: data_leakage_in_ai_models}
    severities: {P1: critical, 7..11: high}
    statuses: {snoozed: firing, "*": unknown}
    zone: Europe/Berlin                    # when times name none
    labels: {team: alert.team}

Leaves paths to `paths` and `expressions`, single values to `foreign`, making alerts to `mapped_item`, and reading the
file to the runtime.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from firedoor.alerts.bodies import FORM
from firedoor.alerts.detection import FIELDS
from firedoor.alerts.expressions import paths_in, reads_header, wrong_with
from firedoor.alerts.foreign import RANGE, Status
from firedoor.alerts.paths import HEADER
from firedoor.alerts.source import Authentication
from firedoor.core.alerts.alert import MAXIMUM_LABELS
from firedoor.core.alerts.signatures import SCHEMES, SignatureScheme
from firedoor.core.dates.arithmetic import zone_named
from firedoor.core.language.json_payload import one_line
from firedoor.core.language.validation import faults
from firedoor.core.language.yaml_source import Source
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.severity import Severity

SECRET_HEADERS = frozenset(("authorization", "cookie", "proxy-authorization", "x-api-key"))
CONTENT_TYPES = ("application/json", "application/x-ndjson", "text/plain", FORM)
Condition = bool | int | str | tuple[bool | int | str, ...]
Paths = str | dict[str, str] | dict[str, Condition] | None  # one path, several by our names, or conditions by path


class GenericMapping(BaseModel):
    """Where our fields stand in a payload. Field names are those of the flat form (docs/how-to/send-alerts.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: str = Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")
    title: str = Field(default="", max_length=200)
    alerts_at: str | None = None
    alert_when: dict[str, Condition] = Field(
        default_factory=dict, max_length=16, validation_alias=AliasChoices("alert_when", "only_when")
    )
    minor_when: dict[str, Condition] = Field(default_factory=dict, max_length=16)
    form_field: str = Field(default="payload", min_length=1, max_length=64)
    fields: dict[str, str]
    constants: dict[str, object] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict, max_length=MAXIMUM_LABELS)
    incidents: dict[str, IncidentType] = Field(default_factory=dict)
    severities: dict[str, Severity] = Field(default_factory=dict)
    statuses: dict[str, Status] = Field(default_factory=dict)
    instants: Literal["auto", "rfc3339", "s", "ms", "us", "ns"] = "auto"
    time_formats: tuple[str, ...] = Field(default=(), max_length=8)
    zone: str | None = None
    content_types: tuple[str, ...] = CONTENT_TYPES
    authentication: tuple[Authentication, ...] = Field(default=("bearer",), min_length=1)
    signature: SignatureScheme | None = None
    key_header: str = Field(default="X-Api-Key", pattern=r"^[A-Za-z0-9-]{1,64}$")

    @field_validator("fields", "constants")
    @classmethod
    def _known(cls, value: dict[str, object]) -> dict[str, object]:
        for name in value:
            if name not in FIELDS or name == "labels":
                raise ValueError(f"{one_line(name, 40)} is not a field of ours: {nearest(name, FIELDS)}")
        return value

    @field_validator("alerts_at", "fields", "labels", "alert_when", "minor_when")
    @classmethod
    def _paths(cls, value: Paths, info: ValidationInfo) -> Paths:
        for written in _written(value, by_key=info.field_name in ("alert_when", "minor_when")):
            if wrong := wrong_with(written):
                raise ValueError(wrong)
            if _secret(written):
                raise ValueError("this header holds a secret, which is never stored")
        return value

    @field_validator("fields")
    @classmethod
    def _identified(cls, value: dict[str, str]) -> dict[str, str]:
        if "id" not in value:
            raise ValueError("needs id, which tells one detection from another")
        return value

    @field_validator("signature", mode="before")
    @classmethod
    def _scheme(cls, value: object) -> object:
        if isinstance(value, str) and value not in SCHEMES:
            raise ValueError(f"{one_line(value, 40)} is no way to sign that is known: {nearest(value, SCHEMES)}")
        return SCHEMES[value] if isinstance(value, str) else value

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
        written = (*self.fields.values(), *self.labels.values(), *self.alert_when, *self.minor_when)
        if "hmac" in self.authentication and any(reads_header(one) for one in written):
            raise ValueError("a signature covers the body alone, so nothing is read from a header: use bearer only")
        return self


Mapped = TypeVar("Mapped", bound=GenericMapping)


def _written(value: Paths, *, by_key: bool) -> Iterator[str]:
    """The expressions in a part of a mapping."""
    if isinstance(value, dict):
        yield from (str(path) for path in (value if by_key else value.values()))
    elif value is not None:
        yield value


def _secret(expression: str) -> bool:
    headers = (path.removeprefix(HEADER).lower() for path in paths_in(expression) if path.startswith(HEADER))
    return any(name in SECRET_HEADERS for name in headers)


def read_mapping(data: object, source: Source | None = None) -> GenericMapping:
    """Read a mapping, for example from YAML. Raises InvalidInput with every problem (code D201), placed in a source."""
    return read_as(GenericMapping, data, source)


def read_as(kind: type[Mapped], data: object, source: Source | None = None) -> Mapped:
    """Read a mapping of some kind. Raises InvalidInput with every problem (code D201), placed in a source."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(
            Problem(
                code="D201", field=fault.field or None, message=fault.message,
                do=fault.do or "see docs/how-to/send-alerts.md", place=source.place(fault.path) if source else None,
            )
            for fault in faults(error, kind)
        ) from None  # fmt: skip
