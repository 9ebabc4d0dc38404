"""The desk at which Slack's requests arrive, whichever way they came: each is taken in once and answered in time.

Decides that a request is acknowledged within three seconds and worked on afterwards, that the same signed request does
nothing a second time, and that whatever is refused is said to that one person. Leaves signatures to `signing` and the
ways in to `routes` and `socket_mode`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Coroutine, Mapping
from typing import TypeVar

from firedoor.core.json_types import JsonObject, as_object, object_at, text_at
from firedoor.core.problems import FiredoorError
from firedoor.core.text import clean_text, clean_value
from firedoor.interfaces.slack import blocks, commands, people
from firedoor.interfaces.slack.deciding import Deciding, Done
from firedoor.interfaces.slack.messenger import SlackMessenger
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.process.application import Runtime
from firedoor.store.outbox import deliveries

IN_TIME = 2.0  # seconds in which a decision is waited for; Slack waits three

log = logging.getLogger(__name__)
T = TypeVar("T", None, Done)


class Desk:
    """The desk of one process."""

    def __init__(self, runtime: Runtime, messenger: SlackMessenger) -> None:
        self.runtime, self.messenger = runtime, messenger
        self.deciding = Deciding(runtime, messenger)
        self._work: set[asyncio.Task[None] | asyncio.Task[Done]] = set()

    def signing_secret(self) -> str:
        """The secret that requests are signed with, read anew each time. Raises InvalidInput where none is set."""
        return ReferencedSecrets().resolve(self.runtime.settings.slack_signing_secret)

    async def command(self, form: Mapping[str, str], raw: bytes) -> None:
        """A slash command. Returns at once; the answer follows at the address that came with it."""
        digest = hashlib.sha256(raw).hexdigest()
        if await self._first_time(digest):
            form = {name: clean_text(value) for name, value in form.items()}
            self._begin(self._command(form, digest, len(raw)))

    async def action(self, payload: JsonObject, raw: bytes) -> dict[str, object] | None:
        """A button or a sent form. Returns what the acknowledgement holds, if anything."""
        digest = hashlib.sha256(raw).hexdigest()
        if not await self._first_time(digest):
            return None
        payload = as_object(clean_value(payload, lambda _: True))
        if payload.get("type") == "block_actions":
            self._begin(self._pressed(payload))
        elif payload.get("type") == "view_submission":
            work = self._begin(self._submitted(payload, digest, len(raw)))
            done, _ = await asyncio.wait([work], timeout=IN_TIME)
            if done:
                said = work.result()
                return {"response_action": "update", "view": said.form or blocks.words_modal(said.words)}
            self._begin(self._tell_later(payload, work))
        return None

    async def settled(self) -> None:
        """Wait until nothing is being worked on."""
        while self._work:
            await asyncio.gather(*self._work, return_exceptions=True)

    async def stop(self) -> None:
        """Finish what was begun."""
        await self.settled()

    async def _first_time(self, digest: str) -> bool:
        now = self.runtime.world.now()
        return await asyncio.wrap_future(deliveries.take_in(self.runtime.world.store, digest, now))

    def _begin(self, work: Coroutine[object, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name="slack")
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _command(self, form: Mapping[str, str], digest: str, size: int) -> None:
        try:
            said = await commands.answer(self.runtime, form, digest, size)
        except FiredoorError as error:
            said = blocks.listing([blocks.escape(f"{p.message}. {p.do}") for p in error.problems])
        except Exception:
            log.exception("slack: a command")
            said = blocks.listing(["A fault of ours; the server's log says more. See whether it was done."])
        await self._say(str(form.get("response_url", "")), said)

    async def _pressed(self, payload: JsonObject) -> None:
        try:
            await self.deciding.ask(payload)
        except FiredoorError as error:
            words = people.refusal(error)
        except Exception:
            log.exception("slack: a button")
            words = "A fault of ours; the server's log says more. Nothing was changed."
        else:
            return
        await self._say(str(payload.get("response_url", "")), blocks.listing([blocks.escape(words)]))

    async def _submitted(self, payload: JsonObject, digest: str, size: int) -> Done:
        try:
            return await self.deciding.decide(payload, digest, size)
        except FiredoorError as error:
            return Done(people.refusal(error))
        except Exception:
            log.exception("slack: an answer")
            return Done("A fault of ours; the server's log says more. See in the console whether it was recorded.")

    async def _tell_later(self, payload: JsonObject, work: asyncio.Task[Done]) -> None:
        """The form is closed by now: say what came of it in the channel, to that person alone."""
        said = await work
        words = said.words + (" Press the button again." if said.form else "")
        metadata = json.loads(text_at(object_at(payload, "view"), "private_metadata") or "{}")
        user = text_at(object_at(payload, "user"), "id")
        try:
            await self.messenger.calls.call(
                "chat.postEphemeral", channel=metadata.get("channel", ""), user=user, text=words
            )
        except FiredoorError as error:
            log.warning("slack: nobody could be told what came of their answer: %s", error)

    async def _say(self, address: str, said: list[blocks.Block]) -> None:
        if not address:
            return
        try:
            await self.messenger.calls.respond(address, said, "Firedoor")
        except FiredoorError as error:
            log.warning("slack: an answer did not reach the person who asked: %s", error)
