"""How quick the law is: one incident against every duty, many computations, the whole catalogue read.

Prints figures and asserts nothing; what must hold is in tests/contract/law/test_duties.py.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.benchmarks import figures

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEAK = {
    "established_in": ["DE", "US"], "serves": ["UK", "US-CA"], "jurisdictions": ["DE", "UK", "US-CA"],
    "controller": "yes", "personal_data": "yes", "residents_us_ca": 600, "aware_at": "2026-11-20T10:00:00Z",
}  # fmt: skip
QUESTIONS = 10_000


def run() -> None:
    """Measure and print."""
    from firedoor.core.clocks.clock import clocks_due_to_start, reassess
    from firedoor.core.facts import read_all
    from firedoor.core.law.assessment import assess
    from firedoor.duties.batch import batch
    from firedoor.duties.catalogue import FOLDER, catalogue, load
    from firedoor.duties.overview import assess_all

    duties = catalogue()
    facts = read_all(duties.facts, LEAK)
    clocks = clocks_due_to_start(duties, "auto", facts, [], NOW)
    print(f"{len(duties)} duties with their stages, {len(clocks)} clocks started by the leak")
    show("one incident against every duty", 20, lambda: assess(duties.values(), facts, NOW), "20 ms")
    show("the same, written as `duties assess` does", 20, lambda: assess_all(duties, LEAK, NOW))
    show("start its clocks", 20, lambda: clocks_due_to_start(duties, "auto", facts, [], NOW))
    show("look at its clocks again", 20, lambda: reassess(duties, clocks, facts, NOW))
    show(f"{QUESTIONS} questions in a batch", 3, lambda: batch(duties, questions(list(duties))), "2 s")
    show("read and check the catalogue", 3, lambda: load([Path(FOLDER)]))


def questions(ids: list[str]) -> list[dict[str, object]]:
    """Questions about every duty in turn, each at another minute and with another count of people."""
    return [
        {
            "id": number, "duty": ids[number % len(ids)], "tz": "Europe/Berlin",
            "at": f"2029-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z",
            "facts": {"people_affected": number, "established_in": "DE", "controller": "yes"},
        }
        for number in range(QUESTIONS)
    ]  # fmt: skip


def show(what: str, times: int, work: Callable[[], object], aim: str = "") -> None:
    """Print the best and the median of some runs, in milliseconds."""
    work()
    took = [1000 * one for one in timeit.repeat(work, number=1, repeat=times)]
    figures.keep(f"{what}, best", min(took), "ms")
    figures.keep(f"{what}, median", median(took), "ms")
    print(f"{what:<44} best {min(took):9.2f} ms   median {median(took):9.2f} ms   {f'aim {aim}' if aim else ''}")


if __name__ == "__main__":
    figures.main(run, __doc__)
