"""The private channel of an incident: made, filled with those who may read, emptied of those who may not, archived.

Decides that its name and topic say nothing; that who is in it follows roles and need-to-know each time that something
is said there; that a channel from which somebody cannot be removed is not spoken in any more; and that it is archived
when the incident has ended and nothing waits. Leaves messages to `messenger`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TypedDict

from firedoor.core.json_types import array_at, object_at, objects_at, text_at
from firedoor.core.lifecycle import State, ended
from firedoor.core.ports import Standing
from firedoor.interfaces.slack.calls import Calls, SlackRefused
from firedoor.store.database.sql import Record
from firedoor.store.incidents.journal import Store
from firedoor.store.outbox import deliveries

NAME = "slack"
PAGES = 5  # of a channel's history, of its members, and of channels, that are looked through
PAGE = 200
SUFFIXES = ("", *(f"-{number}" for number in range(2, 11)))
GONE = frozenset(("channel_not_found", "is_archived", "not_in_channel"))
INSIDE = frozenset(("already_in_channel",))
OUTSIDE = frozenset(("not_in_channel", "user_not_found", "users_not_found"))
DONE = frozenset(("already_archived", "is_archived", "channel_not_found"))
TOPIC = "Firedoor, {}. Write nothing here that is about a person: it belongs into the console."

log = logging.getLogger(__name__)


class Note(TypedDict, total=False):
    """What is known of a channel: who is in it or could not be invited, its pinned summary, whether it is archived."""

    archived: bool
    members: list[str]
    outside: dict[str, str]
    summary: str
    digest: str
    pinned: str


class Place(TypedDict):
    """Where an incident is spoken of: a row of the store."""

    incident: str
    address: str
    note: Note


class Channels:
    """The channels of one workspace. A place is a row of the store: `address` and a `note` of what is known of it."""

    def __init__(self, calls: Calls, store: Store) -> None:
        self.calls, self.store = calls, store
        self._me = ""

    async def known(self, incident: str) -> Place | None:
        """Where an incident is spoken of, if anywhere yet."""
        found = await asyncio.to_thread(deliveries.channel_of, self.store.engine, NAME, incident)
        return None if found is None else _place(found)

    async def place(self, standing: Standing, *, again: bool) -> Place:
        """The incident's channel, with the people in it who are to be in it; `again` tries those who failed before.

        Raises SlackRefused with a word of GONE where another channel is needed.
        """
        place = await self.known(standing.incident)
        if place is None:
            place = {"incident": standing.incident, "address": await self._make(standing.incident), "note": {}}
            await self.keep(place)
        if place["note"].get("archived"):
            if is_over(standing):
                return place
            raise SlackRefused("conversations.invite", "is_archived")
        await self._people(place, standing, again=again)
        return place

    async def keep(self, place: Place) -> None:
        """Remember what is known of a place."""
        note = deliveries.keep_channel(self.store, NAME, place["incident"], place["address"], place["note"])
        await asyncio.wrap_future(note)

    async def forget(self, incident: str) -> None:
        """Another channel is made when something is to be said next."""
        await asyncio.wrap_future(deliveries.keep_channel(self.store, NAME, incident, "", {}))

    async def archive(self, place: Place) -> None:
        """Close the channel; it stays readable for those who were in it."""
        if not place["note"].get("archived"):
            await self.tolerate("conversations.archive", DONE, channel=place["address"])
            place["note"]["archived"] = True
            await self.keep(place)

    async def tolerate(self, method: str, words: frozenset[str] | None, **arguments: object) -> bool:
        """Call, and go on where it is refused with one of these words (None: with any). Returns whether it was done."""
        try:
            await self.calls.call(method, **arguments)
        except SlackRefused as error:
            if words is not None and error.error not in words:
                raise
            log.info("slack: %s: %s", method, error.error)
            return False
        return True

    # -- people ----------------------------------------------------------------------------------

    async def _people(self, place: Place, standing: Standing, *, again: bool) -> None:
        note, wanted = place["note"], set(standing.members)
        before = (note.get("members", []), note.get("outside", {}))
        inside, outside = set(before[0]), dict(before[1])
        if standing.restricted:  # somebody who was in it may have asked others in
            inside = await self._really_inside(place["address"])
        for person in sorted(wanted - inside):
            if person in outside and not again:
                continue
            error = await self._invite(place["address"], person)
            outside.pop(person, None) if not error else outside.__setitem__(person, error)
        for person in sorted(inside - wanted):
            await self._remove(place, person)
        note["members"] = sorted(wanted - outside.keys())
        note["outside"] = {person: error for person, error in outside.items() if person in wanted}
        if before != (note["members"], note["outside"]):
            await self.keep(place)

    async def _invite(self, channel: str, person: str) -> str:
        """Returns why they cannot be invited; they hold up no message."""
        try:
            await self.calls.call("conversations.invite", channel=channel, users=person)
        except SlackRefused as error:
            if error.error in GONE:
                raise
            if error.error in INSIDE:
                return ""
            log.warning("slack: %s cannot be invited to %s: %s", person, channel, error.error)
            return error.error
        return ""

    async def _remove(self, place: Place, person: str) -> None:
        """Where the workspace lets nobody be removed, the channel is left behind rather than the rule."""
        try:
            await self.calls.call("conversations.kick", channel=place["address"], user=person)
        except SlackRefused as error:
            if error.error in OUTSIDE:
                return
            log.warning("slack: %s cannot be removed from %s: %s", person, place["address"], error.error)
            await self.tolerate("conversations.archive", None, channel=place["address"])
            raise SlackRefused("conversations.kick", "is_archived") from None

    async def _really_inside(self, channel: str) -> set[str]:
        found: set[str] = set()
        cursor = ""
        for _ in range(PAGES):
            page = await self.calls.call("conversations.members", channel=channel, limit=PAGE, cursor=cursor)
            found |= set(map(str, array_at(page, "members")))
            cursor = text_at(object_at(page, "response_metadata"), "next_cursor")
            if not cursor:
                break
        return found - {await self._own_id()}

    async def _own_id(self) -> str:
        self._me = self._me or str((await self.calls.call("auth.test"))["user_id"])
        return self._me

    # -- making ----------------------------------------------------------------------------------

    async def _make(self, incident: str) -> str:
        """A new private channel; one of that name that we made before is taken up again, and nobody else's."""
        for suffix in SUFFIXES:
            name = incident.lower() + suffix
            try:
                made = await self.calls.call("conversations.create", name=name, is_private=True)
            except SlackRefused as error:
                if error.error != "name_taken":
                    raise
                own = await self._own_channel(name)
                if own:
                    return own
                continue
            channel = str(object_at(made, "channel")["id"])
            await self.tolerate("conversations.setTopic", None, channel=channel, topic=TOPIC.format(incident))
            return channel
        raise SlackRefused("conversations.create", "name_taken")

    async def _own_channel(self, name: str) -> str:
        me, cursor = await self._own_id(), ""
        for _ in range(PAGES):
            page = await self.calls.call(
                "conversations.list", types="private_channel", exclude_archived=True, limit=PAGE, cursor=cursor
            )
            for channel in objects_at(page, "channels"):
                if channel["name"] == name and channel.get("creator") == me:
                    return str(channel["id"])
            cursor = text_at(object_at(page, "response_metadata"), "next_cursor")
            if not cursor:
                break
        return ""


def is_over(standing: Standing) -> bool:
    """Whether the incident has ended and nobody is asked anything any more."""
    known = standing.state in tuple(map(str, State))
    return known and ended(State(standing.state)) and not standing.tasks and not standing.clocks


def _place(row: Record) -> Place:
    return {"incident": row["incident"], "address": row["address"], "note": row["note"]}
