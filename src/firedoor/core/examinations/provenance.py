"""Which model made it: the record that a watermark or a manifest of origin carries.

Decides how a record is read (model, version, organisation, time), from JSON or from the text
chunks of a PNG, whose picture is not decoded; and that a model is named only when all records
that speak agree. No record is no acquittal: marks are lost in one screenshot.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping

from firedoor.core.examinations.finding import MAXIMUM_LISTED, Examination, Finding, Json, rows
from firedoor.core.problems import InvalidInput, Problem

RECORDS = "provenance"
KEYWORD = "provenance"
PNG = b"\x89PNG\r\n\x1a\n"
FIELDS = ("model", "version", "organisation", "made_at", "locator", "sha256")
MAXIMUM_TEXT = 100_000  # bytes of one text chunk, unpacked


def examine(inputs: Mapping[str, object]) -> Finding:
    """Read the records and name the model, if they agree on one."""
    found = rows(inputs, RECORDS, "records")
    records = [{name: str(record[name]) for name in FIELDS if record.get(name)} for record in found]
    models = sorted({record["model"] for record in records if "model" in record})
    report: Json = {
        "pieces": len(records),
        "without_a_record": sum("model" not in record for record in records),
        "models": models,
        "records": records[:MAXIMUM_LISTED],
    }
    if len(models) == 1:
        facts: Json = {"endpoint": models[0], "attribution": "watermark"}
        return Finding(report, f"made by {models[0]}", facts, method="watermark or manifest of origin")
    if models:
        return Finding(report, f"the records name several models: {', '.join(models)}")
    return Finding(report, "no record of origin was found, which proves nothing")


def embedded(content: bytes) -> Json:
    """The record in a PNG's text chunks (tEXt, zTXt, iTXt with the keyword `provenance`); empty when there is none."""
    for keyword, text in _texts(content):
        if keyword == KEYWORD:
            try:
                record = json.loads(text)
            except ValueError:
                continue
            return record if isinstance(record, dict) else {}
    return {}


def _texts(content: bytes) -> Iterator[tuple[str, str]]:
    if not content.startswith(PNG):
        raise InvalidInput(Problem(code="X105", field=RECORDS, message="is not a PNG", do="send the record as JSON"))
    position = len(PNG)
    while position + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + length]
        if len(body) < length:
            return  # cut off
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            yield _text(kind, body)
        position += length + 12


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    keyword, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        rest = rest[2:].split(b"\0", 2)[-1]  # compression flag and method, then language and translated keyword
    if packed:
        try:
            rest = zlib.decompressobj().decompress(rest, MAXIMUM_TEXT)
        except zlib.error:
            rest = b""
    return keyword.decode("latin-1"), rest[:MAXIMUM_TEXT].decode("utf-8", "replace")


EXAMINATION = Examination(
    "provenance",
    (RECORDS,),
    examine,
    "Which model made it, by watermark or manifest of origin.",
    ("endpoint", "attribution"),
)
