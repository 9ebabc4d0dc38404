"""Every way of signing, against every way of getting it wrong; two secrets live while one is replaced."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.alerts.signatures import SCHEMES, SignatureScheme, sign, verify
from firedoor.core.problems import NotPermitted

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
BODY = b'{"id": "1"}'
OLD, NEW = b"an old secret of 32 random bytes", b"a new secret of 32 random bytes!"
TIMED = [name for name, one in SCHEMES.items() if one.timestamp_header or one.timestamp_prefix]


def signed(scheme: SignatureScheme, secret: bytes, body: bytes = BODY, at: datetime = NOW) -> dict[str, str]:
    """The headers that a sender of this scheme sets, made from its description and not by our own code."""
    stamp, headers, text = str(int(at.timestamp())), {}, scheme.leading
    if scheme.id_header:
        headers[scheme.id_header] = "msg_1"
        text += b"msg_1" + scheme.separator
    if scheme.timestamp_header or scheme.timestamp_prefix:
        text += stamp.encode() + scheme.separator
    if scheme.timestamp_header:
        headers[scheme.timestamp_header] = stamp
    mac = hmac.new(secret, text + body, hashlib.sha256).digest()
    written = scheme.prefix + (mac.hex() if scheme.encoding == "hex" else base64.b64encode(mac).decode())
    headers[scheme.header] = f"{scheme.timestamp_prefix}{stamp},{written}" if scheme.timestamp_prefix else written
    return headers


every_scheme = pytest.mark.parametrize("name", SCHEMES)


@every_scheme
def test_right_and_rotated(name: str) -> None:
    """Whichever of two live secrets signed; header names in any case."""
    scheme = SCHEMES[name]
    assert verify(scheme, [OLD, NEW], BODY, signed(scheme, OLD), NOW) == 0
    lowered = {key.lower(): value for key, value in signed(scheme, NEW).items()}
    assert verify(scheme, [OLD, NEW], BODY, lowered, NOW) == 1
    with pytest.raises(NotPermitted, match="D305"):
        verify(scheme, [NEW], BODY, signed(scheme, OLD), NOW)


@every_scheme
def test_wrong(name: str) -> None:
    """One byte more, another secret, half a digest."""
    scheme = SCHEMES[name]
    for headers, body in ((signed(scheme, OLD), BODY + b" "), (signed(scheme, b"another secret of some length"), BODY)):
        with pytest.raises(NotPermitted, match="D305"):
            verify(scheme, [OLD], body, headers, NOW)
    headers = signed(scheme, OLD)
    with pytest.raises(NotPermitted, match="D301"):
        verify(scheme, [OLD], BODY, {**headers, scheme.header: headers[scheme.header][:-2]}, NOW)


@every_scheme
def test_missing(name: str) -> None:
    """No header, an empty one, a time without a signature; and no secret is no secret that fits."""
    scheme, headers = SCHEMES[name], signed(SCHEMES[name], OLD)
    for missing in headers:
        with pytest.raises(NotPermitted, match=r"D30[127]"):
            verify(scheme, [OLD], BODY, {key: value for key, value in headers.items() if key != missing}, NOW)
        with pytest.raises(NotPermitted, match=r"D30[127]"):
            verify(scheme, [OLD], BODY, {**headers, missing: ""}, NOW)
    for secrets in ([], [b"short"], [OLD, NEW, OLD]):
        with pytest.raises(NotPermitted, match="D304"):
            verify(scheme, secrets, BODY, headers, NOW)


@pytest.mark.parametrize("name", TIMED)
def test_stale_and_moved(name: str) -> None:
    """Five minutes to either side are allowed; a time that was exchanged afterwards fits no signature."""
    scheme = SCHEMES[name]
    for away in (timedelta(minutes=5), timedelta(minutes=-5)):
        verify(scheme, [OLD], BODY, signed(scheme, OLD, at=NOW + away), NOW)
        with pytest.raises(NotPermitted, match="D303"):
            verify(scheme, [OLD], BODY, signed(scheme, OLD, at=NOW + away + away / 300), NOW)
    old, fresh = signed(scheme, OLD, at=NOW - timedelta(hours=1)), signed(scheme, OLD)
    if scheme.timestamp_header:
        with pytest.raises(NotPermitted, match="D305"):
            verify(scheme, [OLD], BODY, {**old, scheme.timestamp_header: fresh[scheme.timestamp_header]}, NOW)


def test_another_delivery_s_id_fits_no_signature() -> None:
    """In Standard Webhooks the id is signed with the body."""
    scheme = SCHEMES["standard-webhooks"]
    with pytest.raises(NotPermitted, match="D305"):
        verify(scheme, [OLD], BODY, {**signed(scheme, OLD), "webhook-id": "msg_2"}, NOW)


def test_several_signatures_of_one_delivery() -> None:
    """While the sender replaces its secret it signs with both; the separator is the scheme's own."""
    for name in ("pagerduty", "standard-webhooks"):
        scheme = SCHEMES[name]
        both = dict(signed(scheme, OLD))
        both[scheme.header] = f"{signed(scheme, NEW)[scheme.header]}{scheme.between}{both[scheme.header]}"
        assert verify(scheme, [OLD], BODY, both, NOW) == 0


def test_a_secret_behind_a_prefix_is_base64() -> None:
    """As Standard Webhooks hands them out."""
    scheme, given = SCHEMES["standard-webhooks"], b"whsec_" + base64.b64encode(OLD)
    assert verify(scheme, [given], BODY, signed(scheme, OLD), NOW) == 0
    with pytest.raises(NotPermitted, match="D304"):
        verify(scheme, [b"whsec_no base64 at all"], BODY, signed(scheme, OLD), NOW)


def test_published_examples() -> None:
    """GitHub's test value and Slack's example; a scheme that changed by accident no longer fits them."""
    github = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert (
        verify(
            SCHEMES["github"], [b"It's a Secret to Everybody"], b"Hello, World!", {"X-Hub-Signature-256": github}, NOW
        )
        == 0
    )
    assert sign(OLD, BODY, NOW).startswith("t=1795230000,v1=")
