"""Trusted banks of hashes: which matches are as good as proof.

Decides that a match counts only when the alert names a bank that the organisation trusts, by
its exact name, and the case behind it was not withdrawn from there. The sender names the bank;
that it is trusted is never taken from a sender. Leaves what follows from strong evidence to
`brake` and the playbooks.
"""

from __future__ import annotations

from collections.abc import Collection

from firedoor.core.alert import MAXIMUM_NOTES, Alert, Method

# The banks of victims' and children's hashes that platforms share; every other one, one's own too, is listed by name.
WELL_KNOWN = ("StopNCII", "NCMEC")
GONE = frozenset(("withdrawn", "deleted"))  # StopNCII's words for a case that matches nothing any more


def judged(alert: Alert, trusted: Collection[str]) -> Alert:
    """Return the alert with our own judgement of its bank, and with the reason where a match is not enough."""
    if alert.method is not Method.HASH_MATCH:
        return alert.model_copy(update={"trusted_bank": False}) if alert.trusted_bank else alert
    why = _why_not(alert, trusted)
    notes = (*alert.notes, why)[-MAXIMUM_NOTES:] if why else alert.notes
    return alert.model_copy(update={"trusted_bank": not why, "notes": notes})


def _why_not(alert: Alert, trusted: Collection[str]) -> str:
    if alert.bank is None:
        return "The alert does not say in which bank the hash was found, so the match proves nothing by itself."
    if alert.bank not in trusted:
        return f"The hash bank {alert.bank} is not among the trusted ones, so the match proves nothing by itself."
    if (alert.case_status or "").lower() in GONE:
        return f"The case is {alert.case_status} in {alert.bank}: a match with it counts for nothing."
    return ""
