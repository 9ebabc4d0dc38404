"""The benchmarks: each writes its figures where it is told to, and none of them is kept in git."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import figures
from tests.benchmarks.__main__ import NAMES

ROOT = Path(__file__).resolve().parents[1]


def test_figures_are_written_with_what_they_were_taken_under(tmp_path: Path) -> None:
    """By name, with the unit at the end; those of an earlier benchmark are not among them."""
    figures.keep("of another one", 1.0, "s")
    figures.measured(lambda: figures.keep("a look", 1.23456, "ms"), tmp_path / "new" / "looks.json")
    written = json.loads((tmp_path / "new" / "looks.json").read_text())
    assert {"taken_at", "cores", "load"} == written.keys() - {"a look, ms"}
    assert written["a look, ms"] == 1.235


def test_every_benchmark_has_the_option() -> None:
    """Asked for help each names `--json`; nothing is measured."""
    for name in NAMES:
        command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--help"]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        assert "--json FILE" in said.stdout, name


def test_what_make_bench_writes_stays_out_of_git() -> None:
    """The folder of the results is ignored."""
    ignored = (ROOT / ".gitignore").read_text().split()
    assert f"/{figures.RESULTS.relative_to(ROOT).as_posix()}/" in ignored
