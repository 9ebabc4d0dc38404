"""A small model server that looks its model up in MLflow's registry for every call, by `models:/<name>@champion`.

Started with one argument, the base URL of MLflow. Prints the port that it listens on. `GET /models/<name>` answers 200
with the version, 503 when the alias is gone. `PUT /cache` makes it remember what it has loaded, as most servers do.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import urlopen

ALIAS = f"{sys.argv[1]}/api/2.0/mlflow/registered-models/alias"
loaded: dict[str, str] = {}
caching: set[str] = set()


def version_of(name: str) -> str | None:
    if name in loaded and caching:
        return loaded[name]
    try:
        with urlopen(f"{ALIAS}?name={name}&alias=champion", timeout=5) as answer:  # noqa: S310 - our own MLflow
            loaded[name] = json.load(answer)["model_version"]["version"]
    except HTTPError:
        return None
    return loaded[name]


class Loader(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        version = version_of(self.path.rsplit("/", 1)[-1])
        self._give(503 if version is None else 200, {"version": version})

    def do_PUT(self) -> None:
        caching.add("on")
        self._give(200, {})

    def do_DELETE(self) -> None:
        caching.clear()
        self._give(200, {})

    def _give(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Loader)
    print(server.server_port, flush=True)  # noqa: T201 - whoever started it reads it
    server.serve_forever(0.05)
