"""Any detector that can post JSON: our flat form, or a form of its own with a mapping.

Decides that a body is one detection or an array of them, and how a mapping (a small file that the
operator writes) takes our fields out of somebody else's JSON. A mapping makes a source of its own,
with its own name and authentication. Leaves reading the mapping file to the runtime, and the
meaning of the fields to `detection`.
"""

from __future__ import annotations

from firedoor.alerts.detection import Envelope, read_detection
from firedoor.alerts.source import AlertSource, Example, Headers, all_or_nothing, body_digest, open_json
from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.signatures import FIREDOOR
from firedoor.core.language.json_fields import Fields
from firedoor.core.problems import Problem

MAXIMUM_DETECTIONS = 500


def parse(body: bytes, headers: Headers) -> tuple[Alert, ...]:
    """Read one detection or an array of them. Raises InvalidInput."""
    problems: list[Problem] = []
    payload = open_json(SOURCE, body, headers)
    if isinstance(payload, list):
        items = Fields({"": payload}, "", problems).objects("", MAXIMUM_DETECTIONS)
    else:
        items = [Fields(payload, "", problems)]
    envelope = Envelope(SOURCE.id, body_digest(body))
    return all_or_nothing(problems, [read_detection(item, envelope) for item in items])


SOURCE = AlertSource(
    id="generic",
    title="Any detector, in Firedoor's own form",
    content_types=("application/json",),
    authentication=("bearer", "hmac"),
    signature=FIREDOOR,
    parse=parse,
    examples=(
        Example("generic.json", "An output classifier and a hash match, with hashes and no content"),
        Example("generic-text.json", "A detector that includes the text: it is replaced by its SHA-256"),
    ),
    retries="yours to decide: send again on 5xx, 429 and time-outs with the same id, not on 4xx",
)
