"""Searching stored content for copies: through a file of hashes, or by hashing the content itself, in isolation.

Decides how such a file is read (CSV, or JSON lines: `locator`, `sha256`, `pdq`, `quality`), that a wrong row is told
and never passed over, and that what could not be hashed is told as not searched. Leaves what a copy is to
`core.removal.matching`, and the isolated processes to `runtime.hashing`.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from firedoor.core.content.locators import locator_fault
from firedoor.core.hashing.lookup import Hashed
from firedoor.core.json_types import as_object
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.removal.matching import ContentRow, Search, Wanted, search
from firedoor.core.removal.store import ContentStore, Index
from firedoor.runtime.hashing import known
from firedoor.runtime.hashing.examine import OPEN, hashes_of
from firedoor.runtime.hashing.pool import EXTRA, Pool

_HEX = re.compile(r"[0-9a-f]{64}")
LONGEST_LINE = 64 * 1024  # characters
NAMED = 20  # what could not be searched and is named; the rest is counted


def search_here(content: ContentStore, index: Index, wanted: Wanted) -> Search:
    """Search a file of hashes or stored content. Raises InvalidInput for what cannot be read."""
    if index.hashes:
        file = Path(index.hashes)
        return search(wanted, lambda: _rows(file), content.key_of)
    rows, not_looked = _hashed(index)
    found = search(wanted, lambda: rows, content.key_of)
    return Search(found.found, found.looked_at, not_looked, found.wanted)


def _hashed(index: Index) -> tuple[list[ContentRow], tuple[str, ...]]:
    """Hash what is stored, incrementally, and say what could not be."""
    for package in ("numpy", "PIL"):
        if find_spec(package) is None:
            raise InvalidInput(Problem(code="X210", message=f"{package} is not installed", do=EXTRA))
    seen = Path(index.seen) if index.seen else None
    earlier = known.read(seen) if seen else {}
    rows: list[ContentRow] = []
    open_ones: list[str] = []
    kept = []
    with Pool(os.cpu_count() or 1) as pool:
        for item, hashed, _ in hashes_of(pool, index.paths, earlier):
            kept.append((item, hashed))
            if hashed.why in OPEN:
                open_ones.append(f"{_key(index, hashed.locator)}: {OPEN[hashed.why]}")
            if hashed.sha256:
                rows.append(_row_of(index, hashed))
    if seen:
        known.write(seen, kept)
    more = [f"and {len(open_ones) - NAMED} more"] if len(open_ones) > NAMED else []
    return rows, (*open_ones[:NAMED], *more)


def _row_of(index: Index, hashed: Hashed) -> ContentRow:
    turns = tuple(value for name, value in hashed.turns.items() if name != "original")
    return ContentRow(_key(index, hashed.locator), hashed.sha256, hashed.pdq, hashed.quality, turns)


def _key(index: Index, locator: str) -> str:
    """The name of a file within the folder or bucket that it lies in."""
    for path in index.paths:
        folder = path.rstrip("/") + "/"
        if locator.startswith(folder):
            return locator.removeprefix(folder)
    return locator


def _rows(file: Path) -> Iterator[ContentRow]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            found = _csv(lines) if file.suffix.lower() == ".csv" else _json_lines(lines)
            for number, row in enumerate(found, 1):
                yield _row(file, number, row)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise _refused(file, "it cannot be read", "name a file of hashes in UTF-8: CSV, or JSON lines") from None


def _csv(lines: Iterator[str]) -> Iterator[Mapping[str, object]]:
    yield from csv.DictReader(lines, strict=True)


def _json_lines(lines: Iterator[str]) -> Iterator[Mapping[str, object]]:
    for line in lines:
        if line.strip():
            try:
                yield as_object(json.loads(line[:LONGEST_LINE]))
            except ValueError:
                yield {}


def _row(file: Path, number: int, row: Mapping[str, object]) -> ContentRow:
    locator, quality = str(row.get("locator") or ""), str(row.get("quality") or "")
    sha256, pdq = (str(row.get(name) or "").strip().lower() for name in ("sha256", "pdq"))
    if locator_fault(locator) or not (sha256 or pdq) or not all(_HEX.fullmatch(one) for one in (sha256, pdq) if one):
        do = "write locator, and sha256 or pdq in hexadecimal"
        raise _refused(file, f"row {number} is no place with a hash", do)
    return ContentRow(locator, sha256, pdq, int(quality) if quality.isdigit() else None)


def _refused(file: Path, what: str, do: str) -> InvalidInput:
    return InvalidInput(Problem(code="X220", field=str(file), message=f"the index of content: {what}", do=do))
