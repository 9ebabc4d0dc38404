"""What no way in may let through: how pictures and their like begin, and how they are dressed up.

Nothing here is a picture: every piece is a signature, a planted pattern and random bytes. `DISGUISES` names them all;
each piece holds `PLANT` or an encoding of it, which is afterwards searched for. `HARMLESS` is what must be kept.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import hashlib
import io
import json
import lzma
import quopri
import random
import tarfile
import zipfile
import zlib
from collections.abc import Mapping

PLANT = b"planted-pattern-7d1f4f0b5c8a6a7e3bb1f2c9d04e5f66"
_RANDOM = random.Random(7)  # noqa: S311 - the same bytes in every run
NOISE = _RANDOM.randbytes(3000)


def _piece(head: bytes) -> bytes:
    return head + PLANT + NOISE


def _media(brand: bytes) -> bytes:
    return _piece(b"\x00\x00\x00\x20ftyp" + brand + b"\x00\x00\x02\x00" + brand + b"mp41")


PNG = _piece(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
JPEG = _piece(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01")

HEADERS: Mapping[str, bytes] = {
    "png": PNG,
    "jpeg": JPEG,
    "jpeg-exif": _piece(b"\xff\xd8\xff\xe1\x1f\xfeExif\x00\x00MM\x00*"),
    "jpeg-bare": _piece(b"\xff\xd8\xff\xdb\x00C\x00"),
    "gif": _piece(b"GIF89a\x01\x00\x01\x00\x80"),
    "bmp": _piece(b"BM\x36\x0c\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00"),
    "tiff": _piece(b"II*\x00\x08\x00\x00\x00"),
    "tiff-big-endian": _piece(b"MM\x00*\x00\x00\x00\x08"),
    "canon-raw": _piece(b"II*\x00\x10\x00\x00\x00CR\x02\x00"),
    "fuji-raw": _piece(b"FUJIFILMCCD-RAW 0201\x00"),
    "psd": _piece(b"8BPS\x00\x01" + bytes(6)),
    "ico": _piece(b"\x00\x00\x01\x00\x01\x00\x10\x10"),
    "webp": _piece(b"RIFF\x24\x10\x00\x00WEBPVP8 "),
    "heic": _media(b"heic"),
    "avif": _media(b"avif"),
    "jxl": _piece(b"\x00\x00\x00\x0cJXL \r\n\x87\n"),
    "jxl-bare": _piece(b"\xff\x0a\xfa\x7f"),
    "jp2": _piece(b"\x00\x00\x00\x0cjP  \r\n\x87\n"),
    "j2k": _piece(b"\xff\x4f\xff\x51\x00\x2f"),
    "exr": _piece(b"v/1\x01\x02\x00\x00\x00"),
    "qoi": _piece(b"qoif\x00\x00\x00\x40"),
    "dicom": _piece(bytes(128) + b"DICM"),
    "xcf": _piece(b"gimp xcf v011\x00"),
    "fits": _piece(b"SIMPLE  =                    T" + bytes(50)),
    "mp4": _media(b"isom"),
    "mov": _media(b"qt  "),
    "3gp": _media(b"3gp4"),
    "m4a": _media(b"M4A "),
    "webm": _piece(b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"),
    "avi": _piece(b"RIFF\x24\x10\x00\x00AVI LIST"),
    "flv": _piece(b"FLV\x01\x05\x00\x00\x00\t"),
    "mpeg-ps": _piece(b"\x00\x00\x01\xba\x44"),
    "mpeg-ts": b"".join(b"G\x40\x11\x10" + (PLANT + NOISE)[:184] for _ in range(4)),
    "wmv": _piece(b"0&\xb2u\x8ef\xcf\x11\xa6\xd9"),
    "mp3": _piece(b"ID3\x04\x00\x00"),
    "wav": _piece(b"RIFF\x24\x10\x00\x00WAVEfmt "),
    "ogg": _piece(b"OggS\x00\x02"),
    "flac": _piece(b"fLaC\x00\x00\x00\x22"),
    "7z": _piece(b"7z\xbc\xaf\x27\x1c\x00\x04"),
    "rar": _piece(b"Rar!\x1a\x07\x01\x00"),
    "zstd": _piece(b"\x28\xb5\x2f\xfd\x04"),
    "ole": _piece(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "numpy": _piece(b"\x93NUMPY\x01\x00"),
    "pickle": _piece(b"\x80\x04\x95\x00\x10"),
    "hdf5": _piece(b"\x89HDF\r\n\x1a\n"),
    "safetensors": _piece(b"\x40\x00\x00\x00\x00\x00\x00\x00" + b'{"x":{"dtype":"U8"}}'),
    "sqlite": _piece(b"SQLite format 3\x00"),
    "unknown-binary": _piece(b"\x07\x03\x99"),
    "eps-binary": _piece(b"\xc5\xd0\xd3\xc6\x1e\x00"),
}


def _zip(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def _tar(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def _docx(*, picture: bool) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types/>')
        archive.writestr("word/document.xml", '<?xml version="1.0"?><w:document>A letter.</w:document>')
        if picture:
            archive.writestr("word/media/image1.png", PNG)
    return file.getvalue()


def _pdf(stream: bytes, about: bytes = b"/Length %d") -> bytes:
    head = about % len(stream) if b"%d" in about else about
    return (
        b"%PDF-1.7\n1 0 obj\n<<"
        + head
        + b">>\nstream\n"
        + stream
        + b"\nendstream\nendobj\ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
    )


def _mail(encoded: bytes) -> bytes:
    head = b"From: a@example.org\r\nSubject: look\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n"
    part = b"--xx\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + part + encoded.replace(b"\n", b"\r\n") + b"--xx--\r\n"


B64, B64_LINES = base64.b64encode(PNG), base64.encodebytes(PNG)
_JPEG64 = base64.b64encode(JPEG).decode()
DRESSED: Mapping[str, bytes] = {
    "base64": B64,
    "base64-lines": B64_LINES,
    "base64-url": base64.urlsafe_b64encode(JPEG),
    "base64-jpeg": _JPEG64.encode(),
    "base64-in-json": json.dumps({"prompt": "x", "output": {"b64_json": B64.decode()}}).encode(),
    "base64-in-json-in-json": json.dumps(
        {"body": json.dumps({"b": json.dumps({"c": _JPEG64.replace("/", "\\/")})})}
    ).encode(),
    "base64-behind-junk": b"see here: zz" + base64.b64encode(b"??" + PNG),
    "base64-spaced": b" ".join(B64[n : n + 1] for n in range(600)),
    "base64-in-list": json.dumps([B64[n : n + 40].decode() for n in range(0, len(B64), 40)]).encode(),
    "base64-twice": base64.b64encode(B64),
    "base64-utf16": B64.decode().encode("utf-16"),
    "base64-percent": b"image=" + B64.replace(b"+", b"%2B").replace(b"/", b"%2F"),
    "base64-without-signature": base64.b64encode(PNG[400:]),
    "base64-gzip": base64.b64encode(gzip.compress(PNG)),
    "base64-video": base64.b64encode(HEADERS["mp4"]),
    "base32": base64.b32encode(PNG),
    "base85": base64.b85encode(NOISE + PNG),
    "ascii85": base64.a85encode(PNG, adobe=True, wrapcol=72),
    "hexadecimal": PNG.hex().encode(),
    "hexadecimal-pairs": JPEG.hex(" ").encode(),
    "hexadecimal-c": b"{" + b", ".join(b"0x%02x" % byte for byte in PNG) + b"}",
    "numbers": str(list(JPEG)).encode(),
    "signed-numbers": str([byte - 256 if byte > 127 else byte for byte in PNG]).encode(),
    "escapes": repr(PNG).encode(),
    "json-escapes": json.dumps(PNG.decode("latin-1")).encode(),
    "bits": " ".join(f"{byte:08b}" for byte in PNG).encode(),
    "octal": b" ".join(b"%03o" % byte for byte in PNG),
    "quoted-printable": quopri.encodestring(PNG),
    "mojibake": PNG.decode("latin-1").encode(),
    "uuencode": b"begin 644 a.txt\n"
    + b"".join(binascii.b2a_uu(PNG[n : n + 45]) for n in range(0, len(PNG), 45))
    + b"`\nend\n",
    "data-uri": b"![](data:image/png;base64," + B64 + b")",
    "data-uri-svg": b"<a href='data:image/svg+xml,%3Csvg%3E" + PLANT + b"'>",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="https://example.org/a"/><!--'
    + PLANT
    + b"--></svg>",
    "svg-prefixed": b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:path d="M0 0"/><!--' + PLANT + b"--></s:svg>",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%" + PLANT + b"\n",
    "netpbm": b"P2\n# " + PLANT + b"\n64 64\n255\n" + b"0 255 " * 2048,
    "xpm": b'/* XPM */\nstatic char *a[] = {"' + PLANT + b'"};',
    "rtf": b"{\\rtf1{\\pict\\pngblip " + PNG.hex().encode() + b"}}",
    "grid-of-numbers": PLANT
    + b"\n"
    + b"\n".join(b",".join(b"%d" % _RANDOM.randrange(256) for _ in range(64)) for _ in range(70)),
    "mail": _mail(B64_LINES),
    "png-behind-text": b"a log line\n" * 20 + PNG,
    "pdf-in-front-of-png": _pdf(PLANT) + PNG,
    "pdf-picture": _pdf(zlib.compress(PNG), b"/Subtype /Image /Filter /FlateDecode /Length %d"),
    "pdf-hidden-picture": _pdf(zlib.compress(JPEG), b"/Filter /FlateDecode /Length %d"),
    "pdf-inline": _pdf(b"q BI /W 4 /H 4 ID " + PLANT + b" EI Q"),
    "pdf-escaped-name": _pdf(PLANT, b"/Subtype /Im#61ge /Length %d"),
    "pdf-attachment": _pdf(PLANT, b"/Type /EmbeddedFile /Length %d"),
    "pdf-encrypted": _pdf(PLANT, b"/Encrypt 2 0 R /Length %d"),
    "zip": _zip("a.txt", PNG),
    "zip-of-text": _zip("a.txt", PLANT),
    "docx-picture": _docx(picture=True),
    "docx-and-more": _docx(picture=False) + PNG,
    "gzip": gzip.compress(PNG),
    "bzip2": bz2.compress(PNG),
    "xz": lzma.compress(PNG),
    "zlib": zlib.compress(PNG),
    "tar": _tar(PNG),
}
DISGUISES: Mapping[str, bytes] = {**HEADERS, **DRESSED}

_JWT = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (
        b'{"alg":"RS256","typ":"JWT"}',
        b'{"sub":"svc","aud":"chat","exp":1800000000,"scope":"read write"}',
        NOISE[:256],
    )
)
_CERTIFICATE = b"\x30\x82" + (1500).to_bytes(2) + b"\x30\x82\x04\x00" + NOISE[:1496]
HARMLESS: Mapping[str, bytes] = {
    "log": b"2026-11-22T03:00:00Z GET /v1/chat 200 user=17 ms=412\n" * 500,
    "log-with-colours": b"\x1b[31mERROR\x1b[0m the model did not answer\n" * 20,
    "log-with-tokens": b"".join(
        b"2026-11-22T03:00:%02dZ authorization: Bearer %s\n" % (n, _JWT.encode()) for n in range(50)
    ),
    "json-of-hashes": json.dumps(
        [{"algorithm": "sha256", "value": hashlib.sha256(b"%d" % n).hexdigest()} for n in range(800)]
    ).encode(),
    "list-of-hashes": "\n".join(hashlib.sha256(b"%d" % n).hexdigest() for n in range(3000)).encode(),
    "photodna-hashes": json.dumps([_RANDOM.randbytes(144).hex() for _ in range(40)]).encode(),
    "integrity": "\n".join(
        "sha512-" + base64.b64encode(hashlib.sha512(b"%d" % n).digest()).decode() for n in range(200)
    ).encode(),
    "compact-json": json.dumps(
        {f"key_{n}": {"a": n, "b": [n, n + 1], "c": "x" * (n % 7)} for n in range(3000)}, separators=(",", ":")
    ).encode(),
    "csv": b"at,endpoint,status,tokens\n"
    + b"".join(b"2026-11-22T03:00:%02dZ,chat-large,200,%d\n" % (n % 60, n * 7) for n in range(2000)),
    "metrics": "\n".join(f"p95,{n % 250},{n % 40},{n % 7},ok" for n in range(3000)).encode(),
    "yaml": b"model: chat-large\nversion: 3\nlayers: [1, 2, 3]\nimage: registry.example.org/serving:1.2\n" * 40,
    "model-card": "# Model card\n\nTrained on data:image captions; accepts PNG, JPEG and GIF89a. 模型卡片。\n".encode()
    * 50,
    "japanese": "これはモデルの説明書です。個人データは含まれていません。".encode() * 400,
    "russian": "Журнал обращений к модели за ноябрь. ".encode() * 800,
    "html-with-remote-picture": b'<p>Hello</p><img src="https://example.org/logo.png" alt="">' * 20,
    "certificate": b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(_CERTIFICATE) + b"-----END CERTIFICATE-----\n",
    "key-set": json.dumps(
        {
            "keys": [
                {
                    "kty": "RSA",
                    "n": base64.urlsafe_b64encode(NOISE[:512]).decode(),
                    "x5c": [base64.b64encode(_CERTIFICATE).decode()],
                }
            ]
        }
    ).encode(),
    "base64-of-text": base64.encodebytes(b"name: gateway\nimage: registry.example.org/gateway:1.2\n" * 100),
    "mail-of-text": _mail(
        base64.encodebytes("Sehr geehrte Damen und Herren, bitte löschen Sie den Beitrag.\n".encode() * 40)
    ),
    "utf16-text": "Ein Protokoll mit Umlauten: äöü\n".encode("utf-16") * 1,
    "bom": b"\xef\xbb\xbfat;what\r\n2026;x\r\n",
    "empty": b"",
    "uuids": "\n".join(f"{_RANDOM.getrandbits(128):032x}" for _ in range(500)).encode(),
    "dashes": b"-" * 9000 + b"\n" + b"=" * 9000,
    "paths": "\n".join(
        f"/srv/models/chat-large/versions/{n:04d}/checkpoints/shard-of-weights/part-{n:05d}" for n in range(800)
    ).encode(),
    "trace": b'Traceback (most recent call last):\n  File "/opt/serving/app.py", line 10, in <module>\nValueError\n'
    * 50,
    "pdf-of-a-letter": _pdf(
        zlib.compress(b"BT /F1 12 Tf 72 720 Td (Dear Sir or Madam) Tj ET\n" * 20), b"/Filter /FlateDecode /Length %d"
    ),
    "docx-of-a-letter": _docx(picture=False),
    "model-config": json.dumps(
        {"hidden_size": 4096, "rope": 1e6, "vocab": {f"tok{n}": n for n in range(4000)}}
    ).encode(),
}
