"""The far end of the benchmarks: a tiny model platform that notes when each call arrives.

Speaks just enough HTTP/1.1 over asyncio to be out of the way (about 0.1 ms a call).
Every resource is a model with a state; `PUT` changes it, `GET` reads it, `POST
/chat/NAME` is the data plane (200 while running, 503 when suspended). `GET /log`
returns the arrivals, in nanoseconds of the machine's monotonic clock, and clears them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

STATES: dict[str, dict[str, object]] = {}
LOG: list[tuple[str, str, int]] = []


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests on one connection until it closes."""
    while head := await _head(reader):
        arrived = time.monotonic_ns()
        method, path, length = head
        body = await reader.readexactly(length) if length else b""
        if path != "/log":
            LOG.append((method, path, arrived))
        status, answer = respond(method, path, body)
        content = json.dumps(answer).encode()
        etag = f'etag: "{STATES.get(path.rsplit("/", 1)[-1], {}).get("version", 0)}"\r\n'
        start = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{etag}content-length: {len(content)}\r\n\r\n"
        writer.write(start.encode() + content)
        await writer.drain()
    writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, int] | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return None
    lines = raw.decode().split("\r\n")
    method, path, _ = lines[0].split(" ", 2)
    lengths = [line.split(":", 1)[1] for line in lines if line.lower().startswith("content-length:")]
    return method, path, int(lengths[0]) if lengths else 0


def respond(method: str, path: str, body: bytes) -> tuple[int, object]:
    """Answer one request."""
    if path == "/log":
        log, LOG[:] = list(LOG), []
        return 200, log
    name = path.rsplit("/", 1)[-1]
    state = STATES.setdefault(name, {"state": "running", "mark": None, "version": 0})
    if path.startswith("/chat/"):
        return (200, {"text": "hello"}) if state["state"] == "running" else (503, {"error": "suspended"})
    if method == "PUT":
        state.update(json.loads(body))
        state["version"] = int(str(state["version"])) + 1
    return 200, state


async def main() -> None:
    """Serve on a free port, printing it."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
