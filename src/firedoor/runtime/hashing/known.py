"""What an earlier run has hashed, so that the next one reads only what is new or has changed.

Decides the form of that file: JSON lines with a locator, a mark that changes with the content, and its hashes, never
content. It is replaced as a whole at the end of a run, so that content which is gone leaves it too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from firedoor.core.hashing.lookup import Hashed
from firedoor.core.json_types import Json, as_object, object_at, text_at
from firedoor.core.language.json_payload import read_json
from firedoor.core.problems import InvalidInput, Problem

if TYPE_CHECKING:
    from firedoor.runtime.hashing.sources import Item

LONGEST_LINE = 64 * 1024  # bytes


def read(file: Path) -> dict[tuple[str, str], Hashed]:
    """The hashes by locator and mark; none where there is no such file yet. Raises InvalidInput for a wrong line."""
    found: dict[tuple[str, str], Hashed] = {}
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE + 1), b""), 1):
                mark, hashed = _line(file, number, line)
                found[hashed.locator, mark] = hashed
    except FileNotFoundError:
        return {}
    except OSError:
        raise _refused(f"{file}", "it cannot be read") from None
    return found


def write(file: Path, rows: Iterable[tuple[Item, Hashed]]) -> None:
    """Replace the file. What was not hashed, or has no mark, is left out: the next run reads it again."""
    fresh = file.with_name(file.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        for item, hashed in rows:
            if item.mark and hashed.sha256:
                out.write(json.dumps({"mark": item.mark, **record(hashed)}) + "\n")
    fresh.replace(file)


def record(hashed: Hashed) -> Mapping[str, Json]:
    """What an answer says of stored content."""
    return {
        "locator": hashed.locator, "sha256": hashed.sha256, "bytes": hashed.bytes, "pdq": hashed.pdq,
        "quality": hashed.quality, "dihedral": hashed.dihedral, "why": hashed.why,
    }  # fmt: skip


def split(items: Iterable[Item], known: Mapping[tuple[str, str], Hashed]) -> Iterator[tuple[Item, Hashed | None]]:
    """Each item with what is known of it; None where it has to be read."""
    for item in items:
        yield item, known.get((item.locator, item.mark)) if item.mark else None


def _line(file: Path, number: int, line: bytes) -> tuple[str, Hashed]:
    try:
        row = as_object(read_json(line, maximum_bytes=LONGEST_LINE, maximum_depth=4))
    except InvalidInput:
        raise _refused(f"{file}, line {number}", "it is no line of hashes") from None
    size, quality = row.get("bytes"), row.get("quality")
    if not (text_at(row, "mark") and text_at(row, "locator") and isinstance(size, int)):
        raise _refused(f"{file}, line {number}", "it is no line of hashes")
    dihedral = {name: str(value) for name, value in object_at(row, "dihedral").items()}
    return text_at(row, "mark"), Hashed(
        text_at(row, "locator"), text_at(row, "sha256"), size, text_at(row, "pdq"),
        quality if isinstance(quality, int) else None, dihedral, text_at(row, "why"),
    )  # fmt: skip


def _refused(where: str, message: str) -> InvalidInput:
    return InvalidInput(
        Problem(code="X212", field=where, message=message, do="remove the file: all is hashed anew then")
    )
