"""Notices as signed JSON, posted to one address of one's own: a pager, another chat, a ticket system.

Decides the signature: HMAC-SHA256 over the time, a full stop and the bytes of the body, as hexadecimal behind `v1=`, so
that a recorded request is worth nothing later. The same `Idempotency-Key` stands on every attempt. Redirects are not
followed, of an answer nothing but its head is read, and nothing goes to another machine without TLS. Leaves the content
to `words`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from firedoor.connectors.messengers.words import as_json
from firedoor.connectors.parts.loopback import is_loopback
from firedoor.core.ports import Notice, Told
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Later, Problem, Refused, Unanswered

LONGEST_WAIT = 3600.0  # seconds; whoever asks for more is asked again after that


class Webhook:
    """The messenger. `secret` is asked for at each call, and kept nowhere. Raises InvalidInput for an unfit address."""

    name: ClassVar[str] = "webhook"
    personal: ClassVar[bool] = False

    def __init__(
        self, client: httpx.AsyncClient, url: str, secret: Callable[[], str], now: Callable[[], datetime]
    ) -> None:
        self._client, self._url, self._secret, self._now = client, _fit(url), secret, now

    def address_of(self, email: str, slack_id: str) -> str:  # noqa: ARG002 - the port's
        """Nobody has an address here."""
        return ""

    async def find(self, notice: Notice) -> Told | None:  # noqa: ARG002 - the port's
        """Nobody can know; the far end knows the key."""
        return None

    async def send(self, notice: Notice) -> Told:
        """Post it."""
        body = json.dumps(as_json(notice), sort_keys=True).encode()
        time = str(int(self._now().timestamp()))
        headers = {
            "Content-Type": "application/json", "Idempotency-Key": notice.handle, "Firedoor-Timestamp": time,
            "Firedoor-Signature": signature(self._secret(), time, body),
        }  # fmt: skip
        request = self._client.build_request("POST", self._url, content=body, headers=headers)
        try:
            answer = await self._client.send(request, stream=True, follow_redirects=False)
            await answer.aclose()  # whatever else it holds is nobody's business, however much it is
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unanswered(_problem(_silent(error))) from None
        except httpx.HTTPError as error:
            raise InDoubt(_problem(f"broke off: {type(error).__name__}")) from None
        if not answer.is_success:
            raise _refused(answer)
        return Told(reference={"status": answer.status_code})


def signature(secret: str, time: str, body: bytes) -> str:
    """What `Firedoor-Signature` holds."""
    return "v1=" + hmac.new(secret.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()


def _fit(url: str) -> str:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
            return url
    message = "FIREDOOR_WEBHOOK_URL has no https:// before it"
    do = "messages leave this machine over TLS only; http:// is for this machine itself"
    raise InvalidInput(Problem(code="H105", field="FIREDOOR_WEBHOOK_URL", message=message, do=do))


def _silent(error: httpx.HTTPError) -> str:
    """Say why nobody was reached; a certificate that is not trusted looks like a line that is down otherwise."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"shows a certificate that is not trusted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return f"did not answer: {type(error).__name__}"


def _refused(answer: httpx.Response) -> FiredoorError:
    moved = ": a redirect, which is not followed" if answer.is_redirect else ""
    problem = _problem(f"answered {answer.status_code}{moved}")
    wait = answer.headers.get("retry-after", "")
    if answer.status_code in (429, 503) and wait.isdecimal():
        return Later(problem, min(float(wait), LONGEST_WAIT))
    return Refused(problem) if answer.status_code in (400, 410, 413, 422) else Unanswered(problem)


def _problem(what: str) -> Problem:
    return Problem(code="H103", message=f"the webhook for messages {what}", do="see FIREDOOR_WEBHOOK_URL")
