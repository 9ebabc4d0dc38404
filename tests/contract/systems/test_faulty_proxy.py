"""The proxies of the rigs fail exactly as they are told, so that a rule of the suite is tried and not merely passed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from tests.contract.rigs_support.faulty_proxy import Asked, FaultyHttpProxy, FaultyStreamProxy


@pytest.fixture(name="real")
def _real() -> Iterator[Any]:
    heard: list[str] = []

    class Real(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.command} {self.path}")
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_PUT = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Real)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


@pytest.fixture(name="proxy")
def _proxy(real: Any) -> Iterator[FaultyHttpProxy]:
    def too_much(asked: Asked) -> list[Asked]:
        return [asked, asked.but(path="/neighbour")]

    proxy = FaultyHttpProxy(real[0], rewrite={"overblock": too_much})
    yield proxy
    proxy.stop()


def put(proxy: FaultyHttpProxy) -> httpx.Response:
    return httpx.put(f"{proxy.url}/x", content=b"1", timeout=0.3, trust_env=False)


@pytest.mark.parametrize(
    ("fault", "status", "effects"),
    [("lie", 200, 0), ("error", 500, 0), ("conflict", 409, 0), ("busy", 429, 0), ("overblock", 200, 1)],
)
def test_a_fault_strikes_one_change_and_is_counted_as_it_was(
    proxy: FaultyHttpProxy, fault: str, status: int, effects: int
) -> None:
    """Looks pass; the first change meets the fault, the second does not."""
    proxy.plan(fault)
    assert httpx.get(f"{proxy.url}/x", trust_env=False).text == "ok"
    assert (put(proxy).status_code, proxy.effects) == (status, effects)
    assert (put(proxy).status_code, proxy.effects) == (200, effects + 1)


@pytest.mark.parametrize(("fault", "heard"), [("hang", ["PUT /x"]), ("lost", [])])
def test_silence_comes_with_or_without_the_effect(
    proxy: FaultyHttpProxy, real: Any, fault: str, heard: list[str]
) -> None:
    """Nobody is answered; the real system heard of one and not of the other."""
    proxy.plan(fault)
    with pytest.raises(httpx.ReadTimeout):
        put(proxy)
    assert (real[1], proxy.effects) == (heard, len(heard))


def test_an_overloaded_system_stays_so_until_the_reset(proxy: FaultyHttpProxy) -> None:
    """Every change is turned away, and then none."""
    proxy.plan("overloaded")
    assert [put(proxy).headers["retry-after"] for _ in range(2)] == ["3600", "3600"]
    proxy.reset()
    assert put(proxy).status_code == 200


def test_lines_pass_a_unix_socket_and_can_be_lied_to(tmp_path: Path) -> None:
    """The real system hears the first line and not the second."""
    heard = socket.create_server(("127.0.0.1", 0))

    def system() -> None:
        connection, _ = heard.accept()
        with connection:
            connection.sendall(b"heard " + connection.recv(100))

    Thread(target=system, daemon=True).start()
    way = str(tmp_path / "s")
    proxy = FaultyStreamProxy(heard.getsockname(), listen=way, changes=lambda line: line.startswith(b"set"))
    said = [asked_over(way, b"set a\n")]
    proxy.plan("lie")
    said.append(asked_over(way, b"set b\n"))
    proxy.stop()
    heard.close()
    assert (said, proxy.effects) == ([b"heard set a\n", b"\n"], 0)


def asked_over(way: str, line: bytes) -> bytes:
    """Send one line over a UNIX socket and read to the end."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(way)
        connection.sendall(line)
        return b"".join(iter(lambda: connection.recv(100), b""))
