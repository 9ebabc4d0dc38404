"""The keys that are kept outside the database: what seals its secrets, and what signs the heads of its journals.

Decides the written form of a key ring: one word for each key, the newest of a purpose last, with white space between
them, so that a file and an environment variable can hold it. An older key stays, for what was sealed or signed with it.
Leaves where the ring is kept to the runtime, and sealing to `store.sealing`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from firedoor.core.problems import InvalidInput, Problem, Refused

BYTES = 32
_TIME = "%Y%m%dT%H%M%SZ"
ID = 8  # characters


class Purpose(StrEnum):
    """What a key is for."""

    SEAL = "seal"  # AES-256-GCM
    SIGN = "sign"  # Ed25519


@dataclass(frozen=True, slots=True)
class Key:
    """One key. Its id follows from it, and tells nothing of it."""

    purpose: Purpose
    id: str
    made_at: datetime
    secret: bytes = field(repr=False)

    @property
    def word(self) -> str:
        """The key as it is written down."""
        return f"{self.purpose}:{self.id}:{self.made_at.strftime(_TIME)}:{base64.b64encode(self.secret).decode()}"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of an installation, the newest of each purpose last."""

    keys: tuple[Key, ...] = ()

    def current(self, purpose: Purpose) -> Key:
        """The key in use. Raises Refused where there is none."""
        mine = self.of(purpose)
        if not mine:
            do = f"add one: firedoor keys rotate --purpose {purpose}"
            raise Refused(Problem(code="S112", message=f'the key ring holds no key for the purpose "{purpose}"', do=do))
        return mine[-1]

    def of(self, purpose: Purpose) -> tuple[Key, ...]:
        """The keys of a purpose, the newest last."""
        return tuple(key for key in self.keys if key.purpose is purpose)

    def find(self, purpose: Purpose, identifier: str) -> Key | None:
        """A key by its id."""
        return next((key for key in self.of(purpose) if key.id == identifier), None)

    def with_new(self, *purposes: Purpose, now: datetime) -> Keyring:
        """The ring with a new key for each of these purposes."""
        return Keyring((*self.keys, *(new_key(purpose, now) for purpose in purposes)))

    def without(self, purpose: Purpose, identifier: str) -> Keyring:
        """The ring without a key."""
        return Keyring(tuple(key for key in self.keys if (key.purpose, key.id) != (purpose, identifier)))

    @property
    def text(self) -> str:
        """The ring as it is written down."""
        return "".join(f"{key.word}\n" for key in self.keys)


Keys = Callable[[], Keyring]  # the ring as it is now: it may have been rotated since it was last asked for


def no_keys() -> Keyring:
    """Of a store that was opened without keys: it can hold no secret."""
    return Keyring()


def new_ring(now: datetime) -> Keyring:
    """A ring with a new key for each purpose."""
    return Keyring().with_new(*Purpose, now=now)


def new_key(purpose: Purpose, now: datetime) -> Key:
    """A new key, from the system's source of randomness."""
    secret = secrets.token_bytes(BYTES)
    return Key(purpose, _id(purpose, secret), now.astimezone(UTC).replace(microsecond=0), secret)


def read_ring(text: str, where: str) -> Keyring:
    """Read a written ring. Raises InvalidInput, never showing what is in it."""
    keys = tuple(_key(word, number, where) for number, word in enumerate(text.split(), 1))
    if not keys:
        raise _wrong(where, "holds no key")
    return Keyring(keys)


def _key(word: str, number: int, where: str) -> Key:
    try:
        purpose, identifier, made_at, written = word.split(":")
        secret = base64.b64decode(written, validate=True)
        made = datetime.strptime(made_at, _TIME).replace(tzinfo=UTC)
        key = Key(Purpose(purpose), identifier, made, secret)
    except (ValueError, binascii.Error):
        raise _wrong(where, f"cannot be read: its word {number} is no key") from None
    if len(secret) != BYTES or identifier != _id(key.purpose, secret):
        raise _wrong(where, f"cannot be read: its key {number} is damaged")
    return key


def _id(purpose: Purpose, secret: bytes) -> str:
    return hashlib.sha256(f"firedoor.key.{purpose}\n".encode() + secret).hexdigest()[:ID]


def _wrong(where: str, what: str) -> InvalidInput:
    do = "put the key ring back from where you keep it; see docs/how-to/keep-keys.md"
    return InvalidInput(Problem(code="S110", message=f"the key ring {where} {what}", do=do))
