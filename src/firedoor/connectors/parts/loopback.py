"""Whether a host is this same machine: the only one to which something may go without TLS."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """By name or by address; no name is looked up, because an answer could be anybody's."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
