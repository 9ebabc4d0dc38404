"""Serves Firedoor's own application on a free port, printing the port, for the benchmarks."""

from __future__ import annotations

import asyncio
import socket
import sys

import uvicorn

from firedoor.interfaces.web.app import create_app
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import Runtime


def main() -> None:
    """Serve until terminated."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port = listener.getsockname()[1]
    app = create_app(Runtime(Settings(port=port)), f"http://127.0.0.1:{port}")
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    asyncio.run(uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False)).serve([listener]))


if __name__ == "__main__":
    main()
