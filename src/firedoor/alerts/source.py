"""What a source of alerts is, and the parts that all of them share.

Decides the form of a source (`SOURCE = AlertSource(...)` in a file of its own), the checks of a
body that come before any parsing, and how a parser turns what it read into Alerts or into one
InvalidInput with every problem. A parser is pure: it opens nothing and follows no locator.
Leaves verifying tokens and signatures to the interface, which reads `authentication` here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from firedoor.alerts.unwrapping import unwrapped
from firedoor.core.alerts.alert import MAXIMUM_NOTES, Alert, ContentHash
from firedoor.core.alerts.signatures import SignatureScheme
from firedoor.core.alerts.withheld import without_content
from firedoor.core.dates.arithmetic import doubt
from firedoor.core.json_types import Json
from firedoor.core.language.json_payload import bounded, one_line, read_json
from firedoor.core.language.validation import faults_of
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.text import clean_text

Headers = Mapping[str, str]
Parse = Callable[[bytes, Headers], tuple[Alert, ...]]
Authentication = Literal["bearer", "hmac", "path", "sns"]

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 16


@dataclass(frozen=True)
class Example:
    """A payload that ships with the source: a file beside it, and the headers it travels with."""

    file: str
    about: str
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    package: str = "firedoor.alerts.examples"
    body: bytes | None = None  # the bytes themselves, where they lie in no file of their own


@dataclass(frozen=True, kw_only=True)
class AlertSource:
    """A system that sends alerts.

    `authentication` lists the ways of which a sender must use one: a token (`bearer`, which may also be the password
    of Basic or stand in `key_header`), a token in the address (`path`), a signature of ours or of its own (`hmac`), or
    that of Amazon SNS (`sns`).

    `parse(body, headers)` raises InvalidInput, and nothing else, on whatever it is given. It
    returns no alert when the payload says that nothing was detected.
    """

    id: str
    title: str
    content_types: tuple[str, ...]
    authentication: tuple[Authentication, ...]
    parse: Parse
    examples: tuple[Example, ...]
    signature: SignatureScheme | None = None
    key_header: str = "X-Api-Key"  # where the token may stand, for a sender that sets no Authorization
    parameters: tuple[str, ...] = ()  # what may be said beside the body, in a header or in the query
    max_bytes: int = MAXIMUM_BYTES
    max_depth: int = MAXIMUM_DEPTH
    retries: str = ""  # what the sender does when it gets no 2xx, in words

    @property
    def has_secret(self) -> bool:
        """Whether deliveries may be proved by something that is kept here under the source's variable."""
        return self.signature is not None or "sns" in self.authentication


def parameter(source: str, name: str) -> str:
    """The header that says a parameter of a source: `X-Presidio-Request-Id`. The server puts the query there too."""
    return f"x-{source}-{name.replace('_', '-')}"


def header(headers: Headers, name: str) -> str | None:
    """Return a header whatever its case."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def media_type(headers: Headers) -> str | None:
    """Return the media type without parameters; None when the sender named none."""
    given = header(headers, "content-type")
    return given.partition(";")[0].strip().lower() if given else None


def open_json(source: AlertSource, body: bytes, headers: Headers) -> Json:
    """Check the media type, size and depth, and read the one JSON value. Raises InvalidInput."""
    check_media_type(source, headers)
    body = unwrapped(body, header(headers, "content-encoding"), source.max_bytes)
    read: Json = read_json(body, maximum_bytes=source.max_bytes, maximum_depth=source.max_depth)
    return read


def check_media_type(source: AlertSource, headers: Headers) -> None:
    """Raise InvalidInput for a media type that the source does not send. A file on a disk has none, and is JSON."""
    kind = media_type(headers)
    if kind is not None and kind not in source.content_types:
        message = f"{one_line(kind, 60)} is not read by {source.id}"
        do = f"send {' or '.join(source.content_types)}"
        raise InvalidInput(Problem(code="D100", field="content-type", message=message, do=do))


def body_digest(body: bytes) -> str:
    """Return the SHA-256 of the bytes as they came, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def text_hash(text: str) -> ContentHash:
    """Return the hash that stands for a text from here on; the text itself goes no further."""
    return ContentHash(algorithm="sha256", value=hashlib.sha256(text.encode("utf-8")).hexdigest())


def make_alert(problems: list[Problem], path: str, **values: object) -> Alert | None:
    """Build the Alert; what does not fit it becomes problems. None when there are problems."""
    if problems:
        return None
    try:
        return Alert.model_validate(without_content(_believed(values)))
    except ValidationError as error:
        # Without what was sent: a value may be the very text that leaked.
        for fault in faults_of(error.errors(include_input=False, include_url=False), Alert):
            where = ".".join(filter(None, (path, fault.field)))
            message = f"does not fit: {fault.message}"
            do = fault.do or "see the example of this source"
            problems.append(Problem(code="D120", field=where, message=message, do=do))
        return None


def _believed(values: dict[str, object]) -> dict[str, object]:
    """An instant that means "not given" is not given, and a note says what was sent: no alert is lost over it."""
    at = values.get("occurred_at")
    why = doubt(at) if isinstance(at, datetime) else ""
    if not isinstance(at, datetime) or not why:
        return values
    note = f"The time {at.isoformat()} was not used: it {why}."
    return {**values, "occurred_at": None, "notes": with_note(values, note)}


def with_note(values: Mapping[str, object], note: str) -> tuple[str, ...]:
    """The notes of an alert that is being made, and one more; the last ones are kept."""
    notes = values.get("notes")
    return (*(notes if isinstance(notes, tuple) else ()), note)[-MAXIMUM_NOTES:]


def _clean(value: object) -> object:
    """One line of what a reader sees, whichever way a source came by it; what is no text stays as it is."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, (list, tuple)):
        return tuple(_clean(item) for item in value)
    if isinstance(value, dict):
        return {clean_text(key): _clean(inner) for key, inner in value.items()}
    return value


@dataclass(frozen=True)
class Read:
    """What became of one item: an alert, the problems why it is none, or neither where nothing was detected."""

    alert: Alert | None
    problems: tuple[Problem, ...] = ()


def readable(items: Sequence[Read]) -> tuple[Alert, ...]:
    """Return the alerts that can be read, each with a note of what cannot. Raises InvalidInput when nothing can be.

    An item that cannot be read loses none of its neighbours: few senders send again what was refused.
    """
    problems = [problem for item in items for problem in item.problems]
    alerts = [item.alert for item in items if item.alert is not None]
    if not problems:
        return tuple(alerts)
    if not alerts:
        raise InvalidInput(bounded(problems))
    bad = sum(1 for item in items if item.problems)
    why = f"{problems[0].field or 'one'}: {problems[0].message}"
    note = f"{bad} of {len(items)} alerts of this delivery could not be read and are lost: {why}. Look them up there."
    return tuple(alert.model_copy(update={"notes": (*alert.notes, note[:500])[-MAXIMUM_NOTES:]}) for alert in alerts)


def all_or_nothing(problems: list[Problem], alerts: list[Alert | None]) -> tuple[Alert, ...]:
    """Return the alerts, or raise InvalidInput with every problem: half a delivery is never taken."""
    if problems:
        raise InvalidInput(bounded(problems))
    return tuple(alert for alert in alerts if alert is not None)
