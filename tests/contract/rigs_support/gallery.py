"""A small picture platform on a real socket: public addresses, an API that removes, a filter of uploads, an index.

Decides how it behaves and how it misbehaves: `stuck` objects stay although the API says that they are gone, `deaf` lets
every upload in, `forgets` loses its blocklist. Its pictures are bytes that a test invents. `calls` holds every call.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from firedoor.core.removal.store import ContentStore
from firedoor.core.targets import Door, Inventory, Target
from firedoor.runtime.rehearsal.simulation import KIND

TOKEN = "the-gallery-trusts-this"


class Gallery:
    """The platform. Change its fields at any time."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.index: list[dict[str, Any]] = []
        self.blocked: set[tuple[str, str]] = set()
        self.stuck: set[str] = set()
        self.removed: dict[str, bytes] = {}
        self.hidden: set[str] = set()
        self.redirects: dict[str, str] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.deaf = self.down = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self.server.shutdown()
        self.server.server_close()

    def put(self, key: str, content: bytes, pdq: str = "", quality: int = 90) -> None:
        """Store an object, and its hashes in the index."""
        self.objects[key] = content
        row = {"locator": key, "sha256": hashlib.sha256(content).hexdigest()}
        self.index.append({**row, **({"pdq": pdq, "quality": quality} if pdq else {})})

    def described(self, **more: object) -> ContentStore:
        """How the inventory describes it."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        return ContentStore.model_validate({
            "index": {"service": {"via": "http-index", "config": {"base": self.url, "headers": headers}}},
            "removal": {"via": "http", "config": {"base": self.url, "path": "/api/objects", "headers": headers}},
            "blocklist": {"via": "http-blocklist", "config": {"base": f"{self.url}/filter", "headers": headers}},
            "outside": {"base": f"{self.url}/media/"},
            "upload": {"url": f"{self.url}/upload"},
            **more,
        })  # fmt: skip

    def inventory(self, **more: object) -> Inventory:
        """An inventory with the gallery as its one target."""
        target = Target(id="gallery", doors=(Door(name="door", connector=KIND),), content=self.described(**more))
        return Inventory(targets={"gallery": target})


def _handler(gallery: Gallery) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _meet(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            gallery.calls.append((self.command, self.path, headers))
            if gallery.down:
                self.close_connection = True
                return
            status, answer, more = _answer(gallery, self.command, unquote(self.path), headers, body)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = _meet  # noqa: N815 - the names that the library calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _answer(
    gallery: Gallery, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, bytes, dict[str, str]]:  # fmt: skip
    if path.startswith("/media/"):
        key = path.removeprefix("/media/")
        if key in gallery.redirects:
            return 302, b"", {"location": gallery.redirects[key]}
        if key in gallery.hidden:
            return 403, b"", {}
        return (200, gallery.objects[key], {}) if key in gallery.objects else (404, b"", {})
    if path == "/upload":
        return _upload(gallery, body)
    if headers.get("authorization") != f"Bearer {TOKEN}":
        return 401, b"", {}
    if path.startswith("/api/objects/"):
        return _object(gallery, method, path.removeprefix("/api/objects/"))
    if path == "/search":
        rows = [one for one in gallery.index if _near(one, json.loads(body))]
        return 200, json.dumps({"content": rows, "looked_at": len(gallery.index)}).encode(), {}
    _, _, algorithm, value = path.split("/")
    known = (algorithm, value) in gallery.blocked
    if method == "PUT":
        gallery.blocked.add((algorithm, value))
    if method == "DELETE":
        gallery.blocked.discard((algorithm, value))
    return (204 if known or method == "PUT" else 404), b"", {}


def _object(gallery: Gallery, method: str, key: str) -> tuple[int, bytes, dict[str, str]]:
    if method == "POST" and key in gallery.removed:  # put it back
        gallery.objects[key] = gallery.removed.pop(key)
        return 204, b"", {}
    if method == "DELETE" and key not in gallery.stuck:
        gallery.removed[key] = gallery.objects.pop(key, b"")
        return 204, b"", {}
    if method == "DELETE":
        return 204, b"", {}  # it says so, and does not
    return (200, b"{}", {}) if key in gallery.objects else (404, b"", {})


def _upload(gallery: Gallery, body: bytes) -> tuple[int, bytes, dict[str, str]]:
    found = re.search(rb"\r\n\r\n(.*)\r\n--[0-9a-f]{32}--\r\n$", body, re.DOTALL)
    content = found[1] if found else body
    digest = hashlib.sha256(content).hexdigest()
    known = ("sha256", digest) in gallery.blocked or _picture(gallery, content)
    if known and not gallery.deaf:
        return 409, b"", {}
    gallery.objects[f"uploads/{digest[:12]}"] = content
    return 201, b"", {"location": f"/media/uploads/{digest[:12]}"}


def _picture(gallery: Gallery, content: bytes) -> bool:
    """Whether the picture itself is on the list: what is hashed here is what Firedoor drew."""
    import io

    import numpy as np
    from PIL import Image

    from firedoor.core.hashing.pdq import pdq

    try:
        made = pdq(np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))).hash
    except OSError:
        return False
    listed = [int(value, 16) for algorithm, value in gallery.blocked if algorithm == "pdq"]
    return any((int(made, 16) ^ one).bit_count() <= 31 for one in listed)


def _near(row: dict[str, Any], asked: dict[str, Any]) -> bool:
    if row["locator"] in asked["locators"] or row["sha256"] in asked["sha256"]:
        return True
    own = row.get("pdq")
    return bool(own) and any((int(own, 16) ^ int(one, 16)).bit_count() <= asked["max_distance"] for one in asked["pdq"])
