"""Consent receipts as rows of a ledger: ISO/IEC TS 27560 records, and the Data Privacy Vocabulary in JSON-LD.

Decides which parts of a receipt name the person, the purposes, the state and its time. A receipt of which a part is
missing gives a row without it, which is then asked about. Sources: ISO/IEC TS 27560:2023, clauses 6.2 to 6.4; DPV 2,
module consent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from firedoor.core.json_types import Json, JsonObject, as_array, as_object, as_objects

SUBJECT = ("pii_principal_id", "piiPrincipalId", "hasDataSubject", "dataSubject", "subject", "data_subject_id")
EVENTS = ("event", "events", "consent_events", "hasConsentStatusEvent")
PROCESSING = ("pii_processing", "processing", "purposes", "services", "hasProcess", "hasPurpose")
PURPOSE = ("purpose", "purpose_id", "hasPurpose", "name", "@id", "id")
STATE = ("event_state", "event_type", "state", "status", "hasConsentStatus", "consent_status")
TIME = ("event_time", "timestamp", "time", "created", "issued", "date", "hasIndicationAtTime", "consent_timestamp",
        "consentTimestamp")  # fmt: skip
BASIS = ("lawful_basis", "hasLegalBasis", "legal_basis")
COUNTRY = ("jurisdiction", "hasJurisdiction", "country")
ROWS = ("records", "entries", "receipts", "consents", "data", "items", "@graph")
DEEPEST = 6


def is_receipt(row: JsonObject) -> bool:
    """Whether an object is a receipt rather than a row: it nests events or processing, or speaks the vocabulary."""
    plain = {_bare(name) for name in row}
    nests = any(isinstance(value, list | dict) for name, value in row.items() if _bare(name) in (*EVENTS, *PROCESSING))
    return bool(plain & set(SUBJECT)) and (nests or "hasConsentStatus" in plain)


def rows_of(document: object) -> Iterator[Mapping[str, Json]]:
    """The rows of a JSON document: receipts flattened, and the list under its key where it wraps one."""
    if isinstance(document, list):
        for one in as_objects(document):
            yield from rows_of(one) if is_receipt(one) else iter([one])
        return
    found = as_object(document)
    if is_receipt(found):
        yield from _flat(found)
        return
    for name in ROWS:
        if isinstance(found.get(name), list):
            yield from rows_of(found[name])
            return
    yield found


def _flat(receipt: JsonObject) -> Iterator[Mapping[str, Json]]:
    subject, country = _id(_first(receipt, SUBJECT)), _id(_first(receipt, COUNTRY))
    purposes = list(_purposes(receipt, 0)) or [("", "")]
    for event in _events(receipt):
        for purpose, basis in purposes:
            row: dict[str, Json] = {
                "subject": subject, "purpose": purpose, "status": _id(_first(event, STATE)),
                "at": _id(_first(event, TIME)), "legal_basis": basis, "country": country,
            }  # fmt: skip
            yield {
                name: value
                for name, value in row.items()
                if value != "" or name in ("subject", "purpose", "status", "at")
            }


def _events(receipt: JsonObject) -> Iterable[JsonObject]:
    for name, value in receipt.items():
        if _bare(name) in EVENTS and (found := list(as_objects(value)) or [as_object(value)]):
            return found
    return [receipt]


def _purposes(value: object, depth: int) -> Iterator[tuple[str, str]]:
    """Purposes with their legal basis, wherever processing nests them."""
    if depth > DEEPEST:
        return
    for one in _each(value):
        nested = [part for name, part in one.items() if _bare(name) in PROCESSING and not _words(part)]
        named = _first(one, PURPOSE) if depth else _first(one, ("purpose", "hasPurpose", "purposes"))
        if _words(named):
            yield from ((word, _id(_first(one, BASIS))) for word in _words(named))
        else:
            for part in nested:
                yield from _purposes(part, depth + 1)


def _each(value: object) -> list[JsonObject]:
    return list(as_objects(value)) or ([as_object(value)] if as_object(value) else [])


def _words(value: object) -> list[str]:
    """The texts of a value: itself, a list of texts, or an object's identity when it nests nothing more."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return [str(one) for one in value]
    if isinstance(value, dict) and set(value) <= {"@id", "@type", "@value"} and (found := _id(value)):
        return [found]
    return []


def _first(row: JsonObject, names: Iterable[str]) -> Json:
    plain = {_bare(name): value for name, value in row.items()}
    return next((plain[name] for name in names if plain.get(name) not in (None, "", [], {})), "")


def _id(value: Json) -> str:
    if isinstance(value, Mapping):
        return str(value.get("@id") or value.get("@value") or "")
    if isinstance(value, list):
        return _id(as_array(value)[0]) if value else ""
    return "" if value is None or isinstance(value, bool) else str(value)


def _bare(name: str) -> str:
    return name.rpartition("#")[2] if "#" in name else name.partition(":")[2] if ":" in name else name
