"""How long from an alert's POST to the suspend call arriving at the model, beside three peers.

Every round sends one alert to each system in turn, so that the noise of the machine
falls on all alike; the figures to quote are the ratios of one run. All processes share
one clock. Firedoor answers only when the alert, the incident, the plan and the reflex's
first entries are on disk and chained, and captures the model's state before it changes
anything: one more call than its peers make.

DBOS is used where it is installed, or through the interpreter that
FIREDOOR_BENCH_DBOS_PYTHON names; otherwise it is left out by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.benchmarks import figures

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("FIREDOOR_BENCH_ROUNDS", "60"))
STEPS = 12
NAMES = 4 * (ROUNDS + 20)

PLAYBOOK = """
playbook: bench-{steps}
version: 1.0.0
title: A benchmark
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
{more}    - task: "A person is asked"
  remediation: []
  post_incident: []
"""


@dataclass
class System:
    """One system under measurement, and what was measured of it."""

    name: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    first: dict[str, list[float]] = field(default_factory=dict)  # milliseconds, by mode
    environment: dict[str, str] = field(default_factory=dict)
    stop: Callable[[], None] = lambda: None

    def request(self, name: str, steps: int) -> tuple[str, Any]:
        """Where and what to post for an alert about a model."""
        if self.name.startswith("firedoor"):
            return f"{self.url}/api/v1/alerts/alertmanager", alert_body(name)
        return f"{self.url}/alert/{name}?steps={steps}", None


def alert_body(name: str) -> dict[str, Any]:
    """An Alertmanager v4 delivery about one model."""
    labels = {
        "alertname": "Leak",
        "severity": "critical",
        "model": name,
        "firedoor_incident": "data_leakage_in_ai_models",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"{name} leaks"},
        "startsAt": "2026-11-21T03:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"{abs(hash(name)):016x}"[:16],
        "generatorURL": "",
    }
    return {
        "version": "4",
        "groupKey": name,
        "status": "firing",
        "receiver": "firedoor",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "truncatedAlerts": 0,
        "alerts": [alert],
    }


def inventory(sink: str) -> dict[str, Any]:
    """Targets m0, m1, ... and one neighbour, all at the sink."""
    return {"targets": {"neighbour": _target(sink, "neighbour", ())} | {
        f"m{number}": _target(sink, f"m{number}", ("neighbour",)) for number in range(NAMES)
    }}  # fmt: skip


def _target(sink: str, name: str, neighbours: tuple[str, ...]) -> dict[str, Any]:
    url, mark = f"{sink}/models/{name}", "firedoor:{{ operation_key }}"
    config = {
        "capture": {"url": url},
        "state": {"state": "/state"},
        "version": "header:etag",
        "mark": {"at": "/mark", "value": mark},
        "closed": {"at": "/state", "values": ["suspended"], "open": ["running"]},
        "suspend": {"method": "PUT", "url": url, "json": {"state": "suspended", "mark": mark}},
        "resume": {"method": "PUT", "url": url, "json": {"state": "{{ snapshot.state.state }}", "mark": mark}},
    }
    return {
        "kind": "endpoint", "doors": [{"name": "platform", "connector": "http", "config": config}],
        "probe": {"url": f"{sink}/chat/{name}", "method": "POST", "json": {}}, "neighbours": list(neighbours),
        "evidence": {f"part_{number}": {"url": f"{sink}/keep/{number}/{name}"} for number in range(1, STEPS)},
    }  # fmt: skip


@contextlib.contextmanager
def process(*command: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """A server process that prints its port first; yields its address."""
    settings = {**os.environ, **(environment or {})}
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=settings, start_new_session=True
    )
    try:
        assert child.stdout
        line = child.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{' '.join(command)} did not start")
        yield f"http://127.0.0.1:{line}"
    finally:
        child.terminate()
        child.wait(10)
        with contextlib.suppress(ProcessLookupError):  # what it started and left, such as Prefect's own server
            os.killpg(child.pid, signal.SIGKILL)


@contextlib.contextmanager
def firedoor(sink: str, steps: int, *, with_prefect: bool) -> Iterator[System]:
    """`firedoor up` on a data folder of its own."""
    with tempfile.TemporaryDirectory(prefix="firedoor-bench-") as folder:
        data, playbooks = Path(folder) / "data", Path(folder) / "playbooks"
        data.mkdir()
        playbooks.mkdir()
        more = "".join(f'    - preserve: part_{n}\n      of: "{{{{ facts.endpoint }}}}"\n' for n in range(1, steps))
        (playbooks / f"bench-{steps}.yaml").write_text(PLAYBOOK.format(steps=steps, more=more))
        (data / "targets.yaml").write_text(yaml.safe_dump(inventory(sink)))
        environment = {
            "FIREDOOR_DATA_DIR": str(data),
            "FIREDOOR_PLAYBOOKS": str(playbooks),
            "FIREDOOR_PREFECT": str(with_prefect).lower(),
            "FIREDOOR_AUTOMATIC_EVIDENCE": "any",
            "FIREDOOR_AUTOMATIC_SUSPENSIONS_PER_HOUR": "1000000",
        }
        with contextlib.ExitStack() as running:
            url = running.enter_context(process(sys.executable, str(HERE / "server.py"), environment=environment))
            token = wait_for(data / "server.json")["token"]
            if with_prefect:
                wait_until_shown(url)
            name = f"firedoor{'' if with_prefect else ', Prefect off'}"
            yield System(name, url, {"authorization": f"Bearer {token}"}, {}, environment, running.close)


def wait_for(path: Path, every: float = 0.05) -> dict[str, Any]:
    """Read a JSON file as soon as it is there; look again after so many seconds, for 20 s at most."""
    for _ in range(int(20 / every)):
        with contextlib.suppress(OSError, json.JSONDecodeError):
            found: dict[str, Any] = json.loads(path.read_text())
            return found
        time.sleep(every)
    raise RuntimeError(f"{path} did not appear")


def wait_until_shown(url: str) -> None:
    """Wait until Prefect takes part."""
    for _ in range(300):
        if httpx.get(f"{url}/readyz").json().get("parts", {}).get("prefect") == "ready":
            return
        time.sleep(0.2)
    raise RuntimeError("Prefect did not get ready")


async def one(client: httpx.AsyncClient, sink: str, system: System, name: str, steps: int) -> tuple[float, float]:
    """Post one alert; return milliseconds to the first suspend call and to the last call of the alert."""
    await client.get(f"{sink}/log")
    url, body = system.request(name, steps)
    sent = time.monotonic_ns()
    answer = await client.post(url, json=body, headers=system.headers)
    answer.raise_for_status()
    calls: list[tuple[str, str, int]] = []
    for _ in range(4000):
        calls += (await client.get(f"{sink}/log")).json()
        suspended = [at for method, path, at in calls if method == "PUT" and path.endswith(f"/{name}")]
        kept = [at for _, path, at in calls if path.startswith("/keep/") and path.endswith(f"/{name}")]
        if suspended and len(kept) >= steps - 1:
            return (suspended[0] - sent) / 1e6, (max((*suspended, *kept)) - sent) / 1e6
        await asyncio.sleep(0.002)
    raise RuntimeError(f"{system.name} made no call for {name}")


async def measure(sink: str, systems: list[System], steps: int, pause: float, rounds: int, first: int) -> None:
    """Interleave the systems; keep the figures under the mode's name."""
    mode = "idle" if pause else "back to back"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for number in range(rounds + 3):
            for place, system in enumerate(systems):
                if pause:
                    await asyncio.sleep(pause)
                name = f"m{first + number * len(systems) + place}"
                to_suspend, to_end = await one(client, sink, system, name, steps)
                if number >= 3:  # the first rounds warm up
                    system.first.setdefault(f"{mode}, suspend", []).append(to_suspend)
                    system.first.setdefault(f"{mode}, all {steps}", []).append(to_end)


