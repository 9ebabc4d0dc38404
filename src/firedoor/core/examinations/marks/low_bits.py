"""A record that is written into the lowest bits of a picture's colours.

Decides the ways in which such a record is looked for: the bits of red, green and blue in turn, of one colour, or of
alpha; from the first pixel, the highest bit of a letter first; JSON, or a length before it. Chance makes no JSON with a
model's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from firedoor.core.examinations.marks.generators import Mark, record
from firedoor.core.json_types import as_object

KIND = "low-bits"
LONGEST = 64 * 1024  # bytes of a record


def low_bits(channels: Sequence[bytes]) -> Mark | None:
    """The record in a picture's channels (bytes of red, green, blue, perhaps alpha), if there is one."""
    for bits in _ways(channels):
        content = _packed(bits)
        for skip in (0, 2, 4, 8):
            if content[skip : skip + 1] == b"{" and (mark := _read(content[skip:])):
                return mark
    return None


def _ways(channels: Sequence[bytes]) -> Iterator[bytes]:
    most = LONGEST * 8
    colours = [one[:most] for one in channels]
    if len(colours) >= 3:
        mixed = bytearray(3 * len(colours[0]))
        for at in range(3):
            mixed[at::3] = colours[at]
        yield bytes(mixed[:most])
    if len(colours) == 4:
        mixed = bytearray(4 * len(colours[0]))
        for at in range(4):
            mixed[at::4] = colours[at]
        yield bytes(mixed[:most])
    yield from colours


def _packed(values: bytes) -> bytes:
    bits = values.translate(_LOW)[: len(values) // 8 * 8]
    return int(bits or b"0", 2).to_bytes(max(1, len(bits) // 8), "big")


_LOW = bytes(ord("1") if value & 1 else ord("0") for value in range(256))


def _read(content: bytes) -> Mark | None:
    text = content[:LONGEST].decode("utf-8", "replace")
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return record(KIND, as_object(found))
