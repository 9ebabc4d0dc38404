"""Nothing calls home: not Firedoor, not the Prefect server beside it, not the telemetry client that comes with Prefect.

On release 0.1 nobody had looked. The whole demonstration runs in a network of its own, in which every packet that would
leave this machine is seen, with nothing in its environment that would keep a library quiet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.conftest import require
from tests.demo.demonstration import alone, demonstration, namespaces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

SPEAKS = "import urllib.request; urllib.request.urlopen('http://192.0.2.8/', timeout=2)"


def test_no_packet_leaves_in_a_whole_demonstration() -> None:
    """From the first alert to the report, Prefect's server and client included; no name is looked up either."""
    require("network namespaces", present=namespaces())
    seen = demonstration().seen
    assert (seen["watched"], seen["code"]) == (True, 0), seen
    assert seen["sent"] == []


def test_a_program_that_speaks_is_seen(tmp_path: Path) -> None:
    """What the other test rests on."""
    seen = alone(tmp_path, sys.executable, "-c", SPEAKS)
    assert seen["sent"] == ["192.0.2.8 protocol 6"]
