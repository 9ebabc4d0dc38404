"""Notices as signed JSON, at a real HTTPS server: who gets them, and how whoever gets them can tell."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.patience import GENEROUS
from tests.runtime.loops.test_mail import NOTICE
from tests.support.real_mail import Authority

from firedoor.connectors.messengers.webhook import Webhook
from firedoor.connectors.parts.context import open_client
from firedoor.core.problems import InvalidInput, Unanswered

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "send-messages.md"
KEY = "of-the-pager"


class Pager:
    """What came, and what is answered to it."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.headers, self.body = 204, dict[str, str](), b""
        self.sent = 0  # bytes of the answer that the other side took
        self.done = threading.Event()
        self.url = ""


@contextmanager
def pager(context: ssl.SSLContext) -> Iterator[Pager]:
    """An HTTPS server on the loopback."""
    house = Pager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            house.came.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(house.status)
            for name, value in house.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for _ in range(2000 if house.body else 0):
                    house.sent += self.wfile.write(house.body)
            except OSError:
                house.done.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever distrusts us hangs up
    house.url = f"https://127.0.0.1:{server.server_address[1]}/in"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield house
    finally:
        server.shutdown()
        server.server_close()


async def post(url: str, trusted: Path | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    async with open_client(trusted) as client:
        await Webhook(client, url, lambda: KEY, now).send(NOTICE)


def receiver() -> Callable[[str, dict[str, str], bytes], bool]:
    """What the page tells receivers to do."""
    (snippet,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - our own page
    found: Callable[[str, dict[str, str], bytes], bool] = names["is_from_firedoor"]
    return found


async def test_the_receiver_of_the_page_knows_ours_from_others(tmp_path: Path) -> None:
    """What is changed, unsigned, signed with another key or old is not ours."""
    authority, is_ours = Authority(tmp_path), receiver()
    with pager(authority.context()) as house:
        await post(house.url, authority.file)
        await post(house.url, authority.file, lambda: datetime.now(UTC) - timedelta(seconds=301))
    (_, headers, body), (_, old, same) = house.came
    assert is_ours(KEY, headers, body)
    assert not is_ours("another", headers, body)
    assert not is_ours(KEY, headers, body + b" ")
    assert not is_ours(KEY, {**headers, "firedoor-timestamp": str(int(headers["firedoor-timestamp"]) + 1)}, body)
    assert not is_ours(KEY, {}, body)
    assert not is_ours(KEY, old, same)
    assert headers["idempotency-key"] == json.loads(body)["id"] == NOTICE.handle


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(tmp_path: Path, status: int) -> None:
    """Neither the body nor the signature goes where somebody else points to."""
    authority = Authority(tmp_path)
    with pager(authority.context()) as house:
        house.status, house.headers = status, {"Location": f"{house.url}/elsewhere"}
        with pytest.raises(Unanswered, match="redirect, which is not followed"):
            await post(house.url, authority.file)
    assert [path for path, _, _ in house.came] == ["/in"]


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_certificate_that_is_not_trusted_gets_nothing(tmp_path: Path, *, trusted: bool) -> None:
    """Of an unknown authority, or for another name."""
    authority = Authority(tmp_path)
    shown, doubted = authority.context(host="other.test" if trusted else ""), "certificate that is not trusted"
    with pager(shown) as house, pytest.raises(Unanswered, match=doubted):
        await post(house.url, authority.file if trusted else None)
    assert not house.came


async def test_an_answer_without_end_is_not_read(tmp_path: Path) -> None:
    """Two thousand megabytes would be; it is hung up on after the head."""
    authority = Authority(tmp_path)
    with pager(authority.context()) as house:
        house.status, house.body = 200, b"x" * 1024 * 1024
        await post(house.url, authority.file)
        assert house.done.wait(GENEROUS)
    assert house.sent < 64 * 1024 * 1024


@pytest.mark.parametrize("url", ["http://pager.test/in", "ftp://127.0.0.1/", "pager.test", "https://", "http://[x"])
async def test_nothing_goes_to_another_machine_in_the_clear(url: str) -> None:
    """Said when the process starts, not when somebody waits for a message."""
    async with open_client() as client:
        with pytest.raises(InvalidInput, match="https://"):
            Webhook(client, url, lambda: KEY, lambda: datetime.now(UTC))
        for fit in ("http://127.0.0.1:8080/in", "http://localhost/in", "https://pager.test/in"):
            Webhook(client, fit, lambda: KEY, lambda: datetime.now(UTC))
