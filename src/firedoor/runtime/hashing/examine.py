"""`firedoor examine hashes`: hash what is stored, look it up in hash banks, and say what was found and what was not.

Decides the answer: every match with its distance and why it proves nothing where it does not, what could not be hashed,
what a bank's file had wrong, what held the hashing processes, and what no such search finds. Leaves reading banks to
`core.hashing`, isolation to `pool`, and showing it to the command line.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from firedoor.core.alerts.matching import TrustedBank
from firedoor.core.hashing.bank import Bank, updated
from firedoor.core.hashing.entry import BOUNDS, Batch, refused
from firedoor.core.hashing.index import PdqIndex
from firedoor.core.hashing.lookup import DISTANCE, NOT_FOUND, Hashed, Hit, Lookup
from firedoor.core.hashing.read_bank import read_bank
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, Problem
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config.inventory import read_organisation
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.hashing import known
from firedoor.runtime.hashing.pool import ENDED, EXTRA, TIME, UNREAD, Limits, Pool
from firedoor.runtime.hashing.sources import Item, items
from firedoor.runtime.hashing.worker import DAMAGED, FORM, LARGE, MEMORY, PIXELS

LISTED = 10_000  # matches and files without a hash that an answer names; the counts are always whole
# Why a file has no PDQ hash although it may be a picture: somebody has to look at the reason.
OPEN = {
    TIME: "no progress within the time", ENDED: "the hashing process ended", UNREAD: "it could not be read",
    DAMAGED: "it is damaged", LARGE: "it is too large", MEMORY: "it needs too much memory",
    PIXELS: "it has too many pixels", FORM: "it is a picture in a form that is not read here",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `banks` are files, `FILE` or `NAME=FILE`; those of one name are one bank, in their order.

    `trusted` are the organisation's banks; `seen` is where earlier hashes are kept.
    """

    paths: Sequence[str]
    banks: Sequence[str] = ()
    trusted: Sequence[TrustedBank] = ()
    distance: int = DISTANCE
    workers: int = 0  # as many as there are processors
    seen: Path | None = None
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, as JSON, and whether somebody has to look: a match that proves nothing, a file without a hash."""

    report: Mapping[str, Json]
    questions: int


def examine(wanted: Wanted, now: datetime) -> Answer:
    """Hash and look up. Raises InvalidInput for a path or a bank that cannot be read, and without the extra."""
    for package in ("numpy", "PIL"):
        if find_spec(package) is None:
            raise InvalidInput(Problem(code="X210", message=f"{package} is not installed", do=EXTRA))
    batches = [_batch(one, now) for one in wanted.banks]
    banks = _banks(batches, wanted.trusted, now)
    lookup = Lookup(banks, PdqIndex())
    earlier = known.read(wanted.seen) if wanted.seen else {}
    tally = _Tally()
    with Pool(wanted.workers or os.cpu_count() or 1, wanted.limits) as pool:
        for item, hashed, fresh in _each(pool, items(wanted.paths), earlier):
            tally.add(item, hashed, lookup.hits(hashed, wanted.distance), fresh=fresh, keep=wanted.seen is not None)
        held = pool.held
    if wanted.seen:
        known.write(wanted.seen, tally.rows)
    kept_from = {"network": held.network, "files": held.files}
    return _answer(tally, batches, banks, {"isolation": kept_from, "max_distance": wanted.distance})


class _Tally:
    """What comes together while files are hashed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.hits: list[Hit] = []
        self.without: list[Hashed] = []
        self.rows: list[tuple[Item, Hashed]] = []

    def add(self, item: Item, hashed: Hashed, hits: list[Hit], *, fresh: bool, keep: bool) -> None:
        """Count one file."""
        self.counts.update(
            {"files": 1, "read": fresh, "pictures": bool(hashed.pdq), "matched": bool(hits), "matches": len(hits)}
        )
        self.counts["unproved"] += sum(bool(hit.why_no_proof) for hit in hits)
        self.hits.extend(hits[: LISTED - len(self.hits)])
        if hashed.why in OPEN:
            self.counts["without"] += 1
            self.without.extend([hashed] if len(self.without) < LISTED else [])
        if keep:
            self.rows.append((item, hashed))


