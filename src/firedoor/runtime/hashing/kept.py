"""The hash banks that are kept, searched together: one index for each process, renewed when a bank has changed.

Decides that memory is bounded by the index alone (about 115 bytes for each PDQ hash): what an entry says is read from
the database, so that one which was withdrawn matches nothing from that moment on, whatever the index still holds.
After a withdrawal the index is built anew, after an addition it grows. Leaves what a match proves to `core.hashing`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec

from firedoor.core.alerts.matching import TrustedBank
from firedoor.core.hashing.entry import Entry
from firedoor.core.hashing.index import PdqIndex
from firedoor.core.json_types import Json
from firedoor.store.banks import banks
from firedoor.store.banks.banks import KeptEntry
from firedoor.store.banks.blocked import hash_digest as digest_of
from firedoor.store.incidents.journal import Store


class KeptBanks:
    """All banks of one database. For several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._index: PdqIndex | None = None
        self._versions: dict[str, tuple[int, int]] = {}

    def near(self, algorithm: str, value: str, distance: int) -> list[KeptEntry]:
        """Every living entry with this hash, or for PDQ within the distance."""
        values = [value]
        if algorithm == "pdq" and find_spec("numpy") is not None:
            values = [one.value for one in self.index().search(value, distance)]
        return banks.with_values(self._store, algorithm, values)

    def index(self) -> PdqIndex:
        """The index as the banks are now."""
        with self._lock:
            now = banks.versions(self._store)
            if self._index is None or now != self._versions:
                self._renew(now)
            assert self._index is not None  # noqa: S101 - renewed just now
            return self._index

    def _renew(self, now: Mapping[str, tuple[int, int]]) -> None:
        import numpy as np

        before = self._versions
        shrunk = any(now.get(name, (0, -1))[1] != gone for name, (_, gone) in before.items())
        fresh = PdqIndex() if self._index is None or shrunk else self._index
        known = {} if fresh is not self._index else {name: version for name, (version, _) in before.items()}
        for part in banks.packed(self._store, known):
            fresh.add_packed(np.frombuffer(part, np.uint8).reshape(-1, 32))
        self._index, self._versions = fresh, dict(now)

    def holds(self, hash_digest: str) -> bool:
        """Whether the index has a PDQ hash of this digest. It is renewed first; every hash in it is looked at."""
        if find_spec("numpy") is None:
            return False
        return any(digest_of("pdq", value) == hash_digest for value in self.index().values())

    def holding(self, algorithm: str, value: str) -> Iterator[str]:
        """Where a hash stands here, for the proof that it is gone: in a bank, or still in the index."""
        for one in banks.with_values(self._store, algorithm, [value]):
            yield f"the bank {one.bank}, entry {one.digest[:12]}"
        if algorithm == "pdq" and find_spec("numpy") is not None and self.index().search(value, 0):
            yield "the index"


def as_list(found: Iterable[KeptEntry]) -> list[Mapping[str, Json]]:
    """Entries as the rows that the examination of hashes compares with."""
    return [_row(one.bank, one.entry) for one in found]


def _row(bank: str, one: Entry) -> Mapping[str, Json]:
    return {"algorithm": one.algorithm, "value": one.value, "case": one.case, "list": bank, "status": str(one.status)}


def banks_shown(store: Store, trusted: Sequence[TrustedBank]) -> list[Mapping[str, object]]:
    """Every bank with the organisation's word on it."""
    return [{**one, **_trust(str(one["bank"]), trusted)} for one in banks.banks(store)]


def bank_shown(
    store: Store, name: str, trusted: Sequence[TrustedBank], after: str = "", limit: int = 100
) -> Mapping[str, object]:  # fmt: skip
    """One bank: its updates, and a page of its entries by digest. Raises NotFound."""
    about = banks.the_bank(store, name)
    found = banks.entries(store, name, after, limit)
    return {
        **about, **_trust(name, trusted),
        "listed": [
            {"entry": one.digest, "algorithm": one.entry.algorithm, "case": one.entry.case,
             "quality": one.entry.quality, "review": str(one.entry.review), "disputed": one.entry.disputed,
             "source": one.entry.source}
            for one in found
        ],
        "next": found[-1].digest if len(found) == limit else None,
    }  # fmt: skip


def _trust(name: str, trusted: Sequence[TrustedBank]) -> Mapping[str, object]:
    known = next((one for one in trusted if one.name == name), None)
    return {"trusted": known is not None and not known.suspended, "suspended": known.suspended if known else ""}
