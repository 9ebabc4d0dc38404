"""The gate of content: whether bytes may be kept here, by looking at them and never at their name.

Decides by an allow-list: text (UTF-8, or UTF-16 with its mark) in which no picture, video, sound, archive, document or
array is hidden, and a PDF or DOCX that was shown to hold no picture. All else is known here by its digest alone.
Leaves what is done about a refusal to whoever asks. Every way in goes through here: uploads, collected artefacts,
alerts, locators, notices as sent, words that people write; backup and export ask again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from firedoor.core.content import encodings
from firedoor.core.content.documents import office_fault, pdf_fault
from firedoor.core.content.signatures import ContentKind, named, within

__all__ = ["ContentKind", "ContentVerdict", "hidden", "judge", "might_be_kept"]

PART = 256 * 1024  # bytes that are looked at together: what is derived from them stays this small, and each look short
OVERLAP = 8 * 1024  # bytes of one part that are looked at again with the next
DEEPEST = 4  # encodings inside encodings; deeper ones are refused
SHORTEST = 12  # characters; no picture is told by fewer
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
# Possessive, and taken whole before it is measured: a run that is too short is never read twice.
_LETTERS = re.compile(r"[^\x00-\x7f\s\u2000-\u206f\u3000-\u303f\uff00-\uff0f]{64,}+")
_NUMBERS = re.compile(rb"(?:\d{1,3}+[\s,;]{1,4}+){16,}+")
_ONES = re.compile(rb"[01]{64,}+")
MOST_LETTERS, MOST_NUMBERS, MOST_BITS = 2048, 4096, 8192  # a picture of 64 by 64 grey points has 4096 bytes
FEW_BYTES, VARIED = 1024, 160  # so many numbers with so many values are bytes of something, not counts or milliseconds
_DATA = re.compile(
    rb"data\s*:\s*(?!text/|application/(?:json|xml|x-www-form))[a-z]+/[a-z0-9.+-]+\s*[;,]", re.IGNORECASE
)
_MARKS = (
    (re.compile(rb"<(?:[\w-]+:)?svg[\s>/]", re.IGNORECASE), "SVG", ContentKind.PICTURE),
    (_DATA, "an address that is the content itself (data:)", ContentKind.ENCODED),
    (
        re.compile(rb"(?:GIF8[79]a|ftyp[\w ]{4}|WEBP)[^\n]{0,6}\x00"),
        "a picture or video in escapes",
        ContentKind.PICTURE,
    ),
    (re.compile(rb"^%PDF-[12]\.\d", re.MULTILINE), "PDF", ContentKind.DOCUMENT),
    (re.compile(rb"^%!PS", re.MULTILINE), "PostScript", ContentKind.DOCUMENT),
    (re.compile(rb"^\s*\{\\rtf1"), "RTF", ContentKind.DOCUMENT),
    (re.compile(rb"\AP[1-6]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s"), "netpbm", ContentKind.PICTURE),
    (
        re.compile(rb"/\* XPM \*/|\bstatic\s+(?:const\s+)?(?:unsigned\s+)?char\s*\*?\s*\w+_bits"),
        "X bitmap",
        ContentKind.PICTURE,
    ),
    (re.compile(rb"\A(?:SIMPLE  =|#\?RADIANCE|FUJIFILMCCD-RAW)"), "raw picture", ContentKind.PICTURE),
    (re.compile(rb"^begin(?:-base64)? [0-7]{3,4} \S", re.MULTILINE), "uuencoded data", ContentKind.ENCODED),
    (re.compile(rb"^=ybegin ", re.MULTILINE), "yEnc data", ContentKind.ENCODED),
    (re.compile(rb"^GIT binary patch\r?$", re.MULTILINE), "binary patch", ContentKind.ENCODED),
    (re.compile(rb"This file must be converted with BinHex"), "BinHex data", ContentKind.ENCODED),
    (re.compile(rb"<~[!-;=-uz\s]{40,}+~>"), "base85 data", ContentKind.ENCODED),
)


@dataclass(frozen=True, slots=True)
class ContentVerdict:
    """Whether bytes may be kept, what they are, and why not in words; `why` is empty when they may be kept."""

    kind: ContentKind
    what: str
    why: str = ""

    @property
    def keep(self) -> bool:
        """Whether the bytes may be kept."""
        return not self.why


def judge(content: bytes | bytearray, depth: int = 0) -> ContentVerdict:
    """Look at all of the bytes. Pure; needs memory for a few parts beside the content."""
    text = _text(content)
    if text is None:
        return _binary(bytes(content))
    if text.lstrip()[:5] == b"%PDF-":
        return _document(bytes(content), ContentKind.DOCUMENT, "PDF")
    for part in _parts(text):
        if found := _in_text(part, depth):
            what, kind = found
            return ContentVerdict(kind, what, f"it holds what may be no part of a text: {what}")
    return ContentVerdict(ContentKind.TEXT, "text")


def might_be_kept(head: bytes | bytearray) -> bool:
    """Whether bytes that begin so can be anything that is kept; False is final, and the rest need not be held.

    `head` may end in the middle of a letter.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:4] == b"PK\x03\x04" or head.lstrip()[:5] == b"%PDF-":
        return True
    try:
        return _CONTROL.search(head.decode("utf-8-sig")) is None
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 4 and error.reason == "unexpected end of data"


