"""A command in this process, with the input, output and folder that a shell would give it.

For commands that read files and answer, of which a page or a contract runs dozens: a process of its own costs a second
of CPU each, for imports. What a process itself is like, `tests/test_package.py` and the journeys see.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

from firedoor.interfaces.cli.main import main


def run_here(*words: str, given: str = "", cwd: Path | None = None) -> CompletedProcess[str]:
    """Run `firedoor` with these words; standard input is `given`."""
    out, err = io.StringIO(), io.StringIO()
    with _as_called(words, given, cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return CompletedProcess(["firedoor", *words], code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _as_called(words: tuple[str, ...], given: str, cwd: Path | None) -> Iterator[None]:
    before, read, folder = sys.argv, sys.stdin, Path.cwd()
    sys.argv = ["firedoor", *words]
    sys.stdin = io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8")
    os.chdir(cwd or folder)
    try:
        yield
    finally:
        sys.argv, sys.stdin = before, read
        os.chdir(folder)
