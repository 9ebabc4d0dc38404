"""From a button to a decision: the button asks for a reason, the reason decides, and the buttons go.

Decides that everything is looked up and checked anew at both steps by what this server knows (the person's account and
roles, who may read, whether the task still waits as it did), and that a button names nothing but a delivery. Leaves
whether an answer is accepted to `core.people`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firedoor.core.people import Answer, Person
from firedoor.core.ports import Notice
from firedoor.core.problems import FiredoorError, NotFound, NotPermitted, Problem, Refused
from firedoor.core.view import TaskView
from firedoor.interfaces.slack import blocks, people
from firedoor.interfaces.slack.evidence import signed_request
from firedoor.interfaces.slack.messenger import SlackMessenger
from firedoor.runtime.start import Runtime
from firedoor.store import deliveries

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice of one task, by one person, as far as it may be made now."""

    row: Json
    notice: Notice
    task: TaskView
    choice: str
    label: str
    person: Person


class Deciding:
    """Buttons and what follows from them, for one workspace."""

    def __init__(self, runtime: Runtime, messenger: SlackMessenger) -> None:
        self.runtime, self.messenger = runtime, messenger

    async def ask(self, payload: Json) -> None:
        """A button was pressed: ask for the reason. Raises FiredoorError; then the message was brought up to date."""
        value = _value(payload)
        try:
            chosen = await self._chosen(value, _user(payload))
        except NotPermitted:
            raise
        except FiredoorError:
            await self.renew(value)
            raise
        metadata = json.dumps({"value": value, "channel": payload.get("channel", {}).get("id", "")})
        view = blocks.reason_modal(chosen.notice, chosen.label, metadata)
        await self.messenger.calls.call("views.open", trigger_id=str(payload.get("trigger_id", "")), view=view)

    async def decide(self, payload: Json, digest: str, size: int) -> str:
        """A reason was given: answer the task. Returns what to say to the person. Raises FiredoorError."""
        view = payload.get("view", {})
        value = str(json.loads(view.get("private_metadata") or "{}").get("value", ""))
        try:
            chosen = await self._chosen(value, _user(payload))
            answer = Answer(chosen.choice, _reason(view), via="slack")
            why = f"the request by which T{chosen.task.number} was answered"
            note = signed_request(digest, size, why, chosen.person, self.runtime.world.now())
            incident = chosen.notice.incident
            await self.runtime.service.answer(incident, chosen.task.id, answer, chosen.person, beside=(note,))
        finally:
            await self.renew(value)
        return f"{incident}, task T{chosen.task.number}: your answer and its reason stand in the journal."

    async def renew(self, value: str) -> None:
        """Bring the message of a button to where its task stands. What cannot be changed now is changed later."""
        row = await self._row(value)
        if row is not None and row["state"] == "sent":
            try:
                await self.messenger.refresh(row)
            except FiredoorError:
                return

    async def _chosen(self, value: str, user: str) -> Chosen:
        world = self.runtime.world
        person = await asyncio.to_thread(people.person_of, world.store, user)
        row = await self._row(value)
        kind, _, name = str(row["about"]).partition(":") if row is not None else ("", "", "")
        if row is None or kind != "task" or row["messenger"] != self.messenger.name:
            raise NotFound(_problem("M121", "this button belongs to nothing that is known here"))
        await asyncio.to_thread(people.need_reader, world.store, row["incident"], person)
        notice = await self.runtime.outbox.notice(row)
        view = await asyncio.to_thread(world.view, row["incident"])
        task = view.tasks[name]
        if notice.became or task.opened_seq > row["seq"] or not task.open:
            raise Refused(Problem(code="T102", message="the task waits for nobody any more", do="nothing was changed"))
        if not task.roles & person.roles:
            raise NotPermitted(Problem(code="T103", message="the task is for another role", do="nothing was changed"))
        number = value.partition(".")[2]
        if not (number.isascii() and number.isdigit()) or int(number) >= len(notice.choices):
            raise NotFound(_problem("M121", "this button belongs to no answer that can be given here now"))
        choice, label = notice.choices[int(number)]
        return Chosen(row, notice, task, choice, label, person)

    async def _row(self, value: str) -> Json | None:
        handle = value.partition(".")[0]
        return await asyncio.to_thread(deliveries.by_handle, self.runtime.world.store.engine, handle)


def _value(payload: Json) -> str:
    action: Json = next(iter(payload.get("actions", ())), {})
    return str(action.get("value") or action.get("selected_option", {}).get("value", ""))


def _user(payload: Json) -> str:
    return str(payload.get("user", {}).get("id", ""))


def _reason(view: Json) -> str:
    fields = view.get("state", {}).get("values", {}).get(blocks.REASON_INPUT, {})
    return str(fields.get(blocks.REASON_INPUT, {}).get("value") or "")


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message, do="open the task in the console")
