"""Sealing what is secret in the database with a key that is not in it.

Decides the form of a sealed value, `sealed.v1.KEY.CONTENT`: AES-256-GCM under the named key, bound to the place where
it stands, so that a value that is moved to another row opens nothing. Leaves the keys to `store.keyring`, and which
values are sealed to whoever stores them.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from firedoor.core.problems import Problem, Refused
from firedoor.store.database.keyring import Keys, Purpose

MARK = "sealed.v1."
UNUSABLE = "lost"  # in place of a secret that nobody can open any more
NONCE = 12  # bytes, as SP 800-38D asks for


class KeyMissing(Refused):
    """The key under which a value was sealed is not on the key ring."""


def sealed(keys: Keys, place: str, content: str) -> str:
    """Seal a text for the place where it will stand, such as `account.totp_secret:NAME`."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # late: only where something is sealed

    key, nonce = keys().current(Purpose.SEAL), secrets.token_bytes(NONCE)
    closed = AESGCM(key.secret).encrypt(nonce, content.encode(), _bound(key.id, place))
    return f"{MARK}{key.id}.{base64.urlsafe_b64encode(nonce + closed).decode()}"


def unsealed(keys: Keys, place: str, value: str) -> str:
    """What was sealed. Raises KeyMissing, or Refused for a value that is not as it was sealed, or never was."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    identifier = key_of(value)
    if identifier is None:
        raise _altered(place, "is not sealed")
    key = keys().find(Purpose.SEAL, identifier)
    if key is None:
        raise KeyMissing(_missing(identifier))
    try:
        raw = base64.urlsafe_b64decode(value.removeprefix(MARK).partition(".")[2])
        return AESGCM(key.secret).decrypt(raw[:NONCE], raw[NONCE:], _bound(identifier, place)).decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise _altered(place, "is not as it was sealed") from None


def key_of(value: str) -> str | None:
    """The id of the key under which a value is sealed; None for one that is in clear."""
    return value.removeprefix(MARK).partition(".")[0] if value.startswith(MARK) else None


def _bound(identifier: str, place: str) -> bytes:
    return f"firedoor\n{identifier}\n{place}".encode()


def _missing(identifier: str) -> Problem:
    do = "put the key ring back from where you keep it; where it is lost: firedoor keys lost (docs/how-to/keep-keys.md)"
    message = f"secrets in the database are sealed with the key {identifier}, which is not on the key ring"
    return Problem(code="S111", message=message, do=do)


def _altered(place: str, what: str) -> Refused:
    do = "find out who wrote to the database; `firedoor doctor` names what is wrong"
    return Refused(Problem(code="S113", message=f"{place.partition(':')[0]} {what}", do=do))
