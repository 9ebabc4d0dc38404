"""The collector of garbage does not walk through what a server holds for as long as it lives."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from firedoor.runtime.process.gc_tuning import settle
kept = [[number] for number in range(1000)]
print(settle("start"), gc.get_freeze_count() > 1000, any(one is kept for one in gc.get_objects()))
later = [[0]]
print(settle("start"), any(one is later for one in gc.get_objects()))
print(settle("more"), any(one is later for one in gc.get_objects()), gc.get_threshold()[0])
ring = []
ring.append(ring)
del ring
print(gc.collect() >= 1)
"""


def test_what_lives_when_a_server_is_ready_is_put_aside_once() -> None:
    """A second server in the same process changes nothing; a later part goes by its own name; rings are still found."""
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["True True False", "False True", "True False 10000", "True"]
