from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from tests.demo.demonstration import PROGRAM, demonstration
from tests.patience import ended

pytestmark = pytest.mark.slow


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    own = [child for child, parent in parents.items() if parent == pid]
    return own + [grandchild for child in own for grandchild in children_of(child)]


def alive(pids: list[int]) -> list[int]:
    """Those that still run."""
    states = [(pid, Path(f"/proc/{pid}/stat")) for pid in pids]
    return [pid for pid, stat in states if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"]


@pytest.fixture(name="told", scope="module")
def _told() -> tuple[str, tuple[str, ...]]:
    """What the whole demonstration said, and which files it left."""
    shown = demonstration()
    assert shown.code == 0, shown.said
    return shown.text, shown.kept


def test_the_demonstration_closes_the_model_and_spares_its_neighbour(told: tuple[str, tuple[str, ...]]) -> None:
    """The witness saw the leak, then the refusal, and the neighbour answer throughout."""
    text, _ = told
    assert "Mira Exempel" in text
    assert re.search(r"chat-large +refuses \(423\) +\d+ ms after the alert", text)
    assert re.search(r"chat-small +answers \(200\)", text)


def test_the_demonstration_is_one_incident_that_closes_and_holds(told: tuple[str, tuple[str, ...]]) -> None:
    """Four deliveries are one incident; every clock ended; the journal is whole; Prefect shows a completed run."""
    text, _ = told
    assert "4 times in all, and one incident" in text
    assert "eu.gdpr.art33.sa" in text
    assert re.search(r"intact +\d+ entries", text)
    assert re.search(r"Completed; \d+ task runs completed", text)


def test_the_demonstration_leaves_its_report_and_nothing_else(told: tuple[str, tuple[str, ...]]) -> None:
    """The report and the exported journal stay where they were asked for; everything else is gone."""
    text, keep = told
    kept = sorted(name.partition("-")[2].partition("-")[2].partition("-")[2] for name in keep)
    assert kept == ["journal.jsonl", "report.html", "report.md"]
    assert "Nothing is left running" in text
    assert "\x1b" not in text


def test_the_demonstration_can_be_interrupted(tmp_path: Path) -> None:
    """Ctrl-C in the middle: exit code 130, no process and no folder is left."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([*PROGRAM, tmp_path / "kept"], env=environment, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "firedoor" in line and "accepts alerts" in line:
            break
    children = children_of(process.pid)
    assert children
    process.send_signal(signal.SIGINT)
    assert ended(process) == 130
    assert not alive(children)
    assert not list(tmp_path.glob("firedoor-demo-*"))
