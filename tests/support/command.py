"""The command line for tests: one call, its exit code and what it said.

Runs `firedoor` in this process, with a data folder of the test's own, as a shell would
run it otherwise. Journeys that need real processes start them themselves.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from firedoor.interfaces.cli.main import main
from firedoor.testing.fresh import fresh_folder


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Firedoor = Callable[..., Said]


@pytest.fixture(name="firedoor")
def _firedoor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Firedoor:
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(tmp_path / "data"))

    begun: list[Path] = []

    def run(*words: object) -> Said:
        if not begun:  # not before the first command: a test may make it, with what it wants in it, or remove it later
            begun.append(fresh_folder(tmp_path / "data"))
        monkeypatch.setattr(sys, "argv", ["firedoor", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return run
