"""One incident's fault is one incident's fault: injected at each point, told once, and taken up again by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import update
from tests.runtime.execution.test_conductor import conductor
from tests.runtime.loops.test_audit import auditor, codes
from tests.runtime.loops.test_deadlines import BREACH, GERMAN, SA
from tests.support.api_house import house as api_house
from tests.support.pages import CLOSE, HEAD
from tests.tampering import forced

from firedoor.core.execution.questions import decided, render
from firedoor.core.incident.faults import DRIVE
from firedoor.core.incident.view import FAULT, TaskView
from firedoor.core.journal import Draft, Kind
from firedoor.core.language.expression import Expression
from firedoor.core.playbook.plan import Plan
from firedoor.core.ternary import UNKNOWN
from firedoor.duties.catalogue import Catalogue, catalogue
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.execution.performer import Json, OperationView
from firedoor.runtime.execution.setting_aside import set_aside, taken_up
from firedoor.runtime.loops.deadlines import BATCH
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow, IncidentRow, PlanRow, TimerRow
from firedoor.store.incidents.set_aside import how_many
from firedoor.testing import House, plan_of

STEPS = """
duties: auto
phases:
  identification: []
  containment:
    - parallel:
        - task: "ask {{ item }}"
          id: each
          foreach: facts.others
        - suspend: "{{ facts.endpoint }}"
          id: close
          automatic: always
    - tell: dpo
      id: word
      text: "it is closed"
  remediation:
    - resume: "{{ facts.endpoint }}"
      id: open
      approvals: 1
      by: manager
  post_incident: []
"""
PAGE = HEAD.replace("facts:\n", 'facts:\n  others: {type: list, ask: "Who else?"}\n') + STEPS
SUSPENDED = f"{CLOSE}.suspend"
LISTING = "containment.each.each"


class Odd(dict[str, Any]):
    """Words of an organisation of which one raises what nobody foresaw, as long as it is broken."""

    broken = True

    def __getitem__(self, name: str) -> Any:
        if name == "boom" and self.broken:
            raise ZeroDivisionError("integer modulo by zero")
        return ["a", "b"] if name == "boom" else super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name == "boom" else super().get(name, default)


def raising(plan: Plan) -> Plan:
    """The plan, with a list that is worked out from the odd word."""
    changed = [op.model_copy(update={"listing": "organisation.boom"}) if op.id == LISTING else op for op in plan]
    assert changed != list(plan)
    return plan.model_copy(update={"operations": tuple(changed)})


@pytest.fixture(name="odd")
def _odd() -> Odd:
    return Odd(name="Example")


@pytest.fixture(name="house")
async def _house(tmp_path: Path, odd: Odd) -> AsyncIterator[House]:
    house = House(tmp_path, raising(plan_of(PAGE)), organisation=Organisation(odd, GERMAN.facts))
    yield house
    await house.driver.stop()
    house.close()


async def opened(house: House, **facts: str) -> str:
    incident = await house.open(endpoint="chat-large", **facts)
    await house.settle(incident)
    return incident


def asides(house: House, incident: str) -> list[TaskView]:
    """The open tasks about what is set aside."""
    return [task for task in house.view(incident).open_tasks() if task.kind == FAULT]


async def write(house: House, query: Any) -> None:
    """Change the database past every rule."""
    await asyncio.wrap_future(house.store.write(forced(query)))


async def test_an_operation_that_raises_leaves_the_containment_alone(house: House) -> None:
    """It fails for itself, the commander is asked once with error and remedy, and the model is closed all the same."""
    incident = await opened(house)
    assert house.view(incident).operations[SUSPENDED].status == "finished"
    (task,) = asides(house, incident)
    assert (task.role, "ZeroDivisionError" in task.question, "core/" in task.question) == ("commander", True, True)
    assert "firedoor facts" in task.guidance
    before = len(house.entries(incident))
    for _ in range(3):
        house.driver.wake(incident)
        await house.settle(incident)
    assert (len(house.entries(incident)), house.driver.failing) == (before, {})


async def test_an_operation_is_taken_up_by_itself_once_mended(house: House, odd: Odd) -> None:
    """At the next restart, without anybody's answer; then nobody is asked any longer."""
    incident = await opened(house)
    odd.broken = False
    other = house.again()
    assert await other.driver.look() == [incident]
    view = await other.settle(incident)
    assert (asides(house, incident), view.operations[LISTING].outcome) == ([], "listed")
    assert Kind.FAULT_MENDED in house.kinds(incident)
    assert await other.driver.look() == []
    other.close()


