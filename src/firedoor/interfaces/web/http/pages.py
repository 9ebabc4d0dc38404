"""Pages for people: templates filled in on the server, with a policy that lets nothing in from anywhere else.

Decides the headers of a page, what every page knows (who is looking, the session's own token for forms) and how the
style sheet and the one script are served. Leaves what a page shows to `console`.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from firedoor.core.law.territories import IN_UTC
from firedoor.interfaces.web.http import session
from firedoor.interfaces.web.http.responses import plain
from firedoor.interfaces.web.http.words import FILTERS
from firedoor.store.identity.sessions import csrf_of

router = APIRouter(tags=["console"])

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def page(request: Request, template: str, status: int = 200, /, **context: object) -> Response:
    """Fill a page in. `caller` in the context is who is looking; without one nobody is signed in."""
    secret = session.secret_of(request)
    known = {"csrf": csrf_of(secret) if secret else "", "caller": None, "path": request.url.path, "version": _digest()}
    text = environment().get_template(template).render({**known, **context})
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY})


@cache
def environment() -> Environment:
    """The templates. Everything is escaped; a name that is not given is a fault and not an empty place."""
    made = Environment(
        loader=PackageLoader("firedoor", "templates/console"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters.update(FILTERS)
    made.globals["in_utc"] = IN_UTC
    return made


@router.get("/static/{version}/{name}", summary="The style sheet and the script", include_in_schema=False)
async def static(version: str, name: str) -> Response:  # noqa: ARG001 - part of the address, so that it can be kept long
    """The version is a digest of the files, so a browser may keep them for ever."""
    if name not in STATIC:
        return plain(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_static(name), media_type=STATIC[name], headers=headers)


@cache
def _static(name: str) -> bytes:
    return (files("firedoor") / "templates" / "console" / "static" / name).read_bytes()


@cache
def _digest() -> str:
    return sha256(b"".join(_static(name) for name in STATIC)).hexdigest()[:12]
