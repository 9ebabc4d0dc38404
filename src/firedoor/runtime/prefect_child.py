"""The process of the private Prefect server: `python -m firedoor.runtime.prefect_child`.

Decides one thing: this process never outlives the one that started it, however that one ends. Two ropes, because
each alone can break: the kernel's parent-death signal (Linux), and the end of standard input (everywhere).
"""

from __future__ import annotations

import os
import signal
import sys
import threading

NICE = 10  # what Prefect does can wait for what contains
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tie_to_parent() -> None:
    """End this process when the parent ends, at once: its database is crash-safe, a stale server is not."""
    threading.Thread(target=_watch_input, name="parent-watch", daemon=True).start()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def main() -> None:
    """Run the Prefect server in this process, on the host and port of the environment."""
    tie_to_parent()
    os.nice(NICE)
    from prefect.cli import app

    sys.argv = ["prefect", "server", "start"]
    app()


if __name__ == "__main__":
    main()
