"""Whether a request comes from Slack: an HMAC-SHA256 over the bytes as they came, no older than five minutes.

Source: Slack's documentation, "Verifying requests from Slack" (version v0). Pure: the instant is an argument.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

WINDOW = 300  # seconds, before and after
TIME, SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the signature fits these bytes and is of now. Takes as long for a wrong one as for a right one."""
    time, given = headers.get(TIME, ""), headers.get(SIGNATURE, "")
    if not (time.isascii() and time.isdigit() and len(time) <= 12) or abs(now.timestamp() - int(time)) > WINDOW:
        return False
    return hmac.compare_digest(signature(secret, time, body).encode(), given.encode("utf-8", "replace"))


def signature(secret: str, time: str, body: bytes) -> str:
    """What Slack writes into the header."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + time.encode() + b":" + body, hashlib.sha256).hexdigest()
