"""What the `pdqhash` package says of the pictures that tests draw, kept in a file beside this one.

The package comes as source alone and needs a compiler, which not every machine has on which the tests run. Where it is
installed, `python -m tests.support.package_hashes` asks it anew and writes the file. A picture that is drawn otherwise
than it was then, by another Pillow for instance, is named instead of compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from tests.support import drawn

FILE = Path(__file__).with_name("package_hashes.json")
SIZES = [(5, 900), (64, 64), (63, 65), (130, 7), (2000, 1500)]


@dataclass(frozen=True)
class Told:
    """What the package says: the eight hashes, the picture's own first, in hexadecimal, and the quality."""

    dihedral: list[str]
    quality: int


def sized(size: tuple[int, int]) -> drawn.Picture:
    """A picture of a size of which the window is cut off at the ends, or is one pixel wide."""
    return drawn.drawn(2, (max(size[0], 60), max(size[1], 60))).resize(size)


def told(picture: drawn.Picture) -> Told:
    """What the package said of this picture."""
    known = _known().get(_digest(picture))
    assert known is not None, "drawn otherwise than when the package was asked: python -m tests.support.package_hashes"
    quality, *dihedral = known.split()
    return Told(dihedral, int(quality))


def pictures() -> Iterator[drawn.Picture]:
    """All pictures that the package is asked about."""
    yield from (picture for _, picture in drawn.transforms(10))
    yield from map(sized, SIZES)


@cache
def _known() -> dict[str, str]:
    kept: dict[str, str] = json.loads(FILE.read_text())
    return kept


def _digest(picture: drawn.Picture) -> str:
    return sha256(repr(picture.size).encode() + picture.convert("RGB").tobytes()).hexdigest()[:24]


def main() -> None:
    """Ask the package, and write down what it says."""
    import pdqhash

    asked = {}
    for picture in pictures():
        those, quality = pdqhash.compute_dihedral(np.asarray(picture.convert("RGB")))
        packed = [np.packbits(bits.astype(np.uint8)).tobytes().hex() for bits in those]
        asked[_digest(picture)] = " ".join([str(quality), *packed])
    FILE.write_text(json.dumps(asked, indent=0) + "\n")


if __name__ == "__main__":
    main()
