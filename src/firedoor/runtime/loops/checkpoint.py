"""The checkpoint: where every chain stood when it was last seen, in a file outside of the database.

Decides the file's form, one JSON object with `[entry, hash]` by incident, and that it is written
whole or not at all. Whoever puts back an older database does not put back this file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from firedoor.core.journal import Head
from firedoor.core.problems import InvalidInput, Problem


def read_checkpoint(path: Path) -> dict[str, Head]:
    """Read the heads seen before; none when there is no file yet. Raises InvalidInput."""
    try:
        return {name: Head(int(seq), str(digest)) for name, (seq, digest) in orjson.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        problem = Problem(
            code="M123", message=f"the checkpoint {path} cannot be read: {error}",
            do="find out what happened to it; remove it only when you know that the database is the right one",
        )  # fmt: skip
        raise InvalidInput(problem) from None


def write_checkpoint(path: Path, heads: Mapping[str, Head]) -> None:
    """Write the heads, flushed to disk, unless they stand there already."""
    content = orjson.dumps({name: [head.seq, head.hash] for name, head in heads.items()}, option=orjson.OPT_SORT_KEYS)
    if path.exists() and path.read_bytes() == content:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
