"""How large a body may be, by its address, and at which addresses it is bytes of somebody else.

Decides the bounds alone; leaves keeping them to `middleware` and `body`.
"""

from __future__ import annotations

import re

MAXIMUM_BODY = 1024 * 1024  # bytes
MAXIMUM_EVIDENCE = 64 * 1024 * 1024  # bytes
MAXIMUM_FORM = (
    1024 * 1024 * 1024
)  # bytes; below it the page itself refuses a piece that is too large, and holds nothing
API = "/api/v1/"
_DELIVERY = re.compile(r"/api/v1/alerts/[^/]+")  # an address whose body is not ours to prescribe
_STRANGERS = "/api/v1/takedown-requests"  # the one address of the API that takes a form as well
_EVIDENCE = re.compile(r"(/api/v1)?/incidents/[^/]+/evidence")  # the two addresses that take a piece in, and no other


def largest(path: str) -> int:
    """How many bytes a body may have at this address."""
    if not takes_evidence(path):
        return MAXIMUM_BODY
    return MAXIMUM_EVIDENCE if path.startswith(API) else MAXIMUM_FORM


def takes_evidence(path: str) -> bool:
    """Whether a piece of evidence may come in at this address; what else ends so is as small as everything."""
    return _EVIDENCE.fullmatch(path) is not None


def is_raw(path: str) -> bool:
    """Whether a body at this address is bytes of somebody else: a delivery of alerts, or a piece of evidence."""
    return takes_evidence(path) or _DELIVERY.fullmatch(path) is not None


def takes_forms(path: str) -> bool:
    """Whether a form may come in at this address of the API. What is neither, its route refuses in words of its own."""
    return path == _STRANGERS
