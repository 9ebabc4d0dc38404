"""Links with which a person answers one task once, from a telephone, without signing in.

Decides that a link goes to the person's own address or Slack user and to nobody else, its maker least of all; that it
lives for hours, not days; that its use is taken before the answer is written (so that of two at once one wins) and
given back when the answer is refused; and that a page for somebody without a session shows no sealed fact. It is a part
of `Service`. Leaves which tasks may be answered so, and by whom, to `core.operator`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from firedoor.core.access.need_to_know import readers_of
from firedoor.core.access.redaction import seal
from firedoor.core.entries.run import Note
from firedoor.core.incident.view import IncidentView, TaskView, fold
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.person import Person
from firedoor.core.ports import Confidant, Notice, Standing
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, NotPermitted, Problem, Refused, Unanswered
from firedoor.core.tasks.answers import Answer, need_open, the_task
from firedoor.core.tasks.sending import requires
from firedoor.core.tasks.task_actions import MAXIMUM_LINK_HOURS, link_entry, linkable, need_linkable
from firedoor.runtime.service.run_control import Operating
from firedoor.store.database.sql import text_of
from firedoor.store.identity import accounts, answer_links
from firedoor.store.identity.accounts import Account
from firedoor.store.incidents.announcements import handle_of

PATIENCE = 45.0  # seconds that a messenger may take for a link
JUST_NOW = timedelta(minutes=1)  # asked for again within, the first letter is the one; later, another is wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """A link that somebody asks for. `house` is where people reach this server."""

    task: str
    role: str
    to: str  # the name of an account
    hours: float
    house: str
    choice: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What its maker learns of a link: never the link."""

    id: str
    to: str
    messenger: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link would answer: covered words for a page, and whose answer it would be."""

    incident: str
    person: str
    role: str
    choice: str | None
    expires_at: datetime
    task: Body
    made_by: str


class Linking(Operating):
    """Calls about links. `confidants` are the messengers that can reach one person alone."""

    confidants: Callable[[], list[Confidant]]
    linking: asyncio.Lock

    async def answer_link(self, incident: str, asked: Asked, person: Person) -> Sent:
        """Send a link to somebody who has the role. Raises what forbids it, or Unanswered where it did not leave."""
        _check(asked.hours)
        account = await asyncio.to_thread(self._receiver, asked.to)
        now = self.world.now()
        expires = now + timedelta(hours=asked.hours)
        view = await self.view(incident)
        need_linkable(view, asked.task, person, account.person, asked.role)
        _need_reader(view, account)
        async with self.linking:  # pressed twice at once, it is one letter
            before = await asyncio.to_thread(self._just_sent, view, asked, account, person)
            return before or await self._send_link(view, asked, account, person, now, expires)

    def _just_sent(self, view: IncidentView, asked: Asked, account: Account, person: Person) -> Sent | None:
        """The same link, if its letter left a moment ago: whoever asks again has lost the answer, not the letter."""
        about = the_task(view, asked.task)
        same = {
            "incident": view.id, "task": about.id, "opened_seq": about.opened_seq, "person": account.name,
            "role": asked.role, "choice": asked.choice, "made_by": person.name,
        }  # fmt: skip
        row = answer_links.newest_link(self.world.store, same, self.world.now() - JUST_NOW)
        if row is None:
            return None
        messenger, _ = self._way_to(account)
        return Sent(str(row["id"]), account.name, messenger.name, datetime.fromisoformat(str(row["expires_at"])))

    async def _send_link(
        self, view: IncidentView, asked: Asked, account: Account, person: Person, now: datetime, expires: datetime
    ) -> Sent:
        incident = view.id
        identifier, secret = answer_links.new_secret()
        messenger, address = self._way_to(account)

        def decide(view: IncidentView) -> list[Draft]:
            who, task, role = account.person, asked.task, asked.role
            return [link_entry(view, task, asked.choice, role, who, expires, person, identifier, messenger.name)]

        view = await self._write(incident, decide)
        about = the_task(view, asked.task)
        row = {
            "id": identifier, "incident": incident, "task": about.id, "opened_seq": about.opened_seq,
            "person": account.name, "role": asked.role, "choice": asked.choice, "made_by": person.name,
            "made_at": text_of(now), "expires_at": text_of(expires),
        }  # fmt: skip
        await asyncio.to_thread(answer_links.keep_link, self.world.store, secret, row)
        notice = _letter(row, about, f"{asked.house}/answer/{secret}", address, view, now, expires)
        await self._deliver(messenger, notice, row, person)
        return Sent(identifier, account.name, messenger.name, expires)

    async def read_link(self, secret: str) -> Offer:
        """What a link would answer. Changes nothing, so that a preview uses nothing up. Raises NotFound or Refused."""
        return (await asyncio.to_thread(self._offer, secret))[0]

    async def use_link(self, secret: str, choice: str, why: str, fields: Mapping[str, str]) -> Offer:
        """Answer by a link. Raises what an answer raises; then the link can be used again."""
        offer, account = await asyncio.to_thread(self._offer, secret)
        if offer.choice is not None and choice != offer.choice:
            raise Refused(_problem("L104", f'this link answers "{offer.choice}" and nothing else', "ask for another"))
        row = self._row(secret)
        if not await asyncio.to_thread(answer_links.use_link, self.world.store, row["id"], self.world.now()):
            raise _used()
        via = f"link:{row['id']}"
        answer = Answer(choice, why, fields=fields, role=offer.role, via=via, made_by=offer.made_by)
        person = Person(account.name, frozenset((offer.role,)), account.id, row["id"])
        try:
            await self.answer(offer.incident, row["task"], answer, person)
        except BaseException:  # whatever kept the answer from being written: the link has answered nothing
            await asyncio.to_thread(answer_links.give_back, self.world.store, row["id"])
            raise
        return offer

    @abstractmethod
    async def answer(self, incident: str, task: str, answer: Answer, person: Person) -> IncidentView:
        """Answer a task."""

    def _receiver(self, name: str) -> Account:
        """The account that a link goes to. Raises NotFound for a name that is nobody's, or whose account is off."""
        account = accounts.find_account(self.world.store, name.strip())
        if account is None or account.disabled_at is not None:
            do = "a link goes to somebody with an account; an administrator makes one: firedoor account create"
            raise NotFound(Problem(code="L107", field="to", message="nobody has an account of that name", do=do))
        return account

    def _way_to(self, account: Account) -> tuple[Confidant, str]:
        """The messenger and the address by which a person is reached alone. Raises Refused where there is none."""
        for messenger in self.confidants():
            if address := messenger.address_of(account.email, account.slack_id):
                return messenger, address
        do = "give the account an e-mail address or a Slack user, and set one of the two up: see send-messages"
        raise Refused(_problem("L109", f"{account.name} cannot be reached alone: no link was made", do))

    async def _deliver(self, messenger: Confidant, notice: Notice, row: Mapping[str, Any], person: Person) -> None:
        """Send it now: the secret is nowhere but in this call. What did not leave counts for nothing."""
        try:
            async with asyncio.timeout(PATIENCE):
                await messenger.tell_alone(notice)
        except (FiredoorError, TimeoutError) as error:
            await asyncio.to_thread(answer_links.forget_link, self.world.store, row["id"])
            words = str(error.problems[0].message) if isinstance(error, FiredoorError) else "it did not answer in time"
            text = (
                f"Link {row['id']} for {row['person']} did not leave ({messenger.name}: {words}): it counts for nothing"
            )
            note = Draft(Kind.NOTE, person.actor, Note(text=text, by=person.name))
            await self._write(row["incident"], lambda _: [note])
            problem = _problem("L110", f"the link did not leave: {words}", "nothing was sent; try again")
            raise Unanswered(problem) from None

    def _row(self, secret: str) -> Mapping[str, Any]:
        row = answer_links.find_link(self.world.store, secret)
        if row is None:
            raise NotFound(_problem("L101", "this link leads nowhere", "ask whoever sent it for a new one"))
        return row

    def _offer(self, secret: str) -> tuple[Offer, Account]:
        row = self._row(secret)
        if row["used_at"]:
            raise _used()
        expires = datetime.fromisoformat(row["expires_at"])
        if self.world.now() >= expires:
            raise Refused(_problem("L103", f"this link expired at {row['expires_at']}", "ask for a new one"))
        entries = self.world.store.entries(row["incident"])
        view = fold(row["incident"], entries)
        account, task = self._receiver(row["person"]), the_task(view, row["task"])
        _unchanged(task, row)
        _need_reader(view, account)
        if row["role"] not in account.roles or not linkable(task):
            raise NotPermitted(_problem("L108", f"{account.name} may not answer this by a link any more", "sign in"))
        definitions = self.world.definitions(self.world.store.plan(view.plan_digest))
        shown = seal(definitions, entries).cover(_shown(view, task))
        return Offer(row["incident"], account.name, row["role"], row["choice"], expires, shown, row["made_by"]), account


