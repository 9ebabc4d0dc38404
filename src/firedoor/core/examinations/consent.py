"""Whose data were used for training without consent: the consent ledger against the training manifest.

Decides by the state of the ledger on the day of the cut-off, person by person: consent counts
when it was given for training, before the cut-off, and not withdrawn before it. People are
counted, not rows. A record without a `subject` key may be about anybody, so the number of
people then has no upper bound; `subject: null` says that it is about nobody. The report has
counts alone; who they are stands in the list of people, which is sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from firedoor.core.examinations.finding import (
    MAXIMUM_LISTED,
    Examination,
    Finding,
    Json,
    Plausibility,
    instant,
    rows,
    tally,
)

PURPOSE = "training"
LEDGER, MANIFEST = "consent_ledger", "training_manifest"


def examine(inputs: Mapping[str, object]) -> Finding:
    """Join ledger and manifest. Raises InvalidInput for forms that cannot be read."""
    manifest = inputs.get(MANIFEST)
    stated = manifest if isinstance(manifest, Mapping) else {}
    cut_off = instant(MANIFEST, stated.get("cut_off") or stated.get("trained_at"))
    records = rows(inputs, MANIFEST, "records", "record")
    entries: dict[str, list[Json]] = {}
    for entry in rows(inputs, LEDGER, "entries", "subject", "purpose", "given_at"):
        entries.setdefault(str(entry["subject"]), []).append(entry)
    people = {str(record["subject"]) for record in records if record.get("subject") is not None}
    reasons = {person: reason for person in people if (reason := _reason(entries.get(person, ()), cut_off))}
    known = Plausibility(len(people & entries.keys()), len(people), "people of the manifest stand in the ledger")
    return _finding(records, people, reasons, cut_off, known)


def _reason(entries: Iterable[Json], cut_off: datetime) -> str:
    """Why a person's data may not be in the manifest; empty when they may."""
    entries = list(entries)
    if not entries:
        return "never asked"
    training = [entry for entry in entries if entry["purpose"] == PURPOSE]
    if not training:
        return "agreed to another purpose only"
    before = [entry for entry in training if instant(LEDGER, entry["given_at"]) <= cut_off]
    if not before:
        return "agreed after the cut-off"
    withdrawn = (entry.get("withdrawn_at") for entry in before)
    standing = any(at is None or instant(LEDGER, at) > cut_off for at in withdrawn)
    return "" if standing else "withdrawn before the cut-off"


def _finding(
    records: list[Json],
    people: set[str],
    reasons: Mapping[str, str],
    cut_off: datetime,
    known: Plausibility,
) -> Finding:
    affected: dict[str, list[str]] = {}  # grouped once: a look-up for each person would read every record again
    for record in records:
        if (person := str(record.get("subject"))) in reasons:
            affected.setdefault(person, []).append(str(record["record"]))
    without = sum(map(len, affected.values()))
    open_records = sum("subject" not in record for record in records)
    report: Json = {
        "cut_off": cut_off.isoformat(),
        "purpose": PURPOSE,
        "records": len(records),
        "people": len(people),
        "people_without_consent": len(reasons),
        "records_without_consent": without,
        "records_about_nobody_knows_whom": open_records,
        "people_who_stand_in_the_ledger": known.matched,
        "reasons": tally(iter(reasons.values())),
    }
    subjects: list[Json] = [
        {"subject": person, "reason": reasons[person], "records": sorted(affected[person])}
        for person in sorted(reasons)[:MAXIMUM_LISTED]
    ]
    counts = {"people_affected": len(reasons), "records_affected": without}
    facts: Json = {name: {"min": n, "max": None} if open_records else n for name, n in counts.items()}
    said = f"{len(reasons)} of {len(people)} people in the manifest had not consented on {cut_off.date()}"
    said = f"{said}; {open_records} records name nobody" if open_records else said
    return Finding(report, said, facts, subjects, "join of ledger and manifest", known)


EXAMINATION = Examination(
    "consent",
    (LEDGER, MANIFEST),
    examine,
    "Whose data are in the training manifest without consent at the cut-off.",
    ("people_affected", "records_affected"),
)
