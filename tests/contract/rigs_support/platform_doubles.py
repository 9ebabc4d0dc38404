"""Doubles of platforms that cannot be had here, and rigs around them: what a vendor describes, as a small HTTP server.

A double holds a table of calls, each with the method, path, body and answer that the vendor publishes; what is not in
the table is a 404. It shows that a connector says what the description asks for, and not how the real service behaves.
`GET /callers/<name>` stands for the data plane. Faults are the proxy's before it (`faulty_proxy`).
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.contract.connector_suite import TIMEOUT
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy
from tests.parts import free_port

from firedoor.core.targets import Door, HttpProbe, Inventory, Target

KEY_NAME, KEY = "FIREDOOR_RIG_PLATFORM_KEY", "platform-key-of-the-rig"
MODELS = ("chat-large", "chat-small")
Found = tuple[int, Any]
Call = Callable[["Double", "Heard"], Found]


class Heard:
    """One call: the parts of its path, its query and its body."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        split = urlsplit(url)
        self.method, self.path, self.headers = method, unquote(split.path), headers
        self.query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
        self.body: Any = json.loads(body) if body else {}
        self.named: dict[str, str] = {}


class Double:
    """A platform. A subclass says what is there at first, which calls there are, and whether callers are served."""

    key_header: ClassVar[tuple[str, str]] = ("authorization", f"Bearer {KEY}")
    refusal: ClassVar[int] = 403  # what a caller of a closed model gets
    calls: ClassVar[Mapping[str, Call]] = {}  # "METHOD /path/{name}": the answer

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.served_regardless = False
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Bring everything to its first state."""
        self.rows = {name: copy.deepcopy(self.first(name)) for name in MODELS}
        self.served_regardless = False

    def first(self, name: str) -> Any:
        """Return how one thing stands at first."""
        raise NotImplementedError

    def closed(self, name: str) -> bool:
        """Whether callers are turned away."""
        raise NotImplementedError

    def answer(self, heard: Heard) -> Found:
        """Answer one call."""
        if heard.path.startswith("/callers/"):
            name = heard.path.removeprefix("/callers/")
            return (self.refusal if self.closed(name) and not self.served_regardless else 200), {}
        name, wanted = self.key_header
        if heard.headers.get(name) != wanted:
            return 401, {"error": "who are you?"}
        for shape, call in self.calls.items():
            method, path = shape.split(" ", 1)
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(path))
            if method == heard.method and (match := re.fullmatch(pattern, heard.path)):
                heard.named = match.groupdict()
                if "name" in heard.named and heard.named["name"] not in self.rows:
                    return 404, {"error": "not found"}
                return call(self, heard)
        return 404, {"error": f"no call {heard.method} {heard.path}"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def _any(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                status, document = double.answer(Heard(self.command, self.path, headers, body))
                content = b"" if document is None else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - as the server wants them

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        return Handler


class PlatformRig:
    """A double with two models behind it. A subclass sets `kind`, `Platform`, `config` and what somebody else does."""

    kind: ClassVar[str]
    cannot: ClassVar[Mapping[str, str]] = {}
    Platform: ClassVar[type[Double]]

    def __init__(self) -> None:
        self.environment = {KEY_NAME: KEY}
        self.inventory = Inventory()

    # What a subclass writes.

    def config(self, name: str) -> dict[str, Any]:
        """Return the door's configuration but for its address and bounds."""
        raise NotImplementedError

    def is_effect(self, asked: Asked) -> bool:
        """Whether a change is the one that closes or opens, where several are made."""
        return True

    def other_doors(self) -> list[dict[str, Any]]:
        """Return further doors of each target."""
        return []

    def change_behind_our_back(self) -> None:
        raise NotImplementedError

    def close_behind_our_back(self) -> None:
        raise NotImplementedError

    # The rig.

    @property
    def target(self) -> Target:
        return self.inventory.targets["chat-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    @property
    def row(self) -> Any:
        """How the target stands at the double."""
        return self.double.rows["chat-large"]

    def start(self) -> None:
        self.double = self.Platform()
        self.proxy = FaultyHttpProxy(self.double.url, changes=self._changes, rewrite={"overblock": self.also})

    def stop(self) -> None:
        self.proxy.stop()
        self.double.stop()

    def reset(self) -> None:
        self.environment[KEY_NAME] = KEY
        self.double.reset()
        self.proxy.reset()
        self.inventory = self.listing(self.proxy.url)

    def effects(self) -> int:
        return self.proxy.effects

    def break_with(self, fault: str) -> None:
        nowhere = f"http://127.0.0.1:{free_port()}"
        if fault == "wrong key":
            self.environment[KEY_NAME] = "not-the-key-at-all"
        elif fault == "down":
            self.replace(doors=self.listing(nowhere).targets["chat-large"].doors)
        elif fault == "dark":
            for name in MODELS:
                self.replace(name, probe=HttpProbe(url=nowhere, timeout_seconds=TIMEOUT))
        elif fault == "half":
            self.double.served_regardless = True
        else:
            self.proxy.plan(fault)

    def replace(self, name: str = "chat-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})

    def listing(self, url: str) -> Inventory:
        """The inventory, with this address in the doors."""
        targets = {}
        for name, other in (MODELS, MODELS[::-1]):
            config = {"url": url, "timeout_seconds": TIMEOUT, **self.config(name)}
            probe = {"url": f"{self.double.url}/callers/{name}", "timeout_seconds": TIMEOUT}
            probe["refused"] = [self.Platform.refusal]
            doors = [{"name": "platform", "connector": self.kind, "config": config}, *self.other_doors()]
            targets[name] = {"doors": doors, "probe": probe, "neighbours": [other]}
        return Inventory.model_validate({"targets": targets})

    def _changes(self, asked: Asked) -> bool:
        return asked.method not in ("GET", "HEAD") and self.is_effect(asked)

    def also(self, asked: Asked) -> list[Asked]:
        """The same for the neighbour as well."""
        body = asked.body.replace(MODELS[0].encode(), MODELS[1].encode())
        return [asked.but(path=asked.path.replace(*MODELS), body=body), asked]
