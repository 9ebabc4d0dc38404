"""The outbox: what the journal announces leaves once, in neutral words, to those who may read it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.mail_house import MailHouse
from tests.support.pages import HEAD, LAWFUL

from firedoor.connectors.messengers.email import Email, Server
from firedoor.connectors.messengers.webhook import Webhook
from firedoor.core.notices.subject_lines import sentence
from firedoor.core.ports import Notice, Told
from firedoor.core.problems import InDoubt, Later, Refused, Unanswered
from firedoor.core.tasks.answers import Answer, Person
from firedoor.runtime.loops.outbox import GIVE_UP, OVER, Outbox
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DeliveryRow
from firedoor.store.identity.accounts import Account, change_account, create_account
from firedoor.store.outbox import deliveries
from firedoor.testing import House, plan_of

SECRET = "Mx Secret of the third office"
CAS = Person("cas", frozenset(("commander",)))


class Shelf:
    """A messenger that keeps what it is given, and fails as it is told."""

    name = "webhook"
    personal = False

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.faults: list[Exception] = []
        self.looked: list[str] = []
        self.knows: set[str] = set()

    def address_of(self, email: str, slack_id: str) -> str:
        return ""

    async def find(self, notice: Notice) -> Told | None:
        self.looked.append(notice.key)
        return Told() if notice.key in self.knows else None

    async def send(self, notice: Notice) -> Told:
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, InDoubt):
                self.knows.add(notice.key)
                self.told.append(notice)
            raise fault
        self.told.append(notice)
        return Told(reference={"number": len(self.told)})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, plan_of(HEAD + LAWFUL))
    for name, roles in (("dee", "dpo"), ("cas", "commander"), ("gone", "dpo")):
        create_account(house.store, Account(name, "", frozenset((roles,)), f"{name}@house.test"), None, house.clock())
    yield house
    await house.driver.stop()
    house.close()


def outbox(house: House, **messengers: Any) -> Outbox:
    """An outbox in which every role is told by every messenger that there is."""
    routes = {role: tuple(messengers) for role in ("commander", "dpo")}
    return Outbox(house.world, routes, "https://firedoor.test", messengers)


async def opened(house: House) -> str:
    incident = await house.open(endpoint=SECRET)
    await house.settle(incident)
    return incident


def states(house: House) -> dict[str, str]:
    rows = house.store.rows(DeliveryRow, table(DeliveryRow).c.messenger != "")
    return {row["key"].partition(":")[2]: row["state"] for row in rows}


def problem(kind: type[Exception], *more: Any) -> Exception:
    from firedoor.core.problems import Problem

    return kind(Problem(code="X", message="away"), *more)


async def test_a_task_is_told_of_once(house: House) -> None:
    """However often is looked, and by however many."""
    shelf = Shelf()
    first, second = outbox(house, webhook=shelf), outbox(house.again(), webhook=shelf)
    await opened(house)
    for box in (first, second, first):
        await box.look()
    assert [notice.task for notice in shelf.told if notice.kind == "task"] == ["T1"]
    assert set(states(house).values()) == {"sent"}


async def test_nothing_is_announced_where_nobody_is_told(house: House) -> None:
    """Without a route no row is written: an alert does not pay for messages that nobody gets."""
    Outbox(house.world, {}, "https://firedoor.test", {})
    await opened(house)
    assert not house.store.rows(DeliveryRow)


async def test_reminders_and_escalations_are_told_of_as_such(house: House) -> None:
    """Not as messages, and not twice."""
    shelf = Shelf()
    box = outbox(house, webhook=shelf)
    incident = await opened(house)
    for hours in (2, 2):
        house.wind(hours=hours)
        await house.watch.look()
        await house.settle(incident)
    await box.look()
    kinds = [(notice.kind, notice.roles) for notice in shelf.told if notice.task == "T1"]
    assert kinds[0][0] == "task"
    assert [kind for kind, _ in kinds].count("reminder") == 1
    assert [kind for kind, _ in kinds].count("escalation") == 1


async def test_no_word_of_an_incident_leaves(house: House) -> None:
    """No title, fact or message: of the question only the playbook's own words."""
    shelf = Shelf()
    box = outbox(house, webhook=shelf)
    await opened(house)
    await box.look()
    assert shelf.told
    assert all(SECRET not in notice.model_dump_json() for notice in shelf.told)
    assert all("a test" not in notice.model_dump_json() for notice in shelf.told)


async def test_an_interrupted_delivery_is_looked_for_before_it_is_repeated(house: House) -> None:
    """The far end took it and the answer was lost: it is found, and not sent again."""
    shelf = Shelf()
    shelf.faults = [problem(InDoubt)]
    box = outbox(house, webhook=shelf)
    await opened(house)
    await box.look()
    house.wind(minutes=5)
    await box.look()
    await box.look()
    assert len({notice.key for notice in shelf.told}) == len(shelf.told)
    assert shelf.looked == [shelf.told[0].key]
    assert set(states(house).values()) == {"sent"}


