"""Proxies that stand between a connector and the real system and fail in the ways of the contract suite.

Decide when a fault of `connector_suite.FAULTS` strikes (only at a change, and once, except for `overloaded`) and count
the changes that reached the real system. Leave what a change is, and how `half` and `overblock` look in that system, to
the rig: it hands in functions. Faults that no proxy can stage (`wrong key`, `down`, `dark`) are the rig's as well.

    proxy = FaultyHttpProxy("http://127.0.0.1:9901", rewrite={"overblock": lambda asked: [asked, also_the_neighbour]})
    proxy.plan("hang")  # the next change is forwarded and never answered
    proxy.effects       # how many changes the real system took
    proxy.reset()       # no faults, no count; whoever still waits for an answer is cut off
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

STAGED = ("lie", "half", "overblock", "hang", "lost", "error", "conflict", "busy", "overloaded")
_SILENCE = 8.0  # seconds that an unanswered caller is kept waiting, unless the proxy is reset before
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "te", "trailer"}


@dataclass(frozen=True)
class Asked:
    """One request as it arrived. `path` holds the query; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def but(self, **change: Any) -> Asked:
        """Return the request with something else in it."""
        return replace(self, **change)


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


REFUSALS: Mapping[str, Reply] = {
    "error": Reply(500, b'{"error": "internal error"}'),
    "conflict": Reply(409, b'{"error": "the object has been modified"}'),
    "busy": Reply(429, b'{"error": "too many requests"}', {"retry-after": "1"}),
    "overloaded": Reply(429, b'{"error": "too many requests"}', {"retry-after": "3600"}),
}


