"""Doors and questions as the field has them, over HTTP and the command line beside one running server.

The demonstration's model server really opens and closes; the double of LiteLLM answers as its own pages say. Each test
has a target of its own. Leaves what senders deliver to `test_inputs`, and what cannot be kept to `test_cannot_keep`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.benchmarks.alert_to_suspend import HERE, _target, process
from tests.contract.connector_suite import rig_class
from tests.journeys.at_home import AtHome
from tests.journeys.installation import PROGRAM

from firedoor.runtime.config import playbooks

CASES = Path(__file__).parent / "cases"
SUSPEND = "containment.suspend.reflex.suspend"
pytestmark = pytest.mark.slow


@pytest.fixture(name="platform", scope="module")
def _platform() -> Iterator[str]:
    with process(sys.executable, str(HERE / "sink.py")) as sink:
        yield sink


@pytest.fixture(name="proxy", scope="module")
def _proxy() -> Iterator[Any]:
    rig = rig_class("litellm")()
    rig.start()
    rig.reset()
    yield rig
    rig.stop()


def inventory(platform: str, proxy: Any) -> dict[str, Any]:
    """Models of a small platform, and the two groups of a LiteLLM proxy."""
    names = ("graded", "silent", "twice", "left", "right", "third", "neighbour")
    own = {name: _target(platform, name, () if name == "neighbour" else ("neighbour",)) for name in names}
    groups = proxy.inventory.model_dump(mode="json", by_alias=True, exclude_defaults=True)["targets"]
    return {"targets": {**own, **{name: {k: v for k, v in one.items() if k != "id"} for name, one in groups.items()}}}


@pytest.fixture(name="here", scope="module")
def _here(tmp_path_factory: pytest.TempPathFactory, platform: str, proxy: Any) -> Iterator[AtHome]:
    folder = tmp_path_factory.mktemp("doors")
    shutil.copytree(playbooks.folder(), folder / "playbooks")
    for page in (CASES / "playbooks").glob("*.yaml"):
        shutil.copy(page, folder / "playbooks")
    here = AtHome(folder, FIREDOOR_PLAYBOOKS=str(folder / "playbooks"), **proxy.environment)
    (here.data / "targets.yaml").write_text(yaml.safe_dump(inventory(platform, proxy)))
    try:
        here.up()
        yield here
    finally:
        here.down()


def state(platform: str, name: str) -> str:
    """How the platform itself has a model."""
    return str(httpx.get(f"{platform}/models/{name}", trust_env=False).json()["state"])


def opened(here: AtHome, playbook: str, **facts: Any) -> str:
    """An incident that somebody opens by hand."""
    asked = {"playbook": playbook, "facts": facts, "why": "tried"}
    return str(here.api("POST", "incidents", json=asked).json()["incident"])


def run(here: AtHome, *words: str) -> subprocess.CompletedProcess[str]:
    """A command beside the server; whatever it ends with."""
    program = [*PROGRAM, *words]
    return subprocess.run(program, env=here.environment, capture_output=True, text=True, check=False, timeout=600)


def delivered(here: AtHome, **more: Any) -> dict[str, Any]:
    """What the sender of one finding about `graded` is told."""
    body = {"id": "cf-1", "detector": "cloud-finder", "incident": "data_leakage_in_ai_models", "method": "canary"}
    answer = here.api("POST", "alerts/generic", json={**body, "endpoint": "graded", **more}).json()
    return dict(answer["alerts"][0])


def test_the_same_finding_now_worse_closes_what_it_did_not_close_before(here: AtHome, platform: str) -> None:
    """A condition for acting without asking is looked at again; the question that stood in its place is withdrawn."""
    incident = delivered(here, severity="medium")["incident"]
    here.until(lambda: "containment.suspend.approve" in here.tasks(incident))
    assert state(platform, "graded") == "running"
    assert delivered(here, severity="critical")["incident"] == incident
    here.until(lambda: state(platform, "graded") == "suspended")
    here.until(lambda: here.tasks(incident)["containment.suspend.approve"]["state"] != "open")
    assert here.tasks(incident)["containment.suspend.approve"]["state"] == "withdrawn"


def test_nobody_answers_and_somebody_else_is_asked_again_and_again(here: AtHome, platform: str) -> None:
    """To the next role, then to everybody, and the audit says what waits; nothing is closed before the answer."""
    incident = opened(here, "nobody-answers", endpoint="silent")
    here.until(lambda: len(reminders(here, incident)) >= 4)
    task = here.tasks(incident)["containment.suspend.approve"]
    assert {"commander", "dpo"} <= set(task["roles"])
    told = reminders(here, incident)
    assert {"commander", "dpo", "manager"} <= {role for one in told for role in one["body"]["to"]}
    assert state(platform, "silent") == "running"
    here.until(lambda: "M120" in run(here, "audit", "--once", "--format", "json").stdout)
    here.answer(incident, "containment.suspend.approve", "approve")
    here.until(lambda: state(platform, "silent") == "suspended")


def reminders(here: AtHome, incident: str) -> list[dict[str, Any]]:
    """The messages about the one question."""
    sent = [entry for entry in here.journal(incident) if entry["kind"] == "message.sent"]
    number = here.tasks(incident)["containment.suspend.approve"]["number"] if sent else 0
    return [entry for entry in sent if f"T{number}" in entry["body"]["subject"]]


def test_a_resume_that_failed_is_tried_again_beside_the_server(here: AtHome, platform: str) -> None:
    """Somebody else's mark refuses it, each time in words; once nobody's change is left, the same command opens it."""
    assert run(here, "suspend", "twice", "--why", "it leaks").returncode == 0
    found = httpx.get(f"{platform}/models/twice", trust_env=False).json()
    url = f"{platform}/models/twice"
    httpx.put(url, json={"state": "suspended", "mark": "somebody"}, trust_env=False)
    for number in (1, 2):
        said = run(here, "resume", "twice", "--why", f"try {number}")
        assert (said.returncode, "Traceback" in said.stderr) == (4, False), said
        assert "somebody else" in said.stdout + said.stderr
    httpx.put(url, json={**found, "version": found["version"] - 1}, trust_env=False)  # each change counts one more
    assert run(here, "resume", "twice", "--why", "all is as we left it").returncode == 0
    assert state(platform, "twice") == "running"


def test_a_list_is_closed_without_asking_up_to_its_limit(here: AtHome, platform: str) -> None:
    """Each of it at once; the one beyond the limit waits for a person, who is told why."""
    incident = opened(here, "list-with-a-limit", copies=["left", "right", "third"])
    here.until(lambda: [state(platform, name) for name in ("left", "right")] == ["suspended"] * 2)
    (asked,) = here.until(lambda: [t for name, t in here.tasks(incident).items() if "approve" in name])
    assert "allows 2" in json.dumps(asked)
    assert state(platform, "third") == "running"


def test_a_group_of_a_litellm_proxy_is_closed_and_drift_is_seen(here: AtHome, proxy: Any) -> None:
    """Its callers are refused and the other group's served; a deployment that somebody adds meanwhile is told."""
    incident = opened(here, "held-closely", endpoint="chat-large")
    closed = {"op": SUSPEND, "outcome": "done"}
    here.until(
        lambda: any(closed.items() <= one["body"].items() for one in entries(here, incident, "operation.finished"))
    )
    assert run(here, "verify", "chat-large").stdout.startswith("chat-large  refuses")
    assert run(here, "verify", "chat-small").stdout.startswith("chat-small  answers")
    assert not entries(here, incident, "hold.drifted")
    proxy.row.append({"model": "new", "info": {"id": "chat-large-9", "db_model": True, "blocked": False}})
    here.until(lambda: entries(here, incident, "hold.drifted"))


def entries(here: AtHome, incident: str, kind: str) -> list[dict[str, Any]]:
    """The entries of one kind."""
    return [entry for entry in here.journal(incident) if entry["kind"] == kind]
