"""How long starting takes: `firedoor --help`, and `firedoor up` until the first alert is accepted.

The second is measured on existing data, from the process's start to the 202, while
Prefect is still starting. Idle memory is read from /proc once everything is up.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx
from tests.benchmarks import figures
from tests.benchmarks.alert_to_suspend import HERE, alert_body, firedoor, process, wait_for

TIMES = 5


def help_time() -> float:
    """Seconds of one `firedoor --help`."""
    began = time.perf_counter()
    subprocess.run([str(Path(sys.executable).with_name("firedoor")), "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def first_accept(environment: dict[str, str], data: Path, name: str) -> float:
    """Seconds from the start of the process to the first accepted alert, on data that exists already."""
    (data / "server.json").unlink(missing_ok=True)
    began = time.perf_counter()
    with process(sys.executable, str(HERE / "server.py"), environment=environment) as url:
        token = wait_for(data / "server.json", every=0.005)["token"]
        while True:
            with contextlib.suppress(httpx.TransportError):
                headers = {"authorization": f"Bearer {token}"}
                answer = httpx.post(f"{url}/api/v1/alerts/alertmanager", json=alert_body(name), headers=headers)
                answer.raise_for_status()
                return time.perf_counter() - began
            time.sleep(0.005)


def resident(pid: int) -> float:
    """Resident memory of a process in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def say(what: str, values: list[float]) -> None:
    """Print and keep the median of sorted times."""
    figures.keep(what, statistics.median(values), "s")
    print(f"{what}: {statistics.median(values):.2f} s (n={TIMES}, {values[0]:.2f} to {values[-1]:.2f})")


def run() -> None:
    """Measure and print."""
    values = sorted(help_time() for _ in range(TIMES))
    say("firedoor --help", values)
    with process(sys.executable, str(HERE / "sink.py")) as sink, firedoor(sink, 1, with_prefect=True) as system:
        environment, data = dict(system.environment), Path(system.environment["FIREDOOR_DATA_DIR"])
        idle, what = resident(wait_for(data / "server.json")["pid"]), "idle memory of `firedoor up` with Prefect ready"
        figures.keep(what, idle, "MB")
        print(f"{what}: {idle:.0f} MB")
        system.stop()
        values = sorted(first_accept(environment, data, f"m{number}") for number in range(TIMES))
    say("start to first accepted alert", values)


if __name__ == "__main__":
    figures.main(run, __doc__)
