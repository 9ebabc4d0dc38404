"""What closing a door costs: suspend and prove, for every connector on the rig of its contract suite; many at once.

Each round starts from a captured state and takes the time of `suspend` and `verify` together, on the loopback of the
contract suite: the network of a real platform is not in it. A rig whose system is missing here is named and left out,
and so are those that take gigabytes (`--heavy` takes them too). Then fifty targets at the same time against one, with
the http connector (a server of our own in the same process) and with nginx (one reload for each door, in turn).
`python -m tests.benchmarks.doors --json FILE` writes the figures to a file as well. Asserts nothing about time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.contract.connector_suite import kinds_with_rig, rig_class
from tests.contract.odd_server import Asked, odd_server, reply

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import Inventory, Target
from firedoor.core.ternary import YES
from firedoor.runtime.config.secrets import ReferencedSecrets

ROUNDS = 10
MANY = 50
ROW = "{:<22} {:>10} {:>10} {:>8}   {}"
Figures = dict[str, Any]


def connectors_of(client: Any, inventory: Inventory, environment: dict[str, str]) -> OpenConnectors:
    """Connectors as a process would have them."""
    return OpenConnectors(
        ConnectorContext(client, ReferencedSecrets(environment), lambda: datetime.now(UTC), inventory)
    )


async def closed(connectors: OpenConnectors, target: Target, key: str) -> tuple[float, bool]:
    """Capture, then suspend and prove; return the seconds of the latter two, and whether it was proved."""
    door = target.doors[0]
    connector = connectors[door.connector]
    snapshot = await connector.capture_state(target, door)
    began = time.perf_counter()
    await connector.suspend(target, door, snapshot, key)
    verdict = await connector.verify(target, door, "refused")
    return time.perf_counter() - began, verdict.holds is YES


async def rounds(rig: Any, times: int) -> tuple[list[float], int]:
    """So many rounds on a rig, each from its first state; milliseconds, and how many were proved."""
    took, proved = [], 0
    async with open_client() as client:
        for number in range(times):
            await asyncio.to_thread(rig.reset)
            target = rig.target.model_copy(update={"doors": (rig.door,)})
            connectors = connectors_of(client, rig.inventory, rig.environment)
            seconds, holds = await closed(connectors, target, f"bench-{number}")
            took.append(1000 * seconds)
            proved += holds
    return took, proved


def measured(name: str, times: int) -> Figures | str:
    """The figures of one rig, or why there are none."""
    rig = rig_class(name)()
    try:
        rig.start()
        took, proved = asyncio.run(rounds(rig, times))
    except (pytest.skip.Exception, Exception) as error:  # noqa: BLE001 - one rig that fails leaves the others to be measured
        return str(error).splitlines()[0][:160] if str(error) else type(error).__name__
    finally:
        with contextlib.suppress(AttributeError):  # what was not started cannot be stopped
            rig.stop()
    p95 = sorted(took)[max(0, round(0.95 * len(took)) - 1)]
    return {"median_ms": round(statistics.median(took), 2), "p95_ms": round(p95, 2), "rounds": times, "proved": proved}


def each(heavy: bool, times: int) -> tuple[dict[str, Figures], dict[str, str]]:
    """Measure every rig; print a line as soon as it is known."""
    print(ROW.format("suspend and verify", "median ms", "p95 ms", "x http", "proved"))
    figures: dict[str, Figures] = {}
    left_out: dict[str, str] = {}
    names = sorted(kinds_with_rig(), key=lambda name: (name != "http", name))
    for name in names:
        if getattr(rig_class(name), "heavy", False) and not heavy:
            left_out[name] = "takes gigabytes or minutes: --heavy measures it"
            continue
        found = measured(name, times)
        if isinstance(found, str):
            left_out[name] = found
            continue
        figures[name] = found
        base = figures.get("http", found)["median_ms"]
        ratio = f"{found['median_ms'] / base:.1f}" if base else "-"
        print(ROW.format(name, found["median_ms"], found["p95_ms"], ratio, f"{found['proved']} of {times}"), flush=True)
    for name, why in left_out.items():
        print(ROW.format(name, "-", "-", "-", f"left out: {why}"))
    return figures, left_out


async def at_once(connectors: OpenConnectors, targets: list[Target], key: str) -> tuple[float, int]:
    """Close them all at the same time; the seconds that passed, and how many were proved."""
    began = time.perf_counter()
    results = await asyncio.gather(*(closed(connectors, one, f"{key}-{one.id}") for one in targets))
    return time.perf_counter() - began, sum(holds for _, holds in results)


class Platform:
    """A server that remembers, for each of its models, whether it is closed and by whom."""

    def __init__(self) -> None:
        self.closed: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> bytes:
        """The admin API under /admin, the models under /v1."""
        name = asked.path.rpartition("/")[2]
        if asked.path.startswith("/v1"):
            return reply(423 if self.closed.get(name, {}).get("state") == "suspended" else 200)
        if asked.method == "PUT":
            self.closed[name] = json.loads(asked.body)
        return reply(200, self.closed.get(name, {"state": "active", "by": None}))


def http_target(name: str, url: str) -> Target:
    """A model of that server with one door."""
    there = {"url": f"{url}/admin/{{{{ target.id }}}}"}
    config = {
        "capture": there, "state": {"state": "/state"}, "mark": {"at": "/by"},
        "closed": {"at": "/state", "values": ["suspended"], "open": ["active"]},
        "suspend": {**there, "method": "PUT", "json": {"state": "suspended", "by": "{{ operation_key }}"}},
        "resume": {**there, "method": "PUT", "json": {"state": "active", "by": None}},
    }  # fmt: skip
    doors = [{"name": "admin", "connector": "http", "config": config}]
    return Target.model_validate(
        {"id": name, "doors": doors, "probe": {"url": f"{url}/v1/{name}"}, "neighbours": ["spared"]}
    )


async def many_by_http() -> Figures:
    """Fifty models of one admin API."""
    platform = Platform()
    async with odd_server(platform.answer) as server:
        async with open_client() as client:
            named = {name: http_target(name, server.url) for name in ("spared", "one", *(f"m{n}" for n in range(MANY)))}
            connectors = connectors_of(client, Inventory(targets=named), {})
            await at_once(connectors, [named["one"]], "warm")
            platform.closed.clear()
            one = await at_once(connectors, [named["one"]], "bench")
            many = await at_once(connectors, [named[f"m{n}"] for n in range(MANY)], "bench")
        await asyncio.sleep(0.1)  # the server sees its connections end
    return compared("http", one, many)


async def many_by_nginx(rig: Any) -> Figures:
    """Fifty models behind one nginx, each with a door of its own."""

    def target(name: str) -> Target:
        path = f"/v1/{name}"
        doors = [{"name": "gateway", "connector": "nginx", "config": {**rig.config(path), "settle_seconds": 60,
                                                                       "timeout_seconds": 60}}]  # fmt: skip
        probe = {"url": f"http://127.0.0.1:{rig.nginx.port}{path}"}
        return Target.model_validate({"id": name, "doors": doors, "probe": probe, "neighbours": ["spared"]})

    async with open_client() as client:
        named = {name: target(name) for name in ("spared", "one", *(f"m{n}" for n in range(MANY)))}
        connectors = connectors_of(client, Inventory(targets=named), {})
        one = await at_once(connectors, [named["one"]], "bench")
        many = await at_once(connectors, [named[f"m{n}"] for n in range(MANY)], "bench")
    return compared("nginx", one, many)


def compared(name: str, one: tuple[float, int], many: tuple[float, int]) -> Figures:
    """One target against many, from the same run."""
    ratio = many[0] / one[0]
    told = f"{ratio:5.1f} x   {many[1]} of {MANY} proved"
    print(f"{name:<8} 1 target {1000 * one[0]:8.1f} ms   {MANY} at once {1000 * many[0]:8.1f} ms   {told}")
    return {"one_ms": round(1000 * one[0], 2), "many_ms": round(1000 * many[0], 2), "ratio": round(ratio, 2),
            "many": MANY, "proved": many[1]}  # fmt: skip


def in_parallel() -> dict[str, Any]:
    """Many targets at the same time, where the system is here."""
    print(f"\n{MANY} targets at once, state captured, suspended and proved")
    figures: dict[str, Any] = {"http": asyncio.run(many_by_http())}
    rig = rig_class("nginx")()
    try:
        rig.start()
        figures["nginx"] = asyncio.run(many_by_nginx(rig))
    except pytest.skip.Exception as error:
        print(f"nginx    left out: {error}")
    finally:
        if hasattr(rig, "nginx"):
            rig.stop()
    return figures


def run(file: Path | None = None, *, heavy: bool = False, times: int = ROUNDS) -> None:
    """Measure and print; with a file, write it down as well."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {times} rounds; loopback only")
    figures, left_out = each(heavy, times)
    parallel = in_parallel()
    if file:
        taken = {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count()}
        written = {**taken, "load": os.getloadavg()[0], "doors": figures, "left_out": left_out, "at_once": parallel}
        file.write_text(json.dumps(written, indent=1) + "\n")


def main() -> None:
    """Read the options and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path, metavar="FILE")
    options.add_argument("--heavy", action="store_true")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    given = options.parse_args()
    run(given.json, heavy=given.heavy, times=given.rounds)


if __name__ == "__main__":
    main()
