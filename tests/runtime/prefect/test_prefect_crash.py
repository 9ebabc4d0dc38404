"""kill -9 of the process that drives, in the middle of an effect: no server is left, and the run goes on afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.patience import GENEROUS
from tests.support.prefect_home import prefect_home

pytestmark = pytest.mark.slow

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from firedoor.runtime.prefect.bridge import PrefectBridge
from firedoor.runtime.prefect.flow import PlaybookForm
from firedoor.runtime.execution.performer import OperationView, Views
from firedoor.runtime.prefect.settings import choose

HOME, HANGS = Path(sys.argv[1]), "hangs" in sys.argv
PLAYBOOK = PlaybookForm("model-data-leakage", "1.0.0", "A leak", {}, "model-data-leakage")
ONE = OperationView("c.suspend", "Suspend the endpoint", "containment", "call")
TWO = OperationView("c.verify", "Verify that it is closed", "containment", "call", ("c.suspend",))

class Notes:
    async def recall(self, incident):
        note = HOME / "flow_run"
        return note.read_text() if note.exists() else None

    async def remember(self, incident, flow_run_id):
        (HOME / "flow_run").write_text(flow_run_id)

    async def admit(self, incident, playbook, flow_run_id):
        pass

    async def conduct(self, incident, performer, shown):
        for operation in (ONE, TWO):
            note = HOME / operation.id
            if note.exists():
                await shown(operation, {"status": "finished", "outcome": "done"})
                continue

            async def effect():
                with (HOME / "effects").open("a") as file:
                    file.write(operation.id + " ")
                if HANGS and operation is TWO:
                    (HOME / "hanging").touch()
                    await asyncio.sleep(3600)
                return {"status": "finished", "outcome": "done"}

            await performer(operation, effect)
            note.touch()
        return "closed"

    async def views(self, incident):
        return Views(summary="# one")

async def main():
    notes = Notes()
    bridge = PrefectBridge(choose(HOME, {}), notes, [PLAYBOOK], notes.recall, notes.remember, installation="crash")
    await bridge.start()
    print(bridge.settings.api_url, flush=True)
    while bridge.state != "ready":
        await asyncio.sleep(0.05)
    if HANGS or (HOME / "hanging").exists():
        await bridge.run_incident("INC-1", PLAYBOOK.name, notes.conduct)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Any]:
    """Start the script; it and its server are gone afterwards."""
    started: list[subprocess.Popen[str]] = []
    (prefect_home(tmp_path) / "script.py").write_text(SCRIPT)

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "script.py", str(tmp_path), *words]
        started.append(subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


async def test_a_killed_process_leaves_no_server_and_its_run_goes_on(process: Any, tmp_path: Path) -> None:
    """The next process starts at once, and drives the incident in the run that was left Running."""
    first = process("hangs")
    await _until((tmp_path / "hanging").exists)
    server = int((tmp_path / "prefect" / "server.pid").read_text())
    os.kill(first.pid, signal.SIGKILL)
    await _until(lambda: not Path(f"/proc/{server}").exists() or _zombie(server))
    second = process()
    api = second.stdout.readline().strip()
    assert api == first.stdout.readline().strip(), "the address changed, and with it every bookmark"
    secret = (tmp_path / "prefect" / "password").read_text()
    run = await _completed(secret, f"{api}/flow_runs/{(tmp_path / 'flow_run').read_text()}")
    assert run["run_count"] == 2
    assert (tmp_path / "effects").read_text().split() == ["c.suspend", "c.verify", "c.verify"]


def _zombie(pid: int) -> bool:
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


async def _completed(secret: str, address: str) -> dict[str, Any]:
    import httpx

    user, password = secret.split(":", 1)
    async with httpx.AsyncClient(auth=(user, password), trust_env=False) as client:
        for _ in range(int(GENEROUS / 0.1)):
            try:
                run = (await client.get(address)).json()
            except httpx.HTTPError:
                run = {}
            if run.get("state_name") == "Completed":
                return dict(run)
            await asyncio.sleep(0.1)
    raise AssertionError(f"the run did not complete: {run.get('state_name')}")


async def _until(look: Any) -> None:
    end = time.monotonic() + GENEROUS
    while not look():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.05)
