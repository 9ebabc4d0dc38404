"""Every duty against the facts of one incident: what `firedoor duties assess` answers.

Decides the stable shape of that answer: for each duty whether it applies, why, which
facts are missing and when it would be due, and the one question that would settle most.
Leaves the conditions to `core.assessment` and the instants to `core.due`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from firedoor.core.facts import Facts, read_all
from firedoor.core.journal import Body
from firedoor.core.law.assessment import Assessment, assess
from firedoor.core.law.due import compute_due
from firedoor.core.law.territories import enrich, zone_of
from firedoor.core.requests.validity import Validity, is_removal, validity
from firedoor.core.ternary import NO
from firedoor.duties.catalogue import Catalogue

ANSWERS = ("yes", "no", "unknown")


def assess_all(catalogue: Catalogue, facts: Mapping[str, object], at: datetime) -> Body:
    """Assess every duty on written facts at an aware instant.

    Returns {at, next_fact, next_question, counts, duties}. Each duty has duty,
    title, jurisdiction, citation, applies, why, missing_facts, awaits, to_judge,
    provisional, shadow, binding, version, trigger, due, kind, confidence and, for a
    removal duty, request {valid, missing, unchecked, ask}. Raises InvalidInput with
    every fact that cannot be read.
    """
    known = enrich(read_all(catalogue.facts, facts))
    picture = assess(catalogue.values(), known, at)
    counts = Counter(str(found.applies) for found in picture.assessments)
    asked = catalogue.facts.get(picture.next_fact)
    return {
        "at": picture.at.isoformat(),
        "next_fact": picture.next_fact or None,
        "next_question": asked.ask if asked else None,
        "counts": {answer: counts[answer] for answer in ANSWERS},
        "duties": [_written(catalogue, found, known) for found in picture.assessments],
    }


def _written(catalogue: Catalogue, found: Assessment, facts: Facts) -> Body:
    duty = catalogue[found.duty]
    return {
        "duty": found.duty, "title": duty.title, "jurisdiction": duty.jurisdiction, "citation": duty.citation,
        "applies": str(found.applies), "why": list(found.reasons), "missing_facts": list(found.missing),
        "awaits": list(found.awaits), "to_judge": list(found.to_judge), "provisional": found.provisional,
        "shadow": found.shadow, "binding": found.binding, "version": found.version,
        "trigger": _trigger(found), **_due(catalogue, found, facts), "confidence": duty.confidence,
        **({"request": _request(validity(duty, facts))} if is_removal(duty) else {}),
    }  # fmt: skip


def _request(found: Validity) -> Body:
    return {
        "valid": str(found.valid), "missing": list(found.missing), "unchecked": list(found.unchecked),
        "ask": list(found.ask),
    }  # fmt: skip


def _trigger(found: Assessment) -> Body | None:
    if found.trigger is None:
        return None
    stands_in = found.trigger.stands_in_for or None
    return {"fact": found.trigger.fact, "at": found.trigger.at.isoformat(), "stands_in_for": stands_in}


def _due(catalogue: Catalogue, found: Assessment, facts: Facts) -> Body:
    """The limit, where the trigger is known and the duty may apply."""
    if found.trigger is None or (found.applies is NO and not found.shadow):
        return {"due": None, "kind": None}
    due = compute_due(catalogue[found.duty], found.trigger.at, zone_of(facts), facts, event=found.trigger.event)
    return {"due": due.due.isoformat() if due.due else None, "kind": str(due.kind)}
