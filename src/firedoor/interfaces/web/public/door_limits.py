"""How much strangers may send: so much from one neighbourhood of addresses, so much in all.

Decides by levels that run dry with time, kept in memory under digests with a key that only this process knows: nobody
can read from them who asked for help. This machine itself is not counted by address. Leaves what is sent to the core.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from dataclasses import dataclass, field

from firedoor.core.problems import FiredoorError, Problem

ONE_PLACE, ONE_REFILL = 30.0, 1 / 20  # requests that one neighbourhood may send at once; and each second from then on
ALL, ALL_REFILL = 5000.0, 2.0
REMEMBERED = 50_000  # neighbourhoods; with more, those whose level has run dry are forgotten, then all
HERE = "here"


class TooMany(FiredoorError):
    """More than strangers may send now; nothing was stored. `seconds` says when to come back."""

    http_status = 429

    def __init__(self, seconds: float) -> None:
        do = f"send it again in {int(seconds) + 1} seconds; nothing of it was stored"
        super().__init__(Problem(code="Q114", message="too many requests are coming in just now", do=do))
        self.seconds = int(seconds) + 1


@dataclass(slots=True)
class _Level:
    full: float
    at: float

    def drop(self, size: float, refill: float, now: float) -> float:
        """Take one more. Returns 0, or the seconds until there is room for it."""
        self.full, self.at = max(0.0, self.full - (now - self.at) * refill), now
        if self.full + 1 > size:
            return (self.full + 1 - size) / refill
        self.full += 1
        return 0.0


@dataclass
class DoorLimits:
    """The levels of one process."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    places: dict[bytes, _Level] = field(default_factory=dict, repr=False)
    everybody: _Level = field(default_factory=lambda: _Level(0.0, time.monotonic()))

    def admit(self, address: str) -> None:
        """Count one request from an address. Raises TooMany."""
        now, place = time.monotonic(), neighbourhood(address)
        if place != HERE:
            level = self.places.setdefault(self._digest(place), _Level(0.0, now))
            if wait := level.drop(ONE_PLACE, ONE_REFILL, now):
                raise TooMany(wait)
            self._forget(now)
        if wait := self.everybody.drop(ALL, ALL_REFILL, now):
            raise TooMany(wait)

    def _digest(self, place: str) -> bytes:
        return hmac.new(self.key, place.encode(), hashlib.sha256).digest()

    def _forget(self, now: float) -> None:
        if len(self.places) <= REMEMBERED:
            return
        dry = [key for key, level in self.places.items() if (now - level.at) * ONE_REFILL >= level.full]
        for key in dry or list(self.places):
            del self.places[key]


def neighbourhood(address: str) -> str:
    """The network that an address stands for: /24 of IPv4, /56 of IPv6, which is what one household or host gets."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or "unknown"
    if found.is_loopback:
        return HERE
    width = 24 if found.version == 4 else 56
    return str(ipaddress.ip_network(f"{found}/{width}", strict=False))
