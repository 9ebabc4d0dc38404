"""The rig of the nginx connector: a real nginx with workers, told to reload by a small program that can fail."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.conftest import require
from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.gateways import LARGE, SMALL, Gateway, in_the_dark, two_models, with_door
from tests.patience import GENEROUS

from firedoor.core.targets import Door, Inventory, Target

CONFIGURATION = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $uri $closed {{
    default 0;
    include {folder}/closed.d/*.conf;
  }}
  server {{
    listen 127.0.0.1:{port};
    if ($closed) {{ return 503; }}
    location / {{ return 200 "served\\n"; }}
    location /long {{ alias {folder}/long; }}
  }}
}}
"""
RELOADER = """#!{python} -IS
import os, signal, sys, time
folder = {folder!r}
plan = folder + "/plan"
fault = open(plan).read() if os.path.exists(plan) else ""
if fault:
    os.unlink(plan)
if fault == "error":
    sys.exit("nginx: [error] open() failed")
if fault == "overblock":
    open(folder + "/closed.d/also.conf", "w").write('"{small}" 1;')
if fault == "half":
    os.rename({ours!r}, {ours!r} + ".kept")
if fault not in ("lie", "lost"):
    open(folder + "/reloads", "a").write("x")
    os.kill(int(open(folder + "/nginx.pid").read()), signal.SIGHUP)
if fault == "half":
    time.sleep(0.4)
    os.rename({ours!r} + ".kept", {ours!r})
if fault in ("hang", "lost"):
    time.sleep(8)
"""
NO_API = "nginx is told by a file and a signal, which know no such answer; what a file can meet is tried by itself"


class Nginx(Gateway):
    """One nginx that answers for two models itself."""

    def start(self) -> None:
        require("nginx")
        self.closed, self.pid_file, self.file = (self.folder / name for name in ("closed.d", "nginx.pid", "nginx.conf"))
        self.closed.mkdir()
        self.folder.chmod(0o755)  # workers run as another user where we are root
        self.file.write_text(CONFIGURATION.format(folder=self.folder, port=self.port))
        self.ours = self.closed / "firedoor-chat-large-gateway.conf"
        self.reloader = self.folder / "reload"
        values = {"python": sys.executable, "folder": str(self.folder), "small": SMALL, "ours": str(self.ours)}
        self.reloader.write_text(RELOADER.format(**values))
        self.reloader.chmod(0o755)
        self.run(self.command(), "nginx")

    def command(self, *more: str) -> list[str]:
        """How this nginx is called."""
        return ["nginx", "-p", str(self.folder), "-c", str(self.file), "-e", str(self.folder / "error.log"), *more]

    def reload(self) -> None:
        """Reload it as somebody else would, and wait until new workers serve alone."""
        before = self.workers()
        os.kill(int(self.pid_file.read_text()), signal.SIGHUP)
        deadline = time.monotonic() + GENEROUS
        while before & self.workers() or not self.workers():
            assert time.monotonic() < deadline, "nginx did not reload"
            time.sleep(0.01)

    def workers(self) -> set[int]:
        """The workers that take new connections, as the kernel lists them."""
        from firedoor.connectors.parts.gateways.nginx_workers import listening

        return {worker.pid for worker in listening(int(self.pid_file.read_text()))}


class Rig:
    """One nginx with two workers."""

    kind: ClassVar[str] = "nginx"
    cannot: ClassVar[Mapping[str, str]] = {
        "conflict": NO_API,
        "busy": NO_API,
        "overloaded": NO_API,
        "wrong key": "the rights are those of files, which root always has; they are tried as another user elsewhere",
    }

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.inventory = Inventory()

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        self.nginx = Nginx()
        self.nginx.start()
        self.reset()

    def stop(self) -> None:
        self.nginx.stop()

    def config(self, path: str) -> dict[str, Any]:
        """The door of one model."""
        return {
            "folder": str(self.nginx.closed),
            "keys": (path,),
            "test": tuple(self.nginx.command("-t")),
            "reload": (str(self.nginx.reloader),),
            "pid_file": str(self.nginx.pid_file),
            "timeout_seconds": TIMEOUT,
            "settle_seconds": 1.2,
        }

    def reset(self) -> None:
        self.inventory = two_models(self.nginx.port, "nginx", self.config(LARGE), self.config(SMALL))
        for file in (*self.nginx.closed.iterdir(), self.nginx.folder / "reloads", self.nginx.folder / "plan"):
            file.unlink(missing_ok=True)
        if self.nginx.answers(LARGE) != 200 or self.nginx.answers(SMALL) != 200:
            self.nginx.reload()

    def effects(self) -> int:
        reloads = self.nginx.folder / "reloads"
        return reloads.stat().st_size if reloads.exists() else 0

    def break_with(self, fault: str) -> None:
        if fault == "down":
            self.inventory = with_door(self.inventory, pid_file=str(self.nginx.folder / "no.pid"))
        elif fault == "dark":
            self.inventory = in_the_dark(self.inventory)
        else:
            (self.nginx.folder / "plan").write_text(fault)

    def change_behind_our_back(self) -> None:
        with self.nginx.ours.open("a") as file:
            file.write('"/v1/chat-huge" 1;\n')
        self.nginx.reload()

    def close_behind_our_back(self) -> None:
        (self.nginx.closed / "maintenance.conf").write_text(f"{LARGE} 1;\n")
        self.nginx.reload()
