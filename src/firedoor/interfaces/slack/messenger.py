"""Slack as a messenger: one private channel for each incident, with a neutral name and a pinned summary.

Decides who is in the channel (those who have a role there and may read, and nobody else), that a message is found again
by its metadata before it is repeated, that at most one message a second goes into a channel, and that buttons go when a
task has its answer. Leaves what is said to `core.notices` and how it looks to `blocks`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from firedoor.core.canonical import digest
from firedoor.core.headlines import sentence
from firedoor.core.ports import Notice, Standing, Told
from firedoor.core.problems import Later, Problem
from firedoor.interfaces.slack import blocks
from firedoor.interfaces.slack.calls import Calls, SlackRefused
from firedoor.store import deliveries
from firedoor.store.journal import Store

PACE = 1.0  # seconds between two messages into one channel, as Slack asks for
PAGES = 5  # of a channel's history, and of channels, that are looked through
PAGE = 200
SUFFIXES = ("", "-2", "-3", "-4", "-5")
GONE = frozenset(("channel_not_found", "is_archived", "not_in_channel"))
NOTICE, SUMMARY = "firedoor_notice", "firedoor_summary"

log = logging.getLogger(__name__)
Place = dict[str, Any]


class SlackMessenger:
    """The messenger. `renew` makes the notice of a delivery as it would be told now."""

    name: ClassVar[str] = "slack"
    personal: ClassVar[bool] = False

    def __init__(
        self, calls: Calls, store: Store, renew: Callable[[Mapping[str, Any]], Awaitable[Notice]], pace: float = PACE
    ) -> None:
        self.calls, self.store, self._renew, self.pace = calls, store, renew, pace
        self._spoke: dict[str, float] = {}
        self._me = ""

    def address_of(self, email: str, slack_id: str) -> str:  # noqa: ARG002 - the port's
        """The user's id in Slack."""
        return slack_id

    async def find(self, notice: Notice) -> Told | None:
        """Look for a message by its metadata."""
        place = await self._known(notice.incident)
        if place is None or notice.kind == "state":
            return None
        found = await self._by_metadata(place["address"], NOTICE, notice.handle)
        return Told(reference={"channel": place["address"], "ts": found, "became": notice.became}) if found else None

    async def send(self, notice: Notice) -> Told:
        """Post it, or bring the summary and the buttons to where the incident stands."""
        try:
            place = await self._place(notice.standing)
            channel = place["address"]
            if notice.kind == "state":
                await self._renew_summary(place, notice.standing)
                await self._renew_posts(notice.incident)
                return Told(reference={"channel": channel})
            posted = await self._post(channel, sentence(notice), blocks.post(notice), NOTICE, notice.handle)
        except SlackRefused as error:
            if error.error not in GONE:
                raise
            await asyncio.wrap_future(deliveries.keep_channel(self.store, self.name, notice.incident, "", {}))
            problem = Problem(code="M113", message=f"the channel of {notice.incident} is gone", do="another is made")
            raise Later(problem, 1.0) from None
        return Told(reference={"channel": channel, "ts": posted, "became": notice.became})

    async def refresh(self, row: Mapping[str, Any]) -> None:
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

    # -- the channel -----------------------------------------------------------------------------

    async def _known(self, incident: str) -> Place | None:
        found = await asyncio.to_thread(deliveries.channel_of, self.store.engine, self.name, incident)
        return None if found is None else dict(found)

    async def _place(self, standing: Standing) -> Place:
        """The incident's channel, with the people in it who are to be in it."""
        place = await self._known(standing.incident)
        if place is None:
            place = {"incident": standing.incident, "address": await self._make(standing.incident), "note": {}}
            await self._keep(place)
        inside = set(place["note"].get("members", ()))
        wanted = set(standing.members)
        for person in sorted(wanted - inside):
            await self._tolerate("conversations.invite", channel=place["address"], users=person)
        for person in sorted(inside - wanted):
            await self._tolerate("conversations.kick", channel=place["address"], user=person)
        if inside != wanted:
            place["note"]["members"] = sorted(wanted)
            await self._keep(place)
        return place

    async def _make(self, incident: str) -> str:
        """A new private channel; one of that name that we made before is taken up again, and nobody else's."""
        for suffix in SUFFIXES:
            name = incident.lower() + suffix
            try:
                made = await self.calls.call("conversations.create", name=name, is_private=True)
                return str(made["channel"]["id"])
            except SlackRefused as error:
                if error.error != "name_taken":
                    raise
            own = await self._own_channel(name)
            if own:
                return own
        raise SlackRefused("conversations.create", "name_taken")

    async def _own_channel(self, name: str) -> str:
        self._me = self._me or str((await self.calls.call("auth.test"))["user_id"])
        cursor = ""
        for _ in range(PAGES):
            asked = {"types": "private_channel", "exclude_archived": True, "limit": PAGE, "cursor": cursor}
            page = await self.calls.call("conversations.list", **asked)
            for channel in page["channels"]:
                if channel["name"] == name and channel.get("creator") == self._me:
                    return str(channel["id"])
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                break
        return ""

    async def _tolerate(self, method: str, **arguments: Any) -> None:  # noqa: ANN401 - JSON values
        """A person who cannot be invited, or is gone already, holds up no message."""
        try:
            await self.calls.call(method, **arguments)
        except SlackRefused as error:
            if error.error in GONE and method == "conversations.invite":
                raise
            log.info("slack: %s: %s", method, error.error)

    async def _keep(self, place: Place) -> None:
        note = deliveries.keep_channel(self.store, self.name, place["incident"], place["address"], place["note"])
        await asyncio.wrap_future(note)

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
            asked = {"channel": channel, "limit": PAGE, "include_all_metadata": True, "cursor": cursor}
            page = await self.calls.call("conversations.history", **asked)
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == what and metadata.get("event_payload", {}).get("key") == handle:
                    return str(message["ts"])
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                break
        return ""

    async def _renew_summary(self, place: Place, standing: Standing) -> None:
        """Edit the pinned message in place; make it where there is none."""
        content, note = blocks.summary(standing), place["note"]
        seen = digest(content)
        if note.get("digest") == seen:
            return
        text = f"{standing.incident}: {standing.state}"
        if not note.get("summary"):
            note["summary"] = await self._by_metadata(place["address"], SUMMARY, standing.incident)
        if note["summary"]:
            try:
                await self.calls.call(
                    "chat.update", channel=place["address"], ts=note["summary"], text=text, blocks=content
                )
            except SlackRefused as error:
                if error.error != "message_not_found":
                    raise
                note["summary"] = ""
        if not note["summary"]:
            note["summary"] = await self._post(place["address"], text, content, SUMMARY, standing.incident)
            await self._tolerate("pins.add", channel=place["address"], timestamp=note["summary"])
        note["digest"] = seen
        await self._keep(place)

    async def _renew_posts(self, incident: str) -> None:
        rows = await asyncio.to_thread(deliveries.posts_about, self.store.engine, incident, self.name)
        for row in rows:
            if json.loads(row["reference"] or "{}").get("became") == "":
                await self.refresh(row)
