"""Stands in front of Slurm's own commands under their names, and fails in the ways of the contract suite.

Its folder holds `order.json` (the real folder of programs, the neighbour's job) and, while a fault is planned, `fault`.
Each change that Slurm took is a line in `effects`. A mark alone is no change: it stops nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(sys.argv[0]).parent
ORDER = json.loads((HERE / "order.json").read_text())
PROGRAM, ARGUMENTS = Path(sys.argv[0]).name, sys.argv[1:]
SILENCE = 30  # seconds; whoever asked gives up long before


def changes() -> bool:
    if PROGRAM == "scancel":
        return True
    partition = any(argument.startswith("PartitionName=") for argument in ARGUMENTS)
    return PROGRAM == "scontrol" and (ARGUMENTS[0] in ("suspend", "resume", "hold", "release") or partition)


def planned() -> str:
    file = HERE / "fault"
    fault = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return fault


def real() -> int:
    code = subprocess.call([f"{ORDER['programs']}/{PROGRAM}", *ARGUMENTS])
    if changes() and code == 0:
        with (HERE / "effects").open("a") as effects:
            effects.write(f"{PROGRAM} {' '.join(ARGUMENTS)}\n")
    return code


def fail(fault: str) -> int:
    if fault == "lie":
        return 0
    if fault in ("error", "conflict"):
        said = {"error": "slurm_suspend error: I/O error writing script/environment to file"}
        print(said.get(fault, "Job/step already completing or completed for job 1"), file=sys.stderr)  # noqa: T201
        return 1
    if fault == "lost":
        time.sleep(SILENCE)
    code = real()
    if fault == "hang":
        time.sleep(SILENCE)
    if fault == "overblock":
        subprocess.call([f"{ORDER['programs']}/{PROGRAM}", ARGUMENTS[0], ORDER["neighbour"]])
    if fault == "half":  # the record says suspended; the processes were told to go on
        time.sleep(0.3)
        os.kill(int(Path(ORDER["process"]).read_text()), signal.SIGCONT)
    return code


if __name__ == "__main__":
    fault = planned() if changes() else ""
    sys.exit(fail(fault) if fault else real())
