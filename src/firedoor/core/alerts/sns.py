"""Proves that Amazon SNS sent a delivery, from one of our topics, and recently.

Decides the verification of version 2 signatures (RSA with SHA-256 over the documented lines) by a certificate that an
operator has put here. Nothing is ever fetched: the address of the certificate in a message is held to its form, and
only the certificates here are used. Version 1 rests on SHA-1 and is refused. Whoever has an account can make Amazon
sign: therefore the topic counts. An SNS message keeps its time while it is sent again, for an hour at most. Leaves
keeping the certificates to the caller. Source: "Verifying the signatures of Amazon SNS messages" in the SNS guide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from firedoor.core.json_types import JsonObject
from firedoor.core.language.json_payload import instant, read_json
from firedoor.core.problems import NotPermitted, Problem

PAST, AHEAD = timedelta(hours=1), timedelta(minutes=5)
MAXIMUM_BYTES = 512 * 1024  # a message has at most 256 KB, which JSON may double
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_LINES = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_CERTIFICATE = re.compile(r"https://sns\.[a-z0-9-]{3,32}\.amazonaws\.com(?:\.cn)?/[A-Za-z0-9._-]{1,128}\.pem")


def verify_sns(certificates: Sequence[bytes], topics: Collection[str], body: bytes, now: datetime) -> JsonObject:
    """Return the message that a body is. `certificates` are PEM. Raises InvalidInput or NotPermitted (D311 to D316)."""
    message = read_json(body, maximum_bytes=MAXIMUM_BYTES, maximum_depth=4)
    kind = message.get("Type") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(kind, str) or kind not in _LINES:
        raise _refused(
            "D311", "this is no message of Amazon SNS", "subscribe this address to a topic, without raw delivery"
        )
    if message.get("SignatureVersion") != "2":
        do = "aws sns set-topic-attributes --attribute-name SignatureVersion --attribute-value 2 --topic-arn ..."
        raise _refused("D312", "the signature is not of version 2 (SHA-256)", do)
    if message.get("TopicArn") not in topics:
        raise _refused(
            "D313", "the topic is none of ours", 'name it: FIREDOOR_ALERT_SENDERS={"sns": {"topics": [...]}}'
        )
    if not _CERTIFICATE.fullmatch(str(message.get("SigningCertURL", ""))):
        raise _refused(
            "D314", "the address of the certificate is none of Amazon SNS", "look into the topic's deliveries"
        )
    _need_recent(message, now)
    _need_signature(certificates, message, _lines(message, kind), now)
    return message


def _lines(message: JsonObject, kind: str) -> bytes:
    """What is signed: each name and each value on a line of its own; a subject only where there is one."""
    said = [(name, message.get(name)) for name in _LINES[kind]]
    return "".join(f"{name}\n{value}\n" for name, value in said if isinstance(value, str)).encode("utf-8", "replace")


def _need_recent(message: JsonObject, now: datetime) -> None:
    at = instant(str(message.get("Timestamp", "")))
    if at is None or not now - PAST <= at <= now + AHEAD:
        raise _refused(
            "D315", "the message has no time, or one that is too far from now", "check the clock of this machine"
        )


def _need_signature(certificates: Sequence[bytes], message: JsonObject, signed: bytes, now: datetime) -> None:
    """Try every certificate that is valid now; one that fits is enough."""
    try:
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
    except binascii.Error:
        signature = b""
    for pem in certificates:
        key = _key(pem, now)
        if key is None:
            continue
        try:
            key.verify(signature, signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return
    do = "put the certificate that the message names here: see docs/how-to/send-alerts.md"
    raise _refused("D316", "the signature fits no certificate that is valid here", do)


def _key(pem: bytes, now: datetime) -> RSAPublicKey | None:
    """The key of a certificate; None where it is no certificate, has another key, or is not valid now."""
    try:
        read = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None
    key = read.public_key()
    valid = read.not_valid_before_utc <= now <= read.not_valid_after_utc
    return key if valid and isinstance(key, RSAPublicKey) else None


def _refused(code: str, message: str, do: str) -> NotPermitted:
    return NotPermitted(Problem(code=code, message=message, do=do))
