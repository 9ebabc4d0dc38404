"""A team's own script compiles a playbook and awaits or serves it, in its own process, without `firedoor up`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbooks" / "model-data-leakage.yaml"
SCRIPT = f"""
import asyncio, sys
from pathlib import Path
from firedoor import compile_flow
from firedoor.runtime.execution.performer import OperationView, Views, use_host

NOTES = Path(sys.argv[-1])

class Notes:
    async def open_incident(self, playbook, facts, title, why, flow_run_id, *, deployed=True):
        (NOTES / "opened").write_text(f"{{playbook}} {{facts}} {{title}}")
        return "INC-script"

    async def conduct(self, incident_id, performer, shown):
        if not (NOTES / "asked").exists() and "waits" in sys.argv:
            (NOTES / "asked").touch()
            return "waiting"
        async def effect():
            with (NOTES / "effects").open("a") as file:
                file.write("suspended ")
            return {{"outcome": "done"}}
        await performer(OperationView("c.suspend", "Suspend the endpoint", "containment", "call"), effect)
        return "closed"

    async def views(self, incident_id):
        return Views(summary="# closed")

use_host(Notes())
leak = compile_flow({str(PLAYBOOK)!r})

if __name__ == "__main__":
    if "serve" in sys.argv:
        leak.serve(name="ours")
    else:
        print(asyncio.run(leak(facts={{"endpoint": "chat"}}, title="It quotes letters")))
"""


@pytest.fixture
def script(rig: Any, tmp_path: Path) -> Iterator[Any]:
    """Start the script in a process of its own that talks to the server; no process is left afterwards."""
    processes: list[subprocess.Popen[str]] = []
    (tmp_path / "script.py").write_text(SCRIPT)

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "script.py", *words, str(tmp_path)]
        environment = os.environ | rig.bridge.settings.client_environment()
        processes.append(
            subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, stdout=-1, stderr=subprocess.STDOUT)
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


async def test_a_compiled_flow_is_awaited_without_a_deployment(script: Any, tmp_path: Path) -> None:
    """Nobody can suspend such a run, so it looks at the journal again until the incident is closed."""
    process = script("waits")
    words, _ = process.communicate(timeout=60)
    assert process.returncode == 0, words
    assert words.strip().splitlines()[-1] == "INC-script"
    assert (tmp_path / "effects").read_text() == "suspended "
    assert (tmp_path / "opened").read_text() == "model-data-leakage {'endpoint': 'chat'} It quotes letters"


async def test_a_compiled_flow_is_served_and_its_runs_complete(rig: Any, script: Any, tmp_path: Path) -> None:
    """A run of a team's own deployment starts in a process of its own, finds the playbook, and completes."""
    script("serve")

    async def deployed() -> Any:
        answer = await rig.api.get("/deployments/name/model-data-leakage/ours")
        return answer.json() if answer.is_success else None

    deployment = await rig.until(deployed)
    run = await rig.post(f"/deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})

    async def completed() -> bool:
        state = (await rig.api.get(f"/flow_runs/{run['id']}")).json()["state"]
        assert state["type"] not in ("FAILED", "CRASHED"), state["message"]
        return bool(state["type"] == "COMPLETED")

    await rig.until(completed)
    assert (tmp_path / "effects").read_text() == "suspended "
