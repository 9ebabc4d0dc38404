"""How much strangers may send: so much from one neighbourhood of addresses, so much in all.

Decides by levels that run dry with time, kept in memory under digests with a key that only this process knows: nobody
can read from them who asked for help. This machine itself is not counted by address. Under load, or always where it is
set so, a sender shows a small piece of work; a browser without scripts waits instead, in a lane that is slower and
stays open. Whoever holds the link of a request is bounded apart, so that a flood of new ones holds up nobody who adds
to theirs. Each process counts for itself: with several the bounds are as many times as high. Leaves what is sent to the
core, and what a proof is to `core.requests.proof`.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from dataclasses import dataclass, field
from typing import Literal

from firedoor.core.problems import FiredoorError, Problem
from firedoor.core.requests.proof import BITS, WAIT, Shown

ONE_PLACE, ONE_REFILL = 30.0, 1 / 20  # requests that one neighbourhood may send at once; and each second from then on
ALL, ALL_REFILL = 5000.0, 2.0
BUSY = 2000.0  # so many at once, and work is asked for
WORKED, WORKED_REFILL = 5000.0, 20.0  # with a proof
WAITED, WAITED_REFILL = 200.0, 0.5  # without scripts, while it is asked for
HOLDERS, HOLDERS_REFILL = 5000.0, 20.0  # who has the link of a request
SPENT = 100_000  # tokens that are remembered; with more the oldest are forgotten, and have long been kept as keys
REMEMBERED = 50_000  # neighbourhoods; with more, those whose level has run dry are forgotten, then all
HERE = "here"


class TooMany(FiredoorError):
    """More than strangers may send now; nothing was stored. `seconds` says when to come back."""

    http_status = 429

    def __init__(self, seconds: float) -> None:
        do = f"send it again in {int(seconds) + 1} seconds; nothing of it was stored"
        super().__init__(Problem(code="Q114", message="too many requests are coming in just now", do=do))
        self.seconds = int(seconds) + 1


class NeedsProof(FiredoorError):
    """Work, or a wait, is asked for first; nothing was stored. The answer names a token."""

    http_status = 429

    def __init__(self) -> None:
        do = f"solve the token of this answer ({BITS} bits), or repeat it with the token after {WAIT.seconds} seconds"
        super().__init__(Problem(code="Q122", message="many requests are coming in just now", do=do))
        self.seconds = WAIT.seconds


@dataclass(slots=True)
class _Level:
    size: float
    refill: float
    full: float = 0.0
    at: float = field(default_factory=time.monotonic)

    def drop(self, now: float) -> None:
        """Take one more. Raises TooMany."""
        if self.level(now) + 1 > self.size:
            raise TooMany((self.full + 1 - self.size) / self.refill)
        self.full += 1

    def level(self, now: float) -> float:
        """How full it is by now."""
        self.full, self.at = max(0.0, self.full - (now - self.at) * self.refill), now
        return self.full


@dataclass
class DoorLimits:
    """The levels of one process. `asks` says when a proof is asked for: under load, always or never."""

    asks: Literal["load", "always", "never"] = "load"
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    places: dict[bytes, _Level] = field(default_factory=dict, repr=False)
    everybody: _Level = field(default_factory=lambda: _Level(ALL, ALL_REFILL))
    worked: _Level = field(default_factory=lambda: _Level(WORKED, WORKED_REFILL))
    waited: _Level = field(default_factory=lambda: _Level(WAITED, WAITED_REFILL))
    holders: _Level = field(default_factory=lambda: _Level(HOLDERS, HOLDERS_REFILL))
    spent: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    def busy(self) -> bool:
        """Whether a proof is asked for now."""
        load = self.everybody.level(time.monotonic()) > BUSY
        return self.asks == "always" or (self.asks == "load" and load)

    def admit(self, address: str, shown: Shown = Shown.NOTHING, token: str = "", once: str = "") -> None:
        """Count one new request from an address. Raises TooMany, or NeedsProof where `shown` is not enough.

        A token counts for one request, which `once` names: the same one may come again.
        """
        now = time.monotonic()
        self._from(address, now)
        if not self.busy():
            self.everybody.drop(now)
            return
        if shown is Shown.NOTHING or self._digest(once) != self.spent.get(self._digest(token), self._digest(once)):
            raise NeedsProof
        (self.worked if shown is Shown.WORKED else self.waited).drop(now)
        self.spent[self._digest(token)] = self._digest(once)
        if len(self.spent) > SPENT:
            del self.spent[next(iter(self.spent))]

    def admit_holder(self, address: str) -> None:
        """Count one deed of somebody who names the link of a request. Raises TooMany."""
        now = time.monotonic()
        self._from(address, now)
        self.holders.drop(now)

    def _from(self, address: str, now: float) -> None:
        place = neighbourhood(address)
        if place != HERE:
            self.places.setdefault(self._digest(place), _Level(ONE_PLACE, ONE_REFILL)).drop(now)
            self._forget(now)

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
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback:
        return HERE
    width = 24 if found.version == 4 else 56
    return str(ipaddress.ip_network(f"{found}/{width}", strict=False))
