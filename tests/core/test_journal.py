"""The chain: whatever is changed in a journal afterwards is found, and named by its entry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from firedoor.core.journal import Draft, Entry, Head, Kind, chain, genesis, verify

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ENTRIES = chain(
    "INC-1",
    genesis("INC-1"),
    [Draft(Kind.OPENED, "source:test", {"title": "a"}), *(Draft(Kind.NOTE, "person:Ada", {"n": n}) for n in range(5))],
    NOW,
)
HEAD = Head(ENTRIES[-1].seq, ENTRIES[-1].hash)

Damage = Callable[[list[Entry]], object]


def hash_by_hand(entry: Entry) -> str:
    """The documented formula, with nothing of ours."""
    content = {name: getattr(entry, name) for name in ("actor", "at", "body", "incident", "kind", "prev", "seq")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"firedoor.entry.v1\n{text}".encode()).hexdigest()


def test_a_whole_chain_has_no_fault() -> None:
    """Nothing is found where nothing was changed, with the head and without it."""
    assert verify("INC-1", ENTRIES) is None
    assert verify("INC-1", ENTRIES, HEAD) is None


def test_the_hash_is_the_documented_one() -> None:
    """SHA-256 over the line with the version and the canonical JSON of seven fields."""
    assert [entry.hash for entry in ENTRIES] == [hash_by_hand(entry) for entry in ENTRIES]
    assert ENTRIES[0].prev == hashlib.sha256(b"firedoor.genesis.v1\nINC-1").hexdigest()


@pytest.mark.parametrize("field", ["at", "kind", "actor", "prev", "hash", "incident"])
@pytest.mark.parametrize("index", range(len(ENTRIES)))
def test_one_changed_character_is_found_at_its_entry(field: str, index: int) -> None:
    """Whichever field of whichever entry is changed, the fault names that entry."""
    old = getattr(ENTRIES[index], field)
    entries = [*ENTRIES]
    entries[index] = replace(entries[index], **{field: old[:-1] + ("0" if old[-1] != "0" else "1")})
    fault = verify("INC-1", entries, HEAD)
    assert fault is not None
    assert fault.seq == ENTRIES[index].seq


@pytest.mark.parametrize("body", [{}, {"n": 2}, {"n": 1, "m": 1}, {"n": "1"}, {"n": 1.0}, ["n", 1], None, {"n": None}])
def test_a_changed_body_is_found(body) -> None:
    """Also a body that could never have been written, such as one with a floating-point number."""
    entries = [*ENTRIES]
    entries[2] = replace(entries[2], body=body)
    fault = verify("INC-1", entries)
    assert fault is not None
    assert (fault.seq, "altered" in fault.what) == (3, True)


DAMAGES: dict[str, tuple[Damage, int]] = {
    "dropped": (lambda entries: entries.pop(2), 4),
    "dropped at the start": (lambda entries: entries.pop(0), 2),
    "reordered": (lambda entries: entries.insert(1, entries.pop(3)), 4),
    "doubled": (lambda entries: entries.insert(3, entries[2]), 3),
    "cut off": (lambda entries: entries.pop(), 5),
    "emptied": (lambda entries: entries.clear(), 0),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_changed_order_is_found(name: str) -> None:
    """Dropping, moving, doubling and cutting off are found where the chain no longer fits."""
    damage, seq = DAMAGES[name]
    entries = [*ENTRIES]
    damage(entries)
    fault = verify("INC-1", entries, HEAD)
    assert fault is not None
    assert fault.seq == seq


def test_entries_of_another_incident_cannot_be_spliced_in() -> None:
    """A chain begins with its own incident's name, so that a whole chain cannot stand in for another."""
    other = chain("INC-2", genesis("INC-2"), [Draft(Kind.NOTE, "x", {})] * 6, NOW)
    assert verify("INC-1", other) is not None
    fault = verify("INC-1", [*ENTRIES[:3], *other[3:]])
    assert fault is not None
    assert fault.seq == 4


def test_an_end_rewritten_with_fresh_hashes_is_found_by_the_head() -> None:
    """Whoever can compute hashes can forge the end, but not the head that was recorded elsewhere."""
    start = ENTRIES[2]
    forged = [*ENTRIES[:3], *chain("INC-1", Head(start.seq, start.hash), [Draft(Kind.NOTE, "x", {})] * 3, NOW)]
    assert verify("INC-1", forged) is None
    assert verify("INC-1", forged, HEAD) is not None


def test_an_entry_is_dated_in_utc_to_the_microsecond() -> None:
    """Text order is time order, whatever zone the instant came in."""
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    (entry,) = chain("INC-1", genesis("INC-1"), [Draft(Kind.NOTE, "x")], there)
    assert entry.at == "2026-11-21T03:00:00.000000+00:00"
    assert entry.instant == NOW
