"""The rig of the unleash connector: the real server on PostgreSQL, and an application that asks it at every call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
from tests.conftest import require
from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import FaultyHttpProxy
from tests.parts import free_port, node_part
from tests.patience import stop, until
from tests.support.databases import EMPTY, Cluster

from firedoor.core.targets import Door, HttpProbe, Inventory, Target

KEYS = {"FIREDOOR_RIG_UNLEASH_TOKEN": "*:*.admin-token-of-the-rig"}
CALLER = "*:production.client-token-of-the-rig"
FLAGS = ("chat-large", "chat-small")
APPLICATION = Path(__file__).parents[1] / "rigs_support" / "flag_app.py"
ADMIN = "/api/admin/projects/default/features"


class Rig:
    """Two flags that are on in production, each before a model."""

    kind: ClassVar[str] = "unleash"
    cannot: ClassVar[Mapping[str, str]] = {}

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
        require("PostgreSQL")
        require("node", shutil.which("node") is not None)
        part = node_part("unleash")
        self._cluster = Cluster()
        port = free_port()
        self._server = subprocess.Popen(
            ["node", str(part / "node_modules" / "unleash-server" / "dist" / "server.js")],
            env={
                **os.environ,
                "DATABASE_URL": self._cluster.new_database(EMPTY).replace("postgresql+psycopg", "postgres"),
                "DATABASE_SSL": "false",
                "HTTP_HOST": "127.0.0.1",
                "HTTP_PORT": str(port),
                "INIT_ADMIN_API_TOKENS": KEYS["FIREDOOR_RIG_UNLEASH_TOKEN"],
                "INIT_CLIENT_API_TOKENS": CALLER,
                "CLIENT_FEATURE_CACHING_ENABLED": "false",
                "CHECK_VERSION": "false",
                "SEND_TELEMETRY": "false",
                "LOG_LEVEL": "fatal",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}"
        headers = {"authorization": KEYS["FIREDOOR_RIG_UNLEASH_TOKEN"]}
        self._admin = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30)
        until(self._is_up, self._server, "Unleash")
        for name in FLAGS:
            self.tell("POST", ADMIN, name=name, type="kill-switch")
            self.switch(name, "on")
        also = {"overblock": lambda asked: [asked.but(path=asked.path.replace(*FLAGS)), asked]}
        self.proxy = FaultyHttpProxy(url, changes=lambda asked: asked.path.endswith(("/off", "/on")), rewrite=also)
        command = [sys.executable, str(APPLICATION), "unleash", url, CALLER]
        self._application = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.application = f"http://127.0.0.1:{self._application.stdout.readline().strip()}"

    def stop(self) -> None:
        for name in ("_application", "_server"):
            if hasattr(self, name):
                process: subprocess.Popen[Any] = getattr(self, name)
                stop(process)
        if hasattr(self, "proxy"):
            self.proxy.stop()
        if hasattr(self, "_admin"):
            self._admin.close()
        if hasattr(self, "_cluster"):
            self._cluster.stop()

    def reset(self) -> None:
        self.environment.update(KEYS)
        self.proxy.reset()
        httpx.delete(f"{self.application}/cache", trust_env=False).raise_for_status()
        for name in FLAGS:
            flag = self.flag(name)
            if not flag["enabled"]:
                self.switch(name, "on")
            for strategy in flag["strategies"][1:]:
                self.tell("DELETE", f"{ADMIN}/{name}/environments/production/strategies/{strategy['id']}")
            self.tell("PUT", f"/api/admin/features/{name}/tags", addedTags=[], removedTags=self.tags(name))
        self.inventory = self.listing(self.proxy.url)

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}"
        if fault == "wrong key":
            self.environment["FIREDOOR_RIG_UNLEASH_TOKEN"] = "*:*.not-the-token-at-all"
        elif fault == "down":
            self.replace(doors=self.listing(nowhere).targets["chat-large"].doors)
        elif fault == "dark":
            for name in FLAGS:
                self.replace(name, probe=HttpProbe(url=nowhere, timeout_seconds=TIMEOUT))
        elif fault == "half":  # the application has heard that the flag is on, and does not ask again
            httpx.put(f"{self.application}/cache", trust_env=False).raise_for_status()
            httpx.get(f"{self.application}/chat-large", trust_env=False).raise_for_status()
        else:
            self.proxy.plan(fault)

    def change_behind_our_back(self) -> None:
        path = f"{ADMIN}/chat-large/environments/production/strategies"
        self.tell("POST", path, name="flexibleRollout", parameters={"rollout": "5", "stickiness": "default"})

    def close_behind_our_back(self) -> None:
        self.switch("chat-large", "off")

    def switch(self, name: str, word: str, environment: str = "production") -> None:
        """Turn a flag on or off as a colleague would."""
        self.tell("POST", f"{ADMIN}/{name}/environments/{environment}/{word}")

    def flag(self, name: str) -> dict[str, Any]:
        """Return how a flag stands in production."""
        rows = self.tell("GET", f"{ADMIN}/{name}")["environments"]
        return next(row for row in rows if row["name"] == "production")

    def tags(self, name: str) -> list[dict[str, str]]:
        """Return the tags of a flag."""
        rows = self.tell("GET", f"/api/admin/features/{name}/tags")["tags"]
        return [{"type": row["type"], "value": row["value"]} for row in rows]

    def tell(self, method: str, path: str, **body: Any) -> Any:
        """Ask the server itself, past the proxy."""
        answer = self._admin.request(method, path, json=body or None)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def replace(self, name: str = "chat-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})

    def listing(self, url: str) -> Inventory:
        """The inventory, with this address in the doors."""
        config = {"url": url, "environment": "production", "token": "secret://env/FIREDOOR_RIG_UNLEASH_TOKEN"}
        targets = {}
        for name, other in (FLAGS, FLAGS[::-1]):
            door = {"feature": name, "timeout_seconds": TIMEOUT, **config}
            targets[name] = {
                "doors": [{"name": "flag", "connector": self.kind, "config": door}],
                "probe": {"url": f"{self.application}/{name}", "timeout_seconds": TIMEOUT},
                "neighbours": [other],
            }
        return Inventory.model_validate({"targets": targets})

    def _is_up(self) -> bool:
        try:
            return self._admin.get("/health").status_code == 200
        except httpx.HTTPError:
            return False
