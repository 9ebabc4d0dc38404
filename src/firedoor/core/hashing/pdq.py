"""PDQ, the perceptual hash of photographs, from the pixels of a picture: the same as `pdq.js` makes in a browser.

Decides the hash, its quality and the hashes of the picture mirrored and rotated. Leaves decoding a file to whoever has
one. NumPy comes with the extra `hashing` and is imported late.

Source: Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019. Sums are rounded to 32
bits like those of the reference in C++, so that no bit differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SIDE = 64  # pixels of the small picture that the frequencies are taken from
KEPT = 16  # frequencies kept in each direction: 16 x 16 = 256 bits
PASSES = 2  # a box filter twice is a tent filter (Jarosz)
SMALLEST = 5  # pixels; below that nothing is left to see
BITS = KEPT * KEPT
ROWS = 128  # of a picture that are worked on at once
# Whether the frequencies of a turned picture are transposed, and where their signs change: in every second row, column,
# or both. 1 stands for the even ones.
_TURNS: Mapping[str, tuple[bool, int, int]] = {
    "original": (False, 0, 0),
    "rotated_90": (True, 0, 1),
    "rotated_180": (False, 2, 2),
    "rotated_270": (True, 1, 0),
    "mirrored_x": (False, 1, 0),
    "mirrored_y": (False, 0, 1),
    "mirrored_diagonal": (True, 0, 0),
    "mirrored_antidiagonal": (True, 2, 2),
}


@dataclass(frozen=True, slots=True)
class Pdq:
    """`hash` and the eight of `dihedral`, the first of which is `hash`: 64 hexadecimal digits. `quality`: 0 to 100."""

    hash: str
    quality: int
    dihedral: Mapping[str, str]


def pdq(rgb: NDArray[np.uint8]) -> Pdq:
    """Hash a picture of rows, columns and at least three channels. Raises ValueError for one under 5 pixels."""
    if min(rgb.shape[:2]) < SMALLEST:
        raise ValueError("the picture is under 5 pixels wide or high")
    tiny = _small(_blurred(_light(rgb)))
    found = _frequencies(tiny)
    dihedral = {name: _hex(_turned(found, *turn)) for name, turn in _TURNS.items()}
    return Pdq(dihedral["original"], _quality(tiny), dihedral)


def _light(rgb: NDArray[np.uint8]) -> Floats:
    """Luminance, a few rows at a time: summed in 64 bits, kept in 32."""
    import numpy as np

    found = np.empty(rgb.shape[:2], np.float32)
    for at in range(0, len(rgb), ROWS):
        part = rgb[at : at + ROWS]
        found[at : at + ROWS] = part[:, :, 0] * 0.299 + part[:, :, 1] * 0.587 + part[:, :, 2] * 0.114
    return found


def _blurred(picture: Floats) -> Floats:
    """Averaged along rows and columns, twice. A pass works on whole lines at once, so that the picture is turned."""
    for _ in range(PASSES):
        picture = _box(_box(picture.T.copy()).T.copy())
    return picture


def _box(lines: Floats) -> Floats:
    """The mean over a window that slides over the lines. At both ends it is cut off: the mean is of what is left."""
    import numpy as np

    count = len(lines)
    wide = (count + 2 * SIDE - 1) // (2 * SIDE)  # half of what becomes one pixel of the small picture
    ahead = (wide + 2) // 2 - 1
    out, sums = np.empty_like(lines), np.zeros(lines.shape[1], np.float32)
    for line in lines[:ahead]:
        sums += line
    size = ahead
    for at in range(count):
        if at + ahead < count:
            sums += lines[at + ahead]
            size += 1
        if at + ahead >= wide:
            sums -= lines[at + ahead - wide]
            size -= 1
        np.divide(sums, np.float32(size), out=out[at])
    return out


def _small(picture: Floats) -> Floats:
    import numpy as np

    rows, columns = (((np.arange(SIDE) + 0.5) * length / SIDE).astype(int) for length in picture.shape)
    return picture[np.ix_(rows, columns)]


def _quality(tiny: Floats) -> int:
    """How many steps between neighbours one could see. A plain picture has few, and its hash means little."""
    import numpy as np

    steps = (np.trunc(np.diff(tiny, axis=axis) * np.float32(100) / np.float32(255)) for axis in (0, 1))
    return min(100, int(sum(float(np.abs(step).sum()) for step in steps)) // 90)


def _frequencies(tiny: Floats) -> Floats:
    """The cosine transform, of which only the frequencies 1 to 16 in each direction are made."""
    import numpy as np

    rows, columns = np.arange(1, KEPT + 1)[:, None], np.arange(SIDE)[None, :]
    table = (np.float32(np.sqrt(2 / SIDE)) * np.cos(np.pi / 2 / SIDE * rows * (2 * columns + 1))).astype(np.float32)
    half = np.zeros((KEPT, SIDE), np.float32)
    for at in range(SIDE):
        half += table[:, at : at + 1] * tiny[at]
    found = np.zeros((KEPT, KEPT), np.float32)
    for at in range(SIDE):
        found += half[:, at : at + 1] * table[:, at]
    return found


def _turned(found: Floats, transposed: bool, rows: int, columns: int) -> Floats:  # noqa: FBT001 - a row of _TURNS
    import numpy as np

    signs = np.ones((KEPT, KEPT), np.float32)
    if rows == 1:
        signs[::2] = -1
    if columns == 1:
        signs[:, ::2] = -1
    if rows == columns == 2:  # where row and column are not alike
        signs[::2, 1::2] = signs[1::2, ::2] = -1
    turned = found * signs
    return turned.T if transposed else turned


def _hex(found: Floats) -> str:
    """A bit for each frequency above the lower median; the last frequency is the first bit that is written."""
    import numpy as np

    flat = found.ravel()
    bits = flat > np.sort(flat)[BITS // 2 - 1]
    return np.packbits(bits[::-1]).tobytes().hex()
