"""A training job without training: it writes its number and its heartbeat, twenty times a second, until it is ended."""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    Path(f"{sys.argv[1]}.pid").write_text(str(os.getpid()))
    for step in itertools.count():
        Path(sys.argv[1]).write_text(str(step))
        time.sleep(0.05)
