"""`make test-crash`: real processes killed with SIGKILL at the boundaries of the journal, and counted from outside.

`firedoor up` runs beside a real Prefect server and a model server that counts every call. Each
shipped playbook is lived through once in peace, and then once for each boundary, where the
process is killed again and again: before the entry that says an effect begins, after it, after
the effect, while people are waited for, and after a decision. What reached the far end, and what
the journal tells, must be the same as in peace. Operations are sampled; each day starts elsewhere,
`--all` takes every one. Exits 1 when anything differs. See docs/explanation/durability.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import httpx
import yaml
from tests.crash.people import ENDED, People
from tests.crash.processes import FIREDOOR, PATIENCE, Supervised, Supervisor, answers, free_port, keys, table, until

from firedoor.demo.targets import demo_inventory
from firedoor.runtime import library
from firedoor.runtime.kill_point import REACHED, VARIABLE

IN_EFFECT = ("planned", "started", "performed")  # kept by the conductor itself
FROM_OUTSIDE = ("waiting", "decided")
WORDS = {
    "planned": "before `started` is written",
    "started": "after `started`, before the effect",
    "performed": "after the effect, before `finished`",
    "waiting": "while people are waited for",
    "decided": "after a decision is written",
}
SAMPLE = 3  # kills of each playbook at each boundary, about
QUIET = 0.35  # seconds without a new entry before somebody answers
SOONER = (("reverify: 10m", "reverify: 1s"), ("wait: 24h", "wait: 1s"), ("wait: 6d", "wait: 1s"))


@dataclass
class Seen:
    """What one life of an incident left behind."""

    changes: Counter[str] = field(default_factory=Counter)  # calls that change something, by resource
    story: Counter[str] = field(default_factory=Counter)  # what the journal tells, however often it was interrupted
    operations: tuple[str, ...] = ()
    kills: int = 0
    answers: int = 0
    state: str = ""
    holds: bool = False
    seconds: float = 0.0
    incident: str = ""


class Proof:
    """The processes of the proof, and one incident after the other through them."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.all = supervisor
        self.data = supervisor.folder / "data"
        self.data.mkdir()
        playbooks = supervisor.folder / "playbooks"
        shutil.copytree(library.folder(), playbooks)
        for file in playbooks.rglob("*.yaml"):
            text = file.read_text()
            for long, short in SOONER:
                text = text.replace(long, short)
            file.write_text(text)
        supervisor.variables |= {"FIREDOOR_DATA_DIR": str(self.data), "FIREDOOR_PLAYBOOKS": str(playbooks), **keys()}

    def start(self) -> None:
        """Start everything, and have everybody join."""
        prefect = self.all.prefect()
        prefect.start()
        self.model = self._model()
        inventory = demo_inventory(self.model).model_dump(mode="json", by_alias=True, exclude_defaults=True)
        (self.data / "targets.yaml").write_text(yaml.safe_dump(inventory, sort_keys=False))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.firedoor: Supervised = self.all.add("firedoor", *FIREDOOR, "up", "--port", str(port), address=self.url)
        until(lambda: answers(prefect.address, "/health"), "Prefect does not start")
        self.firedoor.start()
        self._ready()
        until(self._with_prefect, "Firedoor does not find Prefect")

    def live(self, playbook: str, boundary: str, points: list[str]) -> Seen:
        """One incident, from its opening to its end, killed at the points of one boundary."""
        began = time.monotonic()
        self._post("/admin/reset")
        self.left, self.seen, self.boundary = list(points), Seen(), boundary
        self.people = People(self.url, library.load_playbook(playbook).header.drills[0])
        self.people.join(self._token())
        self._again()
        incident = self.seen.incident = self._open(playbook)
        self._to_the_end(incident)
        self._measure(incident)
        self.seen.seconds = time.monotonic() - began
        return self.seen

    def _to_the_end(self, incident: str) -> None:
        head, since, end = -1, time.monotonic(), time.monotonic() + 4 * PATIENCE
        while time.monotonic() < end:
            try:
                page = self.people.get(f"/api/v1/incidents/{incident}")
                if page["head"]["seq"] != head:
                    head, since = page["head"]["seq"], time.monotonic()
                elif page["state"] in ENDED:
                    self.seen.state = page["state"]
                    return
                elif time.monotonic() - since > QUIET:
                    self._somebody_answers(incident, page["tasks"])
                    head = -1
            except httpx.TransportError:
                self._if_killed()
                head = -1
            time.sleep(0.1)
        raise AssertionError(f"{incident} does not end; it waits for {[task['id'] for task in page['tasks']]}")

    def _somebody_answers(self, incident: str, tasks: list[dict[str, Any]]) -> None:
        """Answer one task, those about an authority last; perhaps the process is killed before, or after."""
        tasks.sort(key=lambda task: (task["kind"] == "submit", task["number"]))
        due = next((point for point in self.left if int(point) <= self.seen.answers), None) if self._outside else None
        if due and self.boundary == "waiting":
            self._kill(due)
        elif any(self.people.answer(incident, task) for task in tasks):
            self.seen.answers += 1
            if due:
                self._kill(due)

    @property
    def _outside(self) -> bool:
        return self.boundary in FROM_OUTSIDE

    def _kill(self, point: str) -> None:
        self.left.remove(point)
        self.seen.kills += 1
        self.firedoor.kill()
        self._again()

    def _if_killed(self) -> None:
        """The process killed itself at a point: note it, and start it again without that point."""
        until(lambda: not self.firedoor.running, "the server neither answers nor has ended", 15)
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
        until(lambda: answers(self.url, "/healthz") or not self.firedoor.running, "Firedoor does not start")

    def _with_prefect(self) -> bool:
        return bool(httpx.get(f"{self.url}/readyz", trust_env=False).json()["parts"]["prefect"] == "ready")

    def _open(self, playbook: str) -> str:
        """Open the drill's incident; when the connection breaks, whoever asked looks before asking again."""
        drill, known = self.people.drill, {one["id"] for one in self._incidents()}
        facts = {**drill.facts, **({"severity": str(drill.severity)} if drill.severity else {})}
        given = {"playbook": playbook, "facts": json.loads(json.dumps(facts, default=str)), "why": "proof"}
        while True:
            try:
                return str(self._api("POST", "/api/v1/incidents", given)["incident"])
            except httpx.TransportError:
                self._if_killed()
                if new := [one["id"] for one in self._incidents() if one["id"] not in known]:
                    return str(new[0])

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
        for resource, counts in self._post("/admin/calls", "GET")["counts"].items():
            if counts["PUT"]:
                self.seen.changes[resource] = counts["PUT"]
        journal = self.people.get(f"/api/v1/incidents/{incident}/journal")
        started = [str(entry["body"]["op"]) for entry in journal if entry["kind"] == "operation.started"]
        self.seen.operations = tuple(dict.fromkeys(started))
        self.seen.story = Counter(filter(None, map(_line, journal)))
        self.seen.holds = bool(self.people.get(f"/api/v1/incidents/{incident}/verify")["holds"])

    def _post(self, path: str, method: str = "POST") -> Any:
        headers = {"authorization": f"Bearer {self.all.variables['FIREDOOR_DEMO_ADMIN_KEY']}"}
        return httpx.request(method, self.model + path, headers=headers, trust_env=False).raise_for_status().json()

    def _model(self) -> str:
        ready = self.all.folder / "model.json"
        self.all.add("model-server", "-m", "firedoor.demo.model_server", "--ready-file", str(ready)).start()
        until(ready.exists, "the model server does not start")
        return str(json.loads(ready.read_text())["url"])


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