async def test_a_person_may_go_on_without_it(house: House) -> None:
    """The task offers what every failure offers."""
    incident = await opened(house)
    view = await house.answer(incident, asides(house, incident)[0].id, "skip")
    assert (asides(house, incident), view.operations[LISTING].status) == ([], "skipped")


async def test_a_condition_that_raises_is_unknown_and_says_why(odd: Odd) -> None:
    """Unknown is an answer: people are asked, or the safe word counts."""
    answer, reasons, open_points = decided(Expression.parse("organisation.boom == 1"), {"organisation": odd})
    assert (answer, "ZeroDivisionError" in reasons[0], "ZeroDivisionError" in open_points) == (UNKNOWN, True, True)


async def test_a_text_that_raises_has_a_gap_that_says_so(odd: Odd) -> None:
    """A message with a mark in it is better than a suspension that is never made."""
    said = render("closed: {{ organisation.boom }}", {"organisation": odd})
    assert "cannot be filled in" in said


def lawless(odd: str) -> Catalogue:
    """The catalogue, of which one duty is counted in a zone that does not exist."""
    whole = catalogue()
    return Catalogue({**whole.duties, odd: whole[odd].model_copy(update={"zone": "Nowhere/Zone"})}, whole.facts)


async def test_a_duty_that_raises_is_asked_about_and_the_others_run(house: House, odd: Odd) -> None:
    """Nobody takes it for "no limit"; the incident does not end meanwhile; mended, it runs."""
    odd.broken = False
    house.world.load_catalogue = lambda: lawless(SA)
    incident = await opened(house, **BREACH)
    (task,) = asides(house, incident)
    assert (SA in task.question, "cannot be computed" in task.question) == (True, True)
    clocks = house.view(incident).clocks
    assert (SA in clocks, any(name.startswith("eu.gdpr") for name in clocks)) == (False, True)
    other = house.again()
    await other.driver.look()
    view = await other.settle(incident)
    assert (SA in view.clocks, asides(house, incident)) == (True, [])
    other.close()


async def test_an_entry_that_cannot_be_read_hides_no_other(house: House, odd: Odd) -> None:
    """What it says may speak against opening: that waits until somebody has looked. All else goes on."""
    odd.broken = False
    incident = await opened(house)
    house.store.append(incident, [Draft(Kind.CUSTODY, "x", {"action": "held", "by": "Ada"})], house.clock()).result()
    last = house.entries(incident)[-1].seq
    one = (table(EntryRow).c.incident == incident) & (table(EntryRow).c.seq == last)
    await write(house, update(table(EntryRow)).where(one).values(body="[1"))
    other = house.again()
    other.driver.wake(incident)
    view = await other.settle(incident)
    assert (list(view.unread), view.title, view.operations[SUSPENDED].status) == ([], "a test", "finished")
    await write(house, update(table(EntryRow)).where(one).values(kind="operation.finished"))
    other.driver.wake(incident)
    assert list((await other.settle(incident)).unread) == [last]
    (task,) = asides(house, incident)
    assert f"Entry {last} (operation.finished) cannot be read" in task.question
    other.close()


async def test_a_drive_that_fails_again_asks_once_and_ends_by_itself(house: House, odd: Odd) -> None:
    """Its plan was altered: after two tries a task names it; the plan is put back, and the task goes."""
    odd.broken = False
    incident, body = await opened(house), house.store.rows(PlanRow)[0]["body"]
    await write(house, update(table(PlanRow)).values(body="{}"))
    other = house.again()
    for _ in range(4):
        other.wind(seconds=61)
        other.driver.wake(incident)
        await other.settle(incident)
        await asyncio.gather(*other.driver._asking)
    (task,) = asides(house, incident)
    assert (task.role, "was altered" in task.question, "backup" in task.guidance) == ("commander", True, True)
    await write(house, update(table(PlanRow)).values(body=body))
    other.driver.wake(incident)
    await other.settle(incident)
    assert (asides(house, incident), other.driver.failing) == ([], {})
    other.close()


