"""What an incident notes for a hash bank, as drafts in the bank's own form.

Decides which form a bank has, by where its entries came from, and that an entry which was withdrawn meanwhile is left
out: nobody may send its hash. Leaves each form to `core.hashing.feedback`; sending is a person's.
"""

from __future__ import annotations

from datetime import datetime

from firedoor.core.entries.copies import BankFeedback
from firedoor.core.hashing import feedback as forms
from firedoor.core.hashing.feedback import Draft, Feedback, Verdict
from firedoor.core.journal import Kind
from firedoor.core.problems import NotFound
from firedoor.runtime.config.container import World
from firedoor.store.banks import banks


def drafts_of(world: World, incident: str, bank: str, reason: str = "") -> tuple[list[Draft], list[str]]:
    """The drafts, and the digests of entries that were left out. Raises InvalidInput for a vote without its reason."""
    given: list[Feedback] = []
    left_out: list[str] = []
    for entry in world.store.entries(incident):
        if entry.kind != Kind.BANK_FEEDBACK or entry.body["bank"] != bank:
            continue
        said: BankFeedback = {**entry.body}  # type: ignore[typeddict-item]  # its kind says which form it has
        try:
            kept = banks.the_entry(world.store, bank, said["entry"])
        except NotFound:
            left_out.append(said["entry"])
            continue
        at = datetime.fromisoformat(entry.at)
        given.append(Feedback(kept.entry, Verdict(said["verdict"]), said["by"], at, said["why"]))
    return _in_form(given, reason), left_out


def _in_form(given: list[Feedback], reason: str) -> list[Draft]:
    """NCMEC by its members' numbers, ThreatExchange by its descriptors, StopNCII for everything else."""
    if not given:
        return []
    if all("/" in one.entry.case for one in given):
        return [forms.ncmec(one, reason) for one in given]
    if all(one.entry.case.isdigit() for one in given):
        return [forms.threat_exchange(one) for one in given]
    return [forms.stopncii(given)]
