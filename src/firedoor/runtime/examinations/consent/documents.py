"""JSON documents as JSON lines: a list under a key, and consent receipts, one row for each purpose and event.

Decides the bounds of a document that has to be read as a whole, and which lists of objects are receipts. Leaves what a
receipt says to `core.examinations.consents.receipts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from firedoor.core.examinations.consents.receipts import is_receipt, rows_of
from firedoor.core.json_types import Json, as_object
from firedoor.runtime.examinations.consent.files import ARRAY, DOCUMENT, LINES, Found, Trouble, opened

LARGEST = 256 * 1024 * 1024  # bytes of a document, unpacked
LONGEST = 16 * 1024 * 1024  # bytes of a line
NOBODY = "firedoor_about_nobody"  # a row that says by itself that it is about nobody: `"subject": null`


def as_lines(file: Found, folder: Path, trouble: Trouble) -> Found | None:
    """The file itself when its rows are flat; otherwise its rows, written as JSON lines into a folder."""
    if file.form not in (DOCUMENT, ARRAY, LINES):
        return file
    try:
        if file.form == LINES:
            return _written(file, folder, _of_lines(file, trouble)) if _nests(file) else file
        if file.form == ARRAY and Path(file.path).stat().st_size > LARGEST:
            return file  # DuckDB reads it piece by piece; receipts of that size come as JSON lines
        return _written(file, folder, rows_of(_document(file)))
    except (ValueError, RecursionError, OSError) as error:
        trouble.add(file.name, f"is no JSON that can be read: {str(error)[:150]}")
        return None


def _document(file: Found) -> object:
    with opened(Path(file.path)) as content:
        whole = content.read(LARGEST + 1)
    if len(whole) > LARGEST:
        raise ValueError(f"a document of over {LARGEST} bytes; write JSON lines, one object a line")
    return json.loads(whole)


def _nests(file: Found) -> bool:
    with opened(Path(file.path)) as content:
        for line in islice(content, 20):
            try:
                if is_receipt(as_object(json.loads(line[:LONGEST]))):
                    return True
            except ValueError:
                continue
    return False


def _of_lines(file: Found, trouble: Trouble) -> Iterator[Mapping[str, Json]]:
    with opened(Path(file.path)) as content:
        for number, line in enumerate(iter(lambda: content.readline(LONGEST), b""), 1):
            try:
                yield from rows_of(json.loads(line))
            except ValueError:
                trouble.add(file.name, "is no JSON", number)


def _written(file: Found, folder: Path, rows: Iterable[Mapping[str, Json]]) -> Found:
    path = folder / f"{Path(file.path).name.removesuffix('.gz')}.rows"
    keys: set[str] = set()
    with path.open("w", encoding="utf-8") as out:
        for row in rows:
            about_nobody = any(name in row and row[name] is None for name in ("subject", "subject_id"))
            line = {**row, NOBODY: True} if about_nobody else row
            keys |= line.keys()
            out.write(json.dumps(line) + "\n")
    return replace(file, path=str(path), form=LINES, columns=tuple((key, "JSON") for key in sorted(keys)))
