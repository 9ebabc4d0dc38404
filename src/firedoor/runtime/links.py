"""Links with which a person answers one task once, from a telephone, without an account.

Decides that a link lives for hours, not days, that its use is taken before the answer is
written (so that of two at once one wins) and given back when the answer is refused, and
that a page for somebody without a session shows no sealed fact. It is a part of `Service`.
Leaves which tasks may be answered so to `core.operator`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from firedoor.core.journal import Body
from firedoor.core.operator import MAXIMUM_LINK_HOURS, link_entry
from firedoor.core.people import Answer, Person, need_open, the_task
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem, Refused
from firedoor.core.sealing import seal
from firedoor.core.view import IncidentView, TaskView, fold
from firedoor.runtime.operating import Operating
from firedoor.store import links
from firedoor.store.projections import text_of

MAXIMUM_NAME = 100  # characters


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link would answer: covered words for a page, and whose answer it would be."""

    incident: str
    person: str
    role: str
    choice: str | None
    expires_at: datetime
    task: Body


class Linking(Operating):
    """Calls about links."""

    async def answer_link(
        self, incident: str, task: str, choice: str | None, role: str, to: str, hours: float, person: Person
    ) -> tuple[str, datetime]:
        """Make a link for a named person. Returns its secret, shown once, and when it expires."""
        _check(to, hours)
        identifier, secret = links.new_secret()
        now = self.world.now()
        expires = now + timedelta(hours=hours)
        made: list[Mapping[str, Any]] = []

        def decide(view: IncidentView) -> list[Any]:
            entry = link_entry(view, task, choice, role, to.strip(), expires, person, identifier)
            about = the_task(view, task)
            made[:] = [{
                "id": identifier, "incident": incident, "task": about.id, "opened_seq": about.opened_seq,
                "person": to.strip(), "role": role, "choice": choice, "made_by": person.name,
                "made_at": text_of(now), "expires_at": text_of(expires),
            }]  # fmt: skip
            return [entry]

        await self._write(incident, decide)
        await asyncio.to_thread(links.keep_link, self.world.store, secret, made[0])
        return secret, expires

    async def read_link(self, secret: str) -> Offer:
        """What a link would answer. Changes nothing, so that a preview uses nothing up. Raises NotFound or Refused."""
        return await asyncio.to_thread(self._offer, secret)

    async def use_link(self, secret: str, choice: str, why: str, fields: Mapping[str, str]) -> Offer:
        """Answer by a link. Raises what an answer raises; then the link can be used again."""
        offer = await self.read_link(secret)
        if offer.choice is not None and choice != offer.choice:
            raise Refused(_problem("L104", f'this link answers "{offer.choice}" and nothing else', "ask for another"))
        row = self._row(secret)
        if not await asyncio.to_thread(links.use_link, self.world.store, row["id"], self.world.now()):
            raise _used()
        answer = Answer(choice, why, fields=fields, role=offer.role, via=f"link:{row['id']}")
        person = Person(offer.person, frozenset((offer.role,)))
        try:
            await self.answer(offer.incident, row["task"], answer, person)
        except FiredoorError:
            await asyncio.to_thread(links.give_back, self.world.store, row["id"])
            raise
        return offer

    @abstractmethod
    async def answer(self, incident: str, task: str, answer: Answer, person: Person) -> IncidentView:
        """Answer a task."""

    def _row(self, secret: str) -> Mapping[str, Any]:
        row = links.find_link(self.world.store, secret)
        if row is None:
            raise NotFound(_problem("L101", "this link leads nowhere", "ask whoever sent it for a new one"))
        return row

    def _offer(self, secret: str) -> Offer:
        row = self._row(secret)
        if row["used_at"]:
            raise _used()
        expires = datetime.fromisoformat(row["expires_at"])
        if self.world.now() >= expires:
            raise Refused(_problem("L103", f"this link expired at {row['expires_at']}", "ask for a new one"))
        entries = self.world.store.entries(row["incident"])
        view = fold(row["incident"], entries)
        task = the_task(view, row["task"])
        _unchanged(task, row)
        definitions = self.world.definitions(self.world.store.plan(view.plan_digest))
        shown = seal(definitions, entries).cover(_shown(task))
        return Offer(row["incident"], row["person"], row["role"], row["choice"], expires, shown)


def _unchanged(task: TaskView, row: Mapping[str, Any]) -> None:
    need_open(task)
    if task.opened_seq != row["opened_seq"] or row["role"] not in task.roles:
        raise Refused(_problem("L105", f"T{task.number} was changed since the link was made", "ask for a new one"))


def _shown(task: TaskView) -> Body:
    return {
        "name": f"T{task.number}", "question": task.question, "due_at": task.due_at,
        "choices": [
            {"choice": c["id"], "label": c["label"], "consequence": c.get("consequence", ""),
             "requires": list(c.get("requires", ()))}
            for c in task.choices
        ],
    }  # fmt: skip


def _check(to: str, hours: float) -> None:
    if not 0 < hours <= MAXIMUM_LINK_HOURS:
        raise InvalidInput(_problem("L106", f"a link lives for at most {MAXIMUM_LINK_HOURS} hours", "give fewer hours"))
    if not to.strip() or len(to) > MAXIMUM_NAME or not to.isprintable():
        raise InvalidInput(_problem("L107", "a link is for a named person", 'say whom it is for: --to "Cleo Adu"'))


def _used() -> Refused:
    return Refused(_problem("L102", "this link has been used", "one link answers once; ask for a new one"))


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
