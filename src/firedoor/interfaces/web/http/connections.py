"""Connections that owe something: how long a head is waited for, and how many half-sent heads and bodies there are.

Decides that a connection which has not sent a whole head in time is closed, from its first byte or from the end of the
request before it, and that beyond a number of such connections the oldest makes room; of half-sent bodies the one that
has been silent for longest, so that a piece which is coming in is never it. Who opens hundreds holds up nobody.
Leaves the time for a body to `body`, and addresses and TLS to a reverse proxy, which is still advised.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from firedoor.interfaces.web.http.body import PATIENCE

MOST = 256  # half-sent heads at once, and as many half-sent bodies
# As h11, on which uvicorn rests, names the states of the two sides.
OWES_A_HEAD, OWES_A_BODY, HAS_NOT_ANSWERED = "IDLE", "SEND_BODY", ("IDLE", "SEND_RESPONSE")
LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Limited(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to waiting for a head, and to silent bodies that are too many."""

    patience: ClassVar[float] = PATIENCE
    most: ClassVar[int] = MOST
    waiting: ClassVar[dict[Limited, asyncio.TimerHandle]] = {}  # in the order in which they came
    coming: ClassVar[dict[Limited, None]] = {}  # half-sent bodies, in the order in which something came of them

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrowed as uvicorn does
        """Somebody connects, and owes a head from now on."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Whoever has sent a whole head owes none; whoever begins another one does."""
        super().data_received(data)
        owes = "" if self.transport.is_closing() else repr(self.conn.their_state)
        if owes == OWES_A_HEAD:
            self._wait()
        else:
            self._stop_waiting()
        self.coming.pop(self, None)
        if owes == OWES_A_BODY:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop_waiting()
        self.coming.pop(self, None)
        super().connection_lost(exc)

    def _expect(self) -> None:
        if len(self.coming) >= self.most:
            next(iter(self.coming))._give_up()  # noqa: SLF001 - another one of this class
        self.coming[self] = None

    def _wait(self) -> None:
        if self in self.waiting:
            return
        if len(self.waiting) >= self.most:
            next(iter(self.waiting))._give_up()  # noqa: SLF001 - another one of this class
        self.waiting[self] = self.loop.call_later(self.patience, self._give_up)

    def _stop_waiting(self) -> None:
        if timer := self.waiting.pop(self, None):
            timer.cancel()

    def _give_up(self) -> None:
        self._stop_waiting()
        self.coming.pop(self, None)
        if not self.transport.is_closing():
            if repr(self.conn.our_state) in HAS_NOT_ANSWERED:
                self.transport.write(LATE)
            self.transport.close()


def protocol(patience: float = PATIENCE, most: int = MOST) -> type[Limited]:
    """The protocol of one server, which counts its own connections. `patience` is in seconds."""
    return type("Limited", (Limited,), {"patience": patience, "most": most, "waiting": {}, "coming": {}})
