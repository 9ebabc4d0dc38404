"""PDQ of stored pictures is the PDQ of everybody else: as the `pdqhash` package has it, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support import drawn, package_hashes

from firedoor.core.hashing.pdq import pdq


def test_two_hundred_transforms_have_the_hash_of_the_package() -> None:
    """With the same quality, and all eight of the set."""
    wrong = {}
    for name, picture in drawn.transforms(10):
        made, said = pdq(np.asarray(picture)), package_hashes.told(picture)
        if (list(made.dihedral.values()), made.quality) != (said.dihedral, said.quality):
            wrong[name] = (made.hash, said.dihedral[0], made.quality, said.quality)
    assert wrong == {}


@pytest.mark.parametrize("size", package_hashes.SIZES)
def test_every_size_has_the_hash_of_the_package(size: tuple[int, int]) -> None:
    """The window is cut off at the ends, and is one pixel wide in small pictures."""
    picture = package_hashes.sized(size)
    made, said = pdq(np.asarray(picture)), package_hashes.told(picture)
    assert (made.hash, made.quality) == (said.dihedral[0], said.quality)


def test_a_picture_of_four_pixels_is_refused() -> None:
    """Nothing is left to see."""
    with pytest.raises(ValueError, match="under 5 pixels"):
        pdq(np.zeros((4, 90, 3), np.uint8))
