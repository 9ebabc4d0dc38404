"""`make fuzz`: sends ugly values for FUZZ_SECONDS (600), from FUZZ_SEED (random), and says what broke, shrunk.

Exit code 1 when anything broke. The seed is printed first; with it the same values come again.
"""

from __future__ import annotations

import os
import random
import sys
import time
from functools import partial

from tests.fuzz.running import LANES, fuzz

say = partial(print, flush=True)
CHUNK = 200  # examples of one lane before the next one has its turn
FEWER = {"playbooks": 30}  # each takes a second


def run() -> int:
    """Take the lanes in turn until the time is over."""
    seconds = float(os.environ.get("FUZZ_SECONDS", "600"))
    seed = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(2**32))
    say(f"make fuzz: FUZZ_SEED={seed} FUZZ_SECONDS={seconds:g}")
    end, counts, broken, number = time.monotonic() + seconds, dict.fromkeys(LANES, 0), list[str](), seed
    while time.monotonic() < end:
        for lane in LANES:
            left = end - time.monotonic()
            if left <= 0:
                break
            found = fuzz(lane, FEWER.get(lane, CHUNK), number, seconds=left)
            counts[lane] += found.examples
            if found.broken:
                broken.append(f"{lane} (seed {number}): {found.broken}")
                say(f"BROKEN {broken[-1]}")
        number += 1
    say(f"make fuzz: {counts}; {len(broken)} broken; FUZZ_SEED={seed}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(run())
