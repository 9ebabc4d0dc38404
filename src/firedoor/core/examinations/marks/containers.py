"""The texts that a file carries beside its content, by where they stand: chunks, segments, boxes and tags.

Decides how containers are walked: within bounds, and to the first thing that does not fit. Leaves what a text says to
`generators`. Sources: PNG (RFC 2083, iTXt), JPEG (ITU-T T.81, APP1), Exif 2.32, RIFF, ID3v2, ISO 14496-12, safetensors.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator

PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8"
LONGEST = 4_000_000  # bytes of one text, unpacked: workflows are long
MOST = 2000  # parts of one file
Text = tuple[str, str]  # where it stands ("png:parameters", "exif:Software", "xmp", ...), and the text
EXIF_TAGS = {0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software", 0x013B: "Artist",
             0x0132: "DateTime", 0x9003: "DateTimeOriginal", 0x9286: "UserComment"}  # fmt: skip


def texts(content: bytes) -> Iterator[Text]:
    """Every text of a file, whatever its container. Nothing for a form that is not known."""
    if content.startswith(PNG):
        yield from _png(content)
    elif content.startswith(JPEG):
        yield from _jpeg(content)
    elif content[:4] == b"RIFF":
        yield from _riff(content)
    elif content[:3] == b"ID3":
        yield from _id3(content)
    elif content[4:8] == b"ftyp":
        yield from _boxes(content)
    elif content[:4] in (b"fLaC", b"OggS"):
        yield from _comments(content)
    elif content[8:9] == b"{" and len(content) > 8:
        yield from _safetensors(content)
    yield from _xmp(content)


def _xmp(content: bytes) -> Iterator[Text]:
    """An XMP packet, wherever it stands: readers are meant to find it by its frame."""
    start = content.find(b"<x:xmpmeta")
    end = content.find(b"</x:xmpmeta>", start)
    if 0 <= start < end:
        yield "xmp", content[start : min(end, start + LONGEST)].decode("utf-8", "replace")


def _png(content: bytes) -> Iterator[Text]:
    position = len(PNG)
    for _ in range(MOST):
        if position + 8 > len(content):
            return
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + length]
        if len(body) < length:
            return
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _png_text(kind, body)
            yield f"png:{keyword}", text
        elif kind == b"eXIf":
            yield from exif(body)
        position += length + 12


def _png_text(kind: bytes, body: bytes) -> Text:
    keyword, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    rest = rest[1:] if kind == b"zTXt" else rest
    if kind == b"iTXt":
        rest = rest[2:].split(b"\0", 2)[-1]  # compression flag and method, then language and translated keyword
    if packed:
        try:
            rest = zlib.decompressobj().decompress(rest, LONGEST)
        except zlib.error:
            rest = b""
    return keyword.decode("latin-1"), _decoded(rest)


def _jpeg(content: bytes) -> Iterator[Text]:
    position = 2
    for _ in range(MOST):
        if position + 4 > len(content) or content[position] != 0xFF:
            return
        marker, length = content[position + 1], struct.unpack(">H", content[position + 2 : position + 4])[0]
        body = content[position + 4 : position + 2 + length]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            yield from exif(body[6:])
        elif marker == 0xED:
            yield "iptc-iim", _decoded(body)
        elif marker == 0xFE:
            yield "jpeg:comment", _decoded(body)
        elif marker == 0xDA:
            return
        position += 2 + length


def exif(body: bytes) -> Iterator[Text]:
    """The texts of an Exif block: its first directory, and the one that it points to."""
    body = body.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(body[:2])
    if order is None or len(body) < 8:
        return
    waiting = [struct.unpack(f"{order}I", body[4:8])[0]]
    for _ in range(4):
        if not waiting:
            return
        for tag, kind, value in _directory(body, order, waiting.pop()):
            if tag == 0x8769 and len(value) >= 4:
                waiting.append(struct.unpack(f"{order}I", value[:4])[0])
            elif tag in EXIF_TAGS and kind in (2, 7):
                yield f"exif:{EXIF_TAGS[tag]}", _exif_text(value)


def _directory(body: bytes, order: str, at: int) -> Iterator[tuple[int, int, bytes]]:
    if at + 2 > len(body):
        return
    (count,) = struct.unpack(f"{order}H", body[at : at + 2])
    for number in range(min(count, 512)):
        entry = body[at + 2 + 12 * number : at + 14 + 12 * number]
        if len(entry) < 12:
            return
        tag, kind, length = struct.unpack(f"{order}HHI", entry[:8])
        size = length * {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}.get(kind, 8)
        where = struct.unpack(f"{order}I", entry[8:])[0]
        yield tag, kind, entry[8 : 8 + size] if size <= 4 else body[where : where + min(size, LONGEST)]


def _exif_text(value: bytes) -> str:
    if value[:8] == b"UNICODE\0":
        raw = value[8:]
        return raw.decode("utf-16-be" if raw[:1] == b"\0" else "utf-16-le", "replace").strip("\0 ")
    return _decoded(value.removeprefix(b"ASCII\0\0\0")).strip("\0 ")


def _riff(content: bytes) -> Iterator[Text]:
    position = 12
    for _ in range(MOST):
        head = content[position : position + 8]
        if len(head) < 8:
            return
        kind, length = head[:4], struct.unpack("<I", head[4:])[0]
        body = content[position + 8 : position + 8 + length]
        if kind == b"EXIF":
            yield from exif(body)
        elif kind == b"LIST" and body[:4] == b"INFO":
            position += 12
            continue
        elif re.fullmatch(rb"I[A-Z]{3}", kind):
            yield f"riff:{kind.decode()}", _decoded(body).strip("\0 ")
        position += 8 + length + length % 2


def _id3(content: bytes) -> Iterator[Text]:
    whole = 0
    for part in content[6:10]:
        whole = whole << 7 | (part & 0x7F)
    position = 10
    while position + 10 < min(len(content), whole + 10):
        kind = content[position : position + 4]
        length = struct.unpack(">I", content[position + 4 : position + 8])[0]
        if not kind.strip(b"\0") or length == 0:
            return
        body = content[position + 10 : position + 10 + min(length, LONGEST)]
        if kind[:1] == b"T" or kind == b"COMM":
            encoding = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}.get(body[0] if body else 0, "latin-1")
            yield f"id3:{kind.decode('latin-1')}", body[1:].decode(encoding, "replace").replace("\0", " ").strip()
        position += 10 + length


def _boxes(content: bytes) -> Iterator[Text]:
    """Tags of MP4 and its kin: a name, then a `data` box; and the handler's own texts."""
    for found in re.finditer(
        rb"(\xa9too|\xa9cmt|\xa9swr|\xa9des|desc|\xa9nam)....data........", content[:LONGEST], re.DOTALL
    ):
        (length,) = struct.unpack(">I", content[found.start() + 4 : found.start() + 8])
        body = content[found.end() : found.start() + 4 + min(length, LONGEST)]
        yield f"mp4:{found[1].decode('latin-1')}", _decoded(body)


def _comments(content: bytes) -> Iterator[Text]:
    """Vorbis comments of FLAC and Ogg: NAME=text, each with its length before it."""
    for found in re.finditer(
        rb"(ENCODER|SOFTWARE|COMMENT|DESCRIPTION|GENERATOR|MODEL)=", content[:LONGEST], re.IGNORECASE
    ):
        (length,) = struct.unpack("<I", content[found.start() - 4 : found.start()])
        end = found.start() + length
        if found.end() <= end <= len(content) and length < LONGEST:
            yield f"vorbis:{found[1].decode().upper()}", _decoded(content[found.end() : end])


def _safetensors(content: bytes) -> Iterator[Text]:
    (length,) = struct.unpack("<Q", content[:8])
    if not 2 <= length <= min(LONGEST, len(content) - 8):
        return
    try:
        head = json.loads(content[8 : 8 + length])
    except ValueError:
        return
    told = head.get("__metadata__") if isinstance(head, dict) else None
    if isinstance(told, dict):
        yield "safetensors", json.dumps(told)


def _decoded(body: bytes) -> str:
    try:
        return body[:LONGEST].decode("utf-8")
    except UnicodeDecodeError:
        return body[:LONGEST].decode("latin-1")
