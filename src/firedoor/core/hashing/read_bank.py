"""Which form a file of hashes has, told by what it holds and never by its name.

Decides between XML (NCMEC), JSON (StopNCII, ThreatExchange, HMA) and CSV (our own), and the bound on its bytes. Leaves
each form to its reader, and reading the disk to the runtime.
"""

from __future__ import annotations

from datetime import datetime

from firedoor.core.hashing import read_csv, read_exchange, read_ncmec, read_stopncii
from firedoor.core.hashing.entry import BOUNDS, Batch, Bounds, refused
from firedoor.core.json_types import Json
from firedoor.core.language.json_payload import read_json
from firedoor.core.problems import InvalidInput


def read_bank(body: bytes, file: str, source: str, now: datetime, bounds: Bounds = BOUNDS) -> Batch:
    """Read a file of whichever form. Raises InvalidInput when it has none of them or is too large."""
    if len(body) > bounds.bytes:
        raise refused(file, f"it is over {bounds.bytes} bytes", "split it")
    first = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"<":
        return read_ncmec.read(body, file, source, bounds)
    if first not in (b"{", b"["):
        return read_csv.read(body, file, source, bounds)
    value = _json(body, file, bounds)
    if read_stopncii.recognised(value):
        return read_stopncii.read(value, file, source, bounds)
    if read_exchange.recognised(value):
        return read_exchange.read(value, file, source, bounds, now)
    raise refused(file, "its JSON is no form that is known here", "send hashRecords, data or signals")


def _json(body: bytes, file: str, bounds: Bounds) -> Json:
    try:
        read: Json = read_json(body, maximum_bytes=bounds.bytes, maximum_depth=bounds.depth)
    except InvalidInput as error:
        raise InvalidInput(one.model_copy(update={"field": file}) for one in error.problems) from None
    return read
