"""The whole demonstration, once for a run and all its workers: it takes twenty seconds of CPU, and several tests look.

Decides that it runs in a network of its own in which every packet that would leave this machine is seen, with nothing
in its environment that keeps a library quiet; who may make no such network runs it as anybody does. Leaves what it must
show, and what may be seen, to the tests.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import SHARED, require
from tests.patience import GENEROUS

NETWORK = Path(__file__).parents[1] / "attacks" / "quiet_network.py"
PROGRAM = (sys.executable, "-m", "firedoor.interfaces.cli.main", "demo", "--keep")


@dataclass(frozen=True)
class Demonstration:
    """What it said, which files it left, and what the network saw; None where nobody could watch."""

    code: int
    text: str
    said: str
    kept: tuple[str, ...]
    seen: Any


def demonstration() -> Demonstration:
    """Run it, unless another worker of this run has."""
    folder = Path(os.environ[SHARED]) / "demonstration"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "found.json").exists():
            (folder / "found.json").write_text(json.dumps(_run(folder)))
    found = json.loads((folder / "found.json").read_text())
    return Demonstration(found["code"], found["told"], found["said"], tuple(found["kept"]), found.get("seen"))


def _run(folder: Path) -> dict[str, Any]:
    if namespaces():
        seen = alone(folder, *PROGRAM, folder / "kept")
        found = {"code": seen["code"], "told": seen["told"], "said": seen["said"], "seen": seen}
    else:
        done = subprocess.run(
            [*PROGRAM, folder / "kept"], capture_output=True, text=True, timeout=GENEROUS, check=False
        )
        found = {"code": done.returncode, "told": done.stdout, "said": done.stdout + done.stderr}
    return {**found, "kept": [file.name for file in (folder / "kept").glob("*")]}


def namespaces() -> bool:
    """Whether this user may make a network and a mount namespace, and set them up."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "ip", "mount"))):
        return False
    made = "ip link add away type veth peer name nowhere && mount --bind /etc/resolv.conf /etc/resolv.conf"
    return subprocess.run(["unshare", "-n", "-m", "sh", "-c", made], capture_output=True, check=False).returncode == 0


def alone(folder: Path, *command: str | Path) -> Any:
    """Run a command in that network; return what was seen."""
    require("network namespaces", present=namespaces())
    resolver = folder / "resolv.conf"
    resolver.write_text("nameserver 10.77.0.1\noptions timeout:1 attempts:1\n")
    unsaid = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}  # no CI, no DO_NOT_TRACK
    program = ["unshare", "-n", "-m", sys.executable, NETWORK, resolver, *command]
    done = subprocess.run(program, env=unsaid, capture_output=True, text=True, timeout=GENEROUS, check=True)
    return json.loads(done.stdout)
