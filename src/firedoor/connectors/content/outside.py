"""How content looks to a stranger: one address at a time, without credentials, and nothing of a body is read.

Decides what a status means (404, 410 and 451 are gone; 401, 403 and a sign-in page are hidden; 2xx is still there), and
that nothing is asked but addresses below the store's own base: whoever writes a request chooses no host, no redirect is
followed. Leaves which addresses to ask to the runtime.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from urllib.parse import quote

import httpx

from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.redaction import Redactor
from firedoor.connectors.parts.templates import SECRET
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.removal.ports import Look, Saw
from firedoor.core.removal.store import Outside, Upload

GONE, HIDDEN = frozenset((404, 410, 451)), frozenset((401, 403))
SIGN_IN = re.compile(r"(?:^|[/._-])(?:log-?in|sign-?in|auth|sso|session)(?:[/._?-]|$)", re.IGNORECASE)
FEW = 8  # looks at once


class Stranger:
    """Somebody without an account."""

    def __init__(self, context: ConnectorContext) -> None:
        self._context = context
        self._few = asyncio.Semaphore(FEW)

    async def look(self, outside: Outside, locator: str) -> Look:
        """Ask for one address with GET and stop at the headers: some servers answer HEAD otherwise."""
        address = address_of(outside, locator)
        try:
            async with self._few, asyncio.timeout(outside.timeout_seconds):
                request = self._context.client.build_request("GET", address, headers={"cache-control": "no-cache"})
                request.headers.pop("cookie", None)
                response = await self._context.client.send(request, stream=True, follow_redirects=False)
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return Look(Saw.UNKNOWN, detail=f"no answer: {type(error).__name__}")
        return _read(response.status_code, response.headers.get("location", ""))

    async def upload(self, upload: Upload, name: str, content: bytes) -> Look:
        """Try an upload. `GONE`: it was refused; `SERVING`: it was taken; the answer's body is not read."""
        headers = {key: self._resolved(text) for key, text in upload.headers.items()}
        body, kind = (content, "image/png") if not upload.field else _multipart(upload.field, name, content)
        try:
            async with asyncio.timeout(upload.timeout_seconds):
                request = self._context.client.build_request(
                    upload.method, upload.url, headers={**headers, "content-type": kind}, content=body
                )
                response = await self._context.client.send(request, stream=True, follow_redirects=False)
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return Look(Saw.UNKNOWN, detail=f"no answer: {type(error).__name__}")
        status = response.status_code
        if status in upload.refused:
            return Look(Saw.GONE, status, "the upload was refused")
        if 200 <= status < 300:
            return Look(Saw.SERVING, status, _path(response.headers.get("location", "")))
        return Look(Saw.UNKNOWN, status, f"the upload was answered with {status}")

    def _resolved(self, text: str) -> str:
        redactor = Redactor()

        def put(reference: str) -> str:
            secret = self._context.secrets.resolve(reference)
            redactor.learn(secret)
            return secret

        return SECRET.sub(lambda found: put(found.group()), text)


def address_of(outside: Outside, locator: str) -> str:
    """The address of a place below the store's base. Raises InvalidInput for one that would leave it."""
    path, mark, query = locator.partition("?")
    if "://" in locator or locator.startswith("/") or {".", ".."} & set(path.split("/")):
        message = "a place does not lie below the address of its store"
        raise InvalidInput(Problem(code="K123", message=message, do="correct `prefixes` or `base` of the store"))
    return outside.base + quote(path, safe="/~%") + (mark + quote(query, safe="=&~%") if mark else "")


def _read(status: int, location: str) -> Look:
    if status in GONE:
        return Look(Saw.GONE, status, f"a stranger is answered {status}")
    if status in HIDDEN:
        return Look(Saw.HIDDEN, status, f"a stranger is answered {status}")
    if 200 <= status < 300:
        return Look(Saw.SERVING, status, f"a stranger is answered {status}")
    if 300 <= status < 400 and SIGN_IN.search(location):
        return Look(Saw.HIDDEN, status, "a stranger is sent to a sign-in page")
    return Look(Saw.UNKNOWN, status, f"a stranger is answered {status}, which proves nothing")


def _multipart(field: str, name: str, content: bytes) -> tuple[bytes, str]:
    mark = secrets.token_hex(16)
    head = f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    head += "Content-Type: image/png\r\n\r\n"
    return head.encode() + content + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def _path(location: str) -> str:
    """Where the upload was put, so that it can be taken away again; bounded."""
    return location[:500] if location.isprintable() else ""
