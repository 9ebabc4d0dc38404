"""A picture that Firedoor draws to try whether an upload is refused: coloured squares, never anybody's picture.

Decides that it is the same for the same words, so that its hash can be blocked before it is tried, and that it says
inside what it is. PNG (ISO/IEC 15948), written by hand: a picture library is an extra, and this is not.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

SIDE, SQUARE = 256, 16  # pixels
SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAYS = b"Comment\x00Drawn by Firedoor to test an upload filter. It shows nothing and nobody."


def drawn(words: str, saved: str = "") -> bytes:
    """A PNG for some words. `saved` changes the file and not the picture, as saving it again does."""
    rows = b"".join(b"\x00" + _line(words, y) for y in range(SIDE))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    texts = [SAYS, *([b"Software\x00" + saved.encode("latin-1", "replace")[:200]] if saved else [])]
    chunks = [(b"IHDR", head), *((b"tEXt", text) for text in texts), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def pixels(words: str) -> Iterator[bytes]:
    """Its lines, three bytes for a pixel, for whoever hashes it."""
    return (_line(words, y) for y in range(SIDE))


def _line(words: str, y: int) -> bytes:
    squares = hashlib.shake_256(f"{words}\n{y // SQUARE}".encode()).digest(3 * SIDE // SQUARE)
    return b"".join(squares[at : at + 3] * SQUARE for at in range(0, len(squares), 3))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
