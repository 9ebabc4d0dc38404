"""`firedoor examine leak`: what a model's outputs exposed, by its logs.

Decides what is handed to the process that reads: real files and no links, canaries one to a line, a corpus of files.
Leaves counting to `worker`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from firedoor.core.json_types import Json, JsonObject
from firedoor.core.problems import InvalidInput, Problem
from firedoor.runtime.examinations import sandbox
from firedoor.runtime.examinations.consent.files import Trouble, listed

PROGRAM = "firedoor.runtime.examinations.leak.worker"


def ask(
    paths: Sequence[str],
    corpus: Sequence[str] = (),
    canaries: Path | None = None,
    heard: sandbox.Progress | None = None,
) -> JsonObject:
    """Count what logs expose. Raises InvalidInput when the canaries cannot be read."""
    trouble = Trouble()
    request: dict[str, Json] = {
        "paths": [str(file.resolve()) for file in listed(paths, trouble)],
        "corpus": [str(file.resolve()) for file in listed(corpus, trouble)],
        "canaries": list(_canaries(canaries)) if canaries else [],
    }
    answer = dict(sandbox.ask(PROGRAM, request, heard))
    problems = answer["problems"]
    return answer | {"problems": [*trouble.told, *(problems if isinstance(problems, list) else [])]}


def _canaries(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        do = "name a file with one canary on each line"
        raise InvalidInput(Problem(code="X330", message="it cannot be read", field=str(file), do=do)) from None
    return [line.strip() for line in lines if len(line.strip()) >= 6]
