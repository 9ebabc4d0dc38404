"""Run pytest with the arguments given, and say at its end how much CPU the whole run took: `make test` does.

Counts user and system time of pytest, its workers, and every server, database and browser that they started, also of
those that outlived the one who started them: they are inherited here. Asserts nothing about it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
    """Run pytest; return its exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # pytest hears it as well, and ends in its own way
    # Compiled once and kept, whatever is set here: each worker and each server that a test starts reads us again.
    keeping = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pytest = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--durations=20", *sys.argv[1:]],
        env=keeping,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )
    code = _reap_until(pytest.pid)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = spent.ru_utime, spent.ru_stime
    sys.stdout.write(f"CPU time: {_minutes(user + system)} ({_minutes(user)} user, {_minutes(system)} system)\n")
    return code


def _reap_until(pid: int) -> int:
    """Reap whatever ends, until the process of this id has."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)} min {seconds % 60:04.1f} s"


if __name__ == "__main__":
    sys.exit(main())