async def test_a_killed_sender_is_looked_after(house: House) -> None:
    """What a process had claimed when it died is looked for by the next, after the claim has run out."""
    shelf = Shelf()
    box = outbox(house, webhook=shelf)
    await opened(house)
    await Outbox(house.world, box.routes, box.house, {}).look()  # addresses, and cannot send
    (row, *_) = deliveries.listed(house.store.engine, None, None, 10)
    assert deliveries.claim(house.store, row, "a dead one", house.clock()).result()
    await box.look()
    assert states(house)[row["key"].partition(":")[2]] == "sending"
    house.wind(minutes=2)
    await box.look()
    assert shelf.looked == [row["key"]]
    assert [notice.key for notice in shelf.told].count(row["key"]) == 1


async def test_a_far_end_that_says_when_is_not_asked_before(house: House) -> None:
    """Retry-After is kept to, for the whole lane."""
    shelf = Shelf()
    shelf.faults = [problem(Later, 30.0)]
    box = outbox(house, webhook=shelf)
    await opened(house)
    for seconds, sent in ((0, 0), (29, 0), (2, 1)):
        house.wind(seconds=seconds)
        await box.look()
        assert bool(shelf.told) == bool(sent), seconds


async def test_down_for_a_while_loses_and_doubles_nothing_and_is_shown(house: House) -> None:
    """What waits is counted in the health, and goes out in order."""
    shelf = Shelf()
    shelf.faults = [problem(Unanswered)] * 6
    box = outbox(house, webhook=shelf)
    await opened(house)
    await box.look()
    await box.look()
    assert "wait for a far end" in box.state
    for _ in range(8):
        house.wind(minutes=2)
        await box.look()
    await box.look()
    assert box.state == "well"
    assert [n.key for n in shelf.told] == sorted({n.key for n in shelf.told}, key=lambda key: int(key.split(":")[1]))


async def test_nobody_is_woken_for_what_is_over(house: House) -> None:
    """A task that was answered before anybody heard of it is told to nobody; the list says why."""
    shelf = Shelf()
    shelf.faults = [problem(Unanswered)]
    box = outbox(house, webhook=shelf)
    incident = await opened(house)
    await box.look()
    for task in house.world.view(incident).open_tasks():
        await house.service.answer(incident, task.id, Answer(str(task.choices[0]["id"]), "seen"), CAS)
    house.wind(minutes=2)
    await box.look()
    assert "T1" not in [notice.task for notice in shelf.told]
    (row,) = [row for row in deliveries.listed(house.store.engine, "nobody", None, 10) if row["kind"] == "task"]
    assert row["problem"] == OVER


async def test_what_was_noticed_is_said_in_a_few_words(house: House) -> None:
    """The playbook's own title of a step, a task that was passed on with its number; no value of the incident."""
    shelf = Shelf()
    box = outbox(house, webhook=shelf)
    incident = await opened(house)
    task = house.world.view(incident).open_tasks()[0]
    await house.service.reassign(incident, task.id, "dpo", SECRET, CAS)
    await box.look()
    lines = [sentence(notice) for notice in shelf.told if notice.kind == "message"]
    assert [line for line in lines if "T1 passed on by" in line]
    assert SECRET not in str(lines)


async def test_it_is_given_up_after_a_day_and_says_so(house: House) -> None:
    """Nobody is helped by yesterday's reminder; what was lost is in the health and in the list."""
    shelf = Shelf()
    shelf.faults = [problem(Unanswered)] * 100
    box = outbox(house, webhook=shelf)
    await opened(house)
    await box.look()
    house.wind(hours=GIVE_UP.total_seconds() / 3600)
    for _ in range(3):
        await box.look()
    assert set(states(house).values()) == {"given_up"}
    house.wind(hours=-1)
    await box.look()
    assert "given up" in box.state


async def test_what_is_refused_for_good_holds_up_nothing(house: House) -> None:
    """The next in the lane is sent at once."""
    shelf = Shelf()
    shelf.faults = [problem(Refused)]
    box = outbox(house, webhook=shelf)
    await opened(house)
    house.wind(hours=2)
    await house.watch.look()
    await box.look()
    assert sorted(states(house).values()) == ["given_up", "sent"]


