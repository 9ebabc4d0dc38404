"""Socket Mode: this process opens a line to Slack, so that Slack needs no way in and nothing is signed.

Decides that the desk serves both ways alike, and that what was not taken in is not acknowledged. The line itself, its
pings and its renewal (Slack closes each after some hours, and says so before) are the client's.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from firedoor.core.json_types import JsonObject
from firedoor.interfaces.slack.desk import Desk
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.repeating import attempt

if TYPE_CHECKING:
    from slack_sdk.socket_mode import SocketModeClient
    from slack_sdk.socket_mode.client import BaseSocketModeClient

PATIENCE = 2.5  # seconds for the desk's answer; Slack waits three

log = logging.getLogger(__name__)


class SocketMode:
    """One line. It is opened in a thread, and what comes over it is handed to the desk's own loop."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._line: SocketModeClient | None = None
        self._opening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Open the line in the background; while Slack does not answer, it is tried again."""
        self._opening = asyncio.create_task(self._open(asyncio.get_running_loop()), name="slack line")

    async def stop(self) -> None:
        """Close the line."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._line is not None:
            await asyncio.to_thread(self._line.close)

    async def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        pause = 1.0

        async def connect() -> float:
            await asyncio.to_thread(self._connect, loop)
            return 0.0

        while await attempt("slack line", connect, self.desk.runtime.failing) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)

    def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        from slack_sdk import WebClient
        from slack_sdk.socket_mode import SocketModeClient
        from slack_sdk.socket_mode.request import SocketModeRequest
        from slack_sdk.socket_mode.response import SocketModeResponse

        settings = self.desk.runtime.settings
        token = ReferencedSecrets().resolve(settings.slack_app_token)
        if self._line is None:
            web = WebClient(base_url=settings.slack_api_url)
            self._line = SocketModeClient(app_token=token, web_client=web, concurrency=4)

            def heard(line: BaseSocketModeClient, request: SocketModeRequest) -> None:
                said = asyncio.run_coroutine_threadsafe(self._take(request.type, request.payload), loop)
                body = None
                try:
                    body = said.result(PATIENCE)
                except TimeoutError:
                    log.warning("slack: a message of the line takes long; it is being worked on")
                except Exception:  # then Slack tells the person that it failed, and they do it again
                    log.exception("slack: a message of the line was not taken in")
                    return
                line.send_socket_mode_response(SocketModeResponse(request.envelope_id, body))

            self._line.socket_mode_request_listeners.append(heard)
        self._line.connect()

    async def _take(self, kind: str, payload: JsonObject) -> dict[str, object] | None:
        raw = json.dumps(payload, sort_keys=True, ensure_ascii=False).encode()
        if kind == "slash_commands":
            await self.desk.command({name: str(value) for name, value in payload.items()}, raw)
            return None
        return await self.desk.action(payload, raw) if kind == "interactive" else None
