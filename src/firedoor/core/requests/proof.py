"""A small piece of work by which a sender shows that a request is worth it to them, without telling who they are.

Decides what a token is (when it was made, at random, under a key of this installation), when a number solves it (the
SHA-256 of `token.number` begins with so many zero bits), and that waiting is as good as working for those whose browser
runs no scripts. Leaves when any of it is asked for, and that a token counts once, to the web.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

BITS = 18  # some 260,000 tries: a second in a browser, a few on an old telephone
WAIT = timedelta(seconds=30)  # between the page and the sending, for those who cannot work
LASTS = timedelta(hours=12)  # a page that was left open over night still sends
RANDOM = 12  # bytes
MAXIMUM_TOKEN, MAXIMUM_NUMBER = 60, 12  # characters; a token and its number are one block of SHA-256


class Shown(Enum):
    """What a sender has shown for a token."""

    NOTHING = "nothing"
    WAITED = "waited"
    WORKED = "worked"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came with a request; both are "" where nothing did."""

    token: str = ""
    number: str = ""


def new_token(key: bytes, now: datetime, random: bytes) -> str:
    """A token; `random` are bytes that nobody else has."""
    made = f"{int(now.timestamp()):x}.{_text(random)}"
    return f"{made}.{_seal(key, made)}"


def shown(key: bytes, proof: Proof, now: datetime, bits: int = BITS) -> Shown:
    """What is proved. A token that was not made here, or that is too old, proves nothing."""
    age = _age(key, proof.token, now)
    if age is None:
        return Shown.NOTHING
    if solves(proof, bits):
        return Shown.WORKED
    return Shown.WAITED if age >= WAIT else Shown.NOTHING


def solves(proof: Proof, bits: int) -> bool:
    """Whether the number solves the token."""
    if not (0 < len(proof.number) <= MAXIMUM_NUMBER and proof.number.isascii() and proof.number.isdigit()):
        return False
    found = hashlib.sha256(f"{proof.token}.{proof.number}".encode()).digest()
    return int.from_bytes(found, "big") >> (256 - bits) == 0


def known(key: bytes, token: str, now: datetime) -> bool:
    """Whether a token was made here and is not too old."""
    return _age(key, token, now) is not None


def left(key: bytes, token: str, now: datetime) -> int:
    """How many seconds somebody who cannot work has to wait yet; the whole time where the token is none."""
    age = _age(key, token, now)
    return int((WAIT - (age or timedelta())).total_seconds()) + 1 if age is None or age < WAIT else 0


def _age(key: bytes, token: str, now: datetime) -> timedelta | None:
    made, _, seal = token.rpartition(".")
    if len(token) > MAXIMUM_TOKEN or not hmac.compare_digest(seal.encode(), _seal(key, made).encode()):
        return None
    age = now - datetime.fromtimestamp(int(made.partition(".")[0], 16), now.tzinfo)
    return age if timedelta(0) <= age + timedelta(seconds=1) <= LASTS else None


def _seal(key: bytes, made: str) -> str:
    return _text(hmac.new(key, b"report-form\n" + made.encode(), hashlib.sha256).digest()[:RANDOM])


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
