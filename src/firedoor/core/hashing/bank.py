"""A hash bank as a value: its entries, its versions, how far it is trusted, and what an update makes of it.

Decides that whatever was withdrawn leaves at once and does not come back with an older file, and that of a withdrawn
hash only a digest stays behind. Leaves reading files to the readers, and sending anything to others.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from firedoor.core.alerts.matching import Match, TrustedBank, not_reviewed, too_far
from firedoor.core.hashing.entry import Batch, Entry

Key = tuple[str, str, str]  # algorithm, value, case


@dataclass(frozen=True, slots=True)
class Change:
    """One version of a bank: what a file did to it. `kept_out` came with the file and had been withdrawn before."""

    version: int
    at: datetime
    source: str
    added: int
    replaced: int
    withdrawn: int
    kept_out: int


@dataclass(frozen=True, slots=True)
class Bank:
    """Entries by key, never changed in place. `trust` is the organisation's word; None: it does not trust this bank.

    `withdrawn` maps a digest of each entry that left to the instant at which it did: it recognises the entry and cannot
    be turned back into a hash.
    """

    name: str
    trust: TrustedBank | None = None
    entries: Mapping[Key, Entry] = field(default_factory=dict)
    withdrawn: Mapping[str, datetime] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    @property
    def version(self) -> int:
        """0 for a bank that no file has filled."""
        return self.changes[-1].version if self.changes else 0

    def values(self, algorithm: str) -> Iterator[str]:
        """Every value of an algorithm once."""
        yield from dict.fromkeys(value for kind, value, _ in self.entries if kind == algorithm)

    def by_value(self) -> Mapping[tuple[str, str], tuple[Entry, ...]]:
        """The entries of each hash."""
        found: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in self.entries.values():
            found[entry.algorithm, entry.value].append(entry)
        return {key: tuple(entries) for key, entries in found.items()}

    def holding(self, algorithm: str, value: str) -> Iterator[str]:
        """Where a hash stands here, in words: once for each case. Case and value are looked at in any spelling."""
        for kind, other, case in self.entries:
            if (kind, other) == (algorithm, value.lower()):
                yield f"listed for case {case}" if case else "listed without a case"

    def why_no_proof(self, entry: Entry, distance: int, quality: int | None) -> str:
        """Why a match with an entry proves nothing by itself, in words; "" when it is as good as proof.

        `quality` is that of the hash that was looked up; the worse of the two counts.
        """
        if self.trust is None:
            return f"the hash bank {self.name} is not among the trusted ones"
        if self.trust.suspended:
            return f"the hash bank {self.name} is suspended here ({self.trust.suspended})"
        if entry.disputed:
            return "somebody who looked says that the entry is wrong"
        known = [one for one in (entry.quality, quality) if one is not None]
        match = Match(entry.algorithm, distance, min(known, default=None), entry.review.value, entry.status.value)
        return not_reviewed(match, self.trust) or too_far(match)


def updated(bank: Bank, batch: Batch, now: datetime) -> Bank:
    """The bank after a file. An entry that is not living leaves, a case that left takes all its entries along."""
    entries, withdrawn = dict(bank.entries), dict(bank.withdrawn)
    counts = dict.fromkeys(("added", "replaced", "withdrawn", "kept_out"), 0)
    for entry in batch.entries:
        counts[_apply(entries, withdrawn, entry, now)] += 1
    for key in [key for key, entry in entries.items() if entry.case and entry.case in set(batch.gone_cases)]:
        del entries[key]
        withdrawn[fingerprint(key)] = now
        counts["withdrawn"] += 1
    change = Change(bank.version + 1, now, batch.source, **counts)
    return replace(bank, entries=entries, withdrawn=withdrawn, changes=(*bank.changes, change))


def fingerprint(key: Key) -> str:
    """What recognises an entry that left: SHA-256 of its key."""
    return hashlib.sha256("\x00".join(key).encode()).hexdigest()


def _apply(entries: dict[Key, Entry], withdrawn: dict[str, datetime], entry: Entry, now: datetime) -> str:
    """What became of an entry, as a field of `Change`."""
    mark = fingerprint(entry.key)
    if not entry.status.living:
        entries.pop(entry.key, None)
        withdrawn[mark] = entry.withdrawn_at or entry.changed_at or now
        return "withdrawn"
    if (left := withdrawn.get(mark)) is not None and (entry.changed_at is None or entry.changed_at <= left):
        return "kept_out"
    withdrawn.pop(mark, None)
    known = entry.key in entries
    entries[entry.key] = entry
    return "replaced" if known else "added"
