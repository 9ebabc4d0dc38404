"""Runs every benchmark, one after the other: `make bench`. Prints figures and ratios; asserts nothing."""

from __future__ import annotations

import importlib
import sys

NAMES = ("starting", "alert_to_suspend", "law", "waiting")


def main() -> None:
    """Run the named benchmarks, or all."""
    for name in sys.argv[1:] or NAMES:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").run()


if __name__ == "__main__":
    main()