def differences(seen: Seen, peace: Seen) -> list[str]:
    """In words, what is not as in peace."""
    found = [] if seen.state == peace.state else [f"ended {seen.state}, not {peace.state}"]
    found += [] if seen.holds else ["the journal does not hold"]
    for name, one, other in (("far end", seen.changes, peace.changes), ("journal", seen.story, peace.story)):
        found += [
            f"{name}: {what} {one[what]} times, not {other[what]}"
            for what in sorted(one | other)
            if one[what] != other[what]
        ]
    return found


def points_of(boundary: str, peace: Seen, *, everything: bool, day: int) -> list[str]:
    """Where to kill: a sample of the operations, or of the answers, that starts elsewhere every day."""
    places = list(map(str, range(peace.answers))) if boundary in FROM_OUTSIDE else list(peace.operations)
    if everything or len(places) <= SAMPLE:
        step, first = 1, 0
    else:
        step = len(places) // SAMPLE
        first = day % step
    return [place if boundary in FROM_OUTSIDE else f"{boundary}:{place}" for place in places[first::step]]


def prove(proof: Proof, playbooks: list[str], *, everything: bool, day: int) -> tuple[list[list[Any]], list[str]]:
    """The rows of the table, and every difference."""
    rows, faults = [], []
    for playbook in playbooks:
        peace = proof.live(playbook, "", [])
        faults += [] if peace.state == "closed" and peace.holds else [f"{playbook} in peace: {peace.state}"]
        rows.append([playbook, "none", 0, *_figures(peace, peace)])
        _say(sys.stderr, f"{playbook}: {peace.state} in peace after {peace.seconds:.0f} s")
        for boundary in (*IN_EFFECT, *FROM_OUTSIDE):
            seen = proof.live(playbook, boundary, points_of(boundary, peace, everything=everything, day=day))
            wrong = differences(seen, peace) or ([] if seen.kills else ["it was never killed"])
            faults += [f"{playbook}, {boundary}: {fault}" for fault in wrong]
            rows.append([playbook, WORDS[boundary], seen.kills, *_figures(seen, peace)])
            _say(sys.stderr, f"   {WORDS[boundary]}: {seen.kills} kills, {seen.seconds:.0f} s", *wrong)
    return rows, faults


def _say(where: TextIO, *lines: str) -> None:
    where.write("\n".join(lines) + "\n")
    where.flush()


def _figures(seen: Seen, peace: Seen) -> list[str]:
    counted = ((peace.changes, seen.changes), (peace.story, seen.story))
    return [*(f"{expected.total()} / {found.total()}" for expected, found in counted), seen.state]


def main() -> int:
    """Print the table; 1 when anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.matrix", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--all", action="store_true", help="kill at every operation and every answer")
    parser.add_argument("--day", type=int, default=datetime.now(UTC).toordinal(), help="where the sample starts")
    parser.add_argument("--playbook", action="append", help="only this one; repeat it for more")
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="firedoor-crash-"))
    supervisor = Supervisor(folder)
    try:
        proof = Proof(supervisor)
        proof.start()
        playbooks = options.playbook or [path.stem for path in library.paths()]
        rows, faults = prove(proof, playbooks, everything=options.all, day=options.day)
    finally:
        supervisor.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    heads = ("playbook", "killed", "kills", "changes at the far end, expected / seen", "journal", "ended")
    _say(sys.stdout, table(heads, rows), *[f"differs: {fault}" for fault in faults])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
