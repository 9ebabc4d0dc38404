"""How a sender of alerts proves itself: by a token, by a client certificate, or by a signature over the bytes.

Decides where a token may stand (`Authorization`, as a bearer or as the password of Basic; a header of its own; the
address, where the source allows it), that a certificate counts only on the word of a trusted proxy, and which secrets
are live. An address is never a proof, only a further condition. Leaves what a token may do to `auth`, and
verifying signatures to the core.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address, ip_network

from starlette.requests import Request

from firedoor.alerts.source import AlertSource
from firedoor.core.alerts.senders import EVERY_SOURCE, SenderRule, proved_by_certificate
from firedoor.core.alerts.signatures import verify
from firedoor.core.alerts.sns import verify_sns
from firedoor.core.problems import FiredoorError, Problem, Unanswered
from firedoor.interfaces.web.http.arrival import KEY, PEER
from firedoor.interfaces.web.security.auth import unauthenticated
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.config.settings import Settings

SECRET = "FIREDOOR_SOURCE_SECRET_"  # noqa: S105 - the beginning of a variable's name
NO_RULE = SenderRule()
log = logging.getLogger(__name__)


def rule_of(settings: Settings, source: str) -> SenderRule:
    """The rule for the senders of a source: its own, or that of every source."""
    return settings.alert_senders.get(source) or settings.alert_senders.get(EVERY_SOURCE) or NO_RULE


def token_of(request: Request, source: AlertSource | None) -> str | None:
    """The token that a sender shows, as an Authorization header; None where it shows none."""
    given = request.headers.get("authorization")
    if given is not None:
        return _from_basic(given) if given[:6].lower() == "basic " else given
    key = request.headers.get(source.key_header if source else "x-api-key")
    if key is None and source is not None and "path" in source.authentication:
        key = getattr(request.state, KEY, None)
    return None if key is None else f"Bearer {key}"


def _from_basic(given: str) -> str:
    """The password of Basic (RFC 7617) is the token; the name says nothing. What is no Basic is no token either."""
    try:
        _, _, password = base64.b64decode(given[6:].strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "Basic"
    return f"Bearer {password}"


def by_certificate(request: Request, settings: Settings, rule: SenderRule) -> bool:
    """Whether a trusted proxy says that the sender has shown one of the certificates that may send."""
    given = request.headers.getlist(rule.certificate_header) if rule.certificate_header else []
    return len(given) == 1 and _is_trusted(request, settings) and proved_by_certificate(rule, given[0])


def _is_trusted(request: Request, settings: Settings) -> bool:
    try:
        peer = ip_address(str(getattr(request.state, PEER, "")))
    except ValueError:
        return False
    return any(peer in ip_network(one) for one in settings.trusted_proxies.split(",") if one)


def need_signature(
    source: AlertSource, rule: SenderRule, body: bytes, headers: Mapping[str, str], now: datetime
) -> None:
    """Hold the raw body to the signature of its source. Raises NotPermitted or InvalidInput; nothing was parsed."""
    secrets = live_secrets(source.id)
    if source.signature is not None:
        verify(source.signature, secrets, body, headers, now)
        return
    message = verify_sns(secrets, rule.topics, body, now)
    if message.get("Type") == "SubscriptionConfirmation":
        say = "Amazon SNS asks to confirm %s. If it is yours: aws sns confirm-subscription --topic-arn %s --token %s"
        log.warning(say, message.get("TopicArn"), message.get("TopicArn"), message.get("Token"))


def shows_signature(source: AlertSource, headers: Mapping[str, str]) -> bool:
    """Whether a delivery has the header that goes with the signature of its source."""
    wanted = source.signature.header if source.signature else "x-amz-sns-message-type"
    return source.has_secret and wanted.lower() in headers


def live_secrets(source: str) -> list[bytes]:
    """The secrets that a source may sign with now: references in its variable, two while one is replaced."""
    variable = secret_variable(source)
    references = [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]
    if not references:
        raise unauthenticated(f"no secret is set here for {source}, so no signature of it can be checked")
    try:
        return [ReferencedSecrets().resolve(reference).encode() for reference in references]
    except FiredoorError:
        do = f"whoever runs Firedoor: {variable} must hold secret://env/NAME or secret://file/PATH"
        raise Unanswered(Problem(code="D320", message=f"the secret of {source} cannot be read here", do=do)) from None


def secret_variable(source: str) -> str:
    """The variable that refers to the secret of a source."""
    return SECRET + source.upper().replace("-", "_").replace(".", "_")
