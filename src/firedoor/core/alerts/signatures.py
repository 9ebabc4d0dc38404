"""Proves that a delivery comes from a sender who holds the secret, and that it is recent.

Decides the verification of HMAC-SHA256 signatures over the raw bytes (RFC 2104, FIPS 180-4), for
our own scheme and for the shapes that other senders use, as data. Two secrets may be live, so
that one can be replaced without losing a delivery. Leaves keeping the secrets, and refusing a
delivery that was seen before within the window, to the caller.

Ours: `X-Firedoor-Signature: t=<unix seconds>,v1=<hex>` where v1 is HMAC-SHA256(secret, "<t>." + body).
Several v1 may be given; one that matches is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firedoor.core.problems import NotPermitted, Problem

MAXIMUM_HEADER = 1024  # characters; a longer one is not a signature
MAXIMUM_LIVE_SECRETS = 2
MINIMUM_SECRET_BYTES = 16


@dataclass(frozen=True)
class SignatureScheme:
    """How a sender signs.

    `prefix` stands before each hexadecimal digest in `header`. The time (unix seconds) is in the
    same header after `timestamp_prefix`, or in `timestamp_header`, or nowhere: then nothing but
    the duplicate check protects from a replay. Headers that begin with `refused_headers` carry meaning
    that the signature does not cover, and are refused. What is signed is `<time><separator><body>`, or the body.
    """

    header: str = "X-Firedoor-Signature"
    prefix: str = "v1="
    timestamp_prefix: str | None = "t="
    timestamp_header: str | None = None
    separator: bytes = b"."
    refused_headers: str | None = None
    window: timedelta = timedelta(minutes=5)


FIREDOOR = SignatureScheme()


def sign(secret: bytes, body: bytes, now: datetime) -> str:
    """Return the value of `X-Firedoor-Signature` for a body. `now` is aware."""
    seconds = str(int(now.timestamp()))
    return f"t={seconds},v1={_mac(secret, seconds.encode() + b'.' + body)}"


def verify(
    scheme: SignatureScheme, secrets: Sequence[bytes], body: bytes, headers: Mapping[str, str], now: datetime
) -> int:
    """Return the index of the secret that signed `body`. Raises NotPermitted (D301 to D306) otherwise.

    Every live secret is compared in constant time, also after one has matched.
    """
    _check_secrets(secrets)
    given = {name.lower(): value for name, value in headers.items()}
    if scheme.refused_headers and any(name.startswith(scheme.refused_headers.lower()) for name in given):
        message = f"headers {scheme.refused_headers}* are not covered by the signature"
        raise _refused("D306", message, "put everything into the signed body, or use a bearer token")
    parts = [part.strip() for part in given.get(scheme.header.lower(), "")[:MAXIMUM_HEADER].split(",")]
    offered = [part.removeprefix(scheme.prefix) for part in parts if part.startswith(scheme.prefix)]
    signatures = [text for text in offered if re.fullmatch(r"[0-9a-fA-F]{64}", text)]
    if not signatures:
        raise _refused(
            "D301", f"{scheme.header} is missing or holds no signature", f"sign each delivery: {scheme.prefix}<hex>"
        )
    signed = _stamp(scheme, parts, given, now) + body
    expected = [_mac(secret, signed) for secret in secrets]
    matches = [any([hmac.compare_digest(mac, text.lower()) for text in signatures]) for mac in expected]  # noqa: C419 - no early end
    if True not in matches:
        raise _refused(
            "D305",
            "the signature does not match",
            "sign the raw bytes that are sent, with the secret that is live here",
        )
    return matches.index(True)


def _stamp(scheme: SignatureScheme, parts: list[str], given: Mapping[str, str], now: datetime) -> bytes:
    """Return what is signed before the body, after checking that it is recent."""
    if scheme.timestamp_prefix is None and scheme.timestamp_header is None:
        return b""
    if scheme.timestamp_header is not None:
        text = given.get(scheme.timestamp_header.lower(), "").strip()
    else:
        prefix = scheme.timestamp_prefix or ""
        times = [part.removeprefix(prefix) for part in parts if part.startswith(prefix)]
        text = times[0] if len(times) == 1 else ""
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise _refused(
            "D302", "the signature has no time, or more than one", "send the time of signing in unix seconds"
        )
    away, allowed = abs(int(text) - now.timestamp()), scheme.window.total_seconds()
    if away > allowed:
        message = f"signed {away:.0f} s away from now; at most {allowed:.0f} s are allowed"
        raise _refused("D303", message, "sign at the moment of sending, and check both clocks")
    return text.encode("ascii") + scheme.separator


def _check_secrets(secrets: Sequence[bytes]) -> None:
    if not 1 <= len(secrets) <= MAXIMUM_LIVE_SECRETS:
        raise _refused(
            "D304", f"{len(secrets)} secrets are live", f"keep one, or {MAXIMUM_LIVE_SECRETS} while one is replaced"
        )
    if any(len(secret) < MINIMUM_SECRET_BYTES for secret in secrets):
        raise _refused("D304", "a live secret is too short", f"use at least {MINIMUM_SECRET_BYTES} random bytes")


def _mac(secret: bytes, message: bytes) -> str:
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def _refused(code: str, message: str, do: str) -> NotPermitted:
    return NotPermitted(Problem(code=code, message=message, do=do))
