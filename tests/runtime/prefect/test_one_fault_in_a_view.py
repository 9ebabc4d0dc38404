"""Prefect only shows: one incident that cannot be shown hides no other, and what raises there stops no drive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, TaskRun
from prefect.events.worker import EventsWorker
from prefect.states import Running
from tests.patience import soon

from firedoor.runtime.execution.performer import OperationView, Unshown, Views
from firedoor.runtime.prefect import catch_up, session
from firedoor.runtime.prefect.catch_up import CatchUp
from firedoor.runtime.prefect.deployments import Deployed
from firedoor.runtime.prefect.flow import _show_views
from firedoor.runtime.prefect.runs import Runs
from firedoor.runtime.prefect.session import Session
from firedoor.runtime.prefect.settings import choose
from firedoor.runtime.prefect.show import Showing

OPERATION = OperationView("c.suspend", "Suspend", "containment", "call")
GOOD, BAD = "INC-1", "INC-2"
DEPLOYED = cast("Deployed", SimpleNamespace(id=uuid4(), flow=None))


@pytest.fixture(name="said")
def _said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged here, wherever Prefect has turned its lines to."""
    ours = logging.getLogger("firedoor")
    before = ours.level
    ours.addHandler(caplog.handler)
    ours.setLevel(logging.INFO)
    yield caplog
    ours.removeHandler(caplog.handler)
    ours.setLevel(before)


