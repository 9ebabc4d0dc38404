"""What text may hide: signatures written as base64, hexadecimal, numbers or escapes, and long runs of encoded data.

Decides that a signature counts however it is spelled and spaced, and that a long run is judged by what it decodes to:
text is text again, a certificate is let through, all else is refused. Short runs without a signature (keys, digests,
tokens, signatures) are let through. What was encrypted, or encoded in a way of somebody's own and cut short, cannot
be told from such tokens.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

from firedoor.core.content.signatures import SIGNATURES, ContentKind, Signature, named

LONGEST_UNKNOWN = 1024  # bytes that a run may decode to without being text: room for keys and signatures of today
MEDIA_OFFSET = 4  # where the brand of ISO media stands, and no other signature
SHORTEST_RUN = 200  # characters; in fewer there is room for a key or a digest, and for no picture
FEWEST = 8  # different characters; a line of dashes has one
WORDY = 40  # different characters; base64 of more than a thousand bytes has more, names and paths have fewer
HIGHEST_ENTROPY = 6.2  # bits per character; base64 has 6.0 at most, base85 and its like 6.3 to 6.5, prose 4.5
WINDOW = 4096  # characters in which the entropy is measured
DER = 16 * 1024  # bytes of the largest certificate that is let through
LAST_LINE = 48  # bytes of a line of 64 characters
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_HEX = b"0123456789abcdef"
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_NOT_HEX = bytes(set(range(256)) - set(_HEX))
_NOT_BITS = bytes(set(range(256)) - set(b"01"))
_PREFIX = re.compile(rb"0x|\\x|\\u00")
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{60,}={0,2}")
_GAP = re.compile(rb"(?:\\+[rnt]|[\s\"',+\\>#*|;:()\[\]]){1,24}")
_BITS = re.compile(rb"(?:[01]{8}[^0-9A-Za-z]{0,2}){8}")
_ESCAPE = re.compile(
    rb"=(?<=[!-~ ]{70}=)\r?\n"
    rb"|\\{1,4}x([0-9a-fA-F]{2})|\\{1,4}u00([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|=([0-9A-F]{2})|&#x([0-9a-fA-F]{2});"
    rb"|\\{1,4}([0-3][0-7]{2})|&#(\d{1,3});|\\{1,4}([rnt/0])"
)
_C0 = rb"(?:0[1-8bcefBCEF]|1[0-9acdefACDEF])"  # no NUL, tab, line end or ESC, which texts have too
_CONTROLS = re.compile(  # each with another escape of its kind behind it, as `\\001\\weights` and `user=17` have not
    b"|".join((
        rb"\\{1,4}x" + _C0 + rb"(?=\\{1,4}x)", rb"\\{1,4}u00" + _C0 + rb"(?=\\{1,4}u00)", rb"%" + _C0 + rb"(?=%)",
        rb"=" + _C0 + rb"(?==)", rb"&#x" + _C0 + rb";(?=&#)", rb"&#(?:[1-8]|1[1245-9]|2\d|3[01]);(?=&#)",
        rb"\\{1,4}0(?:0[1-7]|1[346]|2[0-7]|3[0-24-7])(?=\\{1,4}[0-3][0-7]{2})",
    ))
)  # fmt: skip
CLOSE, MANY, VARIED = 4096, 24, 8  # in so many characters so many such escapes of so many kinds: no words
_SHORT = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"/": b"/", b"0": b"\0"}
# How a run of base64 begins whose first bytes are too few to be searched everywhere.
_BEGINNINGS: tuple[tuple[bytes, str, ContentKind], ...] = (
    (rb"/9j/", "JPEG", ContentKind.PICTURE), (rb"SUkqA[A-D]", "TIFF", ContentKind.PICTURE),
    (rb"TU0AK[g-j]", "TIFF", ContentKind.PICTURE), (rb"Qk[0-3].{5}AAAA", "BMP", ContentKind.PICTURE),
    (rb"AAABAA[EIMQUYc]", "icon", ContentKind.PICTURE), (rb"UklGR[g-j].{5,6}X?Q?V0VCUF", "WebP", ContentKind.PICTURE),
    (rb"/0//U[Q-T]", "JPEG 2000", ContentKind.PICTURE), (rb"di8xA[Q-T]", "OpenEXR", ContentKind.PICTURE),
    (rb"GkXfo[w-z0-9+/]", "Matroska", ContentKind.VIDEO), (rb"RkxWA[Q-T]", "Flash video", ContentKind.VIDEO),
    (rb"AAABu[g-jst]", "MPEG", ContentKind.VIDEO), (rb"AAAA.GZ0eX[A-D]", "ISO media", ContentKind.VIDEO),
    (rb"SUQz[AB]", "MP3", ContentKind.SOUND), (rb"T2dnUw", "Ogg", ContentKind.SOUND),
    (rb"H4sI", "gzip", ContentKind.ARCHIVE), (rb"KLUv/", "zstd", ContentKind.ARCHIVE),
    (rb"UEsDB", "ZIP", ContentKind.ARCHIVE), (rb"QlpoO[T-X]", "bzip2", ContentKind.ARCHIVE),
    (rb"JVBERi0", "PDF", ContentKind.DOCUMENT), (rb"gASV", "pickle", ContentKind.ARRAY),
)  # fmt: skip
_BEGINS = re.compile(
    rb"(?<![A-Za-z0-9+/])(?:" + b"|".join(b"(" + one[0] + b")" for one in _BEGINNINGS) + rb")(?=[A-Za-z0-9+/=]{12})"
)

Found = tuple[str, ContentKind]


def unescaped(text: bytes) -> tuple[bytes, ...]:
    """The text, and the text with its escapes read, once and twice: JSON, Python, C, URLs, quoted-printable, HTML."""
    views = [text]
    for _ in range(2):
        after = _ESCAPE.sub(_byte, views[-1])
        if after == views[-1]:
            break
        views.append(after)
    return tuple(views)


def binary_in_escapes(text: bytes) -> bool:
    """Whether bytes that are no text stand in the text as escapes, whatever they are."""
    found = list(_CONTROLS.finditer(text))
    return any(
        last.start() - first.start() <= CLOSE and len({one.group().lower() for one in found[at : at + MANY]}) >= VARIED
        for at, (first, last) in enumerate(zip(found, found[MANY - 1 :], strict=False))
    )


def _byte(found: re.Match[bytes]) -> bytes:
    groups = found.groups()
    if not any(groups):
        return b""  # a line that goes on
    if digits := next((one for one in groups[:5] if one), None):
        return bytes.fromhex(digits.decode())
    if groups[5]:
        return bytes((int(groups[5], 8) & 255,))
    return bytes((int(groups[6]) & 255,)) if groups[6] else _SHORT[groups[7]]


def spelled(text: bytes) -> Found | None:
    """The first signature that stands in the text in any spelling."""
    lowered = _PREFIX.sub(b"", text.lower()).translate(None, _NOT_HEX)
    squeezed = text.translate(_URLSAFE).translate(None, _NOT_BASE64)
    numbers = re.sub(rb"\D+", b",", b"," + text + b",")
    bits = text.translate(None, _NOT_BITS) if _BITS.search(text) else b""
    media = any(needle in squeezed for needle in _media().base64) or _media().hexadecimal in lowered
    for one, needles in _needles():
        if one.offset == MEDIA_OFFSET and not media and b",102,116,121,112," not in numbers:
            continue  # none of the many kinds of ISO media: asked once for all of them
        if one.magic in text and not one.magic.isascii():
            return one.what, one.kind
        if any(needle in squeezed for needle in needles.base64):
            return f"{one.what}, as base64", one.kind
        if needles.hexadecimal in lowered:
            return f"{one.what}, as hexadecimal", one.kind
        if any(needle in numbers for needle in needles.numbers):
            return f"{one.what}, as numbers", one.kind
        if bits and needles.bits in bits:
            return f"{one.what}, as bits", one.kind
    return _beginning(text.translate(_URLSAFE))


def _beginning(text: bytes) -> Found | None:
    found = _BEGINS.search(text)
    if found is None or found.lastindex is None:
        return None
    _, what, kind = _BEGINNINGS[found.lastindex - 1]
    return f"{what}, as base64", kind


class _Needles:
    """One signature as it stands in text."""

    def __init__(self, magic: bytes) -> None:
        self.base64 = [bytes(_BASE64[n] for n in digits) for digits in _digits(magic, 6)]
        self.hexadecimal = magic.hex().encode()
        signed = (abs(byte - 256 if byte > 127 else byte) for byte in magic)
        self.numbers = [
            b"," + b",".join(b"%d" % byte for byte in magic) + b",",
            b"," + b",".join(b"%d" % byte for byte in signed) + b",",
            b"," + b",".join(b"%03o" % byte for byte in magic) + b",",
        ]
        self.bits = "".join(f"{byte:08b}" for byte in magic).encode()


@cache
def _media() -> _Needles:
    return _Needles(b"ftyp")


@cache
def _needles() -> tuple[tuple[Signature, _Needles], ...]:
    return tuple((one, _Needles(one.magic)) for one in SIGNATURES if one.distinctive)


def _digits(magic: bytes, width: int) -> Iterator[list[int]]:
    """The digits of so many bits that are the same whatever stands before the bytes and after them."""
    total, value, mask = 8 * len(magic), int.from_bytes(magic), (1 << width) - 1
    for skipped in range(0, width, math.gcd(8, width)):
        count = (total - skipped) // width
        yield [(value >> (total - skipped - width * (place + 1))) & mask for place in range(count)]


def runs(text: bytes, judge: Callable[[bytes], Found | None]) -> Found | None:
    """Judge every long run by what it decodes to; `judge` reads decoded text."""
    return next((found for one in _joined(text) if (found := run(one, judge))), None)


def _joined(text: bytes) -> Iterator[bytes]:
    """The runs; lines of one length that follow on one another are one run, with the shorter line at its end."""
    joined, width, end = bytearray(), 0, 0
    for piece in _RUN.finditer(text):
        if not joined or not _follows(text, end, piece, width):
            yield bytes(joined)
            joined, width = bytearray(), len(piece.group())
        joined += piece.group()
        end = piece.end()
    yield bytes(joined)


def _follows(text: bytes, end: int, piece: re.Match[bytes], width: int) -> bool:
    """Whether a run goes on in the next line: not after padding, and not from digest to digest in a list of them."""
    if text[end - 1 : end] == b"=" or _is_hex(piece.group()) or len(piece.group()) > width:
        return False
    return _GAP.fullmatch(text, end, piece.start()) is not None


def _is_hex(run: bytes) -> bool:
    return not run.lower().translate(None, _HEX)


def run(run: bytes, judge: Callable[[bytes], Found | None]) -> Found | None:
    """Judge one run."""
    decoded = _decoded(run) if len(run) >= SHORTEST_RUN and len(set(run)) >= FEWEST else None
    if decoded is None:
        return None
    found = named(decoded)
    if found and len(found.magic) >= 3:
        return f"{found.what}, encoded", found.kind
    if is_text(decoded):
        return judge(decoded)
    if len(decoded) <= LONGEST_UNKNOWN or _is_certificate(decoded) or _is_spelled(run):
        return None
    return f"a run of {len(run)} characters that decodes to no text", ContentKind.ENCODED


def _decoded(run: bytes) -> bytes | None:
    if _is_hex(run):
        return bytes.fromhex(run[: len(run) // 2 * 2].decode())
    bare = run.rstrip(b"=")
    if _is_base32(bare):
        return base64.b32decode(bare[: len(bare) // 8 * 8])
    try:
        return binascii.a2b_base64(bare.translate(_URLSAFE)[: len(bare) // 4 * 4])
    except binascii.Error:
        return None


def _is_spelled(run: bytes) -> bool:
    """Whether a long run has the letters of names and paths rather than those of base64, base32 or hexadecimal."""
    return not _is_hex(run) and not _is_base32(run) and len(set(run)) < WORDY


def _is_base32(run: bytes) -> bool:
    return not run.rstrip(b"=").translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def is_text(content: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters; it may be cut off in the middle of a letter."""
    try:
        return not any(letter < " " and letter not in "\t\n\r" for letter in content.decode())
    except UnicodeDecodeError as error:  # cut off in the middle of a letter
        return error.start >= len(content) - 4 and error.start > 0 and is_text(content[: error.start])


def _is_certificate(content: bytes) -> bool:
    """Whether it is one DER sequence of sequences, as certificates and keys are, and nothing beside it."""
    if len(content) > DER or content[:2] != b"\x30\x82" or content[4:5] not in (b"\x30", b"\x02"):
        return False
    missing = int.from_bytes(content[2:4]) + 4 - len(content)
    return 0 <= missing < LAST_LINE  # the last line is shorter than what counts as a run


def looks_random(text: str) -> bool:
    """Whether any part of the text has more entropy than words and base64 have: base85, base91 and the like."""
    dense = "".join(text.split())
    return any(_entropy(dense[at : at + WINDOW]) > HIGHEST_ENTROPY for at in range(0, len(dense) - WINDOW // 2, WINDOW))


def _entropy(part: str) -> float:
    letters = [letter for letter in part if letter.isascii()]
    if len(letters) < 0.9 * len(part):  # many scripts have more letters than base85
        return 0.0
    return -sum(n / len(letters) * math.log2(n / len(letters)) for n in Counter(letters).values())