def table(systems: list[System], column: str) -> None:
    """Print one row a system, with ratios to the bare handler and to DBOS."""
    bases = {name: statistics.median(s.first[column]) for s in systems for name in ("bare", "dbos") if s.name == name}
    print(f"\n{column}: milliseconds p50 / p99" + "".join(f" / x {name}" for name in bases))
    for system in systems:
        values = sorted(system.first[column])
        middle, high = statistics.median(values), values[min(len(values) - 1, int(len(values) * 0.99))]
        ratios = "".join(f"  {middle / base:6.2f}" for base in bases.values())
        for what, value in (("p50", middle), ("p99", high)):
            figures.keep(f"{column}: {system.name}, {what}", value, "ms")
        for name, base in bases.items():
            figures.keep(f"{column}: {system.name} / {name}", middle / base, "")
        print(f"  {system.name:24} {middle:9.2f} {high:9.2f}{ratios}   n={len(values)}")


def peers(stack: contextlib.ExitStack, sink: str, *, with_prefect: bool) -> list[System]:
    """Start the peers that can be started here; name the others."""
    python = os.environ.get("FIREDOOR_BENCH_DBOS_PYTHON") or (sys.executable if find_spec("dbos") else "")
    found = [System("bare", stack.enter_context(process(sys.executable, str(HERE / "peers.py"), "bare", sink)))]
    if python:
        found.append(System("dbos", stack.enter_context(process(python, str(HERE / "peers.py"), "dbos", sink))))
    else:
        print("DBOS is left out: it is not installed (`pip install dbos`, or set FIREDOOR_BENCH_DBOS_PYTHON)")
    if with_prefect:
        home = tempfile.mkdtemp(prefix="firedoor-bench-")
        environment = {"PREFECT_HOME": home, "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR"}
        command = (sys.executable, str(HERE / "peers.py"), "prefect", sink)
        found.append(System("prefect, by hand", stack.enter_context(process(*command, environment=environment))))
    return found


def run() -> None:
    """Measure and print."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(process(sys.executable, str(HERE / "sink.py")))
        systems = [stack.enter_context(firedoor(sink, 1, with_prefect=True)), *peers(stack, sink, with_prefect=True)]
        asyncio.run(measure(sink, systems, 1, 0.0, ROUNDS, 0))
        asyncio.run(measure(sink, systems, 1, 0.5, max(5, ROUNDS // 4), 2 * NAMES // 4 + 40))
        for column in ("idle, suspend", "back to back, suspend"):
            table(systems, column)
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(process(sys.executable, str(HERE / "sink.py")))
        systems = [
            stack.enter_context(firedoor(sink, STEPS, with_prefect=False)),
            *peers(stack, sink, with_prefect=False),
        ]
        asyncio.run(measure(sink, systems, STEPS, 0.0, ROUNDS, 0))
        table(systems, f"back to back, all {STEPS}")


if __name__ == "__main__":
    figures.main(run, __doc__)
