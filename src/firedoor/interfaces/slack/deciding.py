"""From a button to a decision: the button asks for a reason, the reason decides, and the buttons go.

Decides that everything is looked up and checked anew at both steps by what this server knows (the person's account and
roles, who may read, whether the task still waits as it did), that nobody decides on a record that has changed in what
matters since they looked without being told so, and that a button names nothing but a delivery. Leaves whether an
answer is accepted to `core.people`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.journal import Kind
from firedoor.core.json_types import JsonObject, object_at, objects_at, text_at
from firedoor.core.notices.notifications import consequences_of, known_of
from firedoor.core.ports import Notice
from firedoor.core.problems import FiredoorError, NotFound, NotPermitted, Problem, Refused
from firedoor.core.tasks.answers import Answer, Person
from firedoor.interfaces.slack import blocks, people
from firedoor.interfaces.slack.evidence import signed_request
from firedoor.interfaces.slack.messenger import SlackMessenger
from firedoor.interfaces.web.console.incident.task import TURNS
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import Record
from firedoor.store.outbox import deliveries

NEWS: Mapping[str, str] = {
    Kind.FACTS: "facts were set", Kind.CLOCK_STARTED: "a legal limit began to run",
    Kind.CLOCK_CHANGED: "a legal limit changed", Kind.CLOCK_MISSED: "a legal limit passed",
    Kind.TASK_ANSWERED: "another task was answered", Kind.STATE: "the incident moved on",
    Kind.DRIFTED: "a suspended target serves again", Kind.RUN_ABORTED: "the run was stopped",
    Kind.ALERT: "another alert was attached",
}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice of one task, by one person, as far as it may be made now."""

    row: Record
    notice: Notice
    task: TaskView
    choice: str
    label: str
    person: Person
    question: blocks.Question
    head: int  # the last entry of what was looked at


@dataclass(frozen=True, slots=True)
class Done:
    """What a person is told. With a form, nothing was recorded: it asks once more."""

    words: str
    form: blocks.Block | None = None


class Deciding:
    """Buttons and what follows from them, for one workspace."""

    def __init__(self, runtime: Runtime, messenger: SlackMessenger) -> None:
        self.runtime, self.messenger = runtime, messenger

    async def ask(self, payload: JsonObject) -> None:
        """A button was pressed: ask for the reason. Raises FiredoorError; then the message was brought up to date."""
        value = _value(payload)
        try:
            chosen = await self._chosen(value, _user(payload))
        except NotPermitted:
            raise
        except FiredoorError:
            await self.renew(value)
            raise
        channel = text_at(object_at(payload, "channel"), "id")
        view = blocks.reason_modal(chosen.question, _metadata(value, channel, chosen.head))
        try:
            await self.messenger.calls.call("views.open", trigger_id=str(payload.get("trigger_id", "")), view=view)
        except FiredoorError as error:  # too late, mostly: Slack takes a form within three seconds
            log.info("slack: %s", error)
            do = "press the button again, or open the task in the console"
            raise Refused(Problem(code="H124", message="Slack opened no form", do=do)) from None

    async def decide(self, payload: JsonObject, digest: str, size: int) -> Done:
        """A reason was given: answer the task. Returns what to say to the person. Raises FiredoorError."""
        view = object_at(payload, "view")
        kept = json.loads(text_at(view, "private_metadata") or "{}")
        value = str(kept.get("value", ""))
        try:
            chosen = await self._chosen(value, _user(payload))
            incident = chosen.notice.incident
            news = await self._news(incident, int(kept.get("head") or chosen.head))
            if news:
                metadata = _metadata(value, str(kept.get("channel", "")), chosen.head)
                form = blocks.reason_modal(replace(chosen.question, news=tuple(news)), metadata)
                return Done(f"{incident}: the record has changed since you looked. Nothing was recorded.", form)
            answer = Answer(chosen.choice, _reason(view), via="slack")
            why = f"the request by which T{chosen.task.number} was answered"
            note = signed_request(digest, size, why, chosen.person, self.runtime.world.now())
            await self.runtime.service.answer(incident, chosen.task.id, answer, chosen.person, beside=(note,))
        finally:
            await self.renew(value)
        return Done(f"{incident}, task T{chosen.task.number}: your answer and its reason stand in the journal.")

    async def _news(self, incident: str, seen: int) -> list[str]:
        """What was written since that may turn a decision, by its kind alone."""
        entries = await asyncio.to_thread(self.runtime.world.store.entries, incident)
        return [NEWS.get(entry.kind, "something was written") for entry in entries[seen:] if entry.kind in TURNS]

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
        person = await asyncio.to_thread(people.person_of, self.runtime, user)
        row = await self._row(value)
        kind, _, name = str(row["about"]).partition(":") if row is not None else ("", "", "")
        if row is None or kind != "task" or row["messenger"] != self.messenger.name:
            raise NotFound(_problem("H121", "this button belongs to nothing that is known here"))
        await asyncio.to_thread(people.need_reader, self.runtime, row["incident"], person)
        notice = await self.runtime.outbox.notice(row)
        view = await asyncio.to_thread(world.view, row["incident"])
        task = view.tasks[name]
        if notice.became or task.opened_seq > row["seq"] or not task.open:
            raise Refused(Problem(code="T102", message="the task waits for nobody any more", do="nothing was changed"))
        if not task.roles & person.roles:
            raise NotPermitted(Problem(code="T103", message="the task is for another role", do="nothing was changed"))
        number = value.partition(".")[2]
        if not (number.isascii() and number.isdigit()) or int(number) >= len(notice.choices):
            raise NotFound(_problem("H121", "this button belongs to no answer that can be given here now"))
        choice, label = notice.choices[int(number)]
        question = await self._question(view, notice, task, choice)
        return Chosen(row, notice, task, choice, label, person, question, view.head.seq)

    async def _question(self, view: IncidentView, notice: Notice, task: TaskView, choice: str) -> blocks.Question:
        world = self.runtime.world
        plan = await asyncio.to_thread(world.store.plan, view.plan_digest)
        then = consequences_of(plan, task)
        return blocks.Question(
            notice, dict(notice.choices)[choice], then.get(choice, ""),
            tuple((label, then.get(other, "")) for other, label in notice.choices if other != choice),
            known_of(view, world.definitions(plan)),
        )  # fmt: skip

    async def _row(self, value: str) -> Record | None:
        handle = value.partition(".")[0]
        return await asyncio.to_thread(deliveries.by_handle, self.runtime.world.store.engine, handle)


def _metadata(value: str, channel: str, head: int) -> str:
    return json.dumps({"value": value, "channel": channel, "head": head})


def _value(payload: JsonObject) -> str:
    action = next(objects_at(payload, "actions"), {})
    return text_at(action, "value") or text_at(object_at(action, "selected_option"), "value")


def _user(payload: JsonObject) -> str:
    return text_at(object_at(payload, "user"), "id")


def _reason(view: JsonObject) -> str:
    return text_at(object_at(view, "state", "values", blocks.REASON_INPUT, blocks.REASON_INPUT), "value")


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message, do="open the task in the console")
