"""Proves that a delivery comes from a sender who holds the secret, and that it is recent.

Decides the verification of HMAC-SHA256 signatures over the raw bytes (RFC 2104, FIPS 180-4), for
our own scheme and for those of other senders, as data (`SCHEMES`). Two secrets may be live, so
that one can be replaced without losing a delivery. Leaves keeping the secrets, and refusing a
delivery that was seen before within the window, to the caller.

Ours: `X-Firedoor-Signature: t=<unix seconds>,v1=<hex>` where v1 is HMAC-SHA256(secret, "<t>." + body).
Several v1 may be given; one that matches is enough.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from firedoor.core.problems import NotPermitted, Problem

MAXIMUM_HEADER = 1024  # characters; a longer one is not a signature
MAXIMUM_LIVE_SECRETS = 2
MINIMUM_SECRET_BYTES = 16
_HEX, _BASE64 = re.compile(r"[0-9a-fA-F]{64}"), re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True)
class SignatureScheme:
    """How a sender signs.

    `prefix` stands before each digest in `header`, several of which are told apart by `between`; a digest is written
    in `encoding`. The time is in the same header after `timestamp_prefix`, or in `timestamp_header`, or nowhere: then
    nothing but the duplicate check protects from a replay. Headers that begin with `refused_headers` carry meaning
    that the signature does not cover, and are refused. What is signed is `leading`, the value of `id_header`, the time
    and the body, with `separator` after the id and after the time. A secret that begins with `secret_prefix` is
    base64 from there on.
    """

    header: str = "X-Firedoor-Signature"
    prefix: str = "v1="
    timestamp_prefix: str | None = "t="
    timestamp_header: str | None = None
    separator: bytes = b"."
    refused_headers: str | None = None
    window: timedelta = timedelta(minutes=5)
    timestamp_unit: Literal["s", "ms"] = "s"
    leading: bytes = b""
    id_header: str | None = None
    between: str = ","
    encoding: Literal["hex", "base64"] = "hex"
    secret_prefix: str = ""


FIREDOOR = SignatureScheme()

# What senders do, by the name that a mapping says. Each as its public documentation has it.
SCHEMES: Mapping[str, SignatureScheme] = {
    "firedoor": FIREDOOR,
    "github": SignatureScheme("X-Hub-Signature-256", "sha256=", None),
    "grafana": SignatureScheme("X-Grafana-Alerting-Signature", "", None),
    "grafana-timestamp": SignatureScheme(
        "X-Grafana-Alerting-Signature", "", None, "X-Grafana-Alerting-Timestamp", separator=b":"
    ),
    "nightfall": SignatureScheme("X-Nightfall-Signature", "", None, "X-Nightfall-Timestamp", separator=b":"),
    "pagerduty": SignatureScheme("X-PagerDuty-Signature", "v1=", None),
    "sentry": SignatureScheme("Sentry-Hook-Signature", "", None),
    "slack": SignatureScheme(
        "X-Slack-Signature", "v0=", None, "X-Slack-Request-Timestamp", separator=b":", leading=b"v0:"
    ),
    "standard-webhooks": SignatureScheme(
        "webhook-signature", "v1,", None, "webhook-timestamp", id_header="webhook-id", between=" ",
        encoding="base64", secret_prefix="whsec_",  # noqa: S106 - how such secrets begin
    ),
    "stripe": SignatureScheme("Stripe-Signature"),
}  # fmt: skip


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
    parts = [part.strip() for part in given.get(scheme.header.lower(), "")[:MAXIMUM_HEADER].split(scheme.between)]
    offered = [part.removeprefix(scheme.prefix) for part in parts if part.startswith(scheme.prefix)]
    form = _HEX if scheme.encoding == "hex" else _BASE64
    signatures = [_hex(scheme, text) for text in offered if form.fullmatch(text)]
    if not signatures:
        raise _refused(
            "D301", f"{scheme.header} is missing or holds no signature", f"sign each delivery: {scheme.prefix}<digest>"
        )
    signed = scheme.leading + _identified(scheme, given) + _stamp(scheme, parts, given, now) + body
    expected = [_mac(_key(scheme, secret), signed) for secret in secrets]
    matches = [any([hmac.compare_digest(mac, text) for text in signatures]) for mac in expected]  # noqa: C419 - no early end
    if True not in matches:
        raise _refused(
            "D305",
            "the signature does not match",
            "sign the raw bytes that are sent, with the secret that is live here",
        )
    return matches.index(True)


def _hex(scheme: SignatureScheme, text: str) -> str:
    return text.lower() if scheme.encoding == "hex" else base64.b64decode(text).hex()


def _key(scheme: SignatureScheme, secret: bytes) -> bytes:
    """The key that a secret is, which some senders write in base64 behind a prefix."""
    prefix = scheme.secret_prefix.encode()
    if not prefix or not secret.startswith(prefix):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(prefix), validate=True)
    except binascii.Error:
        raise _refused("D304", "a live secret is no base64", "copy the secret again from the sender") from None


def _identified(scheme: SignatureScheme, given: Mapping[str, str]) -> bytes:
    """The id of the delivery, where it is signed."""
    if scheme.id_header is None:
        return b""
    text = given.get(scheme.id_header.lower(), "").strip()
    if not re.fullmatch(r"[\x21-\x7e]{1,256}", text):
        raise _refused("D307", f"{scheme.id_header} is missing", "send the id that was signed with the body")
    return text.encode("ascii") + scheme.separator


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
    if not re.fullmatch(r"[0-9]{1,14}", text):
        raise _refused(
            "D302", "the signature has no time, or more than one", "send the time of signing as a number since 1970"
        )
    seconds = int(text) / (1000 if scheme.timestamp_unit == "ms" else 1)
    away, allowed = abs(seconds - now.timestamp()), scheme.window.total_seconds()
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
