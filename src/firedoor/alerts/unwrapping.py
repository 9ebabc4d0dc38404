"""Takes compression and a byte order mark off a body, within its bound.

Decides that compressed bytes are known by what they are, whatever a header says, that they are one whole gzip stream
(RFC 1952), and that what is in them never grows beyond the bound of the source. Leaves reading the rest to `bodies`.
"""

from __future__ import annotations

import zlib

from firedoor.core.language.json_payload import check_size, one_line
from firedoor.core.problems import InvalidInput, Problem

_GZIP, MARK = b"\x1f\x8b", b"\xef\xbb\xbf"


def unwrapped(body: bytes, encoding: str | None, maximum: int) -> bytes:
    """The bytes without compression and byte order mark; `encoding` is the header. Raises InvalidInput (D101, D108)."""
    check_size(body, maximum)
    named = (encoding or "").strip().lower()
    if named not in ("", "identity", "gzip", "x-gzip"):
        message = f"{one_line(named, 40)} is no compression that is read here"
        raise InvalidInput(Problem(code="D108", field="content-encoding", message=message, do="send gzip, or none"))
    if body.startswith(_GZIP):
        body = _inflated(body, maximum)
    return body.removeprefix(MARK)


def _inflated(body: bytes, maximum: int) -> bytes:
    """What gzip holds, and no byte more than `maximum`: the rest of a bomb is never unpacked."""
    reader = zlib.decompressobj(wbits=31)
    try:
        inner = reader.decompress(body, maximum + 1)
    except zlib.error:
        inner = b""
    if len(inner) > maximum:
        check_size(inner, maximum)
    if not reader.eof or reader.unused_data:
        message, do = "is not one whole gzip stream", "compress the body once, or send it as it is"
        raise InvalidInput(Problem(code="D108", field="(the body)", message=message, do=do))
    return inner
