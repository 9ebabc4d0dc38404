"""The check in front of both servers, header by header."""

from __future__ import annotations

from typing import Any

import pytest

from firedoor.runtime.config.host_check import HostCheck, host_names
from firedoor.runtime.config.settings import Settings

NAMES = host_names("0.0.0.0", "firedoor.example.org", "")  # noqa: S104 - what it means is tested


def status(method: str = "GET", *, same_port: bool = False, **headers: str) -> int | None:
    """The status with which a request is refused; None when it is let in."""

    async def unused(*_: Any) -> None:
        raise AssertionError("only the check itself is asked")

    scope = {
        "type": "http", "method": method, "server": ("10.0.0.9", 8600),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    found = HostCheck(unused, NAMES, same_port).refused(scope)
    return found[0] if found else None


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1:8600",
        "[::1]:8600",
        "LOCALHOST:1",
        "firedoor.example.org",
        "firedoor.example.org.",
        "10.0.0.9",
    ],
)
def test_a_name_of_its_own_is_let_in(host: str) -> None:
    """Those of the loopback, the public one, and the very address that the connection came in at."""
    assert status(host=host) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "any.local", "localhost.evil.example", "10.0.0.8", "127.0.0.1@evil.example", "", "[::1", "a b"],
)
def test_any_other_name_is_misdirected(host: str) -> None:
    """Whatever a rebound page calls this machine; a header that cannot be read is no name either."""
    assert status(host=host) == 421


def test_a_missing_or_doubled_host_is_misdirected() -> None:
    """Two servers may read two of them differently."""
    twice = [(b"host", b"localhost"), (b"host", b"evil.example")]
    for headers in ([], twice):
        scope = {"type": "http", "method": "GET", "server": None, "headers": headers}
        assert HostCheck(lambda *_: None, NAMES).refused(scope)[0] == 421


@pytest.mark.parametrize(
    ("origin", "own", "private"),
    [
        ("http://localhost:4200", None, None),
        ("http://localhost:1", None, 403),
        ("https://firedoor.example.org", None, 403),
        ("http://evil.example", 403, 403),
        ("null", 403, 403),
        ("", 403, 403),
    ],
)
def test_a_foreign_page_may_write_nothing(origin: str, own: int | None, private: int | None) -> None:
    """By Firedoor's own server its names count; by Prefect's private one only this very server."""
    assert status("POST", host="localhost:4200", origin=origin) == own
    assert status("POST", host="localhost:4200", origin=origin, same_port=True) == private
    assert status("GET", host="localhost:4200", origin=origin) is None


def test_further_names_are_a_setting() -> None:
    """A name in front of a proxy or in a container's network."""
    settings = Settings(host="::", public_url="https://fire.example:8443/x", allowed_hosts="box.lan, box")
    assert {"fire.example", "box.lan", "box", "localhost"} <= settings.names
    assert "::" not in settings.names
