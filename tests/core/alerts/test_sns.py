"""Signatures of Amazon SNS: our topics, certificates that lie here, nothing fetched, nothing of SHA-1."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from firedoor.core.alerts.sns import verify_sns
from firedoor.core.problems import FiredoorError

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:privacy"
NOTIFICATION = {
    "Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Subject": "ALARM", "Message": '{"a": "ä\\n"}',
    "Timestamp": "2026-11-21T02:59:58.123Z", "SignatureVersion": "2",
    "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
}  # fmt: skip
ORDER = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@cache
def key(name: str) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key and its certificate, valid for a day."""
    private = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
        .serial_number(7).not_valid_before(NOW - timedelta(hours=12)).not_valid_after(NOW + timedelta(hours=12))
        .sign(private, SHA256())
    )  # fmt: skip
    return private, made.public_bytes(Encoding.PEM)


def signed(message: dict[str, str], by: str = "sns") -> bytes:
    """A message with its signature."""
    text = "".join(f"{name}\n{message[name]}\n" for name in ORDER if name in message)
    signature = key(by)[0].sign(text.encode(), PKCS1v15(), SHA256())
    return json.dumps({**message, "Signature": base64.b64encode(signature).decode()}).encode()


def refused(body: bytes, code: str, now: datetime = NOW, by: str = "sns") -> None:
    """The body is refused with this code."""
    with pytest.raises(FiredoorError) as caught:
        verify_sns([key(by)[1]], [TOPIC], body, now)
    assert caught.value.problems[0].code == code


def test_right_and_rotated() -> None:
    """With and without a subject, by either of two certificates; a confirmation has other lines."""
    without = {name: value for name, value in NOTIFICATION.items() if name != "Subject"}
    confirm = {
        **without, "Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "https://sns.example/confirm",
    }  # fmt: skip
    for message in (NOTIFICATION, without, confirm):
        assert verify_sns([key("next")[1], key("sns")[1]], [TOPIC], signed(message), NOW)["MessageId"] == "m-1"


def test_wrong_or_missing() -> None:
    """Another key, another text, no signature, a certificate that is none or has run out."""
    refused(signed(NOTIFICATION, "stranger"), "D316")
    refused(signed(NOTIFICATION).replace(b"m-1", b"m-2"), "D316")
    refused(json.dumps(NOTIFICATION).encode(), "D316")
    later = NOW + timedelta(days=1)
    refused(signed({**NOTIFICATION, "Timestamp": later.isoformat()}), "D316", now=later)
    with pytest.raises(FiredoorError, match="D316"):
        verify_sns([b"no certificate"], [TOPIC], signed(NOTIFICATION), NOW)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda one: {**one, "SignatureVersion": "1"}, "D312"),
        (lambda one: {**one, "TopicArn": TOPIC + "-of-a-stranger"}, "D313"),
        (lambda one: {**one, "SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"}, "D314"),
        (lambda one: {**one, "SigningCertURL": "http://sns.eu-west-1.amazonaws.com/a.pem"}, "D314"),
        (lambda one: {**one, "Timestamp": (NOW - timedelta(minutes=61)).isoformat()}, "D315"),
        (lambda one: {**one, "Timestamp": (NOW + timedelta(minutes=6)).isoformat()}, "D315"),
        (lambda one: {**one, "Timestamp": "yesterday"}, "D315"),
        (lambda one: {**one, "Type": "Other"}, "D311"),
    ],
)  # fmt: skip
def test_what_is_signed_and_yet_not_ours(change: Callable[[dict[str, str]], dict[str, str]], code: str) -> None:
    """SHA-1, another's topic, another host, stale, of the future, another kind: although the signature fits."""
    refused(signed(change(NOTIFICATION)), code)
