"""Runs every benchmark, one after the other: `make bench`. Prints figures and ratios; asserts nothing.

The figures of each go to `results/NAME.json` beside this file, which git leaves alone.
"""

from __future__ import annotations

import importlib
import sys

from tests.benchmarks import figures

NAMES = (
    "starting",
    "alert_to_suspend",
    "alert_to_question",
    "law",
    "console",
    "waiting",
    "hashes",
    "lineage",
    "consent",
)


def main() -> None:
    """Run the named benchmarks, or all."""
    for name in sys.argv[1:] or NAMES:
        print(f"\n== {name}", flush=True)
        figures.measured(importlib.import_module(f"tests.benchmarks.{name}").run, figures.RESULTS / f"{name}.json")


if __name__ == "__main__":
    main()
