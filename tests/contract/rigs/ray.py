"""The rig of the ray connector: a real Ray head with Serve and the job API, which asks for a token.

It takes about two gigabytes, half a minute to start, and seconds for each application that is deployed again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy
from tests.parts import free_port, python_part
from tests.patience import until

from firedoor.core.targets import Door, HttpProbe, Inventory, Target

KEYS = {"FIREDOOR_RIG_RAY_TOKEN": "0123456789abcdef0123456789abcdef-of-the-rig"}
MODELS = ("chat-large", "chat-small")
SERVE = "/api/serve/applications/"
SUPPORT = Path(__file__).parents[1] / "rigs_support"


class Rig:
    """Two applications of one cluster, deployed from a configuration."""

    kind: ClassVar[str] = "ray"
    heavy: ClassVar[bool] = True
    cannot: ClassVar[Mapping[str, str]] = {}
    markless: ClassVar[str] = "an application that is not deployed has nothing on which a mark could stand"

    def __init__(self) -> None:
        self.environment = dict(KEYS)
        self.inventory = Inventory()

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        programs = python_part("ray")
        self._folder = tempfile.TemporaryDirectory(prefix="fd-ray-")  # short: Ray puts sockets into it
        dashboard, self._callers = free_port(), free_port()
        options = {
            "port": free_port(),
            "dashboard-port": dashboard,
            "dashboard-host": "127.0.0.1",
            "node-ip-address": "127.0.0.1",
            "temp-dir": self._folder.name,
            "num-cpus": 2,
            "object-store-memory": 80_000_000,
            "dashboard-agent-listen-port": free_port(),
        }
        command = [str(programs / "ray"), "start", "--head", "--block", "--disable-usage-stats"]
        self._ray = subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            env={
                **os.environ,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PYTHONPATH": str(SUPPORT),
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": KEYS["FIREDOOR_RIG_RAY_TOKEN"],
                "RAY_memory_monitor_refresh_ms": "0",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{dashboard}"
        headers = {"authorization": f"Bearer {KEYS['FIREDOOR_RIG_RAY_TOKEN']}"}
        self.dashboard = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60)
        until(self._is_up, self._ray, "Ray")
        rewrite = {"overblock": lambda asked: [asked.but(body=b'{"applications": []}')]}
        self.proxy = FaultyHttpProxy(url, changes=_changes, rewrite=rewrite)
        self.deploy(*MODELS)

    def stop(self) -> None:
        if hasattr(self, "proxy"):
            self.proxy.stop()
        if hasattr(self, "dashboard"):
            self.dashboard.close()
        if hasattr(self, "_ray"):
            self._ray.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._ray.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._ray.pid, signal.SIGKILL)
            self._ray.wait(10)
        if hasattr(self, "_folder"):
            with contextlib.suppress(OSError):  # what was killed a moment ago may still write
                self._folder.cleanup()

    def reset(self) -> None:
        self.environment.update(KEYS)
        self.deploy(*MODELS)
        self.proxy.reset()
        self.inventory = self.listing(self.proxy.url)

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}"
        if fault == "wrong key":
            self.environment["FIREDOOR_RIG_RAY_TOKEN"] = "fedcba9876543210-not-the-token"
        elif fault == "down":
            self.replace(doors=self.listing(nowhere).targets["chat-large"].doors)
        elif fault == "dark":
            for name in MODELS:
                self.replace(name, probe=HttpProbe(url=nowhere, timeout_seconds=TIMEOUT))
        elif fault == "half":  # callers reach the model by another application, which the door does not know
            self.replace(probe=HttpProbe(url=self.caller("chat-small"), timeout_seconds=TIMEOUT))
        else:
            self.proxy.plan(fault)

    def change_behind_our_back(self) -> None:
        self.put([self.application("chat-large", version="2"), self.application("chat-small")])

    def close_behind_our_back(self) -> None:
        self.put([self.application("chat-small")])

    def application(self, name: str, **variables: str) -> dict[str, Any]:
        """The configuration of one application."""
        environment = {"env_vars": {"PYTHONPATH": str(SUPPORT), **variables}}
        route = {"name": name, "route_prefix": f"/{name}", "import_path": "serve_model:app"}
        return {**route, "runtime_env": environment}

    def put(self, applications: list[dict[str, Any]]) -> None:
        """Deploy as somebody else would."""
        options = {"host": "127.0.0.1", "port": self._callers}
        body = {"proxy_location": "HeadOnly", "http_options": options, "applications": applications}
        self.dashboard.put(SERVE, json=body).raise_for_status()

    def deploy(self, *names: str) -> None:
        """Deploy these as they were at first, unless they are, and wait until callers are served."""
        wanted = [self.application(name) for name in names]
        rows = self.dashboard.get(SERVE).json()["applications"]
        deployed = {name: row["deployed_app_config"] for name, row in rows.items() if row["status"] == "RUNNING"}
        if deployed != {application["name"]: application for application in wanted}:
            self.put(wanted)
        until(lambda: all(self._serves(name) for name in names), self._ray, "the applications are not served")

    def caller(self, name: str) -> str:
        """Where callers find an application."""
        return f"http://127.0.0.1:{self._callers}/{name}"

    def replace(self, name: str = "chat-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})

    def listing(self, url: str) -> Inventory:
        """The inventory, with this address in the doors."""
        headers = {"authorization": "Bearer secret://env/FIREDOOR_RIG_RAY_TOKEN"}
        targets = {}
        for name, other in (MODELS, MODELS[::-1]):
            door = {"url": url, "application": name, "headers": headers, "timeout_seconds": TIMEOUT}
            targets[name] = {
                "doors": [{"name": "serve", "connector": self.kind, "config": door}],
                "probe": {"url": self.caller(name), "timeout_seconds": TIMEOUT},
                "neighbours": [other],
            }
        return Inventory.model_validate({"targets": targets})

    def _serves(self, name: str) -> bool:
        row = self.dashboard.get(SERVE).json()["applications"].get(name, {})
        if row.get("status") != "RUNNING" or row["deployed_app_config"] != self.application(name):
            return False
        try:
            return httpx.get(self.caller(name), trust_env=False, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def _is_up(self) -> bool:
        try:
            return self.dashboard.get(SERVE).status_code == 200
        except httpx.HTTPError:
            return False


def _changes(asked: Asked) -> bool:
    return asked.method in ("PUT", "POST", "DELETE")
