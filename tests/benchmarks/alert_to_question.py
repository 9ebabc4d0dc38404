"""How long from an alert over HTTP to the question that closes its door, with a consent ledger of 80,000 rows.

The shipped playbook for training without a basis asks two people first; they answer at once here, so that what is
measured is the machine's own time: from the POST to the first question, and from the last answer before it to the
question about the door. Beside it the same run's examination of the ledger, which used to stand in between: the ratio
is what an incident was delayed by. Waiting is by polling the API every 2 ms. Nothing is asserted.
`python -m tests.benchmarks.alert_to_question --json FILE` writes the figures to a file as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.benchmarks import figures
from tests.benchmarks.alert_to_suspend import HERE, inventory, process, wait_for

ROWS = int(os.environ.get("FIREDOOR_BENCH_LEDGER", "80000"))
ROUNDS = 5
WHY = {"why": "a benchmark"}
FIRST, SURE, DOOR = "identification.incident-type", "identification.confirm", "containment.suspend-the-model.approve"
KEPT = "containment.reconcile"


def ledger(rows: int = ROWS) -> dict[str, Any]:
    """A ledger in which a quarter as many people stand as rows: three purposes each, and every eighth withdrew."""
    entries = []
    for number in range(rows):
        entry = {"subject": f"p{number % (rows // 4)}", "purpose": ("training", "service", "mail")[number % 3],
                 "given_at": "2026-01-01T00:00:00Z"}  # fmt: skip
        entries.append({**entry, "withdrawn_at": "2026-03-01T00:00:00Z"} if number % 8 == 0 else entry)
    return {"entries": entries}


def manifest(rows: int = ROWS) -> dict[str, Any]:
    """A manifest of as many records, of the same people."""
    records = [{"record": f"r{number}", "subject": f"p{number % (rows // 4)}"} for number in range(rows)]
    return {"cut_off": "2026-05-01T00:00:00Z", "records": records}


@contextlib.contextmanager
def server(sink: str) -> Iterator[httpx.Client]:
    """Firedoor with the shipped playbooks and one model each round, whose ledger and manifest are files."""
    with tempfile.TemporaryDirectory(prefix="firedoor-bench-") as folder, contextlib.ExitStack() as running:
        data = Path(folder) / "data"
        data.mkdir()
        for name, content in (("ledger", ledger()), ("manifest", manifest())):
            (data / f"{name}.json").write_text(json.dumps(content))
        targets = inventory(sink)
        for number in range(ROUNDS + 1):
            targets["targets"][f"m{number}"]["evidence"] = {
                "consent_ledger": {"file": str(data / "ledger.json")},
                "training_manifest": {"file": str(data / "manifest.json")},
            }
        (data / "targets.yaml").write_text(yaml.safe_dump(targets))
        environment = {"FIREDOOR_DATA_DIR": str(data), "FIREDOOR_PREFECT": "false"}
        url = running.enter_context(process(sys.executable, str(HERE / "server.py"), environment=environment))
        headers = {"authorization": f"Bearer {wait_for(data / 'server.json')['token']}"}
        yield running.enter_context(
            httpx.Client(base_url=f"{url}/api/v1", headers=headers, trust_env=False, timeout=60)
        )


def until(look: Callable[[], Any]) -> Any:
    """Look every 2 ms, for 5 minutes at most."""
    for _ in range(150_000):
        if found := look():
            return found
        time.sleep(0.002)
    raise RuntimeError("it did not come")


def tasks(client: httpx.Client, incident: str) -> dict[str, Any]:
    """The tasks of an incident by their id."""
    return {task["id"]: task for task in client.get(f"/incidents/{incident}/tasks").raise_for_status().json()["tasks"]}


def answer(client: httpx.Client, incident: str, task: str, choice: str) -> None:
    """Answer as somebody who knows at once."""
    at = f"/incidents/{incident}/tasks/{task}/answer"
    client.post(at, json={"choice": choice, **WHY}).raise_for_status()


def one(client: httpx.Client, number: int) -> dict[str, float]:
    """One alert through to the question about the door, and how long its examination took; milliseconds."""
    body = {
        "id": f"bench-{number}",
        "severity": "high",
        "incident": "unauthorized_ai_training",
        "endpoint": f"m{number}",
    }
    began = time.perf_counter()
    delivered = client.post("/alerts/generic", json=body).raise_for_status().json()["alerts"][0]
    incident = delivered["incident"]
    until(lambda: FIRST in tasks(client, incident))
    asked = time.perf_counter()
    answer(client, incident, FIRST, "own_decision")
    until(lambda: SURE in tasks(client, incident))
    confirmed = time.perf_counter()
    answer(client, incident, SURE, "yes")
    until(lambda: DOOR in tasks(client, incident))
    door = time.perf_counter()
    examined = until(lambda: _examined(client, incident))
    answer(client, incident, DOOR, "refuse")
    machine = (asked - began) + (door - confirmed)
    return {"first question": (asked - began) * 1000, "alert to the question about the door": machine * 1000,
            "the examination": examined * 1000}  # fmt: skip


def _examined(client: httpx.Client, incident: str) -> float:
    """Seconds that the journal gives the examination; 0 as long as it is not kept."""
    lines = client.get(f"/incidents/{incident}/journal", params={"limit": 1000}).raise_for_status().text.splitlines()
    at = {e["kind"]: datetime.fromisoformat(e["at"]) for e in map(json.loads, lines) if e["body"].get("op") == KEPT}
    ends = at.get("operation.finished") or at.get("operation.failed")
    return (ends - at["operation.started"]).total_seconds() if ends else 0.0


def run() -> None:
    """Print the figures."""
    with process(sys.executable, str(HERE / "sink.py")) as sink, server(sink) as client:
        one(client, 0)  # warms up
        rounds = [one(client, number) for number in range(1, ROUNDS + 1)]
    middle = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    for name, value in middle.items():
        figures.keep(name, value, "ms")
        print(f"  {name:44} {value:10,.1f} ms   (greatest {max(each[name] for each in rounds):,.1f})")
    now = middle["alert to the question about the door"]
    ratio = (now + middle["the examination"]) / now
    figures.keep("with the examination in front / now", ratio, "")
    print(f"  {'with the examination in front / now':44} {ratio:10,.1f}      {ROWS:,} rows, {ROUNDS} rounds")


if __name__ == "__main__":
    figures.main(run, __doc__)
