"""How pictures, videos, sound, archives, documents and arrays begin: the signatures by which bytes are known.

Decides the names and kinds. A signature only names what is refused: binary data are refused whether or not they stand
here. Sources: the formats' own specifications and the table of file(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class ContentKind(StrEnum):
    """What bytes are. Only `TEXT` and a document that was shown to hold no picture are kept."""

    TEXT = "text"
    PICTURE = "picture"
    VIDEO = "video"
    SOUND = "sound"
    ARCHIVE = "archive"
    DOCUMENT = "document"
    ARRAY = "array"
    ENCODED = "encoded"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Signature:
    """`magic` stands at `offset`. A distinctive one (at least six bytes) is also searched inside text, encoded."""

    what: str
    kind: ContentKind
    magic: bytes
    offset: int = 0

    @property
    def distinctive(self) -> bool:
        """Whether chance does not write it."""
        return len(self.magic) >= 6


_P, _V, _S = ContentKind.PICTURE, ContentKind.VIDEO, ContentKind.SOUND
_Z, _D, _A = ContentKind.ARCHIVE, ContentKind.DOCUMENT, ContentKind.ARRAY

_HEX = (
    (_P, "PNG", "89504e470d0a1a0a"), (_P, "PNG", "89504e470a1a0a"), (_P, "PNG", "89504e470d0a1a0d0a"),
    (_P, "MNG", "8a4d4e470d0a1a0a"), (_P, "JNG", "8b4a4e470d0a1a0a"),
    (_P, "JPEG", "ffd8ffe000104a46494600"), (_P, "JPEG", "ffd8ffdb0043"), (_P, "JPEG", "ffd8ffdb0084"),
    (_P, "JPEG", "ffd8ffee000e41646f6265"), (_P, "JPEG", "ffd8ff"), (_P, "JPEG 2000", "0000000c6a5020200d0a870a"),
    (_P, "JPEG 2000", "ff4fff51"), (_P, "JPEG XL", "0000000c4a584c200d0a870a"), (_P, "JPEG XL", "ff0a"),
    (_P, "JPEG XR", "4949bc01"), (_P, "GIF", "474946383761"), (_P, "GIF", "474946383961"),
    (_P, "Canon raw", "49492a00100000004352"), (_P, "TIFF", "49492a00"), (_P, "TIFF", "4d4d002a"),
    (_P, "TIFF", "49492b00"), (_P, "TIFF", "4d4d002b"), (_P, "Olympus raw", "4949524f"),
    (_P, "Panasonic raw", "49495500"),
    (_P, "Minolta raw", "004d524d"), (_P, "Photoshop", "384250530001"), (_P, "Photoshop", "384250530002"),
    (_P, "icon", "0000010001"), (_P, "cursor", "0000020001"), (_P, "OpenEXR", "762f3101"), (_P, "BPG", "425047fb"),
    (_P, "KTX texture", "ab4b5458"), (_P, "PCX", "0a050108"), (_P, "Windows metafile", "d7cdc69a"),
    (_P, "EPS", "c5d0d3c6"), (_V, "Matroska", "1a45dfa3"), (_V, "Flash video", "464c5601"), (_V, "MPEG", "000001ba"),
    (_V, "MPEG", "000001b3"), (_V, "Windows media", "3026b2758e66cf11"), (_S, "MP3", "fffb"), (_S, "MP3", "fff3"),
    (_S, "AAC", "fff1"), (_Z, "ZIP", "504b03041400"), (_Z, "ZIP", "504b03040a00"), (_Z, "ZIP", "504b03042d00"),
    (_Z, "ZIP", "504b0304"), (_Z, "ZIP", "504b0506"), (_Z, "gzip", "1f8b08"), (_Z, "zstd", "28b52ffd"),
    (_Z, "xz", "fd377a585a00"), (_Z, "bzip2", "425a6839314159265359"), (_Z, "bzip2", "425a68"),
    (_Z, "7z", "377abcaf271c"), (_Z, "RAR", "526172211a07"), (_Z, "LZ4", "04224d18"), (_Z, "zlib", "789c"),
    (_Z, "zlib", "78da"), (_Z, "CAB", "4d53434600000000"), (_D, "old Office", "d0cf11e0a1b11ae1"),
    (_A, "HDF5", "894844460d0a1a0a"), (_A, "NumPy", "934e554d5059"), (_A, "pickle", "800495"), (_A, "pickle", "800263"),
    (_A, "pickle", "80037d"),
)  # fmt: skip
_ASCII = (
    (_P, "Fujifilm raw", b"FUJIFILMCCD-RAW", 0), (_P, "Canon raw", b"HEAPCCDR", 6), (_P, "Sigma raw", b"FOVb", 0),
    (_P, "WebP", b"WEBPVP8", 8), (_P, "radiance HDR", b"#?RADIANCE", 0), (_P, "DDS texture", b"DDS ", 0),
    (_P, "QOI", b"qoif", 0), (_P, "FLIF", b"FLIF", 0), (_P, "GIMP", b"gimp xcf", 0), (_P, "ILBM", b"ILBM", 8),
    (_P, "Apple icons", b"icns", 0), (_P, "DjVu", b"AT&TFORM", 0), (_P, "DICOM", b"DICM", 128),
    (_P, "NIfTI", b"n+1\0", 344),
    (_P, "enhanced metafile", b" EMF", 40), (_P, "FITS", b"SIMPLE  =", 0), (_P, "XPM", b"/* XPM */", 0),
    (_P, "EPS", b"%!PS", 0), (_V, "AVI", b"AVI LIST", 8), (_V, "Flash", b"CWS", 0), (_V, "Flash", b"FWS", 0),
    (_S, "WAV", b"WAVEfmt ", 8), (_S, "FLAC", b"fLaC\0\0", 0), (_S, "Ogg", b"OggS\0\x02", 0), (_S, "MP3", b"ID3", 0),
    (_S, "AIFF", b"AIFF", 8), (_S, "MIDI", b"MThd\0\0", 0), (_Z, "tar", b"ustar\x0000", 257),
    (_Z, "tar", b"ustar  \0", 257),
    (_Z, "cpio", b"070701", 0), (_Z, "ar", b"!<arch>\n", 0), (_D, "PDF", b"%PDF-1.", 0), (_D, "PDF", b"%PDF-2.", 0),
    (_D, "RTF", b"{\\rtf", 0), (_A, "SQLite", b"SQLite format 3\0", 0), (_A, "Parquet", b"PAR1", 0),
    (_A, "Arrow", b"ARROW1\0\0", 0), (_A, "GGUF", b"GGUF", 0), (_A, "MATLAB", b"MATLAB 5.0 MAT-file", 0),
)  # fmt: skip
_BRANDS = {
    "picture": (
        b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis", b"crx ", b"jp2 ", b"jpx ",
        b"jxl ",
    ),
    "video": (
        b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4", b"3gp5",
        b"3g2a",
        b"dash", b"f4v ", b"MSNV",
    ),
    "sound": (b"M4A ", b"M4B "),
}  # fmt: skip
_EXIF = (b"Exif\0\0MM\0*", b"Exif\0\0II*\0")

SIGNATURES: tuple[Signature, ...] = (
    *(Signature(what, kind, bytes.fromhex(magic)) for kind, what, magic in _HEX),
    *(Signature(what, kind, magic, offset) for kind, what, magic, offset in _ASCII),
    *(
        Signature(f"ISO media ({brand.decode().strip()})", ContentKind(kind), b"ftyp" + brand, 4)
        for kind, brands in _BRANDS.items()
        for brand in brands
    ),
    *(Signature("JPEG", ContentKind.PICTURE, magic, 6) for magic in _EXIF),
    Signature("Matroska", ContentKind.VIDEO, b"\x42\x82\x88matroska", 24),
    Signature("WebM", ContentKind.VIDEO, b"\x42\x82\x84webm", 24),
)
_SAFETENSORS = re.compile(rb'.{4}\0{4}\{"', re.DOTALL)


def named(content: bytes) -> Signature | None:
    """What bytes are by how they begin; None for what is not known."""
    found = (one for one in SIGNATURES if content.startswith(one.magic, one.offset))
    best = max(found, key=lambda one: len(one.magic), default=None)
    return best or next(_others(content), None)


def within(content: bytes) -> Signature | None:
    """The first distinctive signature anywhere in the bytes: behind other bytes, or inside something else."""
    return next((one for one in SIGNATURES if one.distinctive and one.magic in content), None)


def _others(content: bytes) -> Iterator[Signature]:
    """Those that are no fixed bytes at one place; as long as the bytes that are looked at."""
    if content.startswith(b"BM") and content[6:10] == bytes(4):
        yield Signature("BMP", ContentKind.PICTURE, b"BM\0\0\0\0")
    if content[:1] == content[188:189] == content[376:377] == b"G":
        yield Signature("MPEG transport stream", ContentKind.VIDEO, b"GGG")
    if content.endswith(b"TRUEVISION-XFILE.\0"):
        yield Signature("TGA", ContentKind.PICTURE, b"TRUEVISION")
    if content[4:8] == b"ftyp":
        yield Signature("ISO media", ContentKind.VIDEO, b"ftyp", 4)
    if _SAFETENSORS.match(content):
        yield Signature("safetensors", ContentKind.ARRAY, b"")
