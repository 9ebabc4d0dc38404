"""A small application that asks for a feature flag before it answers, as applications with a kill switch do.

Started as `flag_app.py unleash <url> <token>` or `flag_app.py flagd <file>`. Prints the port that it listens on.
`GET /<flag>` answers 200 while the flag is on, and 503 when it is off, unknown or unreadable. It asks at every call;
`PUT /cache` makes it go on with what it has heard, as an SDK does between two refreshes, until `DELETE /cache`.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

MODE, SOURCE = sys.argv[1:3]
heard: dict[str, bool] = {}
caching: set[str] = set()


def asked(flag: str) -> bool:
    if MODE == "unleash":
        request = Request(f"{SOURCE}/api/client/features/{flag}", headers={"authorization": sys.argv[3]})  # noqa: S310 - our own
        with urlopen(request, timeout=5) as answer:  # noqa: S310 - our own
            return bool(json.load(answer)["enabled"])
    row = json.loads(Path(SOURCE).read_text())["flags"][flag]
    return row["state"] == "ENABLED" and row["variants"][row["defaultVariant"]] is True


def is_on(flag: str) -> bool:
    if not (caching and flag in heard):
        try:
            heard[flag] = asked(flag)
        except (URLError, OSError, ValueError, KeyError):
            heard[flag] = False  # fails off
    return heard[flag]


class Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self._give(200 if is_on(self.path.rsplit("/", 1)[-1]) else 503)

    def do_PUT(self) -> None:
        heard.clear()
        caching.add("on")
        self._give(200)

    def do_DELETE(self) -> None:
        caching.clear()
        self._give(200)

    def _give(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    print(server.server_port, flush=True)  # noqa: T201 - whoever started it reads it
    server.serve_forever(0.05)
