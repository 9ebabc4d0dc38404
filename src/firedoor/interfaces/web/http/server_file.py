"""The file by which this machine's user finds the running server: address, process and local token.

Decides that it lies in the data folder, readable for that user only, and that a server
removes only its own. Leaves using it to the command line.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import orjson


def announce(path: Path, url: str, token: str) -> None:
    """Write the file in one step, mode 600 from its first moment."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps({"url": url, "pid": os.getpid(), "token": token}))
    beside.replace(path)


def read(path: Path) -> Mapping[str, object] | None:
    """What a running server wrote; None when there is no such file or it cannot be read."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) and {"url", "token"} <= set(found) else None


def withdraw(path: Path, token: str) -> None:
    """Remove the file, unless another server has written its own there."""
    found = read(path)
    if found is not None and found["token"] == token:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
