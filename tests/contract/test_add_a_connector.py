"""The page on adding a connector is true: its package is made as written, and the whole contract suite runs on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.plug_ins import installed, written

ROOT = Path(__file__).parents[2]


def made(folder: Path, **change: tuple[str, str]) -> Path:
    """The package of the page, with something in one of its files changed, as pip would install it."""
    return installed(written("add-a-connector.md", folder, **change))


def suite(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The contract suite over this package, in a process of its own."""
    named = {"FIREDOOR_TEST_RIGS": str(folder / "rigs"), "FIREDOOR_TEST_CONNECTORS": "kiosk"}
    paths = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-m", "pytest", "tests/contract/test_connectors.py", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, **named, "PYTHONPATH": paths}
    command += ["-k", "kiosk", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_package_of_the_page_keeps_every_rule(tmp_path: Path) -> None:
    """Found by its entry point, tried on its rig: all rules hold, and none is skipped."""
    done = suite(made(tmp_path))
    assert done.returncode == 0, done.stdout[-3000:]
    tried = re.search(r"^([.s]+)", done.stdout, re.MULTILINE)
    assert tried is not None
    assert len(tried[1]) > 20
    assert "s" not in tried[1]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('file.write(work.mark or "")', 'file.write("")', "test_killed_between_effect_and_receipt"),
        ('with work.settings.file("closed").open("x") as file:', 'with open("/dev/null", "w") as file:',
         "test_a_suspension_is_proved_where_callers_are"),
    ],
)  # fmt: skip
def test_the_suite_sees_a_connector_that_breaks_a_rule(tmp_path: Path, old: str, new: str, rule: str) -> None:
    """Without its mark, or without the effect, a rule fails by name."""
    done = suite(made(tmp_path, door=(old, new)))
    assert done.returncode == 1
    assert rule in done.stdout
