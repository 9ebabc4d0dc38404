"""`doctor`: a look that fails is a finding, every other look is taken, and practice is said to be practice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.pages import HEAD, SUSPEND

from firedoor.interfaces.cli.system import doctor
from firedoor.interfaces.cli.system.doctor import Look
from firedoor.runtime.config.settings import Settings
from firedoor.testing import House, plan_of


def _of_the_stars(_: Settings) -> Iterator[Look]:
    """Look at what nobody foresaw."""
    yield Look("stars", "well", "there")
    raise ZeroDivisionError("integer modulo by zero")


def test_a_look_that_raises_hides_no_other(tmp_path: Path) -> None:
    """It is named, with what to do; those before and after it stand as they are."""
    settings = Settings(data_dir=tmp_path, prefect=False)
    examinations = (doctor._python, _of_the_stars, doctor._versions)
    looks = [look for one in examinations for look in doctor._safely(one, settings)]
    assert [(look.what, look.state) for look in looks] == [
        ("python", "well"), ("of the stars", "wrong"), ("versions", "well"),
    ]  # fmt: skip
    assert ("ZeroDivisionError" in looks[1].found, looks[1].do) == (True, "report it, with this line")


async def test_what_is_practice_is_said_so(tmp_path: Path) -> None:
    """Its target is closed all the same; a real incident beside it stands under no such word."""
    house = House(tmp_path, plan_of(HEAD + SUSPEND))
    practice = await house.open(endpoint="chat-large", practice=True)
    real = await house.open(endpoint="chat-small")
    for incident in (practice, real):
        await house.settle(incident)
    looks = list(doctor._practice(house.store))
    assert [(look.state, look.found) for look in looks] == [
        ("note", f"{practice} is practice: it is open and keeps chat-large closed")
    ]
    await house.driver.stop()
    house.close()
