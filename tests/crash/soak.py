"""`make test-crash`, its second part: four processes on one PostgreSQL, any of them killed every few seconds.

Two `firedoor serve` and two `firedoor worker` share a database, a vault and one Prefect
server. A hundred alerts come in while a random process is killed with SIGKILL and started
again, for `--seconds`. In the end every incident is closed, every change reached the far end
once, every reminder fired once. Then the Prefect server is killed for twenty seconds in the
middle of an alert storm: no alert may be refused, no clock be late, and every run is shown
afterwards. Exits 1 when anything of it is not so. Needs PostgreSQL's programs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.benchmarks.alert_to_suspend import alert_body, inventory
from tests.crash.processes import FIREDOOR, Supervised, Supervisor, answers, free_port, until
from tests.runtime.databases import Cluster

from firedoor.core.journal import Entry, Kind
from firedoor.store.journal import Store
from firedoor.store.tables import DriveRow, IncidentRow

INCIDENTS, STORM = 100, 40
EVERY = 3.0  # seconds between two kills
ASLEEP = 20  # seconds until a task goes to somebody else; half of it until the reminder
LATE = 5  # seconds that a reminder may be late while Prefect is away
AWAY = 20.0  # seconds without a Prefect server
SHOWN = 180.0  # seconds for Prefect to catch up, once everything has ended
DRAIN = 180.0  # seconds for everything to end after the last kill

PLAYBOOK = f"""
playbook: soak
version: 1.0.0
title: A soak
incident: data_leakage_in_ai_models
start:
  - source: alertmanager
    when: alert.incident_type == "data_leakage_in_ai_models"
    facts: {{endpoint: "{{{{ alert.model }}}}"}}
facts:
  endpoint: {{type: target, ask: "Which?"}}
  severity: {{type: severity, ask: "How bad?"}}
roles: [commander, dpo]
phases:
  identification: []
  containment:
    - suspend: "{{{{ facts.endpoint }}}}"
      automatic: always
    - preserve: [part_1, part_2, part_3]
      of: "{{{{ facts.endpoint }}}}"
    - task: "A person is asked"
      by: commander
      escalate_to: dpo
      within: {ASLEEP}s
  remediation: []
  post_incident: []
