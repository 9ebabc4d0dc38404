"""Documents that were shown to hold no picture: a PDF whose every stream is known, and a DOCX of nothing but XML.

Decides by what a writer of plain letters produces (WeasyPrint, python-docx, office suites without pictures): whatever
else a document may contain is refused, and so is what cannot be read. Every byte must be accounted for, so that
nothing stands between or behind the parts. Bounded: a document that unpacks to more than `LARGEST` is refused.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from firedoor.core.content.signatures import ContentKind, named, within

END_OF_DIRECTORY = 22  # bytes of the record that ends a ZIP
MOST_WORDS = 4096  # bytes of an object in which nothing is hidden
LARGEST = 32 * 1024 * 1024  # bytes that all parts of a document may unpack to
_OBJECT = re.compile(rb"\s*\d+ \d+ obj\b")
_STREAM = re.compile(rb"stream\r?\n")
_LENGTH = re.compile(rb"/Length (\d+)(?! \d+ R)")
_BETWEEN = re.compile(rb"\s*(?:xref\s[\d\sfn]*|trailer\s*<<.*?>>|startxref\s+\d+|%%EOF)", re.DOTALL)
_FORBIDDEN = re.compile(
    rb"/(?:Image|Inter?polate|ImageMask|SMask|EmbeddedFiles?|Filespec|EF|RichMedia|Movie|Sound|Rendition|3D|U3D|PRC|XFA|Launch|"
    rb"JavaScript|JS|Encrypt|DCTDecode|JPXDecode|JBIG2Decode|CCITTFaxDecode|RunLengthDecode|LZWDecode|ASCIIHexDecode|"
    rb"ASCII85Decode|Crypt|DCT|CCF|RL|LZW|AHx|A85|Type3|ShadingType [4-7]|Metadata|PieceInfo|Thumb)\b"
)
_ESCAPED = re.compile(rb"/[A-Za-z]*#[0-9A-Fa-f]{2}")
_BEGINS_INLINE, _DATA_INLINE = re.compile(rb"(?:^|\s)BI\s"), re.compile(rb"\sID\s")
_PICTURES_IN_FONTS = (b"SVG ", b"sbix", b"CBDT", b"EBDT", b"bdat")
_FONTS = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"\x01\x00\x04", b"%!PS-AdobeFont", b"%!FontType1")
_OFFICE = re.compile(r"(?:\[Content_Types\]\.xml|(?:_rels|docProps|customXml|word)/[\w/.-]*\.(?:xml|rels))")


class Judged(Protocol):
    """What was found in some bytes."""

    @property
    def kind(self) -> ContentKind:
        """What they are."""

    @property
    def what(self) -> str:
        """The same, in words."""


Judge = Callable[[bytes], Judged]


class _Found(Exception):
    """Why the document is refused."""


def pdf_fault(content: bytes, judge: Judge) -> str:
    """Why a PDF is not shown to hold no picture; "" when it is. `judge` looks at what its streams unpack to."""
    try:
        _Pdf(content, judge).check()
    except _Found as found:
        return str(found)
    return ""


class _Pdf:
    """Walks through a PDF from its first byte to its last."""

    def __init__(self, content: bytes, judge: Judge) -> None:
        self.content, self.left, self.judge = content, LARGEST, judge
        head = re.match(rb"%PDF-[12]\.\d\s+(?:%[^\r\n]{0,16}[\r\n]+)?", content)
        self.at = head.end() if head else 0

    def check(self) -> None:
        """Raise _Found for what is not known to be harmless."""
        while self.at < len(self.content):
            if found := _OBJECT.match(self.content, self.at):
                self.at = found.end()
                self._object()
            elif found := _BETWEEN.match(self.content, self.at):
                self._words(found.group())
                self.at = found.end()
            elif self.content[self.at :].strip():
                raise _Found("it has bytes between its parts")
            else:
                return

    def _object(self) -> None:
        ends = self.content.find(b"endobj", self.at)
        if ends < 0:
            raise _Found("it breaks off")
        if stream := _STREAM.search(self.content, self.at, ends):
            about = self.content[self.at : stream.start()]
            length = _LENGTH.search(about)
            after = stream.end() + (int(length.group(1)) if length else 0)
            closing = re.compile(rb"\s{0,2}endstream\s+endobj").match(self.content, after)
            if length is None or closing is None:
                raise _Found("it has a stream of unknown length")
            self._words(about)
            self._stream(about, self.content[stream.end() : after])
            self.at = closing.end()
        else:
            self._words(self.content[self.at : ends])
            self.at = ends + len(b"endobj")

    def _words(self, words: bytes) -> None:
        if found := _FORBIDDEN.search(words):
            raise _Found(f"it has what may be a picture or a file ({found.group().decode()})")
        if _ESCAPED.search(words):
            raise _Found("it has names in escapes")
        if len(words) > MOST_WORDS and (hidden := within(words)):
            raise _Found(f"it holds {hidden.what}")

    def _stream(self, about: bytes, packed: bytes) -> None:
        filters = re.search(rb"/Filter\s*\[?\s*/(\w+)\s*(/?)", about)
        plain = packed
        if filters:
            if filters.group(1) not in (b"FlateDecode", b"Fl") or (filters.group(2) and b"[" in filters.group()):
                raise _Found("it has a stream in an unusual form")
            plain = self._unpacked(packed)
        self._plain(about, plain)

    def _unpacked(self, packed: bytes) -> bytes:
        reader = zlib.decompressobj()
        try:
            plain = reader.decompress(packed, self.left)
        except zlib.error:
            raise _Found("it has a stream that cannot be read") from None
        self.left -= len(plain)
        if self.left <= 0 or reader.unconsumed_tail or reader.unused_data.strip():
            raise _Found("it has a stream that is too large, or more than one in one")
        return plain

    def _plain(self, about: bytes, plain: bytes) -> None:
        if found := within(plain):
            raise _Found(f"it holds {found.what}")
        if b"/XRef" in about:
            if len(plain) > 64 * 1024:
                raise _Found("it has a table that is too large")
        elif plain.startswith(_FONTS):
            if any(name in plain[:2048] for name in _PICTURES_IN_FONTS):
                raise _Found("it has a font with pictures")
        else:
            self._text(plain)

    def _text(self, plain: bytes) -> None:
        """The words of a page, of a map of letters, or objects: nearly all of it is ASCII, and judged as text is."""
        self._words(plain)
        if _BEGINS_INLINE.search(plain) and _DATA_INLINE.search(plain):
            raise _Found("it has a picture inside a page")
        strange = sum(byte > 126 or (byte < 32 and byte not in b"\t\r\n") for byte in plain)
        if strange > max(64, len(plain) // 20):
            raise _Found("it has a stream of unknown content")
        verdict = self.judge(bytes(byte if 32 <= byte < 127 or byte in b"\t\r\n" else 32 for byte in plain))
        if verdict.kind not in (ContentKind.TEXT, ContentKind.DOCUMENT):
            raise _Found(f"it holds {verdict.what}")


def office_fault(content: bytes, judge: Judge) -> str:
    """Why a ZIP is not shown to be a DOCX without pictures; "" when it is. `judge` looks at each part."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name, part in _office_parts(content, archive):
                _xml(name, part, judge)
    except _Found as found:
        return str(found)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        return "it cannot be read"
    return ""