async def test_a_turn_that_raises_as_a_whole_asks(house: House, odd: Odd) -> None:
    """A poisoned outcome that reads well, and from which nothing can be worked out."""
    odd.broken = False
    incident = await opened(house)
    poison = Draft(Kind.FINISHED, "x", {"op": LISTING, "outcome": "listed", "result": {"items": 5}})
    house.store.append(incident, [poison], house.clock()).result()
    other = await opened(house)
    for _ in range(2):
        house.driver.wake(incident)
        await house.settle(incident)
        await asyncio.gather(*house.driver._asking)
    assert "cannot be driven any further" in asides(house, incident)[0].question
    assert asides(house, other) == []


async def test_a_point_that_cannot_be_worked_out_fires_in_plain_words(house: House, odd: Odd) -> None:
    """The clock's record is poisoned: its roles are told that it passed, and the point does not come again."""
    odd.broken = False
    incident = await opened(house, **BREACH)
    house.store.append(incident, [Draft(Kind.CLOCK_WAIVED, "x", {"id": SA, "why": "w"})], house.clock())
    entry = next(e for e in house.entries(incident) if e.kind == Kind.CLOCK_STARTED and e.body["id"] == SA)
    one = (table(EntryRow).c.incident == incident) & (table(EntryRow).c.seq == entry.seq)
    timer = {"incident": incident, "about": f"clock:{SA}", "point": "T-1h", "due_at": house.clock().isoformat()}
    await write(house, update(table(EntryRow)).where(one).values(body="7"))
    await write(house, table(TimerRow).insert().values(**timer))
    assert await house.watch.look() == 1
    await house.settle(incident)
    message = [e.body for e in house.entries(incident) if e.kind == Kind.MESSAGE and SA in e.body["subject"]][-1]
    assert (sorted(message["to"]), "cannot be" in message["text"]) == (["commander", "dpo", "manager"], True)
    assert await house.watch.look() == 0


