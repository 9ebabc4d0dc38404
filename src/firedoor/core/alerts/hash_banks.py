"""Trusted banks of hashes: which matches are as good as proof.

Decides that a match counts only when the alert names a bank that the organisation's own configuration trusts, by its
exact name, that is not suspended there, and when the match is near, good and reviewed enough (`matching`). The sender
names the bank and describes the match; that it is trusted is never taken from a sender. Leaves what follows from
strong evidence to `brake` and the playbooks.
"""

from __future__ import annotations

from collections.abc import Iterable

from firedoor.core.alerts.alert import MAXIMUM_NOTES, Alert, Method
from firedoor.core.alerts.matching import Match, TrustedBank, not_reviewed, too_far

# The banks of victims' and children's hashes that platforms share: examples for the configuration, never a default.
WELL_KNOWN = ("StopNCII", "NCMEC")
GONE = frozenset(("withdrawn", "deleted"))  # StopNCII's words for a case that matches nothing any more


def judged(alert: Alert, trusted: Iterable[TrustedBank]) -> Alert:
    """Return the alert with our own judgement of its bank, and with the reason where a match is not enough."""
    if alert.method is not Method.HASH_MATCH:
        return alert.model_copy(update={"trusted_bank": False}) if alert.trusted_bank else alert
    why = _why_not(alert, {bank.name: bank for bank in trusted})
    notes = (*alert.notes, why)[-MAXIMUM_NOTES:] if why else alert.notes
    return alert.model_copy(update={"trusted_bank": not why, "notes": notes})


def _why_not(alert: Alert, trusted: dict[str, TrustedBank]) -> str:
    if alert.bank is None:
        return "The alert does not say in which bank the hash was found, so the match proves nothing by itself."
    bank = trusted.get(alert.bank)
    if bank is None:
        return f"The hash bank {alert.bank} is not among the trusted ones, so the match proves nothing by itself."
    if bank.suspended:
        return (
            f"The hash bank {alert.bank} is suspended here ({bank.suspended}), so the match proves nothing by itself."
        )
    match = match_of(alert)
    if why := not_reviewed(match, bank) or too_far(match):
        return f"The match in {alert.bank} proves nothing by itself: {why}."[:500]
    return ""


def match_of(alert: Alert) -> Match:
    """What the alert says about its match. The kind of hash is that of all its hashes unless it is said."""
    kinds = {one.algorithm for one in alert.content_hashes}
    algorithm = alert.match_algorithm or (next(iter(kinds)) if len(kinds) == 1 else None)
    return Match(algorithm, alert.match_distance, alert.match_quality, alert.review_state, alert.case_status)
