"""Microsoft Presidio: what its analyzer found in one output of a model, as it comes or wrapped with where it came from.

The array that the analyzer itself returns is taken as it comes. Which model answered, at which endpoint and to which
request is then said beside the body (`PARAMETERS`), or it is unknown: then the bytes tell one detection from another.
Decides which findings count (a threshold for each entity type), how they add up to a severity, and
that no text goes further: the output is replaced by its SHA-256; the single values are compared by
hash, to count the distinct ones, and the hashes are then forgotten, because a telephone number is
easily guessed from its hash. Of a finding, the entity type, score and offsets stay.
A count of values is not a count of people: `subjects` is what the sender says, or unknown.
Leaves whether the findings are right to a person: names found by a language model often are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from firedoor.alerts.detection import Envelope, read_detection
from firedoor.alerts.source import (
    AlertSource,
    Example,
    Headers,
    all_or_nothing,
    body_digest,
    header,
    open_json,
    parameter,
    with_note,
)
from firedoor.core.alerts.alert import MAXIMUM_ITEMS, Alert, Finding, Method
from firedoor.core.alerts.signatures import FIREDOOR
from firedoor.core.json_types import Json
from firedoor.core.language.json_fields import Fields
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import Problem
from firedoor.core.severity import Severity

NAME = "presidio"
MAXIMUM_RESULTS = 5_000  # of one output
MANY = 5  # so many distinct values of the worst kind found raise the severity by one step


class Kind(NamedTuple):
    """What an entity type is: its data category, the severity of one finding, and the score from which it counts."""

    category: str
    severity: Severity
    threshold: float


_NAME = Kind("identity", Severity.LOW, 0.8)  # recognised by a language model: a fixed score, often wrong
_CONTACT = Kind("contact", Severity.MEDIUM, 0.5)
_OFFICIAL = Kind("official_document", Severity.HIGH, 0.5)
_FINANCIAL = Kind("financial", Severity.HIGH, 0.5)
_ONLINE = Kind("online_identifier", Severity.LOW, 0.6)
_CONTEXT = Kind("context", Severity.INFO, 0.8)
OTHER = Kind("other", Severity.MEDIUM, 0.6)  # a recognizer of the sender's own

# Presidio's entity types ("Supported entities"). National identifiers not listed fall under their country's prefix.
KINDS: Mapping[str, Kind] = {
    "PERSON": _NAME, "EMAIL_ADDRESS": _CONTACT, "PHONE_NUMBER": _CONTACT,
    "IP_ADDRESS": _ONLINE, "MAC_ADDRESS": _ONLINE,
    "LOCATION": Kind("location", Severity.LOW, 0.8), "NRP": Kind("special_category", Severity.HIGH, 0.8),
    "CREDIT_CARD": _FINANCIAL, "IBAN_CODE": _FINANCIAL, "CRYPTO": _FINANCIAL, "US_BANK_NUMBER": _FINANCIAL,
    "MEDICAL_LICENSE": Kind("health", Severity.HIGH, 0.5), "UK_NHS": Kind("health", Severity.HIGH, 0.5),
    "AU_MEDICARE": Kind("health", Severity.HIGH, 0.5), "US_MBI": Kind("health", Severity.HIGH, 0.5),
    "DATE_TIME": _CONTEXT, "URL": _CONTEXT, "ORGANIZATION": _CONTEXT,
}  # fmt: skip
COUNTRIES = (
    "US_",
    "UK_",
    "ES_",
    "IT_",
    "PL_",
    "SG_",
    "AU_",
    "IN_",
    "FI_",
    "KR_",
    "TH_",
    "DE_",
    "SE_",
    "NG_",
    "CA_",
    "TR_",
)


PARAMETERS = ("model", "endpoint", "request_id", "occurred_at", "detector")
UNNAMED = "No request was named, so the same findings in another answer count as the same delivery."


def parse(body: bytes, headers: Headers) -> tuple[Alert, ...]:
    """Read the findings in one output. Nothing found is no alert. Raises InvalidInput."""
    problems: list[Problem] = []
    payload = open_json(SOURCE, body, headers)
    alone = isinstance(payload, list)
    wrapper = Fields(_wrapped(payload, headers), "", problems)
    model, request = wrapper.text("model", required=not alone), wrapper.text("request_id", required=not alone)
    default = wrapper.number("default_threshold", 0, 1)
    thresholds = _thresholds(wrapper)
    results = wrapper.objects("results", MAXIMUM_RESULTS, required=True)
    found = [_finding(result, thresholds, default) for result in results]
    digests = _value_digests(wrapper, results)
    if problems or not results:
        return all_or_nothing(problems, [])
    known = {name: wrapper.value[name] for name in _PASSED_ON if name in wrapper.value}
    values = _aggregate([finding for finding in found if finding], digests)
    raw = body_digest(body)
    if request is None:
        values["notes"] = with_note(values, UNNAMED)
    envelope = Envelope(SOURCE.id, raw, sender=model or "", identity=request or raw, defaults=values)
    return all_or_nothing(problems, [read_detection(Fields(known, "", problems), envelope)])


_PASSED_ON = (
    "model", "endpoint", "occurred_at", "severity", "subjects", "possible_minor", "detector", "labels", "output",
    "content_hashes", "locators",
)  # fmt: skip


def _wrapped(payload: Json, headers: Headers) -> Json:
    """The wrapper, with what is said beside the body where the body does not say it."""
    if not isinstance(payload, (dict, list)):
        return payload
    beside = {name: given for name in PARAMETERS if (given := header(headers, parameter(SOURCE.id, name)))}
    return {**beside, **({"results": payload} if isinstance(payload, list) else payload)}


def kind_of(entity_type: str) -> Kind:
    """Return what an entity type is; one that is not known is taken seriously."""
    known = KINDS.get(entity_type)
    if known is not None:
        return known
    return _OFFICIAL if entity_type.startswith(COUNTRIES) else OTHER


def _thresholds(wrapper: Fields) -> dict[str, float]:
    inner = wrapper.object("thresholds")
    if inner is None:
        return {}
    read = {name: inner.number(name, 0, 1) for name in inner.value}
    return {name: number for name, number in read.items() if number is not None}


def _finding(result: Fields, thresholds: Mapping[str, float], default: float | None) -> Finding | None:
    entity, score = result.identifier("entity_type", required=True), result.number("score", 0, 1)
    start, end = result.whole("start", required=True), result.whole("end", required=True)
    if score is None and result.usable and result.value.get("score") is None:
        result.problem("D110", "score", "is missing", "send the score that the analyzer gave")
    if start is not None and end is not None and end < start:
        result.problem("D114", "end", "is before start", "send offsets in characters of the output")
    if result.problems or entity is None or score is None:
        return None
    threshold = thresholds.get(entity, kind_of(entity).threshold if default is None else default)
    return Finding(entity_type=entity, score=score, threshold=threshold, start=start, end=end)


def _value_digests(wrapper: Fields, results: list[Fields]) -> list[str | None]:
    """Return for each result a digest of its value, from the text in it or from the output; None when there is none."""
    output = wrapper.value.get("output")
    digests: list[str | None] = []
    for result in results:
        value, start, end = result.value.get("text"), result.value.get("start"), result.value.get("end")
        if value is None and isinstance(output, str) and isinstance(start, int) and isinstance(end, int):
            value = output[max(start, 0) : max(end, 0)]
        if value is not None and not isinstance(value, str):
            result.problem("D111", "text", "must be a string", "leave it out: the offsets are enough")
            value = None
        given = result.text("text_sha256", maximum=64)
        folded = hashlib.sha256(value.strip().casefold().encode()).hexdigest() if value else given
        digests.append(folded)
    return digests


def _aggregate(found: list[Finding], digests: list[str | None]) -> dict[str, object]:
    """Add up what counts: how often, how many distinct values, of which types, and how bad that is."""
    pairs = [(finding, value) for finding, value in zip(found, digests, strict=True) if _counts(finding)]
    counted = [finding for finding, _ in pairs]
    worst = max((kind_of(finding.entity_type).severity for finding in counted), default=Severity.INFO)
    values = {(finding.entity_type, value) for finding, value in pairs}
    distinct = None if any(value is None for _, value in pairs) else len(values)
    of_the_worst = [pair for pair in values if kind_of(pair[0]).severity is worst]
    many = len(of_the_worst) >= MANY and distinct is not None
    best = max(counted or found, key=lambda finding: finding.score or 0)
    return {
        "severity": Severity(tuple(Severity)[min(worst.rank + many, 4)]) if worst > Severity.INFO else worst,
        "incident_type": IncidentType.DATA_LEAKAGE, "method": Method.PERSONAL_DATA_DETECTOR, "detector": "presidio",
        "score": best.score, "threshold": best.threshold, "occurrences": len(counted), "distinct_values": distinct,
        "entity_types": tuple(sorted({finding.entity_type for finding in counted})),
        "data_categories": tuple(sorted({kind_of(finding.entity_type).category for finding in counted})),
        "findings": tuple(counted[:MAXIMUM_ITEMS]), "notes": _notes(found, counted),
    }  # fmt: skip


def _counts(finding: Finding) -> bool:
    return (finding.score or 0) >= (finding.threshold or 0)


def _notes(found: list[Finding], counted: list[Finding]) -> tuple[str, ...]:
    notes = []
    if len(counted) < len(found):
        notes.append(
            f"{len(found) - len(counted)} of {len(found)} findings are below their thresholds and do not count."
        )
    if len(counted) > MAXIMUM_ITEMS:
        notes.append(f"{len(counted)} findings count; the first {MAXIMUM_ITEMS} are listed.")
    own = sorted({finding.entity_type for finding in counted if kind_of(finding.entity_type) is OTHER})
    if own:
        notes.append(f"Entity types that are not Presidio's own count as medium: {', '.join(own)}"[:500])
    return tuple(notes)


SOURCE = AlertSource(
    id=NAME,
    title="Microsoft Presidio analyzer results",
    content_types=("application/json",),
    authentication=("bearer", "hmac"),
    signature=replace(FIREDOOR, refused_headers=f"x-{NAME}-"),  # the signature covers the body only
    parameters=PARAMETERS,
    parse=parse,
    examples=(
        Example("presidio.json", "An answer with an e-mail address, a card number and a name below its threshold"),
        Example(
            "presidio-analyzer.json",
            "What the analyzer itself returns; the model and the request are said beside it",
            {
                "content-type": "application/json",
                "x-presidio-model": "support-chat",
                "x-presidio-request-id": "req-8f2c41d2",
            },
        ),
        Example("presidio-output.json", "With the output, to count distinct values; it is replaced by its SHA-256"),
    ),
    retries="the sender is yours: send again on 5xx and time-outs with the same request_id",
)