def _office_parts(content: bytes, archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    members, left, at = archive.infolist(), LARGEST, 0
    names = [member.filename for member in members]
    if "[Content_Types].xml" not in names or len(set(names)) != len(names):
        raise _Found("it is no DOCX")
    for member in sorted(members, key=lambda one: one.header_offset):
        if not _OFFICE.fullmatch(member.filename):
            raise _Found(f"it holds {member.filename[:60]}")
        left -= member.file_size
        if left < 0 or member.extra or member.comment or member.header_offset != at:
            raise _Found("it has bytes between its parts, or too many")
        head = (
            30
            + int.from_bytes(content[at + 26 : at + 28], "little")
            + int.from_bytes(content[at + 28 : at + 30], "little")
        )
        at += head + member.compress_size
        with archive.open(member) as file:
            yield member.filename, file.read(member.file_size + 1)
    directory = sum(46 + len(member.filename.encode()) for member in members)
    if archive.comment or archive.start_dir != at or len(content) != at + directory + END_OF_DIRECTORY:
        raise _Found("it has bytes behind its parts")


def _xml(name: str, part: bytes, judge: Judge) -> None:
    verdict = judge(part)
    if verdict.kind is not ContentKind.TEXT or named(part) is not None or b"<" not in part[:64]:
        raise _Found(f"{name[:60]} holds {verdict.what}")
