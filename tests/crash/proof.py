"""One lane of the proof: a Firedoor, a Prefect server and a model server, and one incident after the other.

Decides how an incident is lived through while its process is killed, and what is counted of it
afterwards, from outside: the calls that reached the far end, and what the journal tells. People
answer as soon as the drive rests and no short wait is near, so that two lives can be compared.
Leaves where to kill, and what must be equal, to `matrix`.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import yaml
from tests.crash import plain_door
from tests.crash.life import known_of
from tests.crash.people import ENDED, People
from tests.crash.processes import FIREDOOR, Supervised, Supervisor, answers, free_port, keys
from tests.patience import GENEROUS, until

from firedoor.runtime.config import playbooks as library
from firedoor.runtime.execution.failpoints import REACHED, VARIABLE
from firedoor.testing.fresh import fresh_folder

FROM_OUTSIDE = ("waiting", "decided")  # the other boundaries are kept by the conductor itself
NEAR = timedelta(seconds=5)  # a wait that ends so soon is waited for
LOOK = 0.05
STRENGTH = "evidence_strength"  # follows from the alerts
SOONER = (("wait: 24h", "wait: 1s"), ("wait: 6d", "wait: 1s"))


@dataclass(frozen=True)
class Given:
    """One life to live: which playbook, through which doors, and where it is killed."""

    playbook: str
    boundary: str = ""
    points: tuple[str, ...] = ()
    plain: bool = True  # through doors that have no guard of their own


@dataclass
class Seen:
    """What one life of an incident left behind."""

    effects: Counter[str] = field(default_factory=Counter)  # calls that change something, by resource
    story: Counter[str] = field(default_factory=Counter)  # what the journal tells, however often it was interrupted
    operations: tuple[str, ...] = ()
    kills: int = 0
    answers: int = 0
    state: str = ""
    holds: bool = False
    seconds: float = 0.0


class Lane:
    """The processes of one lane."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.all = supervisor
        self.data = supervisor.folder / "data"
        fresh_folder(self.data)
        playbooks = supervisor.folder / "playbooks"
        shutil.copytree(library.folder(), playbooks)
        for file in playbooks.rglob("*.yaml"):
            text = file.read_text()
            for long, short in SOONER:
                text = text.replace(long, short)
            file.write_text(text)
        own = {"FIREDOOR_DATA_DIR": str(self.data), "FIREDOOR_PLAYBOOKS": str(playbooks)}
        supervisor.variables |= {**own, **keys(), "PYTHONPATH": plain_door.install(supervisor.folder / "installed")}

    def start(self) -> None:
        """Start everything, and have everybody join."""
        prefect = self.all.prefect()
        prefect.start()
        ready = self.all.folder / "model.json"
        self.all.add("model-server", "-m", "firedoor.demo.model_server", "--ready-file", str(ready)).start()
        until(ready.exists, otherwise="the model server does not start")
        self.model = str(json.loads(ready.read_text())["url"])
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.firedoor: Supervised = self.all.add("firedoor", *FIREDOOR, "up", "--port", str(port), address=self.url)
        until(lambda: answers(prefect.address, "/health"), prefect.process, "Prefect does not start", prefect.log)
        self._with_doors(plain=True)
        self.firedoor.start()
        self._ready()
        self.people = People(self.url)
        self.people.join(self._token())

    def live(self, given: Given) -> Seen:
        """One incident, from its opening to its end, killed at the points of one boundary."""
        began = time.monotonic()
        self._model("/admin/reset", "POST")
        self._with_doors(plain=given.plain)
        self.given, self.left, self.seen = given, list(given.points), Seen()
        self.people.drill = library.load_playbook(given.playbook).header.drills[0]
        self._again()
        until(self._with_prefect, otherwise="Firedoor does not find Prefect")
        incident = self._open(given.playbook)
        self._to_the_end(incident)
        self._measure(incident)
        self.seen.seconds = time.monotonic() - began
        return self.seen

    def _to_the_end(self, incident: str) -> None:
        end = time.monotonic() + GENEROUS
        while time.monotonic() < end:
            try:
                page = self.people.get(f"/api/v1/incidents/{incident}")
                self.seen.state = page["state"]
                rests = self._rests(incident, page["head"]["seq"])
                if rests and page["state"] in ENDED:
                    return
                if rests:
                    self._somebody_answers(incident, page["tasks"])
            except httpx.TransportError:
                self._if_killed()
            time.sleep(LOOK)
        self.seen.state += f", waits for {', '.join(task['id'] for task in page['tasks'])}"

    def _rests(self, incident: str, head: int) -> bool:
        """Whether its driver stopped at this entry, and no short wait is about to end: read from the database."""
        address = f"file:{self.data / 'firedoor.db'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as database:
            rows = database.execute("SELECT owner, slept_seq, wake_at FROM drive WHERE incident = ?", (incident,))
            owner, slept, wake_at = rows.fetchone()
        near = wake_at is not None and datetime.fromisoformat(wake_at) - datetime.now(UTC) < NEAR
        return not owner and slept >= head and not near

    def _somebody_answers(self, incident: str, tasks: list[dict[str, Any]]) -> None:
        """Answer one task, those about an authority last; perhaps the process is killed before, or after."""
        tasks.sort(key=lambda task: (task["kind"] == "submit", task["number"]))
        due = next((point for point in self.left if int(point) <= self.seen.answers), None) if self._outside else None
        if due and self.given.boundary == "waiting":
            self._kill(due)
        elif any(self.people.answer(incident, task) for task in tasks):
            self.seen.answers += 1
            if due:
                self._kill(due)

    @property
    def _outside(self) -> bool:
        return self.given.boundary in FROM_OUTSIDE

    def _kill(self, point: str) -> None:
        self.left.remove(point)
        self.seen.kills += 1
        self.firedoor.kill()
        self._again()

    def _if_killed(self) -> None:
        """The process killed itself at a point: note it, and start it again without that point."""
        until(lambda: not self.firedoor.running, otherwise="the server neither answers nor has ended")
        reached = self.firedoor.words().rpartition(REACHED)[2].strip()
        if reached not in self.left:
            raise AssertionError(f"Firedoor ended by itself:\n{self.firedoor.words()[-3000:]}")
        self.left.remove(reached)
        self.seen.kills += 1
        self._again()

    def _again(self) -> None:
        self.firedoor.kill()
        points = "" if self._outside else "\n".join(self.left)
        self.firedoor.start(**{VARIABLE: points})
        self._ready()

    def _ready(self) -> None:
        """Wait until it answers, or was killed at a point before it could."""
        until(lambda: answers(self.url, "/healthz") or not self.firedoor.running, otherwise="Firedoor does not start")

    def _with_prefect(self) -> bool:
        return bool(httpx.get(f"{self.url}/readyz", trust_env=False).json()["parts"]["prefect"] == "ready")

    def _with_doors(self, *, plain: bool) -> None:
        written = plain_door.inventory(self.model, plain=plain)
        (self.data / "targets.yaml").write_text(yaml.safe_dump(written, sort_keys=False))

    def _open(self, playbook: str) -> str:
        """Open the drill's incident; when the connection breaks, whoever asked looks before asking again."""
        known, (path, given) = {one["id"] for one in self._incidents()}, self._opening(playbook)
        while True:
            try:
                answer = self._api("POST", path, given)
                return str(answer.get("incident") or answer["alerts"][0]["incident"])
            except httpx.TransportError:
                self._if_killed()
                if new := [one["id"] for one in self._incidents() if one["id"] not in known]:
                    return str(new[0])

    def _opening(self, playbook: str) -> tuple[str, dict[str, Any]]:
        """What opens it: a planted record as an alert, for nobody may say that evidence is strong; else a person."""
        drill, plan = self.people.drill, library.compiled(playbook)
        assert drill is not None
        severity, facts = known_of(drill, plan)
        if facts.get(STRENGTH) == "strong":
            alert = {"id": secrets.token_hex(8), "detector": "proof", "method": "canary", "incident": plan.incident}
            return "/api/v1/alerts/generic", {**alert, "severity": str(severity), "endpoint": facts["endpoint"]}
        typed = {**facts, **({"severity": str(severity)} if severity else {})}
        typed.pop(STRENGTH, None)
        body = {"playbook": playbook, "facts": typed, "why": "proof"}
        return "/api/v1/incidents", dict(json.loads(json.dumps(body, default=str)))

    def _incidents(self) -> list[dict[str, Any]]:
        while True:
            try:
                return list(self._api("GET", "/api/v1/incidents")["incidents"])
            except httpx.TransportError:
                self._if_killed()

    def _api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self._token()}"}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, trust_env=False, timeout=20)
        assert answer.is_success, answer.text
        return answer.json()

    def _token(self) -> str:
        return str(json.loads((self.data / "server.json").read_text())["token"])

    def _measure(self, incident: str) -> None:
        for resource, counts in self._model("/admin/calls")["counts"].items():
            if counts["PUT"]:
                self.seen.effects[resource] = counts["PUT"]
        journal = self.people.get(f"/api/v1/incidents/{incident}/journal")
        started = [str(entry["body"]["op"]) for entry in journal if entry["kind"] == "operation.started"]
        self.seen.operations = tuple(dict.fromkeys(started))
        self.seen.story = Counter(filter(None, map(_line, journal)))
        self.seen.holds = bool(self.people.get(f"/api/v1/incidents/{incident}/verify")["holds"])

    def _model(self, path: str, method: str = "GET") -> Any:
        headers = {"authorization": f"Bearer {self.all.variables['FIREDOOR_DEMO_ADMIN_KEY']}"}
        return httpx.request(method, self.model + path, headers=headers, trust_env=False).raise_for_status().json()


def _line(entry: dict[str, Any]) -> str:
    """What must be the same however often it was interrupted: everything but attempts and messages."""
    kind, body = str(entry["kind"]), entry["body"]
    names = {
        "operation.finished": ("op", "outcome"), "operation.failed": ("op",), "task.opened": ("task",),
        "task.answered": ("task", "choice", "by"), "evidence.kept": ("name",), "incident.state": ("state",),
        "reminder.fired": ("about", "point"),
    }  # fmt: skip
    if kind.startswith("clock."):
        return f"{kind} {body.get('id')}"
    if kind == "message.sent":
        return f"{kind} {str(body['subject']).partition(': ')[2]}"  # without the number of the incident
    return " ".join([kind, *(str(body.get(name)) for name in names[kind])]) if kind in names else ""
