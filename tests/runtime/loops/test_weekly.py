"""The week in a letter: on Monday at eight, once, to each person about what that person may read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.mail_house import MailHouse
from tests.support.pages import HEAD, LAWFUL

from firedoor.connectors.messengers.email import Email, Server
from firedoor.core.tasks.answers import Person
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.loops.metrics import Counting
from firedoor.runtime.loops.outbox import Outbox
from firedoor.runtime.loops.weekly import Weekly
from firedoor.store.database.tables import DeliveryRow
from firedoor.store.identity.accounts import Account, change_account, create_account
from firedoor.testing import House, plan_of

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # eight o'clock in Berlin
MARK = "Mx Secret of the third office"


@pytest.fixture(name="house")
async def _house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, plan_of(HEAD + LAWFUL), organisation=Organisation(facts={"time_zone": "Europe/Berlin"}))
    for name, role in (("max", "manager"), ("mia", "manager"), ("cas", "commander")):
        create_account(house.store, Account(name, "", frozenset((role,)), f"{name}@house.test"), None, house.clock())
    yield house
    await house.driver.stop()
    house.close()


@pytest.fixture(name="mail")
async def _mail() -> AsyncIterator[MailHouse]:
    async with MailHouse() as mail:
        yield mail


def outbox(house: House, mail: MailHouse, *roles: str) -> Outbox:
    """What one process of this house sends."""
    week = Weekly(house.world, Counting(house.world), roles or ("manager",), "https://firedoor.test")
    email: Any = Email(Server("127.0.0.1", mail.port, "firedoor@house.test", "none"))
    return Outbox(house.world, {}, "https://firedoor.test", {"email": email}, week)


def at(house: House, instant: datetime) -> None:
    house.clock.now = instant


def texts(mail: MailHouse) -> dict[str, str]:
    """What each person was written, as plain text."""
    return {str(one["To"]): one.get_body(("plain",)).get_content() for one in mail.letters}


async def test_on_monday_at_eight_each_manager_gets_one_letter(house: House, mail: MailHouse) -> None:
    """Not a minute before; once, whoever looks how often; nobody else; and again a week later."""
    boxes = outbox(house, mail), outbox(house, mail)
    at(house, MONDAY - timedelta(minutes=1))
    await boxes[0].look()
    assert not mail.letters
    for weeks in (0, 1):
        at(house, MONDAY + timedelta(weeks=weeks))
        for box in (*boxes, *boxes, outbox(house, mail)):
            await box.look()
        assert sorted(texts(mail)) == ["max@house.test", "mia@house.test"]
        assert len(mail.letters) == 2 * (weeks + 1)


async def test_the_letter_tells_the_week_and_no_word_of_an_incident(house: House, mail: MailHouse) -> None:
    """Figures and limits, the incident's number, and a link; no fact."""
    at(house, MONDAY - timedelta(days=2))
    incident = await house.open(endpoint=MARK)
    await house.settle(incident)
    at(house, MONDAY)
    await outbox(house, mail).look()
    letter = mail.letters[0]
    assert str(letter["Subject"]).startswith("Firedoor, 7 days to 23 November 2026")
    text = texts(mail)["max@house.test"]
    assert "1 incidents were opened" in text
    assert incident in text
    assert "https://firedoor.test/figures" in text
    assert MARK not in letter.as_string()


async def test_nobody_reads_of_what_they_need_not_know(house: House, mail: MailHouse) -> None:
    """An incident that only the commander and Mia may read counts for Mia, and does not exist for Max."""
    at(house, MONDAY - timedelta(days=2))
    incident = await house.open(endpoint=MARK)
    await house.settle(incident)
    await house.service.set_readers(incident, ["commander"], ["mia"], "close", Person("cas", frozenset(("commander",))))
    at(house, MONDAY)
    await outbox(house, mail).look()
    told = texts(mail)
    assert (incident in told["mia@house.test"], incident in told["max@house.test"]) == (True, False)
    assert "1 incidents were opened" in told["mia@house.test"]
    assert "0 incidents were opened" in told["max@house.test"]


async def test_whoever_lost_the_role_meanwhile_gets_none(house: House, mail: MailHouse) -> None:
    """The mail server refuses for a while; by then Max is no manager any more."""
    box = outbox(house, mail)
    at(house, MONDAY)
    mail.answers = ["451 later", "451 later"]
    await box.look()
    change_account(house.store, "max", {"roles": frozenset(("viewer",))}, house.clock())
    at(house, MONDAY + timedelta(minutes=10))
    await box.look()
    assert list(texts(mail)) == ["mia@house.test"]


async def test_a_house_that_slept_for_days_writes_next_week(house: House, mail: MailHouse) -> None:
    """A week that is long over is no news, and neither is the first day of a new house in the middle of one."""
    at(house, MONDAY + timedelta(days=2))
    await outbox(house, mail).look()
    assert house.store.rows(DeliveryRow) == []
    await outbox(house, mail, "nobody").look()
    at(house, MONDAY + timedelta(days=7))
    await outbox(house, mail).look()
    assert len(mail.letters) == 2
