"""Any detector that can post JSON: our flat form, or a form of its own with a mapping.

Decides that a body is one detection, an array of them or one on each line, and how a mapping (a small file that the
operator writes) takes our fields out of somebody else's JSON. A mapping makes a source of its own,
with its own name and authentication. Leaves reading the mapping file to the runtime, and the
meaning of the fields to `detection`.
"""

from __future__ import annotations

from firedoor.alerts.bodies import read_payloads
from firedoor.alerts.detection import Envelope, read_detection
from firedoor.alerts.items import each_item
from firedoor.alerts.source import AlertSource, Example, Headers, body_digest
from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.signatures import FIREDOOR


def parse(body: bytes, headers: Headers) -> tuple[Alert, ...]:
    """Read one detection, an array of them, or one on each line. Raises InvalidInput when none can be read."""
    envelope = Envelope(SOURCE.id, body_digest(body))
    return each_item(read_payloads(SOURCE, body, headers), lambda item: read_detection(item, envelope))


SOURCE = AlertSource(
    id="generic",
    title="Any detector, in Firedoor's own form",
    content_types=("application/json", "application/x-ndjson"),
    authentication=("bearer", "hmac"),
    signature=FIREDOOR,
    parse=parse,
    examples=(
        Example("generic.json", "An output classifier and a hash match, with hashes and no content"),
        Example("generic-text.json", "A detector that includes the text: it is replaced by its SHA-256"),
    ),
    retries="yours to decide: send again on 5xx, 429 and time-outs with the same id, not on 4xx",
)
