"""The rig of the haproxy connector: two real HAProxys that ask a map, the first behind a proxy that can fail."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.conftest import require
from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import FaultyStreamProxy
from tests.contract.rigs_support.gateways import LARGE, SMALL, Gateway, in_the_dark, two_models, with_door
from tests.parts import free_port

from firedoor.core.targets import Door, Inventory, Target

CONFIGURATION = """
global
  stats socket {folder}/admin.sock level admin mode 600
  stats socket {folder}/operator.sock level operator mode 600
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend gateway
  bind 127.0.0.1:{port}
  http-request deny deny_status 503 if {{ path,map_beg({folder}/closed.map) -m found }}
  use_backend large if {{ path_beg /v1/chat-large }}
  default_backend small
backend large
  server one 127.0.0.1:{answering}
backend small
  server one 127.0.0.1:{answering}
backend spare
  server one 127.0.0.1:{answering}
frontend models
  bind 127.0.0.1:{answering}
  http-request return status 200
"""
SILENT = "HAProxy's command line knows no such answer: a command is done or refused, and callers wait for their turn"


class Haproxy(Gateway):
    """One HAProxy that answers for two models itself."""

    def start(self) -> None:
        require("haproxy")
        self.map = self.folder / "closed.map"
        self.map.touch()
        file = self.folder / "haproxy.cfg"
        text = CONFIGURATION.format(folder=self.folder, port=self.port, answering=free_port())
        file.write_text(text)
        self.run(["haproxy", "-db", "-f", str(file)], "HAProxy")

    def restart(self) -> None:
        """End it and start it anew with the same files; it is ready when the small model answers."""
        self.end()
        self.run(["haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")], "HAProxy", (SMALL,))

    def ask(self, line: str) -> str:
        """Say something to the Runtime API as somebody else would."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "admin.sock"))
            connection.sendall(f"{line}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


class Rig:
    """Two HAProxys. What callers see is the first one's; the second has to agree all the same."""

    kind: ClassVar[str] = "haproxy"
    cannot: ClassVar[Mapping[str, str]] = {
        "conflict": SILENT,
        "busy": SILENT,
        "overloaded": SILENT,
        "wrong key": "maps may be changed over a socket of any level; levels are tried where servers are closed",
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
        self.first, self.second = Haproxy(), Haproxy()
        self.first.start()
        self.second.start()
        self.proxy = FaultyStreamProxy(
            str(self.first.folder / "admin.sock"),
            listen=str(self.first.folder / "faulty.sock"),
            changes=lambda line: line.split(b" ", 1)[0] in (b"add", b"del", b"set"),
            rewrite={"half": self.elsewhere, "overblock": self.neighbour_too},
            answers={"error": b"Unable to allocate the entry.\n\n"},
        )
        self.reset()

    def stop(self) -> None:
        self.proxy.stop()
        self.first.stop()
        self.second.stop()

    def restarted(self) -> int:
        """Start the first one anew, as after a failure of its machine; return what a caller of the large model gets."""
        self.first.restart()
        return self.first.answers(LARGE)

    def instances(self) -> tuple[str, str]:
        """The addresses of both."""
        return f"unix:{self.first.folder}/faulty.sock", f"unix:{self.second.folder}/admin.sock"

    def config(self, path: str) -> dict[str, Any]:
        """The two maps have different paths here, so they are named by number; only the first one's file is kept."""
        return {"instances": self.instances(), "map": "#0", "keys": (path,), "files": (str(self.first.map),)}

    def reset(self) -> None:
        configs = [{**self.config(path), "timeout_seconds": TIMEOUT} for path in (LARGE, SMALL)]
        self.inventory = two_models(self.first.port, "haproxy", *configs)
        self.proxy.reset()
        self.first.map.write_text("# closed routes\n")
        for haproxy in (self.first, self.second):
            haproxy.ask("clear map #0")
            haproxy.ask("set server large/one state ready")

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        if fault == "down":
            self.inventory = with_door(self.inventory, instances=(f"127.0.0.1:{free_port()}", self.instances()[1]))
        elif fault == "dark":
            self.inventory = in_the_dark(self.inventory)
        else:
            self.proxy.plan(fault)

    def change_behind_our_back(self) -> None:
        self.second.ask(f"set map #0 {LARGE} maintenance")

    def close_behind_our_back(self) -> None:
        for haproxy in (self.first, self.second):
            haproxy.ask(f"add map #0 {LARGE} maintenance")

    def elsewhere(self, line: bytes) -> list[bytes]:
        """The same entry for a route that nobody asks."""
        return [line.replace(LARGE.encode(), b"/v1/nothing")]

    def neighbour_too(self, line: bytes) -> list[bytes]:
        """The same entry, and one for the neighbour."""
        return [line, line.replace(LARGE.encode(), SMALL.encode())]
