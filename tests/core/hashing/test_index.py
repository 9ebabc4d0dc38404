"""The index of PDQ hashes finds everything within a distance, and nothing that was withdrawn."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support import drawn

from firedoor.core.hashing import bands
from firedoor.core.hashing.bands import banded, part_of, spellings
from firedoor.core.hashing.gone import absence
from firedoor.core.hashing.index import Near, PdqIndex
from firedoor.core.hashing.pdq import pdq
from firedoor.core.problems import InvalidInput

MANY = 150_000  # more than the tail takes


def random_hashes(count: int, seed: int = 1) -> np.ndarray:
    """Rows of 32 bytes."""
    return np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)


def flipped(row: np.ndarray, bits: int, seed: int) -> str:
    """A hash in so many other bits."""
    chosen = np.random.default_rng(seed).choice(256, bits, replace=False)
    number = int.from_bytes(row.tobytes()) ^ sum(1 << int(bit) for bit in chosen)
    return f"{number:064x}"


@pytest.fixture(name="full", scope="module")
def _full() -> tuple[PdqIndex, np.ndarray]:
    rows = random_hashes(MANY)
    found = PdqIndex()
    found.add_packed(rows)
    return found, rows


@pytest.mark.parametrize("distance", [0, 1, 15, 16, 31, 32, 40])
def test_nothing_within_the_distance_is_missed(full, distance: int) -> None:
    """At the very edge of the distance; one bit further off is not found."""
    found, rows = full
    for seed in range(40):
        row = rows[seed * 3000]
        assert Near(row.tobytes().hex(), distance) in found.search(flipped(row, distance, seed), distance)
        assert row.tobytes().hex() not in {
            near.value for near in found.search(flipped(row, distance + 1, seed), distance)
        }


@pytest.mark.parametrize("shape", [bands.WIDE, bands.NARROW])
def test_both_shapes_agree_with_comparing_everything(shape: tuple[int, int]) -> None:
    """Where hashes lie close together, so that a search finds many."""
    near = np.stack(
        [np.frombuffer(bytes.fromhex(flipped(random_hashes(1)[0], n % 60, n)), np.uint8) for n in range(4000)]
    )
    part = part_of(near.view(np.uint64), shape)
    for seed in range(30):
        wanted = near[seed].view(np.uint64)
        those = bands.compared(part.words, wanted)
        rows, _ = part.search(wanted, 31)
        assert len(rows) == (those <= 31).sum()


def test_the_bands_of_each_shape_keep_their_promise() -> None:
    """Bands times radius plus one covers distance 31; they do not overlap and fit into 256 bits."""
    for count, bits in (bands.WIDE, bands.NARROW):
        assert count * (31 // count + 1) > 31
        assert 31 // count <= bands.WIDEST_RADIUS
        assert count * bits <= 256
        whole = np.full(4, 2**64 - 1, np.uint64)
        assert {int(banded(whole, band, bits)) for band in range(count)} == {2**bits - 1}
        for bit in range(count * bits):
            one = np.zeros(4, np.uint64)
            one[bit // 64] = np.uint64(1) << np.uint64(bit % 64)
            assert sum(int(banded(one, band, bits)).bit_count() for band in range(count)) == 1
    assert len(spellings(23, 2)) == 1 + 23 + 253


def test_hashes_are_added_and_withdrawn_while_it_is_searched() -> None:
    """In the tail, in a part and after parts were put together, each is found until it is withdrawn, then nowhere."""
    found, rows = PdqIndex(tail=1000), random_hashes(5000, seed=3)
    for at in range(0, 5000, 700):
        found.add_packed(rows[at : at + 700])
    assert len(found) == 5000
    assert len(found._held[0]) > 1
    for number in (0, 1400, 3500, 4999):
        value = rows[number].tobytes().hex()
        assert found.search(value, 0) == [Near(value, 0)]
        assert found.withdraw(value) == 1
        assert found.search(value, 0) == []
        assert found.withdraw(value) == 0
        assert absence("pdq", value, [found]).proved
    assert len(found) == 4996


def test_the_bytes_of_what_was_withdrawn_are_gone() -> None:
    """Overwritten at once, and after compacting not even its order is left."""
    found, rows = PdqIndex(), random_hashes(MANY, seed=4)
    found.add_packed(rows)
    found.withdraw(rows[7].tobytes().hex())
    assert not any(rows[7].tobytes() in part.words.tobytes() for part in found._held[0])
    found.compact()
    assert (len(found), len(found._held[0][0].words)) == (MANY - 1, MANY - 1)
    assert found.search(rows[8].tobytes().hex(), 0)


def test_a_hash_that_was_added_twice_is_told_once_and_leaves_at_once() -> None:
    """Two banks may list it."""
    value = random_hashes(1)[0].tobytes().hex()
    found = PdqIndex([value, value.upper()])
    _, before = found._held
    assert found.search(value) == [Near(value, 0)]
    assert found.withdraw(value) == 2
    assert not before.any()  # overwritten, for whoever still reads the state before
    assert len(found) == 0


def test_an_empty_index_finds_nothing() -> None:
    """Neither does it fail."""
    found = PdqIndex()
    found.compact()
    assert found.search("00" * 32, 40) == []
    assert found.memory == 0


@pytest.mark.parametrize("value", ["", "00", "zz" * 32, "00" * 33, "00" * 31 + "0\n"])
def test_what_is_no_hash_is_refused(value: str) -> None:
    """Nothing of its list is added then."""
    found = PdqIndex()
    with pytest.raises(InvalidInput):
        found.add(["11" * 32, value])
    with pytest.raises(InvalidInput):
        found.search(value)
    assert len(found) == 0


def test_pictures_are_found_changed_mirrored_and_rotated_but_not_cropped() -> None:
    """By the hash alone when they are changed a little; by the set of eight when they are turned; a crop is another."""
    listed = PdqIndex(pdq(np.asarray(drawn.drawn(seed))).hash for seed in range(12))
    told: dict[str, int] = {}
    for seed in range(12):
        for name, change in drawn.CHANGES.items():
            made = pdq(np.asarray(change(drawn.drawn(seed))))
            looked_up = (
                made.dihedral.values() if name in ("mirror", "flip", "rotated 90", "rotated 180") else [made.hash]
            )
            told[name] = told.get(name, 0) + any(listed.search(value) for value in looked_up)
    assert {name: told.pop(name) for name in ("crop 0.05", "crop 0.3")} == {"crop 0.05": 0, "crop 0.3": 0}
    assert min(told.values()) >= 11
