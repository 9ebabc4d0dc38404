"""PDQ of stored pictures is the PDQ of everybody else: beside the `pdqhash` package, bit for bit."""

from __future__ import annotations

import numpy as np
import pdqhash
import pytest
from tests.support import drawn

from firedoor.core.hashing.pdq import pdq


def packed(bits: np.ndarray) -> str:
    """The bits of the package in hexadecimal."""
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()


def test_two_hundred_transforms_have_the_hash_of_the_package() -> None:
    """With the same quality, and all eight of the set."""
    wrong = {}
    for name, picture in drawn.transforms(10):
        pixels = np.asarray(picture)
        made = pdq(pixels)
        those, quality = pdqhash.compute_dihedral(pixels)
        if (list(made.dihedral.values()), made.quality) != ([packed(bits) for bits in those], quality):
            wrong[name] = (made.hash, packed(those[0]), made.quality, quality)
    assert wrong == {}


@pytest.mark.parametrize("size", [(5, 900), (64, 64), (63, 65), (130, 7), (2000, 1500)])
def test_every_size_has_the_hash_of_the_package(size: tuple[int, int]) -> None:
    """The window is cut off at the ends, and is one pixel wide in small pictures."""
    pixels = np.asarray(drawn.drawn(2, (max(size[0], 60), max(size[1], 60))).resize(size))
    bits, quality = pdqhash.compute(pixels)
    made = pdq(pixels)
    assert (made.hash, made.quality) == (packed(bits), quality)


def test_a_picture_of_four_pixels_is_refused() -> None:
    """Nothing is left to see."""
    with pytest.raises(ValueError, match="under 5 pixels"):
        pdq(np.zeros((4, 90, 3), np.uint8))
