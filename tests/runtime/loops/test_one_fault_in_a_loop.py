"""Loops: whatever one row or file raises, all others are looked at, the loop goes on, and somebody is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.runtime.loops.test_audit import auditor
from tests.runtime.loops.test_outbox import Shelf as Messages
from tests.runtime.loops.test_outbox import outbox
from tests.runtime.service.test_alert_sources import DESK
from tests.support.api_house import House as ApiHouse
from tests.support.api_house import house as api_house
from tests.support.pages import HEAD, LAWFUL, SUSPEND
from tests.tampering import forced

from firedoor.core.language.yaml_source import read_yaml
from firedoor.runtime import repeating
from firedoor.runtime.config import alert_sources, playbooks
from firedoor.runtime.config.alert_sources import Sources
from firedoor.runtime.repeating import Failing, attempt, repeat
from firedoor.runtime.service.playbook_cache import Shelf
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DeliveryRow, TimerRow
from firedoor.store.identity.accounts import Account, create_account
from firedoor.testing import House, plan_of


@pytest.fixture(name="house")
async def _house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, plan_of(HEAD + LAWFUL))
    create_account(house.store, Account("cas", "", frozenset(("commander",)), "cas@house.test"), None, house.clock())
    yield house
    await house.driver.stop()
    house.close()


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[ApiHouse]:
    async with api_house(tmp_path) as built:
        yield built


async def test_a_look_that_raises_is_noted_until_one_goes_well(caplog: pytest.LogCaptureFixture) -> None:
    """The loop looks on; its kind and place are kept, and nothing of what it said, which everybody could read."""
    failing: Failing = {}
    looks: list[bool] = []

    async def look() -> None:
        looks.append("quotas" in failing)
        if len(looks) < 3:
            raise ZeroDivisionError("INC-7 holds the name of a person")

    with caplog.at_level(logging.WARNING), contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await repeat("quotas", look, 0.001, failing)
    assert (looks[:4], failing) == ([False, True, True, False], {})
    assert "quotas: INC-7" in caplog.text
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            looks.clear()
            await repeat("quotas", look, 60, failing)
    assert failing["quotas"].what == "ZeroDivisionError in runtime/repeating.py attempt"


async def test_health_says_which_loop_fails_and_the_process_is_not_ready_only_where_it_watches(
    built: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A passing trouble is none; one that lasts is on `/readyz`, in the gauges and with `doctor`."""
    runtime = built.runtime
    monkeypatch.setattr(repeating, "LONG", 0.0)

    async def broken() -> None:
        raise ZeroDivisionError

    await attempt("figures", broken, runtime.failing)
    ready = await built.local.get("/readyz")
    assert (ready.status_code, "figures fails for 0 s: ZeroDivisionError" in ready.json()["parts"]["background"]) == (
        200, True,
    )  # fmt: skip
    assert 'firedoor_part_well{part="background"} 0' in (await built.local.get("/metrics")).text
    monkeypatch.setattr(repeating, "LONG", 10.0)
    assert (await built.local.get("/readyz")).json()["parts"]["background"] == "well"
    monkeypatch.setattr(repeating, "LONG", 0.0)
    await built.runtime.watch.look()
    await attempt("watch", broken, runtime.failing)
    assert (await built.local.get("/readyz")).status_code == 503


def away(built: ApiHouse, at: Path) -> str:
    """What health says of the store while its file is a folder."""
    built.runtime.world.store.engine.dispose()
    at.rename(f"{at}.kept")
    at.mkdir()
    try:
        return str(built.runtime.health()["parts"]["store"])
    finally:
        at.rmdir()
        Path(f"{at}.kept").rename(at)


async def test_a_store_that_does_not_answer_is_a_word_of_health(built: ApiHouse, tmp_path: Path) -> None:
    """And no exception of whoever asks."""
    said = await asyncio.to_thread(away, built, tmp_path / "firedoor.db")
    assert said.startswith("does not answer")
    assert built.runtime.health()["parts"]["store"] == "well"


async def test_what_cannot_be_told_keeps_nothing_else_from_leaving(house: House) -> None:
    """More announcements than one look takes are of an incident that is gone: the rest is sent, the state says so."""
    messages = Messages()
    box = outbox(house, webhook=messages)
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    (first,) = [row for row in house.store.rows(DeliveryRow) if row["kind"] == "task"]
    gone = [
        {**first, "key": f"gone-{number}", "handle": f"gone-{number}", "incident": "INC-1999-0001", "made_at": "1999"}
        for number in range(250)
    ]
    await asyncio.wrap_future(house.store.write(forced(insert(table(DeliveryRow)).values(gone))))
    for _ in range(2):
        await box.look()
    assert [notice.incident for notice in messages.told] == [incident]
    assert "250 cannot be told" in box.state
    assert house.driver.failing == {}


async def test_a_week_that_cannot_be_announced_keeps_no_message_from_leaving(house: House) -> None:
    """Its letters are tried again later."""
    messages = Messages()
    box = outbox(house, webhook=messages)

    class Week:
        """A week of which nothing can be said."""

        roles = ("manager",)

        async def announce(self, _: object) -> None:
            raise ZeroDivisionError

    box.week = Week()  # type: ignore[assignment]
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    await box.look()
    assert [notice.incident for notice in messages.told] == [incident]
    assert "1 cannot be told" in box.state


async def test_a_part_of_the_audit_that_raises_blinds_no_other(house: House) -> None:
    """It is told with its reason, and what another part finds is found."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)

    def disk() -> int:
        raise ZeroDivisionError("no such disk")

    late = table(TimerRow).insert().values(incident=incident, about="task:x", point="half", due_at="2020")
    await asyncio.wrap_future(house.store.write(forced(late)))
    found = auditor(house, free=disk).look()
    assert "ZeroDivisionError: no such disk" in next(one.message for one in found if one.code == "M101")
    assert "M111" in [one.code for one in found]


def test_a_page_that_raises_keeps_no_other_from_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server starts with it, all others can be started, and the problem is named with its file."""
    (tmp_path / "aaa.yaml").write_text("a page over which a reader stumbles")
    (tmp_path / "small.yaml").write_text(HEAD + SUSPEND)
    monkeypatch.setenv("FIREDOOR_PLAYBOOKS", str(tmp_path))
    monkeypatch.setattr(playbooks, "load_playbook", stumbling(playbooks.load_playbook))
    shelf = Shelf()
    shelf.refresh()
    assert (list(shelf.plans), list(shelf.problems)) == (["small"], [f"{tmp_path}/aaa.yaml"])
    (problem,) = shelf.problems[f"{tmp_path}/aaa.yaml"]
    assert ("ZeroDivisionError" in problem.message, problem.do) == (True, "please report it")


def test_a_mapping_that_raises_keeps_no_other_source_from_being_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what ships is known in any case."""
    (tmp_path / "aaa.yaml").write_text(DESK)
    (tmp_path / "desk.yaml").write_text(DESK)
    monkeypatch.setattr(alert_sources, "read_yaml", stumbling(read_yaml))
    known = Sources(tmp_path)
    assert {"help-desk", "generic"} <= set(known)
    assert [Path(path).name for path in known.problems] == ["aaa.yaml"]


def stumbling(read: Callable[..., Any]) -> Callable[..., Any]:
    """A reader that raises what nobody foresaw, over one file."""

    def reader(*given: Any) -> Any:
        if "aaa.yaml" in str(given[-1]):
            raise ZeroDivisionError("integer modulo by zero")
        return read(*given)

    return reader
