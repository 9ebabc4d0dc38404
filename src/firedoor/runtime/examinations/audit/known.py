"""What an earlier audit found, so that the next one reads only what is new or has changed, and keeps first detections.

Decides the form of that file: JSON lines with a path, a mark that changes with the content, its SHA-256, the words of
the rules in it, and when each rule was first found broken. It is replaced as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from firedoor.core.problems import InvalidInput, Problem


@dataclass(frozen=True, slots=True)
class Seen:
    """One piece of content as it was audited. `keywords`: the digest of the words that were looked for."""

    path: str
    mark: str
    sha256: str
    size: int
    media_type: str
    keywords: str
    words: list[str] = field(default_factory=list)
    detected: Mapping[str, str] = field(default_factory=dict)


def read(file: Path | None) -> dict[str, Seen]:
    """What was seen, by path. Raises InvalidInput for a line that is none of ours."""
    if file is None or not file.exists():
        return {}
    try:
        with file.open(encoding="utf-8") as lines:
            every = [Seen(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError):
        do = "name the file of an earlier audit, or a new one"
        raise InvalidInput(
            Problem(code="X320", message="it is no record of an audit", field=str(file), do=do)
        ) from None
    return {one.path: one for one in every}


def write(file: Path, rows: Iterable[Seen]) -> None:
    """Replace the file."""
    fresh = file.with_name(file.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(asdict(row)) + "\n")
    fresh.replace(file)