"""


class Soak:
    """The processes, and what came of them."""

    def __init__(self, supervisor: Supervisor, cluster: Cluster) -> None:
        self.all = supervisor
        self.database = cluster.new_database()
        self.prefect_database = cluster.new_database().replace("+psycopg", "+asyncpg")
        self.accepted: dict[str, str] = {}  # incident by model
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.stopped = threading.Event()
        data, playbooks = supervisor.folder / "data", supervisor.folder / "playbooks"
        data.mkdir()
        playbooks.mkdir()
        (playbooks / "soak.yaml").write_text(PLAYBOOK)
        self.data = data
        supervisor.variables |= {
            "FIREDOOR_DATA_DIR": str(data),
            "FIREDOOR_PLAYBOOKS": str(playbooks),
            "FIREDOOR_DATABASE_URL": self.database,
        }

    def start(self) -> None:
        """Start the far end, Prefect, two servers and two workers, one after the other."""
        sink = self.all.add("sink", "-m", "tests.benchmarks.sink")
        sink.start()
        port = until(lambda: sink.words().strip(), "the far end does not start")
        self.sink = f"http://127.0.0.1:{port}"
        (self.data / "targets.yaml").write_text(yaml.safe_dump(inventory(self.sink)))
        self.prefect = self.all.prefect(self.prefect_database)
        self.prefect.start()
        until(lambda: answers(self.prefect.address, "/health"), "Prefect does not start")
        self.servers = [self._server(number) for number in (1, 2)]
        self.workers = [self.all.add(f"worker-{number}", *FIREDOOR, "worker") for number in (1, 2)]
        for worker in self.workers:
            worker.start()
        for process in (*self.servers, *self.workers):
            self._with_prefect(process)

    def _server(self, number: int) -> Supervised:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        server = self.all.add(f"serve-{number}", *FIREDOOR, "serve", "--port", str(port), address=url)
        server.start()
        until(lambda: answers(url, "/readyz"), f"{server.name} does not start: {server.words()[-1000:]}")
        if number == 1:
            local = yaml.safe_load((self.data / "server.json").read_text())["token"]
            self.tokens = {role: self._new_token(url, local, role) for role in ("commander", "dpo", "source")}
        return server

    @staticmethod
    def _with_prefect(process: Supervised) -> None:
        until(lambda: "Prefect" in process.words(), f"{process.name} does not start")

    @staticmethod
    def _new_token(url: str, local: str, role: str) -> str:
        given = {"name": f"a {role}", "roles": [role]}
        answer = httpx.post(f"{url}/api/v1/tokens", json=given, headers=_bearer(local), trust_env=False)
        return str(answer.raise_for_status().json()["token"])

    def kill_until(self, end: float, chance: random.Random) -> None:
        """Kill one of the four every few seconds; each starts again a moment later."""
        while time.monotonic() < end:
            time.sleep(EVERY * chance.uniform(0.6, 1.4))
            process = chance.choice([*self.servers, *self.workers])
            process.kill()
            time.sleep(chance.uniform(0.1, 1.0))
            process.start()

    def send(self, models: Iterable[str], pause: float) -> None:
        """Send an alert for each model; a connection that breaks is tried again, as a detector does."""
        for number, model in enumerate(models):
            began = time.monotonic()
            tries = number
            while model not in self.accepted and not self.stopped.is_set():
                self._send(model, self.servers[tries % 2])
                tries += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(max(0.0, pause - (time.monotonic() - began)))

    def _send(self, model: str, server: Supervised) -> None:
        try:
            url = f"{server.address}/api/v1/alerts/alertmanager"
            bearer = _bearer(self.tokens["source"])
            answer = httpx.post(url, json=alert_body(model), headers=bearer, trust_env=False, timeout=15)
        except httpx.TransportError:
            time.sleep(0.2)
            return
        self.statuses[answer.status_code] += 1
        if answer.status_code == httpx.codes.ACCEPTED and answer.json()["alerts"][0]["incident"]:
            self.accepted[model] = answer.json()["alerts"][0]["incident"]
        else:
            time.sleep(0.2)

    def answer_forever(self) -> None:
        """Answer every task a little after it was escalated, at whichever server listens."""
        while not self.stopped.is_set():
            for server in self.servers:
                try:
                    self._answer(server.address)
                except (httpx.TransportError, httpx.HTTPStatusError):
                    continue
            time.sleep(0.5)

    def _answer(self, url: str) -> None:
        bearer = _bearer(self.tokens["dpo"])
        with httpx.Client(base_url=url, headers=bearer, trust_env=False, timeout=10) as client:
            listed = client.get("/api/v1/tasks", params={"limit": 1000}).raise_for_status().json()["tasks"]
            waited = (datetime.now(UTC) - timedelta(seconds=3)).isoformat()
            for task in (one for one in listed if one["due_at"] < waited and not self.stopped.is_set()):
                given = {"choice": "done", "why": "soaked"}
                client.post(f"/api/v1/incidents/{task['incident']}/tasks/{task['number']}/answer", json=given)

    def drain(self) -> list[str]:
        """Wait until nothing is open. Returns what still is."""
        store = Store(self.database)
        try:
            end = time.monotonic() + DRAIN
            while open_ := [row for row in store.rows(IncidentRow) if row["closed_at"] is None]:
                if time.monotonic() > end:
                    break
                time.sleep(1)
            return [f"{row['id']} is {row['state']}" for row in open_]
        finally:
            store.close()

    def journals(self) -> dict[str, tuple[str, tuple[Entry, ...]]]:
        """Every incident's flow run and entries."""
        store = Store(self.database)
        try:
            runs = {row["incident"]: row["flow_run_id"] or "" for row in store.rows(DriveRow, limit=None)}
            self.faults = [f"{name}: {fault}" for name, _, fault in store.verify() if fault]
            return {name: (run, tuple(store.entries(name))) for name, run in runs.items()}
        finally:
            store.close()

    def runs(self, names: list[str]) -> Counter[str]:
        """The states of the flow runs of these incidents, as Prefect tells them."""
        found: Counter[str] = Counter()
        for first in range(0, len(names), 100):
            query = {"flow_runs": {"name": {"any_": names[first : first + 100]}}, "limit": 200}
            answer = httpx.post(f"{self.prefect.address}/flow_runs/filter", json=query, trust_env=False, timeout=20)
            found.update(str(run["state_name"]) for run in answer.raise_for_status().json())
        return found


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def twice(entries: Iterable[Entry]) -> list[str]:
    """What stands in a journal more than once and must not."""
    names = {
        Kind.FINISHED: "op", Kind.TASK_OPENED: "task", Kind.TASK_ANSWERED: "task", Kind.TASK_ESCALATED: "task",
        Kind.EVIDENCE: "name",
    }  # fmt: skip
    seen: Counter[str] = Counter()
    for entry in entries:
        if entry.kind in names:
            seen[f"{entry.kind} {entry.body[names[entry.kind]]}"] += 1
        elif entry.kind == Kind.REMINDED:
            seen[f"{entry.kind} {entry.body['about']} {entry.body['point']}"] += 1
    return [f"{what} {times} times" for what, times in seen.items() if times > 1]


