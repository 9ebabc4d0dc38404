"""What every connector is given, and the one HTTP client of a process.

Decides how Firedoor talks HTTP to systems that it may have to shut: no proxy and no
certificate store by environment variable, certificates checked, no redirect followed,
one pool. Leaves each call, its bounds and its errors to `calls`.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from firedoor.core.ports import Secrets
from firedoor.core.targets import Inventory


def nothing_closed() -> frozenset[str]:
    """No target is closed on purpose."""
    return frozenset()


@dataclass(frozen=True)
class ConnectorContext:
    """The constructor argument of every connector.

    `now` returns an aware instant in UTC. `closed_on_purpose` names the targets that an
    incident has closed: as neighbours they prove nothing, and their silence is no over-blocking.
    """

    client: httpx.AsyncClient
    secrets: Secrets
    now: Callable[[], datetime]
    inventory: Inventory
    closed_on_purpose: Callable[[], frozenset[str]] = nothing_closed


def open_client(certificates: Path | None = None, connections: int = 100) -> httpx.AsyncClient:
    """Open the pooled client of this process; the caller closes it.

    `certificates` is a PEM file of further authorities (a private PKI). Certificates are always checked.
    """
    return httpx.AsyncClient(
        verify=_authorities() if certificates is None else _authorities_and(certificates),
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections // 2, keepalive_expiry=30
        ),
        timeout=httpx.Timeout(10.0),
        headers={"user-agent": "firedoor", "accept-encoding": "identity"},
    )


@functools.cache
def _authorities() -> ssl.SSLContext:
    """The world's authorities, read once in a process: the list is long."""
    return ssl.create_default_context()


def _authorities_and(certificates: Path) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    trust.load_verify_locations(cafile=certificates)
    return trust