def _letter(
    row: Mapping[str, Any], task: TaskView, url: str, address: str, view: IncidentView, now: datetime, expires: datetime
) -> Notice:
    """The words around a link: which task of which incident, and nothing of what it is about."""
    text = (
        f"{row['made_by']} asks you to answer task T{task.number} of {view.id} as {row['role'].replace('_', ' ')}.\n"
        f"The link is for you alone: it answers once, in your name, until {expires:%Y-%m-%d %H:%M} UTC. "
        "Do not pass it on; if you do not know why you got it, tell whoever runs Firedoor."
    )
    key = f"link:{row['id']}"
    standing = Standing(incident=view.id, state="", severity="", restricted=view.readers is not None, link=url)
    return Notice(
        key=key, handle=handle_of(key), kind="link", incident=view.id, roles=(row["role"],), made_at=now, link=url,
        address=address, people=(address,), task=f"T{task.number}", due_at=None, text=text, standing=standing,
    )  # fmt: skip


def _need_reader(view: IncidentView, account: Account) -> None:
    """Raises NotPermitted where the incident is closed to whoever the link would go to."""
    readers = readers_of(view.readers)
    if readers is not None and not readers.include(account.person):
        do = "name them as a reader first: firedoor readers"
        raise NotPermitted(_problem("L108", f"{account.name} may not read {view.id}", do))


def _unchanged(task: TaskView, row: Mapping[str, Any]) -> None:
    need_open(task)
    if task.opened_seq != row["opened_seq"] or row["role"] not in task.roles:
        raise Refused(_problem("L105", f"T{task.number} was changed since the link was made", "ask for a new one"))


def _shown(view: IncidentView, task: TaskView) -> Body:
    return {
        "name": f"T{task.number}", "question": task.question, "due_at": task.due_at,
        "choices": [
            {"choice": c["id"], "label": c["label"], "consequence": c.get("consequence", ""),
             "requires": requires(view, task, c)}
            for c in task.choices
        ],
    }  # fmt: skip


def _check(hours: float) -> None:
    if not 0 < hours <= MAXIMUM_LINK_HOURS:
        raise InvalidInput(_problem("L106", f"a link lives for at most {MAXIMUM_LINK_HOURS} hours", "give fewer hours"))


def _used() -> Refused:
    return Refused(_problem("L102", "this link has been used", "one link answers once; ask for a new one"))


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