def reminders(entries: Iterable[Entry]) -> list[float]:
    """How many seconds after its instant each reminder fired."""
    fired = [entry for entry in entries if entry.kind == Kind.REMINDED]
    return [(_at(str(entry.at)) - _at(entry.body["due_at"])).total_seconds() for entry in fired]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def judge(soak: Soak, models: list[str], late: float | None) -> tuple[dict[str, Any], list[str]]:
    """The figures of these models' incidents, and what is wrong."""
    wrong = [f"still open: {what}" for what in soak.drain()]
    journals = soak.journals()
    mine = {soak.accepted[model]: journals[soak.accepted[model]][1] for model in models if model in soak.accepted}
    calls = Counter(path for method, path, _ in SINK_LOG if method == "PUT")
    changes = {model: calls[f"/models/{model}"] for model in models}
    delays = [delay for entries in mine.values() for delay in reminders(entries)]
    wrong += soak.faults + [f"{name}: {fault}" for name, entries in mine.items() for fault in twice(entries)]
    wrong += [f"{model}: {times} changes at the far end" for model, times in changes.items() if times != 1]
    wrong += [] if len(mine) == len(models) else [f"{len(mine)} incidents for {len(models)} alerts"]
    wrong += [] if len(delays) == 2 * len(models) else [f"{len(delays)} reminders, not {2 * len(models)}"]
    wrong += [f"a reminder {max(delays):.1f} s late"] if late is not None and max(delays) > late else []
    closed = sum(any(map(_closed, entries)) for entries in mine.values())
    figures = {
        "alerts": len(models),
        "incidents": len(mine),
        "closed": closed,
        "changes at the far end": sum(changes.values()),
        "reminders": len(delays),
        "latest reminder": f"{max(delays, default=0):.1f} s",
        "answers to alerts": dict(soak.statuses),
        "slowest alert": f"{soak.slowest:.1f} s",
    }
    return figures, wrong


def _closed(entry: Entry) -> bool:
    return entry.kind == Kind.STATE and entry.body["state"] == "closed"


SINK_LOG: list[tuple[str, str, int]] = []  # what the far end has been asked, so far


def read_sink(soak: Soak) -> None:
    """Take over what the far end has noted since the last time."""
    SINK_LOG.extend(map(tuple, httpx.get(f"{soak.sink}/log", trust_env=False, timeout=20).json()))


def shown(soak: Soak, models: list[str], patience: float) -> tuple[Counter[str], list[str]]:
    """The states of the runs, once all of them are completed or patience has ended."""
    names, end = [soak.accepted[model] for model in models], time.monotonic() + patience
    while (found := soak.runs(names)) != {"Completed": len(names)} and time.monotonic() < end:
        time.sleep(2)
    return found, [] if found.total() == len(names) else [f"{found.total()} of {len(names)} runs are shown"]


def killed(soak: Soak, seconds: float, seed: int) -> list[str]:
    """A hundred incidents while processes are killed."""
    models = [f"m{number}" for number in range(INCIDENTS)]
    sender = threading.Thread(target=soak.send, args=(models, 0.25), daemon=True)
    sender.start()
    chance = random.Random(seed)  # noqa: S311 - chaos, not a secret
    soak.kill_until(time.monotonic() + seconds, chance)
    sender.join(60)
    soak.drain()
    read_sink(soak)
    figures, wrong = judge(soak, models, None)
    kills = {process.name: process.kills for process in (*soak.servers, *soak.workers)}
    runs, hidden = shown(soak, models, SHOWN)
    title = f"killed for {seconds:.0f} s, seed {seed}"
    _say(title, {"kills": kills, **figures, "runs": dict(runs)}, wrong + hidden)
    return wrong + hidden


def without_prefect(soak: Soak) -> list[str]:
    """An alert storm in which the Prefect server is gone."""
    models = [f"m{number}" for number in range(INCIDENTS, INCIDENTS + STORM)]
    soak.statuses.clear()
    soak.slowest = 0.0
    soak.prefect.kill()
    began = time.monotonic()
    soak.send(models, AWAY / STORM)
    time.sleep(max(0.0, AWAY - (time.monotonic() - began)))
    soak.prefect.start()
    soak.drain()
    read_sink(soak)
    figures, wrong = judge(soak, models, LATE)
    wrong += [] if set(soak.statuses) == {202} else [f"answers to alerts: {dict(soak.statuses)}"]
    runs, hidden = shown(soak, models, SHOWN)
    _say(f"Prefect away for {AWAY:.0f} s", {**figures, "runs": dict(runs)}, wrong + hidden)
    return wrong + hidden


def _say(what: str, figures: dict[str, Any], wrong: list[str]) -> None:
    lines = [what, *(f"   {name}: {value}" for name, value in figures.items()), *(f"   WRONG: {one}" for one in wrong)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Soak; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60, help="for how long processes are killed")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="which processes are killed when")
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    options = parser.parse_args()
    folder, cluster = Path(tempfile.mkdtemp(prefix="firedoor-soak-")), Cluster()
    supervisor = Supervisor(folder)
    soak = Soak(supervisor, cluster)
    try:
        soak.start()
        threading.Thread(target=soak.answer_forever, daemon=True).start()
        wrong = killed(soak, options.seconds, options.seed) + without_prefect(soak)
    finally:
        soak.stopped.set()
        supervisor.close()
        cluster.stop()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
