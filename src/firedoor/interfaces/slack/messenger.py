"""Slack as a messenger: into the private channel of each incident, under a pinned summary.

Decides that a message is found again by its metadata before it is repeated, that at most one message a second goes into
a channel, that the summary is edited in place (and made anew where that is impossible), and that buttons go when a task
has its answer. Leaves who is in the channel to `channels`, what is said to `core.notices` and how it looks to `blocks`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from firedoor.core.canonical import digest
from firedoor.core.json_types import object_at, objects_at, text_at
from firedoor.core.notices.subject_lines import sentence
from firedoor.core.ports import Notice, Standing, Told
from firedoor.core.problems import Later, Problem
from firedoor.interfaces.slack import blocks
from firedoor.interfaces.slack.calls import Calls, SlackRefused
from firedoor.interfaces.slack.channels import GONE, NAME, PAGE, PAGES, Channels, Place, is_over
from firedoor.store.database.sql import Record
from firedoor.store.incidents.journal import Store
from firedoor.store.outbox import deliveries

PACE = 1.0  # seconds between two messages into one channel, as Slack asks for
FIXED = frozenset(("message_not_found", "cant_update_message", "edit_window_closed"))  # it cannot be edited any more
NOTICE, SUMMARY = "firedoor_notice", "firedoor_summary"

log = logging.getLogger(__name__)


class SlackMessenger:
    """The messenger. `renew` makes the notice of a delivery as it would be told now."""

    name: ClassVar[str] = NAME
    personal: ClassVar[bool] = False

    def __init__(
        self, calls: Calls, store: Store, renew: Callable[[Record], Awaitable[Notice]], pace: float = PACE
    ) -> None:
        self.calls, self.store, self._renew, self.pace = calls, store, renew, pace
        self.channels = Channels(calls, store)
        self._spoke: dict[str, float] = {}

    def address_of(self, email: str, slack_id: str) -> str:  # noqa: ARG002 - the port's
        """The user's id in Slack."""
        return slack_id

    async def find(self, notice: Notice) -> Told | None:
        """Look for a message by its metadata."""
        place = await self.channels.known(notice.incident)
        if place is None or notice.kind == "state":
            return None
        found = await self._by_metadata(place["address"], NOTICE, notice.handle)
        return Told(reference={"channel": place["address"], "ts": found, "became": notice.became}) if found else None

    async def send(self, notice: Notice) -> Told:
        """Post it, or bring the summary and the buttons to where the incident stands."""
        try:
            reference = await self._said(notice)
            await self._close(notice)
        except SlackRefused as error:
            if error.error not in GONE:
                raise
            await self.channels.forget(notice.incident)
            problem = Problem(code="H113", message=f"the channel of {notice.incident} is gone", do="another is made")
            raise Later(problem, 1.0) from None
        return Told(reference=reference)

    async def tell_alone(self, notice: Notice) -> None:
        """A direct message, in the conversation that only this person and we have."""
        opened = await self.calls.call("conversations.open", users=notice.address)
        channel = text_at(object_at(opened, "channel"), "id")
        await self._post(channel, sentence(notice), blocks.alone(notice), NOTICE, notice.handle)

    async def _said(self, notice: Notice) -> dict[str, object]:
        summary = notice.kind == "state"
        place = await self.channels.place(notice.standing, again=summary)
        channel = place["address"]
        if summary and not place["note"].get("archived"):
            await self._renew_summary(place, notice.standing)
            await self._renew_posts(notice.incident)
        if summary:
            return {"channel": channel}
        posted = await self._post(channel, sentence(notice), blocks.post(notice), NOTICE, notice.handle)
        return {"channel": channel, "ts": posted, "became": notice.became}

    async def _close(self, notice: Notice) -> None:
        """Archive the channel behind the last word about an incident that has ended."""
        if not is_over(notice.standing):
            return
        incident, key = notice.incident, notice.key
        if await asyncio.to_thread(deliveries.others_wait, self.store.engine, self.name, incident, key):
            return
        place = await self.channels.known(incident)
        if place is not None:
            await self.channels.archive(place)

    async def refresh(self, row: Record) -> None:
        """Bring one message to where its task stands: without buttons, once it has its answer."""
        reference = json.loads(row["reference"] or "{}")
        notice = await self._renew(row)
        if not reference.get("ts") or reference.get("became", "") == notice.became:
            return
        shown = {"channel": reference["channel"], "ts": reference["ts"]}
        try:
            await self.calls.call("chat.update", **shown, text=sentence(notice), blocks=blocks.post(notice))
        except SlackRefused as error:
            log.info("slack: a message about %s cannot be changed: %s", notice.incident, error.error)
        kept = {**reference, "became": notice.became}
        await asyncio.wrap_future(deliveries.set_reference(self.store, row["key"], kept))

    # -- messages --------------------------------------------------------------------------------

    async def _post(self, channel: str, text: str, content: list[blocks.Block], what: str, handle: str) -> str:
        await self._wait(channel)
        metadata = {"event_type": what, "event_payload": {"key": handle}}
        posted = await self.calls.call(
            "chat.postMessage", channel=channel, text=text, blocks=content, metadata=metadata, unfurl_links=False
        )
        return str(posted["ts"])

    async def _wait(self, channel: str) -> None:
        """Keep the pace of a channel."""
        now = time.monotonic()
        free = max(self._spoke.get(channel, 0.0) + self.pace, now)
        self._spoke[channel] = free
        if free > now:
            await asyncio.sleep(free - now)

    async def _by_metadata(self, channel: str, what: str, handle: str) -> str:
        cursor = ""
        for _ in range(PAGES):
            page = await self.calls.call(
                "conversations.history", channel=channel, limit=PAGE, include_all_metadata=True, cursor=cursor
            )
            for message in objects_at(page, "messages"):
                metadata = object_at(message, "metadata")
                if metadata.get("event_type") == what and object_at(metadata, "event_payload").get("key") == handle:
                    return str(message["ts"])
            cursor = text_at(object_at(page, "response_metadata"), "next_cursor")
            if not cursor:
                break
        return ""

    async def _renew_summary(self, place: Place, standing: Standing) -> None:
        """Edit the pinned message in place; make it where there is none that can be edited."""
        content, note, channel = blocks.summary(standing), place["note"], place["address"]
        seen = digest(content)
        if note.get("digest") == seen and note.get("pinned") == note.get("summary"):
            return
        text = f"{standing.incident}: {standing.state}"
        if not note.get("summary"):
            note["summary"] = await self._by_metadata(channel, SUMMARY, standing.incident)
        if note["summary"]:
            edit = {"channel": channel, "ts": note["summary"], "text": text, "blocks": content}
            if not await self.channels.tolerate("chat.update", FIXED, **edit):
                note["summary"] = ""
        if not note["summary"]:
            note["summary"] = await self._post(channel, text, content, SUMMARY, standing.incident)
        if note.get("pinned") != note["summary"]:
            await self._pin(place)
        note["digest"] = seen
        await self.channels.keep(place)

    async def _pin(self, place: Place) -> None:
        note, channel = place["note"], place["address"]
        await self.channels.tolerate("pins.add", None, channel=channel, timestamp=note["summary"])
        if note.get("pinned"):
            await self.channels.tolerate("pins.remove", None, channel=channel, timestamp=note["pinned"])
        note["pinned"] = note["summary"]

    async def _renew_posts(self, incident: str) -> None:
        rows = await asyncio.to_thread(deliveries.posts_about, self.store.engine, incident, self.name)
        for row in rows:
            if json.loads(row["reference"] or "{}").get("became") == "":
                await self.refresh(row)
