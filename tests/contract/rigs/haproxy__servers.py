"""A further rig of the haproxy connector: a server is set to maintenance, which bears no mark and asks for a level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.rigs.haproxy import Rig as MapRig
from tests.contract.rigs_support.gateways import with_door


class Rig(MapRig):
    """The same two HAProxys."""

    markless: ClassVar[str] = "a server in maintenance shows no word of who set it there"
    cannot: ClassVar[Mapping[str, str]] = {
        fault: reason for fault, reason in MapRig.cannot.items() if fault != "wrong key"
    }

    def config(self, path: str) -> dict[str, Any]:
        return {"instances": self.instances(), "servers": (f"{path.removeprefix('/v1/chat-')}/one",)}

    def break_with(self, fault: str) -> None:
        if fault == "wrong key":
            sockets = (f"unix:{self.first.folder}/operator.sock", self.instances()[1])
            self.inventory = with_door(self.inventory, instances=sockets)
        else:
            super().break_with(fault)

    def reset(self) -> None:
        super().reset()
        for haproxy in (self.first, self.second):
            haproxy.ask("set server small/one state ready")
            haproxy.ask("set server spare/one state ready")

    def change_behind_our_back(self) -> None:
        self.second.ask("set server large/one state drain")

    def close_behind_our_back(self) -> None:
        for haproxy in (self.first, self.second):
            haproxy.ask("set server large/one state maint")

    def elsewhere(self, line: bytes) -> list[bytes]:
        """The same state for a server that nobody is sent to."""
        return [line.replace(b"large/one", b"spare/one")]

    def neighbour_too(self, line: bytes) -> list[bytes]:
        """The same state, and for the neighbour's server too."""
        return [line, line.replace(b"large/one", b"small/one")]
