"""The body of one request as it comes in: how large it may be, how slow, and what becomes of what nobody reads.

Decides that a body without a length, or with a false one, ends at its bound; that a sender who pauses or dribbles is
given up; and that the rest of a body which was refused is read and thrown away, up to a bound, so that its sender hears
the refusal and no broken connection. Leaves heads that never become whole to `connections`.
"""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

PATIENCE = 20.0  # seconds that are waited for a body in all, besides what its size needs
SLOWEST = 4096  # bytes a second; a sender who is slower than that on average is given up
DISCARDED = 8 * 1024 * 1024  # bytes of a refused body that are read so that the refusal arrives


class Body:
    """Reads a body within its bounds. Raises HTTPException 413 and 408."""

    def __init__(self, receive: Receive, headers: Headers, largest: int, patience: float) -> None:
        self._receive, self._largest, self._patience = receive, largest, patience
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._is_whole, self._expects = not has_body, "expect" in headers
        self._size, self._waited = 0, 0.0

    @property
    def is_owed(self) -> bool:
        """Whether some of it may still come. Who waits to be asked for a body has not sent it."""
        return not (self._is_whole or self._expects)

    async def receive(self) -> Message:
        """The next message, as ASGI has it. Once the body is whole nothing is timed: what comes then is the end."""
        if self._is_whole:
            return await self._receive()
        message = await self._next()
        if self._size > self._largest:
            raise HTTPException(413)
        return message

    async def discard(self) -> None:
        """Read what nobody has read, before the answer ends."""
        until = self._size + DISCARDED
        while self.is_owed and self._size < until:
            try:
                await self._next()
            except HTTPException:
                return

    async def _next(self) -> Message:
        began = time.monotonic()
        left = self._patience + self._size / SLOWEST - self._waited
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except TimeoutError:
            self._is_whole = True  # or as good as: nothing more of it is waited for
            raise HTTPException(408, headers={"Connection": "close"}) from None
        self._waited += time.monotonic() - began
        self._size += len(message.get("body", b""))
        self._is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message