class Faults:
    """Which fault strikes next, and what has been counted. Shared by the threads of a proxy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: str | None = None
        self._released = threading.Event()
        self.effects = 0

    def plan(self, fault: str) -> None:
        """Let the next change fail in this way; `overloaded` stays until the reset."""
        assert fault in STAGED, f"a proxy cannot stage {fault!r}"
        with self._lock:
            self._planned = fault

    def strike(self) -> str | None:
        """Return the fault that meets this change."""
        with self._lock:
            fault = self._planned
            if fault != "overloaded":
                self._planned = None
            return fault

    def count(self) -> None:
        """One change reached the real system."""
        with self._lock:
            self.effects += 1

    def keep_waiting(self) -> None:
        """Say nothing until the reset, or for some seconds."""
        self._released.wait(_SILENCE)

    def reset(self) -> None:
        """Forget faults and counts, and let go of those who wait."""
        with self._lock:
            self._planned, self.effects = None, 0
            self._released.set()
            self._released = threading.Event()


def writes(asked: Asked) -> bool:
    """Whether a request is a change, as HTTP has it; hand in a function of your own where a POST only looks."""
    return asked.method not in ("GET", "HEAD", "OPTIONS")


class FaultyHttpProxy:
    """An HTTP proxy before `upstream`. Starts at once; `stop` ends it.

    `changes` tells changes from looks. `counted` tells which forwarded changes, with the status that they got, are
    effects. `rewrite` maps a fault to what is forwarded in place of the request: the answer to the last one is given.
    `refusals` and `lied` are what the system's own answers look like.
    """

    def __init__(
        self,
        upstream: str,
        *,
        changes: Callable[[Asked], bool] = writes,
        counted: Callable[[Asked, int], bool] = lambda _asked, status: status < 400,
        rewrite: Mapping[str, Callable[[Asked], list[Asked]]] | None = None,
        refusals: Mapping[str, Reply] | None = None,
        lied: Callable[[Asked], Reply] = lambda _asked: Reply(200),
    ) -> None:
        self._upstream = urlsplit(upstream)
        self._changes, self._counted, self._lied = changes, counted, lied
        self._rewrite, self._refusals = dict(rewrite or {}), {**REFUSALS, **(refusals or {})}
        self._faults = Faults()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def effects(self) -> int:
        """How many changes the real system took since the reset."""
        return self._faults.effects

    def plan(self, fault: str) -> None:
        """Let the next change fail."""
        self._faults.plan(fault)

    def reset(self) -> None:
        """No faults, no count."""
        self._faults.reset()

    def stop(self) -> None:
        """End; connections that wait are cut off."""
        self._faults.reset()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> Reply | None:
        """Return the answer to one request, or None where there is none."""
        fault = self._faults.strike() if self._changes(asked) else None
        if fault in self._refusals:
            return self._refusals[fault]
        if fault == "lie":
            return self._lied(asked)
        if fault == "lost":
            self._faults.keep_waiting()
            return None
        instead = self._rewrite.get(fault or "", lambda asked: [asked])(asked)
        replies = [self.forward(each) for each in instead]
        if self._changes(asked) and self._counted(asked, replies[-1].status):
            self._faults.count()
        if fault == "hang":
            self._faults.keep_waiting()
            return None
        return replies[-1]

    def forward(self, asked: Asked) -> Reply:
        """Ask the real system, past all faults."""
        connection = HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=30)
        try:
            connection.request(asked.method, asked.path, body=asked.body or None, headers=dict(asked.headers))
            response = connection.getresponse()
            kept = {name.lower(): value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            return Reply(response.status, response.read(), kept)
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body leave together: two small packets would wait for each other
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                reply = proxy.answer(self._asked())
                if reply is None:
                    self.close_connection = True
                    return
                self._give(reply)

            def _asked(self) -> Asked:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                kept = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
                return Asked(self.command, self.path, kept, body)

            def _give(self, reply: Reply) -> None:
                self.send_response_only(reply.status)
                for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else reply.body)
                self.wfile.flush()

        return Handler


class FaultyStreamProxy:
    """A proxy for protocols with one line asked and one answer until the end, over TCP or UNIX sockets.

    `upstream` and `listen` are a path (UNIX) or (host, port); without `listen` a free port of the loopback is taken and
    stands in `address`. `answers` gives what the system says for the faults that are answered (`lie`, `error`, ...).
    """

    def __init__(
        self,
        upstream: str | tuple[str, int],
        *,
        listen: str | tuple[str, int] = ("127.0.0.1", 0),
        changes: Callable[[bytes], bool],
        rewrite: Mapping[str, Callable[[bytes], list[bytes]]] | None = None,
        answers: Mapping[str, bytes] | None = None,
    ) -> None:
        self._upstream, self._changes = upstream, changes
        self._rewrite, self._answers = dict(rewrite or {}), {"lie": b"\n", **(answers or {})}
        self._faults = Faults()
        kind = socketserver.ThreadingUnixStreamServer if isinstance(listen, str) else socketserver.ThreadingTCPServer
        self._server: socketserver.BaseServer = kind(listen, self._handler())
        self.address: Any = self._server.server_address
        self._path = Path(listen) if isinstance(listen, str) else None
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def effects(self) -> int:
        """How many changes the real system took since the reset."""
        return self._faults.effects

    def plan(self, fault: str) -> None:
        """Let the next change fail."""
        self._faults.plan(fault)

    def reset(self) -> None:
        """No faults, no count."""
        self._faults.reset()

    def stop(self) -> None:
        """End, and take the socket's file away."""
        self._faults.reset()
        self._server.shutdown()
        self._server.server_close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def answer(self, asked: bytes) -> bytes | None:
        """Return the answer to one line, or None where there is none."""
        fault = self._faults.strike() if self._changes(asked) else None
        if fault in self._answers:
            return self._answers[fault]
        if fault == "lost":
            self._faults.keep_waiting()
            return None
        said = [self.forward(each) for each in self._rewrite.get(fault or "", lambda asked: [asked])(asked)]
        if self._changes(asked):
            self._faults.count()
        if fault == "hang":
            self._faults.keep_waiting()
            return None
        return said[-1]

    def forward(self, asked: bytes) -> bytes:
        """Ask the real system, past all faults."""
        family = socket.AF_UNIX if isinstance(self._upstream, str) else socket.AF_INET
        with socket.socket(family) as connection:
            connection.settimeout(30)
            connection.connect(self._upstream)
            connection.sendall(asked)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                said = proxy.answer(self.rfile.readline())
                if said is not None:
                    self.wfile.write(said)

        return Handler