async def test_only_those_who_may_read_get_letters(house: House) -> None:
    """By their role and by need-to-know; a disabled account gets none."""
    change_account(house.store, "gone", {"disabled": True}, house.clock())
    async with MailHouse() as mail:
        box = outbox(house, email=Email(Server("127.0.0.1", mail.port, "firedoor@house.test", "none")))
        incident = await opened(house)
        steering = Person("cas", frozenset(("commander",)))
        await house.service.set_readers(incident, ["dpo"], [], "a colleague", steering)
        house.wind(hours=4)
        await house.watch.look()
        await box.look()
        got = {letter["To"] for letter in mail.letters}
    assert got
    assert got <= {"dee@house.test", "cas@house.test"}


async def test_who_may_read_is_asked_again_when_a_letter_leaves(house: House) -> None:
    """Somebody was left out, or lost the role, while the mail server was away: their letter is not sent."""
    async with MailHouse() as mail:
        mail.answers = ["451 come back"]
        box = outbox(house, email=Email(Server("127.0.0.1", mail.port, "firedoor@house.test", "none")))
        await opened(house)
        await box.look()
        assert set(states(house).values()) == {"queued"}
        change_account(house.store, "cas", {"roles": ["viewer"]}, house.clock())
        house.wind(minutes=2)
        await box.look()
        assert not mail.letters
    assert set(states(house).values()) == {"nobody"}


async def test_a_letter_says_numbers_and_nothing_else(house: House) -> None:
    """Plain text and HTML, threaded, with the link; the Message-ID comes from the key."""
    async with MailHouse() as mail:
        box = outbox(house, email=Email(Server("127.0.0.1", mail.port, "firedoor@house.test", "none")))
        incident = await opened(house)
        await box.look()
        letter = mail.letters[0]
    text = letter.get_body(("plain",)).get_content()
    assert incident in letter["Subject"]
    assert f"https://firedoor.test/incidents/{incident}" in text
    assert incident in letter.get_body(("html",)).get_content()
    assert SECRET not in letter.as_string()
    row = next(row for row in house.store.rows(DeliveryRow) if row["messenger"] == "email")
    assert letter["Message-ID"] == f"<{row['handle']}@house.test>"


async def test_a_letter_whose_answer_was_lost_is_the_same_letter_again(house: House) -> None:
    """SMTP cannot be asked; the Message-ID tells the receiving side."""
    async with MailHouse() as mail:
        mail.drop = 1
        box = outbox(house, email=Email(Server("127.0.0.1", mail.port, "firedoor@house.test", "none")))
        await opened(house)
        await box.look()
        house.wind(minutes=2)
        await box.look()
        ids = [letter["Message-ID"] for letter in mail.letters]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_a_greylisted_letter_waits_and_an_unknown_address_is_given_up(house: House) -> None:
    """4yz is tried again, 5yz is not (RFC 5321, section 4.2.1)."""
    async with MailHouse() as mail:
        mail.answers = ["451 come back"]
        box = outbox(house, email=Email(Server("127.0.0.1", mail.port, "firedoor@house.test", "none")))
        await opened(house)
        await box.look()
        assert set(states(house).values()) == {"queued"}
        mail.unknown = {"dee@house.test", "cas@house.test", "gone@house.test"}
        house.wind(minutes=2)
        await box.look()
    assert set(states(house).values()) == {"given_up"}


async def test_a_post_is_signed_and_carries_its_key(house: House) -> None:
    """Whoever receives it checks the signature over the time and the bytes, and knows a repetition by the key."""
    got: list[httpx.Request] = []
    answers = [httpx.Response(503, headers={"retry-after": "7"}), httpx.Response(204)]

    def far_end(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return answers.pop(0) if answers else httpx.Response(204)

    client = httpx.AsyncClient(transport=httpx.MockTransport(far_end))
    box = outbox(house, webhook=Webhook(client, "https://pager.test/in", lambda: "key", house.clock))
    incident = await opened(house)
    await box.look()
    assert len(got) == 1
    house.wind(seconds=8)
    await box.look()
    first, second = got[0], got[1]
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    time, body = second.headers["firedoor-timestamp"], second.content
    assert datetime.fromtimestamp(int(time), house.clock().tzinfo) == house.clock()
    wanted = hmac.new(b"key", f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    assert second.headers["firedoor-signature"] == f"v1={wanted}"
    assert json.loads(body)["incident"] == incident


async def test_two_processes_share_the_work_on_every_database(database: str, tmp_path: Path) -> None:
    """Each delivery goes out once, whichever process takes it, and a lane is held by one of them at a time."""
    house = House(tmp_path, plan_of(HEAD + LAWFUL), url=database)
    shelf = Shelf()
    first, second = outbox(house, webhook=shelf), outbox(house.again(), webhook=shelf)
    incidents = [await opened(house) for _ in range(5)]
    for _ in range(3):
        await asyncio.gather(first.look(), second.look())
    assert sorted(notice.incident for notice in shelf.told) == sorted(incidents)
    assert set(states(house).values()) == {"sent"}
    await house.driver.stop()
    second.world.store.close()
    house.close()
