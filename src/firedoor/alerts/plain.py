"""A plain source of alerts, in about ten lines: where its fields stand, or a function that reads them.

Decides that there are two ways. Paths say where our fields stand, in the language of mappings
(docs/how-to/send-alerts.md), and what cannot be read becomes a note. A function is for what no path reaches: it returns
our flat form, and whatever it raises on a hostile body is a refusal. Leaves bounds, hashes instead of texts, and
fingerprints to `alerts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Literal, TypedDict, Unpack, cast

from firedoor.alerts.detection import Envelope, read_detection
from firedoor.alerts.items import each_item
from firedoor.alerts.mapped_item import mapped_source
from firedoor.alerts.mapping import Condition, read_mapping
from firedoor.alerts.source import (
    AlertSource,
    Authentication,
    Example,
    Headers,
    body_digest,
    open_json,
)
from firedoor.core.alerts.alert import Alert
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, Problem

Read = Callable[[object], Iterable[Mapping[str, object]]]
# What code that expects another form stumbles over. Anything else is a fault of the source, and is not hidden.
_STUMBLES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Form(TypedDict, total=False):
    """Where our fields stand, and what the sender's words mean: the keys of a mapping."""

    fields: Mapping[str, str]  # our field: a path. `id` tells one detection from another, `episode` one outbreak
    constants: Mapping[str, object]  # our field: what holds where the payload is silent
    alerts_at: str  # where the array of alerts stands
    alert_when: Mapping[str, Condition]
    minor_when: Mapping[str, Condition]  # what says that a child may be concerned; nothing says that none is
    labels: Mapping[str, str]
    incidents: Mapping[str, str]  # the sender's category: our type of incident
    severities: Mapping[str, str]
    statuses: Mapping[str, Literal["firing", "resolved", "unknown"]]
    instants: Literal["auto", "rfc3339", "s", "ms", "us", "ns"]
    time_formats: tuple[str, ...]
    zone: str
    content_types: tuple[str, ...]
    authentication: tuple[Authentication, ...]


def alert_source(
    name: str,
    title: str,
    *,
    package: str,
    examples: Mapping[str, str],
    read: Read | None = None,
    retries: str = "",
    **form: Unpack[Form],
) -> AlertSource:
    """Return a source: the SOURCE of a file of this folder, or of the entry point group `firedoor.alert_sources`.

    `examples` are files of `package`, each with a sentence about it. `read` takes the JSON of a body and gives the
    detections in our flat form; then only `content_types` and `authentication` may stand beside it. `retries` says what
    the sender does without a 2xx. Raises InvalidInput with every problem of the paths.
    """
    stray = sorted(set(form) - {"content_types", "authentication"}) if read else []
    if stray:
        message = f"{stray[0]} stands beside a function that reads the body"
        raise InvalidInput(Problem(code="D201", field=stray[0], message=message, do="say it in the function"))
    said = {**form, "fields": {"id": "id"}} if read else form
    types = {"content_types": ("application/json",)}
    made = mapped_source(read_mapping({"source": name, "title": title, **types, **said}))
    headers = {"content-type": made.content_types[0]}
    shown = tuple(Example(file, about, headers, package) for file, about in examples.items())
    whole = replace(made, examples=shown, retries=retries)
    return replace(whole, parse=_parser(whole, read)) if read else whole


def _parser(source: AlertSource, read: Read) -> Callable[[bytes, Headers], tuple[Alert, ...]]:
    def parse(body: bytes, headers: Headers) -> tuple[Alert, ...]:
        found = cast("Json", _found(read, open_json(source, body, headers)))
        envelope = Envelope(source.id, body_digest(body))
        return each_item([found], lambda item: read_detection(item, envelope))

    return parse


def _found(read: Read, payload: object) -> list[dict[str, object]]:
    """What the function makes of a body. Raises InvalidInput, which names the error and quotes nothing."""
    try:
        return [dict(item) for item in read(payload)]
    except _STUMBLES as error:
        message = f"does not have the form that this source reads ({type(error).__name__})"
        do = "compare it with an example of this source: `firedoor alert sources`"
        raise InvalidInput(Problem(code="D124", field="(the body)", message=message, do=do)) from None
