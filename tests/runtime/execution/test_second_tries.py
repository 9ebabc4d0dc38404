"""What a person does can be done again after it failed, and nobody drives beside a server that lives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.cli.test_cli_doors import _platform  # noqa: F401 - a fixture
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.demo.stage import Stage
from firedoor.interfaces.cli.terminal import client


def changed_by(platform: Stage, by: str, state: str) -> None:
    """Somebody else changes the model at the platform itself."""
    headers = {"authorization": f"Bearer {platform.admin_key}"}
    body = {"state": state, "config": {"replicas": 3}, "changed_by": by}
    url = f"{platform.model['url']}/admin/models/chat-large"
    assert httpx.put(url, json=body, headers=headers, trust_env=False).is_success


def test_a_resume_that_failed_is_tried_again(firedoor: Firedoor, platform: Stage) -> None:
    """As often as one likes, each with its reason on record; never a fault of ours."""
    assert firedoor("suspend", "chat-large", "--why", "it leaks").code == 0
    changed_by(platform, "somebody", "suspended")
    for number in (1, 2, 3):
        said = firedoor("resume", "chat-large", "--why", f"try {number}")
        assert (said.code, "internal error" in said.err) == (4, False), said
        assert "the mark of somebody else" in " ".join(said.out.split())
    tries = firedoor("journal", "INC-2026-0001", "--format", "json").out
    assert all(f"try {number}" in tries for number in (1, 2, 3))
    assert firedoor("answer", "INC-2026-0001", "T4", "skip", "--why", "the platform team does it").code == 0
    for _ in range(2):  # the incident has ended and keeps it closed: its people are asked again each time
        said = firedoor("resume", "chat-large", "--why", "once more")
        assert (said.code, "internal error" in said.err) == (4, False), said


@pytest.fixture(name="noted")
def _noted(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is running but does not answer: its note names a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    data = tmp_path / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    note = {"url": f"http://127.0.0.1:{port}", "pid": process.pid, "token": "x"}
    (data / "server.json").write_text(json.dumps(note))
    yield process
    process.kill()
    process.wait()


def test_nobody_drives_beside_a_server_that_lives(
    firedoor: Firedoor, noted: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command waits, then refuses and says so; it does the work itself only once that process has ended."""
    monkeypatch.setattr(client, "COMES_UP", 0.5)
    said = firedoor("incidents")
    assert (said.code, "U114" in said.err or "does not answer" in said.err) == (4, True), said
    assert f"process {noted.pid}" in said.err
    assert "no server is running" not in said.err
    os.kill(noted.pid, 9)
    os.waitid(os.P_PID, noted.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its number is still taken
    said = firedoor("incidents")
    assert (said.code, "no server is running" in said.err) == (0, True), said
