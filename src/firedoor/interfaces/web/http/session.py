"""The cookie of somebody who signed in, and the proof that a form was sent from a page of ours.

Decides the cookie's name and attributes, that a request which changes something carries the session's own token
besides the cookie, and where a person is sent who is not signed in. Leaves who may do what to `access`.
"""

from __future__ import annotations

import hmac
from urllib.parse import quote, urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.problems import NotPermitted, Problem
from firedoor.interfaces.web.http.upload import is_upload, upload_of
from firedoor.store.identity.sessions import WHOLE, csrf_of

COOKIE = "firedoor_session"
BOUND = f"__Host-{COOKIE}"  # over TLS: no other host of the domain can set it, and none without TLS
HEADER = "x-csrf-token"
FIELD = "csrf"
NOT_OURS = "W107"  # the code of a form that was not sent from a page of this session
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LONGEST_WAY_BACK = 1000  # characters


def secret_of(request: Request) -> str | None:
    """The secret in the cookie; None when there is none."""
    return request.cookies.get(_name(request)) or None


def keep(response: Response, secret: str, request: Request) -> Response:
    """Put the cookie into an answer. Scripts cannot read it; other sites cannot send it with a form."""
    response.set_cookie(
        _name(request), secret, max_age=int(WHOLE.total_seconds()), path="/", httponly=True, samesite="lax",
        secure=is_secure(request),
    )  # fmt: skip
    return response


def drop(response: Response, request: Request) -> Response:
    """Take the cookie back."""
    response.delete_cookie(_name(request), path="/", httponly=True, samesite="lax", secure=is_secure(request))
    return response


def _name(request: Request) -> str:
    """The cookie's name: bound to this host where people come by TLS, plain on the loopback."""
    return BOUND if is_secure(request) else COOKIE


def is_secure(request: Request) -> bool:
    """Whether people reach this server by TLS; on the loopback they need not."""
    public = str(request.app.state.runtime.settings.public_url or "")
    return request.url.scheme == "https" or public.startswith("https://")


async def need_own_page(request: Request, secret: str) -> None:
    """Raises NotPermitted for a request that changes something and was not sent from a page of this session."""
    if request.method in SAFE:
        return
    given = request.headers.get(HEADER, "")
    if not given and request.headers.get("content-type", "").partition(";")[0].strip().lower() in FORMS:
        given = await _in_the_form(request)
    if not hmac.compare_digest(given.encode(), csrf_of(secret).encode()):
        message = "this form has expired, or you have signed in again since"
        raise NotPermitted(Problem(code=NOT_OURS, message=message, do="reload the page and send it again"))


async def _in_the_form(request: Request) -> str:
    """The proof as a field; of a form with a piece of evidence only what stands before the file is read for it."""
    words = (await upload_of(request)).words if is_upload(request) else await request.form()
    return str(words.get(FIELD, ""))


def to_sign_in(request: Request) -> Response:
    """Where a person goes who is not signed in; they come back afterwards."""
    return RedirectResponse(f"/sign-in?next={quote(way_here(request)[:LONGEST_WAY_BACK], safe='')}", 303)


def way_here(request: Request) -> str:
    """The page that somebody is on; of a form that was sent, the page that holds it, as far as the browser tells."""
    asked = str(request.url) if request.method == "GET" else request.headers.get("referer", "")
    parts = urlsplit(asked)
    ours = parts.netloc in (request.url.netloc, urlsplit(str(request.app.state.runtime.settings.public_url)).netloc)
    query = f"?{parts.query}" if parts.query else ""
    return way_back(f"{parts.path}{query}") if ours else "/"


def way_back(given: str) -> str:
    """The address to return to, only if it is one of ours: a path without a host."""
    parts = urlsplit(given)
    ours = given.startswith("/") and not given.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return given if ours and given.isprintable() and len(given) <= LONGEST_WAY_BACK else "/"
