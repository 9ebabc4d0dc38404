"""Nothing calls home: not Firedoor, not the Prefect server beside it, not the telemetry client that comes with Prefect.

On release 0.1 nobody had looked. The whole demonstration runs in a network of its own, in which every packet that would
leave this machine is seen, with nothing in its environment that would keep a library quiet.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import require
from tests.patience import GENEROUS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

NETWORK = Path(__file__).parents[1] / "quiet_network.py"
DEMO = (sys.executable, "-m", "firedoor.interfaces.cli.main", "demo", "--keep")
SPEAKS = "import urllib.request; urllib.request.urlopen('http://192.0.2.8/', timeout=2)"


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


def test_no_packet_leaves_in_a_whole_demonstration(tmp_path: Path) -> None:
    """From the first alert to the report, Prefect's server and client included; no name is looked up either."""
    seen = alone(tmp_path, *DEMO, tmp_path / "kept")
    assert (seen["watched"], seen["code"]) == (True, 0), seen
    assert seen["sent"] == []


def test_a_program_that_speaks_is_seen(tmp_path: Path) -> None:
    """What the other test rests on."""
    seen = alone(tmp_path, sys.executable, "-c", SPEAKS)
    assert seen["sent"] == ["192.0.2.8 protocol 6"]
