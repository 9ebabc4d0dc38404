"""The control API of one system over HTTP, for connectors that know its calls: a base address, headers and bounds.

Decides how secrets get into headers and out of what comes back. Leaves one call and its failures to `calls`, and the
meaning of an answer to the connector.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from firedoor.connectors.parts.calls import Answer, Bounds, Ready, exchange
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.redaction import Redactor
from firedoor.connectors.parts.templates import SECRET
from firedoor.core.problems import InvalidInput, Problem

_SAFE = ("GET", "HEAD")
_IDEMPOTENT = (*_SAFE, "PUT", "DELETE")  # RFC 9110 section 9.2.2


class Api:
    """One system's API. `headers` may hold references to secrets, which are resolved for each call."""

    def __init__(
        self, context: ConnectorContext, url: str, headers: Mapping[str, str], timeout_seconds: float = 10.0
    ) -> None:
        if not url.startswith(("http://", "https://")):
            do = "write the scheme and host out"
            raise InvalidInput(Problem(code="K102", message=f"{url!r} is no http(s) URL", do=do, field="url"))
        self._context = context
        self._url = url.rstrip("/")
        self._headers = headers
        self._timeout_seconds = timeout_seconds

    async def get(self, path: str, *, expect: tuple[int, ...] = (200,)) -> Answer:
        """Look. Raises Unanswered; a status in `expect` is an answer, so put 404 there where it is one."""
        return await self._send("GET", path, None, expect, changes=False, repeatable=True)

    async def look(self, method: str, path: str, body: object = None, *, expect: tuple[int, ...] = (200,)) -> Answer:
        """Look with a method that is not a GET where the system wants it so; it must change nothing."""
        return await self._send(method, path, body, expect, changes=False, repeatable=True)

    async def change(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: tuple[int, ...] = (200,),
        repeatable: bool | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Change something. Raises Unanswered (no effect), InDoubt (perhaps one) or Refused (409, 412, 423).

        `repeatable`: whether sending it twice does what sending it once does; by default as the method says.
        """
        again = method in _IDEMPOTENT if repeatable is None else repeatable
        return await self._send(method, path, body, expect, changes=True, repeatable=again, headers=headers)

    async def _send(
        self,
        method: str,
        path: str,
        body: object,
        expect: tuple[int, ...],
        *,
        changes: bool,
        repeatable: bool,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        redactor = Redactor()
        merged = {**self._headers, **(headers or {})}
        ready_headers = {name.lower(): self._resolved(text, redactor) for name, text in merged.items()}
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        if content is not None:
            ready_headers.setdefault("content-type", "application/json")
        ready = Ready(method, f"{self._url}{path}", ready_headers, content, redactor)
        bounds = Bounds(expect, self._timeout_seconds, repeatable=repeatable)
        return await exchange(self._context, ready, bounds, changes=changes)

    def _resolved(self, text: str, redactor: Redactor) -> str:
        def put(reference: str) -> str:
            secret = self._context.secrets.resolve(reference)
            redactor.learn(secret)
            return secret

        return SECRET.sub(lambda found: put(found.group()), text)
