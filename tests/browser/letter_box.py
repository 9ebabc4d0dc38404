"""The mail server of the house, for a journey that is no coroutine: what a person finds in the letter to them.

Decides that it runs in a thread of its own, on the loopback. Leaves SMTP to `mail_house`.
"""

from __future__ import annotations

import asyncio
import re
import threading

from tests.support.mail_house import MailHouse

LINK = re.compile(r"/answer/[\w-]+")


class LetterBox:
    """A mail server in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._house = MailHouse()
        asyncio.run_coroutine_threadsafe(self._house.__aenter__(), self._loop).result()

    @property
    def settings(self) -> dict[str, str]:
        """What a server needs to be told of it."""
        return {
            "FIREDOOR_SMTP_HOST": "127.0.0.1", "FIREDOOR_SMTP_PORT": str(self._house.port),
            "FIREDOOR_SMTP_SECURITY": "none", "FIREDOOR_SMTP_FROM": "firedoor@house.test",
        }  # fmt: skip

    def link(self, address: str) -> str:
        """The path of the newest link that came to an address; "" where none did."""
        for letter in reversed(self._house.letters):
            body = letter.get_body(("plain",))
            found = LINK.search(str(body.get_content())) if body is not None else None
            if found is not None and address in str(letter["to"]):
                return found[0]
        return ""

    def stop(self) -> None:
        """Take no more letters."""
        asyncio.run_coroutine_threadsafe(self._house.__aexit__(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
