"""The private Prefect as a neighbour on the machine, a foreign web page, and somebody with its secret find it.

On release 0.1 every one of these got through: a neighbour's pull steps ran as the server's user, `Path_...` opened an
incident by a file of the neighbour's, `evidence_strength: strong` closed a model, and restricted incidents were read.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.attacks.neighbour import Asked, as_nobody, may_change_uid, statuses
from tests.conftest import require
from tests.patience import until
from tests.support.prefect_home import prefect_home
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from firedoor.demo.stage import Stage
from firedoor.runtime.execution.performer import RESTRICTED

pytestmark = pytest.mark.slow

LEAK, INTIMATE = "model-data-leakage", "nonconsensual-generation"
STRONG = {"endpoint": "chat-large", "severity": "critical", "evidence_strength": "strong"}
TYPED = "It quotes letters"  # the title in Prefect's form


class Attacked(Stage):
    """`firedoor up` with its private Prefect beside a real model server, and what a forbidden act would leave."""

    def __init__(self, marks: Path) -> None:
        super().__init__()
        self.marks = marks

    def begin(self) -> None:
        """Start everything, and wait for Prefect."""
        self.set_up()
        prefect_home(self.data)
        self.start_firedoor()
        until(lambda: "ready     Prefect" in self.words_of("firedoor"), otherwise=lambda: self.words_of("firedoor"))
        headers = {"authorization": f"Bearer {self.server['token']}"}
        self.api = httpx.Client(base_url=self.server["url"], headers=headers, trust_env=False, timeout=30)
        self.port = int(self.prefect_url().rpartition(":")[2])
        secret = self.prefect_password().encode()
        self.right = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}

    def prefect(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask Prefect with its secret, as the colleague of a team's own server can."""
        (answer,) = as_nobody(self.port, (method, f"/api{path}", body, {**self.right, **headers}))
        assert answer[0] in (200, 201, 204), answer
        return answer[1]

    def run_of(self, deployment: str, how: Mapping[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
        """Start a run and return it once Prefect has done with it or it waits."""
        wanted = {"parameters": parameters, **(how or {})}
        run = self.prefect("POST", f"/deployments/{deployment}/create_flow_run", wanted)

        return dict(until(lambda: self._at_rest(run["id"]), otherwise=lambda: str(run)))

    def _at_rest(self, run: str) -> dict[str, Any] | None:
        found = self.prefect("GET", f"/flow_runs/{run}")
        at_rest = found["state_type"] in ("CANCELLED", "FAILED", "PAUSED", "COMPLETED", "CRASHED")
        return dict(found) if at_rest else None

    def incidents(self) -> list[str]:
        """The titles of all incidents."""
        return [one["title"] for one in self.api.get("/api/v1/incidents").json()["incidents"]]

    def suspensions(self) -> list[Any]:
        """The changes that the model server wrote down."""
        bearer = {"authorization": f"Bearer {self.admin_key}"}
        calls = httpx.get(f"{self.model['url']}/admin/calls", headers=bearer, trust_env=False).json()
        return [call for found in calls.values() for call in found if "suspend" in json.dumps(call)]

    def foreign(self, name: str, entrypoint: str, **more: Any) -> str:
        """Make a deployment in our pool, with the secret."""
        flow = self.prefect("POST", "/flows/", {"name": name})
        wanted = {"name": name, "flow_id": flow["id"], "entrypoint": entrypoint, "work_pool_name": "firedoor", **more}
        return str(self.prefect("POST", "/deployments/", wanted)["id"])

    def pull_steps(self) -> list[Any]:
        """Steps that leave a mark where they are run."""
        script = f"touch {self.marks}/executed"
        return [{"prefect.deployments.steps.run_shell_script": {"script": script}}]


@pytest.fixture(name="attacked", scope="module")
def _attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    require("the right to become another user", present=may_change_uid())
    stage = Attacked(tmp_path_factory.mktemp("marks"))
    try:
        stage.begin()
        yield stage
    finally:
        assert stage.close() == []


def test_a_neighbour_without_the_secret_reads_and_starts_nothing(attacked: Attacked) -> None:
    """Another account of this machine: no deployment, no run, no name of an incident; the secret is not to be read."""
    deployment = attacked.prefect("GET", f"/deployments/name/{LEAK}/{LEAK}")["id"]
    asked: list[Asked] = [
        ("POST", "/api/flows/", {"name": "y"}, {}),
        ("POST", "/api/deployments/", {"name": "z", "flow_id": "0" * 32, "pull_steps": attacked.pull_steps()}, {}),
        ("POST", f"/api/deployments/{deployment}/create_flow_run", {"parameters": {"facts": STRONG}}, {}),
        ("POST", "/api/flow_runs/filter", {}, {}),
        ("POST", "/api/task_runs/filter", {}, {"Authorization": "Basic Zmlyb2Rvb3I6Z3Vlc3NlZA=="}),
        ("GET", "/api/admin/settings", None, {}),
    ]
    assert statuses(as_nobody(attacked.port, *asked)) == [401] * len(asked)
    assert (attacked.data / "prefect" / "password").stat().st_mode & 0o077 == 0


def listened(address: str) -> None:
    """Say a guessed secret, and listen as long as one is let."""
    with connect(address, subprotocols=[Subprotocol("prefect")]) as line:
        line.send(json.dumps({"type": "auth", "token": "guessed"}))
        assert json.loads(line.recv(timeout=30))["type"] != "auth_success"
        line.send(json.dumps({"type": "filter", "filter": {}}))
        line.recv(timeout=30)


@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled"])
def test_no_line_of_events_opens_without_the_secret(attacked: Attacked, path: str) -> None:
    """WebSockets have a way of their own to say who one is: refused at the door, or closed at the first word."""
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        listened(f"ws://127.0.0.1:{attacked.port}/api/{path}")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:4200"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_a_foreign_page_is_refused_even_with_the_secret(
    attacked: Attacked, headers: dict[str, str], status: int
) -> None:
    """A name that was rebound to this machine, another site, another server of this machine."""
    asked = ("POST", "/api/flows/", {"name": "rebound"}, {**attacked.right, **headers})
    assert statuses(as_nobody(attacked.port, asked)) == [status]


def test_firedoors_own_server_goes_by_no_foreign_name(attacked: Attacked) -> None:
    """Not for what is open to everybody, and not for writing; its own names are let in."""
    port = int(attacked.server["url"].rpartition(":")[2])
    asked: list[Asked] = [
        ("GET", "/metrics", None, {"Host": "evil.example"}),
        ("POST", "/api/v1/alerts/generic", {}, {"Host": f"evil.example:{port}"}),
        ("POST", "/api/v1/alerts/generic", {}, {"Origin": "http://evil.example"}),
        ("GET", "/healthz", None, {"Host": f"localhost:{port}"}),
    ]
    assert statuses(as_nobody(port, *asked)) == [421, 421, 403, 200]


@pytest.mark.parametrize("kind", ["pull steps", "a path", "our own entrypoint", "no deployment's flow"])
def test_a_foreign_deployment_in_our_pool_is_never_driven(attacked: Attacked, kind: str) -> None:
    """With the right secret, as on a team's own server: it is ended, with the reason, and nothing of it was loaded."""
    path = attacked.marks / "theirs.yaml"
    path.write_text((attacked.folder / "playbooks" / f"{LEAK}.yaml").read_text().replace(LEAK, "theirs"))
    encoded = base64.b32encode(str(path).encode()).decode().rstrip("=").lower()
    entrypoint, more = {
        "pull steps": ("firedoor.flows.respond.respond", {"pull_steps": attacked.pull_steps()}),
        "a path": (f"firedoor.flows.respond.Path_{encoded}", {}),
        "our own entrypoint": ("firedoor.flows.respond.model_data_leakage", {}),
        "no deployment's flow": ("nowhere.at_all", {"path": str(attacked.marks)}),
    }[kind]
    run = attacked.run_of(attacked.foreign(f"foreign {kind}", entrypoint, **more), title=f"by {kind}")
    assert (
        run["state_type"],
        "did not make" in run["state"]["message"] or "Not driven" in run["state"]["message"],
    ) == (
        "CANCELLED",
        True,
    )
    assert not (attacked.marks / "executed").exists()
    assert f"by {kind}" not in attacked.incidents()


def test_our_deployment_is_not_driven_once_somebody_changed_it(attacked: Attacked) -> None:
    """Pull steps that were put into a deployment of ours are not run either, and its runs end with the reason."""
    deployment = attacked.prefect("GET", "/deployments/name/unauthorized-training/unauthorized-training")["id"]
    attacked.prefect("PATCH", f"/deployments/{deployment}", {"pull_steps": attacked.pull_steps()})
    run = attacked.run_of(deployment, title="by a changed deployment")
    assert run["state_type"] == "CANCELLED"
    assert not (attacked.marks / "executed").exists()
    assert "by a changed deployment" not in attacked.incidents()


def test_a_run_of_our_own_deployment_opens_nothing_by_itself(attacked: Attacked) -> None:
    """Strong evidence is refused; without that claim a responder is asked, and the same run conducts what they open."""
    deployment = attacked.prefect("GET", f"/deployments/name/{LEAK}/{LEAK}")["id"]
    start = (
        "POST",
        f"/api/deployments/{deployment}/create_flow_run",
        {"parameters": {"facts": STRONG}},
        attacked.right,
    )
    assert statuses(as_nobody(attacked.port, start)) == [409]
    forced = attacked.run_of(deployment, {"enforce_parameter_schema": False}, facts=STRONG)
    assert (forced["state_type"], attacked.suspensions()) == ("FAILED", [])
    run = attacked.run_of(
        deployment, facts={"endpoint": "chat-large", "severity": "critical"}, title="It quotes letters"
    )
    assert (run["state_name"], "asked in Firedoor" in run["name"]) == ("Waiting", True)
    assert (TYPED in attacked.incidents(), attacked.suspensions()) == (False, [])
    (alert,) = [one for one in attacked.api.get("/api/v1/alerts").json()["alerts"] if one["title"] == TYPED]
    assert (alert["decision"], alert["source"]) == ("ask", "prefect.run")
    given = {"playbook": LEAK, "why": "it is real"}
    incident = attacked.api.post(f"/api/v1/alerts/{alert['id']}/start", json=given).json()["incident"]
    until(lambda: attacked.prefect("GET", f"/flow_runs/{run['id']}")["name"] == incident, otherwise=lambda: incident)
    lines = attacked.api.get(f"/api/v1/incidents/{incident}/journal").text.splitlines()
    actors = {entry["kind"]: entry["actor"] for entry in map(json.loads, lines)}
    assert actors["incident.opened"].startswith("person:")
    assert actors["alert.attached"] == actors["facts.set"] == "system:prefect"
    assert not any(entry["actor"] == "person:prefect" for entry in map(json.loads, lines))
    assert attacked.suspensions() == []


def test_a_run_conducts_no_incident_of_another_plan(attacked: Attacked) -> None:
    """Whoever names an incident in a run of another playbook is refused; the incident is not touched."""
    opened = attacked.api.post("/api/v1/incidents", json={"playbook": INTIMATE, "facts": {}, "why": "a test"}).json()
    deployment = attacked.prefect("GET", f"/deployments/name/{LEAK}/{LEAK}")["id"]
    run = attacked.run_of(deployment, incident=opened["incident"])
    assert (run["state_type"], run["name"] == opened["incident"]) == ("FAILED", False)


def test_a_restricted_incident_has_no_telling_name_in_prefect(attacked: Attacked) -> None:
    """Flow, run and operations of an incident that only some need to know about say its number and nothing else."""
    body = {"playbook": INTIMATE, "facts": {}, "title": "A secret title", "why": "a test"}
    incident = attacked.api.post("/api/v1/incidents", json=body).json()["incident"]
    named = {"flow_runs": {"name": {"any_": [incident]}}}
    run = until(lambda: attacked.prefect("POST", "/flow_runs/filter", named), otherwise=lambda: incident)[0]
    flow = attacked.prefect("GET", f"/flows/{run['flow_id']}")
    own = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    tasks = until(lambda: attacked.prefect("POST", "/task_runs/filter", own), otherwise=lambda: incident)
    assert flow["name"] == RESTRICTED
    # Prefect names a task run after its task, `Operation 1-fca`, until it has its own name.
    assert all(re.search(r"(^| · )Operation \d", task["name"]) for task in tasks), [task["name"] for task in tasks]
    shown = json.dumps([run, tasks, attacked.prefect("POST", "/artifacts/filter", own)]).lower()
    assert [word for word in ("secret title", "nonconsensual", "minor", "locator", "suspend ") if word in shown] == []


def test_doctor_says_that_it_is_protected_and_whose_deployments_are_there(attacked: Attacked) -> None:
    """The private server asks who is there, and a deployment that Firedoor did not make is named."""
    attacked.foreign("not of this house", "firedoor.flows.respond.respond")
    looks = json.loads(attacked.command("doctor", "--format", "json").stdout)["looks"]
    said = [(look["state"], look["found"]) for look in looks if look["what"] == "prefect"]
    assert ("well", "its server asks for a password") in said
    assert any(state == "wrong" and "not of this house" in found for state, found in said), said
    assert not any(f'"{LEAK}"' in found or RESTRICTED in found for _, found in said), said


def test_only_this_user_is_told_the_password(attacked: Attacked) -> None:
    """The command prints it and nothing else; it stands on no command line, in no log, and in nobody's answer."""
    secret = attacked.prefect_password()
    assert attacked.command("prefect", "--password").stdout.strip() == secret
    assert secret not in attacked.command("prefect").stdout
    lines = [line.read_bytes() for line in Path("/proc").glob("[0-9]*/cmdline") if line.exists()]
    logs = [file.read_bytes() for file in attacked.folder.rglob("*.log")]
    assert [where for where in (*lines, *logs) if secret.encode() in where] == []