class Client:
    """As much of Prefect's client as showing needs; it refuses what `refuses` names, of one incident."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.states: dict[str, str] = {}
        self.artifacts: list[str] = []
        self.names: dict[UUID, str] = {}

    def _refuse(self, what: str, incident: str) -> None:
        if (what, incident) == (self.refuses, BAD):
            raise ZeroDivisionError(f"{what} of {incident}")

    async def create_flow_run_from_deployment(self, _: UUID, *, name: str, state: State[Any], **__: Any) -> FlowRun:
        self._refuse("create", name)
        run = FlowRun(id=uuid4(), flow_id=uuid4(), name=name, state=state)
        self.names[run.id] = name
        return run

    async def read_task_runs(self, **_: Any) -> list[TaskRun]:
        return []

    async def request(self, *_: Any, **__: Any) -> None:
        """Take events in."""

    async def set_flow_run_state(self, run: UUID, state: State[Any], *, force: bool) -> None:
        self._refuse("state", self.names[run])
        self.states[self.names[run]] = str(state.name) if force else ""

    async def create_artifact(self, artifact: Any) -> None:
        self._refuse("artifact", self.names[artifact.flow_run_id])
        self.artifacts.append(self.names[artifact.flow_run_id])


async def forgotten(*_: Any) -> Any:
    """Nothing is known of a run, and nothing is remembered."""


async def untouched(_: Unshown) -> bool:
    return True


async def shown(client: Client, *batch: Unshown) -> set[str]:
    """What is shown to its end of a batch."""
    found: set[str] = set()
    showing = Showing(cast("Any", client), Runs(cast("Any", client), forgotten, forgotten, "test"), untouched)
    await showing.show(batch, {"small": DEPLOYED}, found)
    return found


def unshown(incident: str, *operations: tuple[OperationView, dict[str, Any]]) -> Unshown:
    """An incident that has ended."""
    return Unshown(incident, "small", True, operations, Views(summary=incident))


@pytest.mark.parametrize("refused", ["create", "state", "artifact"])
async def test_what_prefect_refuses_of_one_incident_hides_no_other(
    refused: str, said: pytest.LogCaptureFixture
) -> None:
    """The other is shown to its end; the log names the one; it is shown again later, unless only its pages failed."""
    client = Client(refused)
    found = await shown(client, unshown(BAD), unshown(GOOD))
    assert found == ({GOOD, BAD} if refused == "artifact" else {GOOD})
    assert client.states[GOOD] == "Completed"
    assert f"{refused} of {BAD}" in said.text


async def test_an_operation_that_cannot_be_put_into_words_hides_no_other(said: pytest.LogCaptureFixture) -> None:
    """Nothing is known of what came of it; the others of the batch are whole."""
    odd = (OPERATION, cast("dict[str, Any]", None))
    assert await shown(Client(), unshown(BAD, odd), unshown(GOOD)) == {GOOD}
    assert f"{BAD} cannot be shown in Prefect: AttributeError" in said.text


class Backlog:
    """A backlog that raises as often as it is told to."""

    def __init__(self, faults: int) -> None:
        self.faults, self.asked, self.kept = faults, 0, list[str]()

    def reached(self, _: str) -> int:
        return 7

    async def claim(self, _: int, __: Collection[str]) -> Sequence[Unshown]:
        self.asked += 1
        if self.asked <= self.faults:
            raise ZeroDivisionError("a round")
        return []

    async def noted(self, incident: str, _: int) -> None:
        if incident == BAD:
            raise ZeroDivisionError("a note")
        self.kept.append(incident)


def catching_up(backlog: Backlog) -> CatchUp:
    """A catch-up whose server is there and holds nothing."""
    there = SimpleNamespace(ready=True)
    made = CatchUp(cast("Any", backlog), cast("Any", there), cast("Any", None), lambda: ())
    made.sweep = 1e9
    return made


async def until(seen: Callable[[], object]) -> None:
    """Wait until something is so."""

    async def look() -> object:
        return seen()

    await soon(look, "it did not happen")


async def test_a_round_that_raises_ends_no_catch_up(
    monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    """It looks again, ever more rarely, and the log says why."""
    monkeypatch.setattr(catch_up, "IDLE", 0.001)
    monkeypatch.setattr(catch_up, "LONGEST", 0.002)
    backlog = Backlog(faults=2)
    going = asyncio.create_task(catching_up(backlog).forever())
    await until(lambda: backlog.asked > 3)
    going.cancel()
    assert said.text.count("a round") >= 2


async def test_a_note_that_raises_keeps_no_other_from_being_noted(
    monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    """What was not noted is shown once more."""
    monkeypatch.setattr(catch_up, "SETTLED", 0.001)
    backlog = Backlog(faults=0)
    made = catching_up(backlog)
    for incident in (BAD, GOOD):
        made.driven(incident)
    await until(lambda: backlog.kept)
    assert (backlog.kept, f"{BAD} is shown once more" in said.text) == ([GOOD], True)


async def test_pages_that_cannot_be_made_stop_no_run(said: pytest.LogCaptureFixture) -> None:
    """A flow run goes on; the log says whose pages are missing."""

    async def views(_: str) -> Views:
        raise ZeroDivisionError("its pages")

    run = FlowRun(id=uuid4(), flow_id=uuid4(), name=BAD, state=Running())
    await _show_views(cast("Any", SimpleNamespace(views=views)), run, BAD)
    assert f"the artifacts of {BAD} were not written: its pages" in said.text


@pytest.fixture(name="held")
def _held(tmp_path: Path) -> Iterator[Session]:
    """A session of a server that is not there. What it tells Prefect's client is taken back: others use it as well."""
    settings = choose(tmp_path, {})
    undo = settings.apply()
    yield Session(settings, (), forgotten, forgotten, untouched, "test")
    undo()


async def test_a_worker_that_cannot_begin_begins_again(
    held: Session, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    """Whatever Prefect's client raises, the next try follows, and nothing outside waits for it."""
    monkeypatch.setattr(session, "AGAIN", 0.001)
    serving = asyncio.create_task(held._serve(cast("Any", object())))
    await until(lambda: said.text.count("worker starts over") > 1)
    assert (held.ready, serving.done()) == (False, False)
    serving.cancel()


async def test_what_cannot_be_flushed_keeps_nothing_from_stopping(
    held: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last lines of one queue are lost; the other queue is flushed, and the server is stopped."""
    ended: list[str] = []

    def drain_all(**_: Any) -> None:
        raise ZeroDivisionError("its queue")

    async def stop() -> None:
        ended.append("server")

    monkeypatch.setattr(EventsWorker, "drain_all", drain_all)
    held._server = cast("Any", SimpleNamespace(stop=stop, state="ready", pid=1))
    await held.end()
    assert ended == ["server"]
