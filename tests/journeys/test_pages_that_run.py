"""Pages that say "do this": their files and commands work as they are written, and say what the page shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.journeys.shell_page import Shown, blocks
from tests.patience import GENEROUS

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGES = ("write-a-playbook.md", "hash-stored-content.md", "see-what-is-affected.md", "check-an-impact-assessment.md")
MARK = "==== "
pytestmark = pytest.mark.slow


def flat(text: str) -> str:
    """Words without the way they were broken into lines."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_works_as_it_is_written(name: str, tmp_path: Path) -> None:
    """Each shown line is really said by its command; a line of a problem is said with its place and code."""
    found = list(blocks((HOW_TO / name).read_text()))
    shell = [part if isinstance(part, str) else f"echo '{MARK}'; {part.command} 2>&1" for part in found]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"PATH": path, "FIREDOOR_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "120"}
    bash = subprocess.Popen(
        ["bash", "-c", "\n".join(shell)], cwd=tmp_path, env={**os.environ, **own}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out, _ = bash.communicate(timeout=GENEROUS)
    said = out.split(f"{MARK}\n")[1:]
    shown = [part for part in found if isinstance(part, Shown)]
    assert len(said) == len(shown), out
    missing = [
        f"$ {one.command}\n  does not say: {line}\n{words}"
        for one, words in zip(shown, said, strict=True)
        for line in one.lines
        if flat(line) not in flat(words)
    ]
    assert not missing, "\n".join(missing)
