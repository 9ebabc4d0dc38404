"""The figures of a benchmark, kept as they are printed: `--json FILE` writes them to a file.

Decides the form of the file: when it was taken, on how many cores under which load, and each figure
by its name with the unit at its end. Asserts nothing; leaves measuring and printing to the benchmarks.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"  # what `make bench` writes; not kept in git
FIGURES: dict[str, float] = {}  # of the benchmark that runs, by name, with the unit at its end


def keep(name: str, value: float, unit: str) -> None:
    """Keep a figure for the file."""
    FIGURES[f"{name}, {unit}" if unit else name] = round(value, 3)


def measured(run: Callable[[], None], file: Path | None) -> None:
    """Run a benchmark; write its figures where a file is named."""
    FIGURES.clear()
    began = {"taken_at": datetime.now(UTC).isoformat(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}
    run()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**began, **FIGURES}, indent=1) + "\n")


def main(run: Callable[[], None], about: str | None) -> None:
    """The command line of one benchmark: nothing, or the file for its figures."""
    options = argparse.ArgumentParser(description=about)
    options.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    measured(run, options.parse_args().json)