def hidden(words: str) -> str:
    """What a text that somebody wrote hides, in words; "" for nothing. For short texts: no control rule, no entropy."""
    if len(words) < SHORTEST:
        return ""
    found = _in_text(words.encode("utf-8", "surrogatepass"), 0)
    return found[0] if found else ""


def _text(content: bytes | bytearray) -> bytes | None:
    """The content as UTF-8 when it is text; None for everything else."""
    sixteen = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        letters = content.decode("utf-16" if sixteen else "utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(letters) else letters.encode()


def _binary(content: bytes) -> ContentVerdict:
    found = named(content) or within(content)
    if found is None:
        return ContentVerdict(ContentKind.BINARY, "binary data", "it is no text, and its kind is not known")
    if found.what in ("PDF", "ZIP"):
        return _document(content, found.kind, found.what)
    return ContentVerdict(found.kind, found.what, f"it is {found.kind} data: {found.what}")


def _document(content: bytes, kind: ContentKind, what: str) -> ContentVerdict:
    fault = (pdf_fault if what == "PDF" else office_fault)(content, judge)
    if fault:
        return ContentVerdict(kind, what, f"it is a {what}, and {fault}")
    return ContentVerdict(
        ContentKind.DOCUMENT, f"{what} without pictures" if what == "PDF" else "DOCX without pictures"
    )


def _parts(text: bytes) -> Iterator[bytes]:
    for start in range(0, max(len(text), 1), PART):
        yield text[max(0, start - OVERLAP) : start + PART]


def _in_text(part: bytes, depth: int) -> tuple[str, ContentKind] | None:
    if depth > DEEPEST:
        return "encodings inside encodings", ContentKind.ENCODED
    views = encodings.unescaped(part)
    for view in dict.fromkeys((part, views[-1])):
        for mark, what, kind in _MARKS:
            if mark.search(view):
                return what, kind
        if found := encodings.spelled(view) or encodings.runs(view, lambda inner: _in_text(inner, depth + 1)):
            return found
        if found := _dense(view) or _as_numbers(view, depth):
            return found
    if any(map(encodings.binary_in_escapes, views[:2])):
        return "binary data in escapes", ContentKind.ENCODED
    return None


def _dense(part: bytes) -> tuple[str, ContentKind] | None:
    letters = part.decode("utf-8", "replace")
    if any(len(run.group()) >= MOST_LETTERS for run in _LETTERS.finditer(letters)) or encodings.looks_random(letters):
        return "data in letters (more varied than any text)", ContentKind.ENCODED
    if any(len(run.group()) >= MOST_BITS for run in _ONES.finditer(part)):
        return "a long run of bits", ContentKind.ENCODED
    return None


def _as_numbers(part: bytes, depth: int) -> tuple[str, ContentKind] | None:
    """What long runs of numbers hide: a grid of points, the bytes of something, or the letters of an encoding."""
    for run in _NUMBERS.finditer(part):
        content = _of_numbers(run.group())
        kinds = len(set(content))
        if (len(content) >= MOST_NUMBERS and kinds > encodings.FEWEST) or (
            len(content) >= FEW_BYTES and kinds >= VARIED
        ):
            return "a grid of bytes as numbers", ContentKind.ARRAY
        if encodings.is_text(content) and (found := _in_text(content, depth + 1)):
            return found
    return None


def _of_numbers(run: bytes) -> bytes:
    """The bytes that the numbers are; none where they are too few, or no bytes."""
    numbers = [int(one) for one in re.findall(rb"\d+", run)] if len(run) >= 2 * encodings.SHORTEST_RUN else []
    return bytes(numbers) if numbers and max(numbers) <= 255 else b""