async def test_a_closed_target_that_cannot_be_looked_at_is_told(
    house: House, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody takes it for watched: the commander is asked once; looked at again, nobody is asked any longer."""
    odd.broken = False
    incident, other = await opened(house), await opened(house)

    def raising(name: str) -> Any:
        raise KeyError(name)

    monkeypatch.setattr(house.world, "target", raising)
    for _ in range(2):
        house.wind(minutes=11)
        assert await house.holding.look() >= 1
        await house.settle(incident)
    (task,) = asides(house, incident)
    assert ("chat-large" in task.question, "cannot be looked at" in task.question) == (True, True)
    assert house.driver.failing == {}
    monkeypatch.undo()
    house.wind(minutes=11)
    await house.holding.look()
    assert (asides(house, incident), asides(house, other)) == ([], [])


async def test_however_many_points_cannot_fire_the_others_do(house: House, odd: Odd) -> None:
    """A batch of one incident's points that fail takes nobody's place."""
    odd.broken = False
    bad, good = await opened(house), await opened(house)
    due = house.clock().isoformat(timespec="microseconds")
    rows = [
        {"incident": "INC-1999-0001", "about": f"task:{n}", "point": "half", "due_at": due} for n in range(BATCH + 5)
    ]
    await write(house, table(TimerRow).insert().values(rows))
    house.wind(seconds=1)
    soon = house.clock().isoformat(timespec="microseconds")
    await write(house, table(TimerRow).insert().values(incident=good, about="task:x", point="half", due_at=soon))
    house.wind(seconds=1)
    assert sum([await house.watch.look() for _ in range(3)]) == 1
    await house.settle(bad)
    await house.settle(good)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_an_incident_is_opened_although_its_first_turn_raises(house: House, odd: Odd) -> None:
    """An alert is on disk and its incident is there, whatever its playbook does."""
    first, *rest = house.plan.operations
    house.plan = house.plan.model_copy(update={"operations": (first.model_copy(update={"each": 5}), *rest)})
    entries = await house.opened(endpoint="chat-large")
    assert entries[0].kind == Kind.OPENED


async def test_audit_and_count_say_it_until_somebody_has_dealt_with_it(house: House) -> None:
    """M119 names incident and task."""
    incident = await opened(house)
    audit = auditor(house)
    await house.watch.look()
    await house.watch.pulse()
    await house.driver.look()
    assert "M119" in codes(audit)
    with house.store.engine.connect() as connection:
        assert how_many(connection) == 1
    await house.answer(incident, asides(house, incident)[0].id, "skip")
    assert "M119" not in codes(audit)


async def test_one_plan_that_was_altered_breaks_no_page_for_others(tmp_path: Path) -> None:
    """Readiness, lists, search, register, metrics and the calendar go on; the list marks the incident."""
    async with api_house(tmp_path) as here:
        first = await here.open()
        store = here.runtime.world.store
        row = dict(store.rows(IncidentRow)[0])
        query = update(table(IncidentRow)).where(table(IncidentRow).c.id == first).values(plan_digest="0" * 64)
        await asyncio.wrap_future(store.write(forced(query)))
        second = await here.open()
        assert row["id"] == first
        for path in ("/readyz", "/metrics", "/api/v1/incidents", "/api/v1/incidents?q=leak", "/api/v1/register",
                     "/api/v1/calendar.ics", "/api/v1/figures", "/", "/incidents", "/api/v1/tasks"):  # fmt: skip
            answer = await here.local.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert path != "/api/v1/incidents" or {second, first} <= {i["id"] for i in answer.json()["incidents"]}


async def test_a_question_that_cannot_be_written_is_asked_at_the_next_failure(
    house: House, odd: Odd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The store refuses the task, then its end: the log has it, other incidents go on, and the next try writes it."""
    odd.broken = False
    incident, other = await opened(house), await opened(house)
    append, fault = house.store.append, ZeroDivisionError("integer modulo by zero")

    def refusing(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("the store")

    monkeypatch.setattr(house.store, "append", refusing)
    assert not await set_aside(house.world, incident, fault)
    monkeypatch.setattr(house.store, "append", append)
    assert await set_aside(house.world, incident, fault)
    monkeypatch.setattr(house.store, "append", refusing)
    await taken_up(house.world, house.view(incident), DRIVE)
    assert len(asides(house, incident)) == 1
    monkeypatch.undo()
    await taken_up(house.world, house.view(incident), DRIVE)
    assert (asides(house, incident), asides(house, other)) == ([], [])
    assert f"nobody could be asked about {incident}" in caplog.text
    assert f"the end of a fault of {incident} was not written" in caplog.text


async def test_an_entry_that_cannot_be_shown_stops_no_drive(
    house: House, odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer without the role that gave it: whoever looks on misses it, and the incident goes on."""
    odd.broken = False
    incident = await opened(house)
    first = next(task for task in house.view(incident).open_tasks() if task.id.startswith("containment.each"))
    await house.answer(incident, first.id, "done")
    entry = next(one for one in house.entries(incident) if one.kind == Kind.TASK_ANSWERED)
    body = orjson.dumps({name: value for name, value in entry.body.items() if name != "role"}).decode()
    one = (table(EntryRow).c.incident == incident) & (table(EntryRow).c.seq == entry.seq)
    await write(house, update(table(EntryRow)).where(one).values(body=body))

    async def shown(_: OperationView, __: Json) -> None:
        """Look on."""

    assert await (await conductor(house, incident, shown=shown)).drive() == "waiting"
    assert f"{incident} cannot be shown: KeyError('role')" in caplog.text
    (task,) = asides(house, incident)
    assert (f"Entry {entry.seq} (task.answered) cannot be read" in task.question) is True
    assert house.view(incident).operations[SUSPENDED].status == "finished"
