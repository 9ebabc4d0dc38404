"""What an installation asks of the senders of a source besides their token or signature, and in its place.

Decides three rules: from which addresses deliveries may come (an addition, never a proof), which client certificates
prove a sender where a proxy has checked them and names them in a header, and which topics of Amazon SNS are ours: its
signature only proves that some topic sent it. Leaves who sent it, and whether a proxy is trusted, to the caller.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from firedoor.core.problems import NotPermitted, Problem

EVERY_SOURCE = "*"
MAXIMUM_SUBJECT = 1024  # characters of a certificate's name


def _network(given: str) -> str:
    try:
        return str(ip_network(given.strip()))
    except ValueError:
        raise ValueError("write an address or a network, such as 192.0.2.7 or 2001:db8::/32") from None


Network = Annotated[str, AfterValidator(_network)]
Subject = Annotated[str, Field(min_length=3, max_length=MAXIMUM_SUBJECT)]


class SenderRule(BaseModel):
    """The rule for one source. `certificates` are subjects or fingerprints as the proxy writes them in the header."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    addresses: tuple[Network, ...] = ()
    certificate_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,64}$")
    certificates: tuple[Subject, ...] = ()
    topics: tuple[str, ...] = ()


def need_address(rule: SenderRule, address: str) -> None:
    """Raise NotPermitted (D310) for a delivery from elsewhere. Without addresses it may come from anywhere."""
    if not rule.addresses:
        return
    try:
        at = ip_address(address)
    except ValueError:
        at = None
    if at is None or not any(at in ip_network(network) for network in rule.addresses):
        message, do = "deliveries of this source do not come from this address", "add it to FIREDOOR_ALERT_SENDERS"
        raise NotPermitted(Problem(code="D310", message=message, do=do))


def proved_by_certificate(rule: SenderRule, given: str) -> bool:
    """Whether what a trusted proxy wrote into the header is one of the certificates that may send."""
    shown = given.strip()[:MAXIMUM_SUBJECT].encode()
    known = [one.encode() for one in rule.certificates]
    return bool(shown) and any([hmac.compare_digest(shown, one) for one in known])  # noqa: C419 - no early end