def trusted(settings: Settings) -> tuple[TrustedBank, ...]:
    """The banks that the organisation's profile trusts; none without a profile."""
    return read_organisation(settings.organisation_file, catalogue().facts).trusted_banks


def hashes_of(
    pool: Pool, paths: Iterable[str], earlier: Mapping[tuple[str, str], Hashed]
) -> Iterator[tuple[Item, Hashed, bool]]:
    """Everything below some paths with its hashes, those of an earlier run at once, and whether it was read."""
    return _each(pool, items(paths), earlier)


def _each(
    pool: Pool, found: Iterable[Item], earlier: Mapping[tuple[str, str], Hashed]
) -> Iterator[tuple[Item, Hashed, bool]]:
    """Each item with its hashes, those of an earlier run at once, and whether it was read."""
    passed: deque[tuple[Item, Hashed | None]] = deque()

    def to_read() -> Iterator[Item]:
        for item, hashed in known.split(found, earlier):
            passed.append((item, hashed))
            if hashed is None:
                yield item

    for hashed in pool.hashed(to_read()):
        while passed and (before := passed[0])[1] is not None:
            passed.popleft()
            yield before[0], before[1], False
        yield passed.popleft()[0], hashed, True
    yield from ((item, hashed, False) for item, hashed in passed if hashed is not None)


def _banks(batches: Sequence[Batch], trust: Sequence[TrustedBank], now: datetime) -> list[Bank]:
    """A bank for each name. A file of a bank updates what the files before it said."""
    words = {bank.name: bank for bank in trust}
    found: dict[str, Bank] = {}
    for batch in batches:
        found[batch.source] = updated(found.get(batch.source, Bank(batch.source, words.get(batch.source))), batch, now)
    return list(found.values())


def _batch(given: str, now: datetime) -> Batch:
    """A bank's file. Without a name its bank is called like the file, without its ending."""
    name, named, path = given.rpartition("=")
    file = Path(path if named else given)
    try:
        if file.stat().st_size > BOUNDS.bytes:
            raise refused(str(file), f"it is over {BOUNDS.bytes} bytes", "split it")
        return read_bank(file.read_bytes(), str(file), name or file.stem, now)
    except OSError:
        raise refused(str(file), "it cannot be read", "name a file of hashes") from None


def _answer(tally: _Tally, batches: Sequence[Batch], banks: Sequence[Bank], how: Mapping[str, Json]) -> Answer:
    problems = [problem for batch in batches for problem in batch.problems]
    counts = tally.counts
    report: dict[str, Json] = {
        **{name: counts[name] for name in ("files", "read", "pictures", "matched", "matches")},
        "proved": counts["matches"] - counts["unproved"],
        "hits": [hit.record() for hit in tally.hits],
        "without_hash": [{"locator": one.locator, "why": one.why, "words": OPEN[one.why]} for one in tally.without],
        "banks": [_about(bank, batches) for bank in banks],
        "problems": [{"code": one.code, "where": one.field, "message": one.message, "do": one.do} for one in problems],
        "not_found_by_hashes": list(NOT_FOUND),
        **how,
    }
    return Answer(report, counts["unproved"] + counts["without"] + len(problems))


def _about(bank: Bank, batches: Sequence[Batch]) -> Mapping[str, Json]:
    left_out: Counter[str] = Counter()
    for batch in batches:
        left_out.update(batch.left_out if batch.source == bank.name else {})
    return {
        "bank": bank.name, "trusted": bank.trust is not None and not bank.trust.suspended,
        "entries": len(bank.entries), "withdrawn": len(bank.withdrawn), "left_out": dict(left_out),
    }  # fmt: skip
