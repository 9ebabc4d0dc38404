"""Resolving references to secrets at the moment of a call.

Decides the two sources, `secret://env/NAME` and `secret://file/PATH` (an absolute path,
with or without its first slash), and that a value is read each time, so that a rotated
key works at once and nothing is held. Leaves redaction to whoever makes the call.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from firedoor.core.problems import InvalidInput, Problem

_SCHEME = "secret://"
_LARGEST = 64 * 1024  # bytes


class ReferencedSecrets:
    """The Secrets port over the environment and over files such as those that an orchestrator mounts."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def resolve(self, reference: str) -> str:
        """Return the secret, without white space around it. Raises InvalidInput, never showing the value."""
        source, _, place = reference.removeprefix(_SCHEME).partition("/")
        if not reference.startswith(_SCHEME) or not place:
            _fail(reference, "is no reference to a secret", "write secret://env/NAME or secret://file/PATH")
        match source:
            case "env":
                value = self._environment.get(place, "")
                advice = f"set {place} in the environment of the process that runs Firedoor"
            case "file":
                value, advice = _from_file(reference, Path("/") / place), "write the secret into the file"
            case _:
                _fail(reference, f'names the source "{source}"', "write secret://env/NAME or secret://file/PATH")
        if not value.strip():
            _fail(reference, "has no value", advice)
        return value.strip()


def _from_file(reference: str, path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            _fail(reference, "is not a regular file", "name the file that holds the secret")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            _fail(reference, f"is larger than {_LARGEST} bytes", "name the file that holds the secret alone")
        return content.decode()
    except OSError as error:
        _fail(reference, f"cannot be read: {error.strerror}", "see whether the file is there and who may read it")
    except UnicodeDecodeError:
        _fail(reference, "is not UTF-8 text", "name a file that holds the secret as text")


def _fail(reference: str, what: str, do: str) -> NoReturn:
    raise InvalidInput(Problem(code="K103", message=f"{reference} {what}", do=do))
