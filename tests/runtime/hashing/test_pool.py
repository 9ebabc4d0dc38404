"""Files are hashed by processes of their own: the right hashes, within bounds, whatever a file holds."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image
from tests.support import drawn

from firedoor.core.hashing.lookup import Hashed
from firedoor.core.hashing.pdq import pdq
from firedoor.runtime.hashing.pool import Limits, Pool
from firedoor.runtime.hashing.sources import Item

pytestmark = pytest.mark.slow  # each pool starts processes


def item(name: str, content: bytes) -> Item:
    """Stored content."""
    return Item(name, "", lambda: io.BytesIO(content))


@contextmanager
def pool(workers: int = 1, **limits: float) -> Iterator[Pool]:
    """Hashing processes."""
    with Pool(workers, Limits(**limits)) as found:
        yield found


@pytest.fixture(name="one", scope="module")
def _one() -> Iterator[Pool]:
    with pool() as found:
        yield found


def single(found: Pool, content: bytes) -> Hashed:
    """The hashes of one file."""
    (made,) = found.hashed([item("x", content)])
    return made


def as_file(picture: drawn.Picture, form: str) -> bytes:
    """A picture in a form."""
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_a_picture_has_its_hash_and_its_sha256(one: Pool, form: str) -> None:
    """In every form, as others decode and hash it."""
    content = as_file(drawn.drawn(4), form)
    made = single(one, content)
    said = pdq(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))
    assert made.pdq == said.hash
    assert (made.quality, len(made.dihedral), made.why) == (said.quality, 8, "")
    assert (made.sha256, made.bytes) == (hashlib.sha256(content).hexdigest(), len(content))


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_kind_of_pixels_is_read(one: Pool, mode: str) -> None:
    """Grey, with transparency, for print: none of them needs anything that was not loaded before."""
    form = {"CMYK": "JPEG"}.get(mode, "PNG")
    picture = drawn.drawn(4).convert("L" if mode in ("I;16", "F") else mode)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 256)
    made = single(one, as_file(picture, form))
    assert (made.why, len(made.pdq)) == ("", 64)


def png_of(width: int, height: int) -> bytes:
    """A few bytes that claim to be a large picture."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    body = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in pieces)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "no_picture"), (b"hello", "no_picture"), (drawn.jpeg(drawn.drawn(1))[:900], "damaged"),
     (png_of(60_000, 60_000), "too_many_pixels"), (png_of(300, 300), "damaged"), (png_of(3, 300), "no_picture"),
     (b"%PDF-1.7" + bytes(99), "no_picture"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no_picture")],
    ids=["empty", "text", "cut off", "bomb", "no pixels", "tiny", "pdf", "svg"],
)  # fmt: skip
def test_what_is_no_sound_picture_has_a_digest_and_a_reason(one: Pool, content: bytes, why: str) -> None:
    """In a word; the process goes on with the next file."""
    made = single(one, content)
    assert (made.pdq, made.why, made.sha256) == ("", why, hashlib.sha256(content).hexdigest())
    assert single(one, drawn.jpeg(drawn.drawn(1))).pdq


def test_a_file_over_the_bound_has_a_digest_only() -> None:
    """All its bytes are in the digest, and none is kept for decoding."""
    content = drawn.jpeg(drawn.drawn(1)) + bytes(3_000_000)
    with pool(picture=1_000_000) as found:
        made = single(found, content)
    assert (made.why, made.bytes, made.sha256) == ("too_large", len(content), hashlib.sha256(content).hexdigest())


def test_a_picture_that_needs_too_much_memory_harms_nothing() -> None:
    """It is told, and the next file is hashed."""
    with pool(memory=60 * 1024 * 1024) as found:
        made = list(
            found.hashed(
                [item("large", as_file(Image.new("RGB", (6000, 6000)), "PNG")), item("s", drawn.png(drawn.drawn(1)))]
            )
        )
    assert made[0].why in ("memory", "ended")
    assert made[1].pdq


def test_a_process_that_is_too_slow_is_replaced() -> None:
    """The file is told, the next one is hashed by another process."""
    content = drawn.png(drawn.drawn(1))
    with pool(seconds=3) as found:
        before = found._every[0]
        os.kill(before._process.pid, signal.SIGSTOP)  # it takes what the pipe holds, and never answers
        made = list(found.hashed([item("slow", content), item("next", content)]))
        assert found._every[0] is not before
    assert [one.why for one in made] == ["time", ""]


def test_content_that_cannot_be_read_is_told_and_the_others_are_hashed() -> None:
    """A disk that fails in the middle of a file; its words are not passed on."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(drawn.MARK.decode())

    def failing() -> BinaryIO:
        return Failing()

    picture = drawn.jpeg(drawn.drawn(1))
    with pool(2) as found:
        made = list(found.hashed([item("a", picture), Item("bad", "", failing), item("c", picture)]))
    assert [(one.locator, one.why, bool(one.pdq)) for one in made] == [
        ("a", "", True), ("bad", "not_read", False), ("c", "", True),
    ]  # fmt: skip
    assert drawn.MARK.decode() not in repr(made)


def test_many_files_come_back_in_their_order() -> None:
    """From several processes, with few under way at once."""
    asked: list[int] = []

    def every() -> Iterator[Item]:
        for number in range(40):
            asked.append(number)
            yield item(str(number), str(number).encode())

    with pool(3) as found:
        results = found.hashed(every())
        first = next(results)
        assert len(asked) <= 8
        rest = list(results)
    assert [one.locator for one in (first, *rest)] == [str(number) for number in range(40)]


def test_a_process_has_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key or password of ours is there to be read."""
    from pathlib import Path

    monkeypatch.setenv("FIREDOOR_DATABASE_URL", "postgresql://secret")
    with pool() as found:
        environment = Path(f"/proc/{found._every[0]._process.pid}/environ")
        try:
            told = environment.read_bytes()
        except PermissionError:
            pytest.skip("the process hides its environment even from us")
    assert b"secret" not in told
    assert {pair.split(b"=")[0] for pair in told.split(b"\0") if pair} <= {b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS"}
