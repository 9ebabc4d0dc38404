"""The rig of the open-inference connector: MLServer with two models of ours, behind a door keeper that wants a key.

MLServer has no keys of its own; in production something before it asks for one, and here the proxy does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, Reply
from tests.contract.rigs_support.mlserver import CANARY, MODELS, MlServer
from tests.parts import free_port

from firedoor.core.targets import Door, HttpProbe, Inventory, Target

KEYS = {"FIREDOOR_RIG_REPOSITORY_KEY": "repository-key-of-the-rig"}


class GuardedProxy(FaultyHttpProxy):
    """Asks for the key before anything else."""

    def answer(self, asked: Asked) -> Reply | None:
        if asked.headers.get("authorization") != f"Bearer {KEYS['FIREDOOR_RIG_REPOSITORY_KEY']}":
            return Reply(401, b'{"error": "who are you?"}')
        return super().answer(asked)


class Rig:
    """Two models on one server, the first of them under a second name as well; and another replica when asked for."""

    kind: ClassVar[str] = "open-inference"
    cannot: ClassVar[Mapping[str, str]] = {}
    markless: ClassVar[str] = "the repository API has index, load and unload, and no place for a text of ours"

    def __init__(self) -> None:
        self.environment = dict(KEYS)
        self.inventory = Inventory()
        self.server = MlServer()
        self.other = MlServer()

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        self.server.start()
        self.server.ready()
        self.proxy = _guarded(self.server)

    def add_replica(self) -> None:
        """Start a second server, with a proxy of its own."""
        self.other.start()
        self.other.ready()
        self.second = _guarded(self.other)

    def stop(self) -> None:
        for proxy in self._proxies():
            proxy.stop()
        for server in (self.server, self.other):
            server.stop()

    def reset(self) -> None:
        self.environment.update(KEYS)
        for proxy, server in zip(self._proxies(), (self.server, self.other), strict=False):
            proxy.reset()
            for name in (*MODELS, CANARY):
                server.write(name, "1")
                server.load(name)
        self.inventory = self.listing(self.proxy.url)

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}"
        if fault == "wrong key":
            self.environment["FIREDOOR_RIG_REPOSITORY_KEY"] = "not-the-key-at-all"
        elif fault == "down":
            self.replace(doors=self.listing(nowhere).targets["chat-large"].doors)
        elif fault == "dark":
            for name in MODELS:
                self.replace(name, probe=HttpProbe(url=nowhere, timeout_seconds=TIMEOUT))
        elif fault == "half":  # callers reach the model by a name that the door does not know
            self.replace(probe=HttpProbe.model_validate(self.server.probe(CANARY, TIMEOUT)))
        else:
            self.proxy.plan(fault)

    def change_behind_our_back(self) -> None:
        self.server.write("chat-large", "2")

    def close_behind_our_back(self) -> None:
        self.server.unload("chat-large")

    def _proxies(self) -> list[GuardedProxy]:
        return [getattr(self, name) for name in ("proxy", "second") if hasattr(self, name)]

    def replace(self, name: str = "chat-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})

    def listing(self, *urls: str) -> Inventory:
        """The inventory, with these replicas in the door."""
        config = {
            "urls": list(urls),
            "headers": {"authorization": "Bearer secret://env/FIREDOOR_RIG_REPOSITORY_KEY"},
            "timeout_seconds": TIMEOUT,
        }
        targets = {}
        for name, other in (MODELS, MODELS[::-1]):
            door = {"name": "repository", "connector": self.kind, "config": {**config, "model": name}}
            targets[name] = {"doors": [door], "probe": self.server.probe(name, TIMEOUT), "neighbours": [other]}
        return Inventory.model_validate({"targets": targets})


def _guarded(server: MlServer) -> GuardedProxy:
    also = {"overblock": lambda asked: [asked, asked.but(path=asked.path.replace(*MODELS))]}
    return GuardedProxy(server.url, changes=_changes, rewrite=also)


def _changes(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path.endswith(("/load", "/unload"))
