"""`make test-crash`, its second part: four processes on one PostgreSQL, any of them killed every few seconds.

Two `firedoor serve` and two `firedoor worker` share a database, a vault and one Prefect
server. A hundred alerts come in over `--seconds`, while a random process is killed with
SIGKILL every few seconds and started again. Then the Prefect server is killed for `--away`
seconds, and a storm of `--storm` alerts comes meanwhile. Both times every incident must be
closed, every change have reached the far end once, every reminder have fired once and in
time, and afterwards Prefect must show one completed run for each incident, with every
operation in it. Prints a table; exits 1 when anything of it is not so, and says what. Needs
PostgreSQL's programs.
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
from tests.benchmarks.alert_to_suspend import NAMES, alert_body, inventory
from tests.crash.processes import FIREDOOR, Supervised, Supervisor, answers, free_port, table
from tests.patience import until
from tests.support.databases import Cluster

from firedoor.core.journal import Entry, Kind
from firedoor.store.database.tables import DriveRow, IncidentRow
from firedoor.store.incidents.journal import Store

INCIDENTS = 100
EVERY = 4.0  # seconds between two kills
ASLEEP = 20  # seconds until a task goes to somebody else; half of it until the reminder
LATE = 5.0  # seconds that a reminder may be late, whoever is killed
SHOWN = 180.0  # seconds until Prefect shows everything, once everything has ended
DRAIN = 240.0  # seconds for everything to end after the last kill
SERVERS, WORKERS = 2, 2

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
            "FIREDOOR_AUTOMATIC_EVIDENCE": "any",  # one alert is enough here, and so are hundreds in an hour
            "FIREDOOR_AUTOMATIC_SUSPENSIONS_PER_HOUR": "10000",
        }

    def start(self) -> None:
        """Start the far end, Prefect, two servers and two workers, one after the other."""
        sink = self.all.add("sink", "-m", "tests.benchmarks.sink")
        sink.start()
        port = until(lambda: sink.words().strip(), otherwise="the far end does not start")
        self.sink = f"http://127.0.0.1:{port}"
        (self.data / "targets.yaml").write_text(yaml.safe_dump(inventory(self.sink)))
        self.prefect = self.all.prefect(self.prefect_database)
        self.prefect.start()
        until(lambda: answers(self.prefect.address, "/health"), otherwise="Prefect does not start")
        self.servers = [self._server(number) for number in range(1, SERVERS + 1)]
        self.workers = [self.all.add(f"worker-{number}", *FIREDOOR, "worker") for number in range(1, WORKERS + 1)]
        for worker in self.workers:
            worker.start()
        for process in (*self.servers, *self.workers):
            self._with_prefect(process)

    def _server(self, number: int) -> Supervised:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        server = self.all.add(f"serve-{number}", *FIREDOOR, "serve", "--port", str(port), address=url)
        server.start()
        until(lambda: answers(url, "/readyz"), otherwise=f"{server.name} does not start: {server.words()[-1000:]}")
        if number == 1:
            local = yaml.safe_load((self.data / "server.json").read_text())["token"]
            self.tokens = {role: self._new_token(url, local, role) for role in ("commander", "dpo", "source")}
        return server

    @staticmethod
    def _with_prefect(process: Supervised) -> None:
        until(lambda: "Prefect" in process.words(), otherwise=f"{process.name} does not start")

    @staticmethod
    def _new_token(url: str, local: str, role: str) -> str:
        given = {"name": "source:generic" if role == "source" else f"a {role}", "roles": [role]}
        if role != "source":
            httpx.post(f"{url}/api/v1/accounts", json=given, headers=_bearer(local), trust_env=False).raise_for_status()
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
                self._send(model, self.servers[tries % SERVERS])
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

    def runs(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The flow runs of these incidents, as Prefect lists them."""
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for first in range(0, len(names), 100):
            for run in self._listed("flow_runs", {"flow_runs": {"name": {"any_": names[first : first + 100]}}}):
                found[run["name"]].append(run)
        return found

    def operations(self, flow_runs: list[str]) -> Counter[str]:
        """How many task runs of each of these flow runs have ended, as Prefect lists them."""
        found: Counter[str] = Counter()
        for first in range(0, len(flow_runs), 50):
            chosen = {"flow_runs": {"id": {"any_": flow_runs[first : first + 50]}}}
            ended = (run for run in self._listed("task_runs", chosen) if run["end_time"])
            found.update(str(run["flow_run_id"]) for run in ended)
        return found

    def _listed(self, what: str, chosen: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = {**chosen, "limit": 200, "offset": len(found)}
            answer = httpx.post(f"{self.prefect.address}/{what}/filter", json=query, trust_env=False, timeout=30)
            page = answer.raise_for_status().json()
            found += page
            if len(page) < 200:
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


def judge(soak: Soak, models: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The figures of these models' incidents, and what is wrong."""
    wrong = [f"still open: {what}" for what in soak.drain()]
    read_sink(soak)
    journals = soak.journals()
    mine = {soak.accepted[model]: journals[soak.accepted[model]][1] for model in models if model in soak.accepted}
    calls = Counter(path for method, path, _ in SINK_LOG if method == "PUT")
    changes = {model: calls[f"/models/{model}"] for model in models}
    delays = [delay for entries in mine.values() for delay in reminders(entries)]
    latest = max(delays, default=0.0)
    wrong += soak.faults + [f"{name}: {fault}" for name, entries in mine.items() for fault in twice(entries)]
    wrong += [f"{model}: {times} changes at the far end" for model, times in changes.items() if times != 1]
    wrong += [] if len(mine) == len(models) else [f"{len(mine)} incidents for {len(models)} alerts"]
    wrong += [] if len(delays) == 2 * len(models) else [f"{len(delays)} reminders, not {2 * len(models)}"]
    wrong += [f"a reminder {latest:.1f} s late"] if latest > LATE else []
    wrong += [] if set(soak.statuses) == {202} else [f"answers to alerts: {dict(soak.statuses)}"]
    figures = {
        "alerts accepted": f"{len(mine)} of {len(models)}",
        "answers to alerts": ", ".join(f"{number} x {status}" for status, number in soak.statuses.items()),
        "slowest answer, with new tries": f"{soak.slowest:.1f} s",
        "incidents closed": f"{sum(any(map(_closed, entries)) for entries in mine.values())} of {len(models)}",
        "changes at the far end": f"{sum(changes.values())} of {len(models)}",
        "reminders": f"{len(delays)} of {2 * len(models)}",
        f"latest reminder (at most {LATE:.0f} s)": f"{latest:.1f} s",
    }
    shown, hidden = see(soak, mine)
    return {**figures, **shown}, wrong + hidden


def see(soak: Soak, journals: dict[str, tuple[Entry, ...]]) -> tuple[dict[str, Any], list[str]]:
    """Wait until Prefect shows all of it, or patience has ended. Returns the figures, and what is hidden."""
    began = time.monotonic()
    while (seen := _seen(soak, journals))[1] and time.monotonic() - began < SHOWN:
        time.sleep(5)  # looking costs Prefect something, too
    figures, hidden = seen
    figures[f"all of that shown after (at most {SHOWN:.0f} s)"] = (
        "not shown" if hidden else f"{time.monotonic() - began:.0f} s"
    )
    return figures, hidden


def _seen(soak: Soak, journals: dict[str, tuple[Entry, ...]]) -> tuple[dict[str, Any], list[str]]:
    try:
        runs = soak.runs(list(journals))
        ended = soak.operations([run["id"] for found in runs.values() for run in found])
    except httpx.HTTPError as error:
        return {}, [f"Prefect does not answer: {error!r}"]
    there = {name: sum(ended[run["id"]] for run in found) for name, found in runs.items()}
    due = {name: len(operations(entries)) for name, entries in journals.items()}
    states = Counter(run["state_name"] for found in runs.values() for run in found)
    wrong = [f"{name}: {len(found)} runs" for name, found in runs.items() if len(found) != 1]
    wrong += [f"{number} runs are {state}" for state, number in states.items() if state != "Completed"]
    wrong += [f"{name}: {there[name]} of {due[name]} operations" for name in journals if there[name] != due[name]]
    figures = {
        "runs in Prefect": f"{states.total()} of {len(journals)}",
        "runs completed": f"{states['Completed']} of {len(journals)}",
        "operations in Prefect": f"{sum(there.values())} of {sum(due.values())}",
    }
    return figures, wrong


def operations(entries: Iterable[Entry]) -> set[str]:
    """The operations that have ended."""
    ended = {Kind.FINISHED, Kind.TASK_ANSWERED, Kind.FAILED, Kind.SKIPPED}
    return {str(entry.body.get("op") or entry.body.get("task")) for entry in entries if entry.kind in ended}


def _closed(entry: Entry) -> bool:
    return entry.kind == Kind.STATE and entry.body["state"] == "closed"


SINK_LOG: list[tuple[str, str, int]] = []  # what the far end has been asked, so far


def read_sink(soak: Soak) -> None:
    """Take over what the far end has noted since the last time."""
    SINK_LOG.extend(map(tuple, httpx.get(f"{soak.sink}/log", trust_env=False, timeout=20).json()))


def killed(soak: Soak, seconds: float, seed: int) -> tuple[dict[str, Any], list[str]]:
    """A hundred incidents while processes are killed."""
    models = [f"m{number}" for number in range(INCIDENTS)]
    sender = threading.Thread(target=soak.send, args=(models, seconds / INCIDENTS), daemon=True)
    sender.start()
    chance = random.Random(seed)  # noqa: S311 - chaos, not a secret
    soak.kill_until(time.monotonic() + seconds, chance)
    sender.join(60)
    kills = sum(process.kills for process in (*soak.servers, *soak.workers))
    figures, wrong = judge(soak, models)
    return {"kills": kills, **figures}, wrong


def without_prefect(soak: Soak, away: float, storm: int) -> tuple[dict[str, Any], list[str]]:
    """An alert storm, in the first half of the time in which the Prefect server is gone."""
    models = [f"m{number}" for number in range(INCIDENTS, INCIDENTS + storm)]
    soak.statuses.clear()
    soak.slowest = 0.0
    soak.prefect.kill()
    began = time.monotonic()
    soak.send(models, away / storm / 2)
    time.sleep(max(0.0, away - (time.monotonic() - began)))
    soak.prefect.start()
    figures, wrong = judge(soak, models)
    return {"kills": soak.prefect.kills, **figures}, wrong


def _say(columns: dict[str, tuple[dict[str, Any], list[str]]]) -> None:
    names = list(dict.fromkeys(name for figures, _ in columns.values() for name in figures))
    rows = [[name, *(figures.get(name, "") for figures, _ in columns.values())] for name in names]
    lines = [table(["", *columns], rows)]
    for title, (_, wrong) in columns.items():
        lines += [f"WRONG, {title}: {one}" for one in wrong[:20]]
        lines += [f"WRONG, {title}: and {len(wrong) - 20} more"] if len(wrong) > 20 else []
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Soak; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=120, help="for how long processes are killed")
    parser.add_argument("--away", type=float, default=60, help="for how many seconds the Prefect server is gone")
    parser.add_argument("--storm", type=int, default=NAMES - INCIDENTS, help="how many alerts come in while it is gone")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="which processes are killed when")
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    options = parser.parse_args()
    folder, cluster = Path(tempfile.mkdtemp(prefix="firedoor-soak-")), Cluster()
    supervisor = Supervisor(folder)
    soak = Soak(supervisor, cluster)
    columns: dict[str, tuple[dict[str, Any], list[str]]] = {}
    try:
        soak.start()
        threading.Thread(target=soak.answer_forever, daemon=True).start()
        columns[f"{options.seconds:.0f} s of kills, seed {options.seed}"] = killed(soak, options.seconds, options.seed)
        columns[f"Prefect away for {options.away:.0f} s"] = without_prefect(soak, options.away, options.storm)
    finally:
        _say(columns)
        soak.stopped.set()
        supervisor.close()
        cluster.stop()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if any(wrong for _, wrong in columns.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
