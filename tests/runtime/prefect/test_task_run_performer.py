"""The promises of a stage to the conductor, where Prefect is slow or broken."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from firedoor.runtime.execution.performer import OperationView, failure_of, words_of
from firedoor.runtime.prefect import task_run_performer
from firedoor.runtime.prefect.task_run_performer import Once, Stage

OPERATION = OperationView("c.suspend", "Suspend {the} endpoint", "containment", "call")


class Broken(Stage):
    """A stage on which no task run ever begins."""

    async def _task_run(self, operation: OperationView, once: Once) -> None:
        await asyncio.sleep(30)


class Breaking(Stage):
    """A stage on which Prefect raises instead of beginning a task run."""

    async def _task_run(self, operation: OperationView, once: Once) -> None:
        raise RuntimeError("no such table: task_run")


def counted(outcome: dict[str, Any] | Exception) -> tuple[Any, list[int]]:
    """An effect and the list of its runs."""
    runs: list[int] = []

    async def effect() -> dict[str, Any]:
        runs.append(1)
        await asyncio.sleep(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return effect, runs


@pytest.mark.parametrize("stage", [Broken, Breaking])
async def test_an_effect_runs_without_prefect_when_prefect_does_not_begin(stage: type[Stage]) -> None:
    """Containment does not wait for a view."""
    effect, runs = counted({"outcome": "done"})
    assert await asyncio.wait_for(stage(uuid4()).perform(OPERATION, effect), task_run_performer.PATIENCE + 1) == {
        "outcome": "done"
    }
    assert len(runs) == 1


async def test_an_effect_runs_once_however_many_wait_for_it() -> None:
    """A task run that begins late gets the outcome of the effect that already ran."""
    effect, runs = counted({"outcome": "done"})
    once = Once(effect)
    outcomes = await asyncio.gather(once.run(), once.from_anywhere(), once.run())
    assert list(outcomes) == [{"outcome": "done"}] * 3
    assert len(runs) == 1


async def test_the_conductor_gets_what_the_effect_raised() -> None:
    """An exception is not turned into a state on its way back."""
    effect, _ = counted(ValueError("no door"))
    with pytest.raises(ValueError, match="no door"):
        await Breaking(uuid4()).perform(OPERATION, effect)


async def test_a_task_run_has_the_same_id_in_every_process() -> None:
    """What is shown twice, after a crash, is one task run."""
    run = uuid4()
    assert (
        Stage(run).task_run_id("c.suspend") == Stage(run).task_run_id("c.suspend") != Stage(run).task_run_id("c.verify")
    )


def test_an_outcome_is_a_few_words_and_never_a_result() -> None:
    """Results stay in the journal: Prefect's readers may not see all of them."""
    outcome = {"status": "finished", "outcome": "approved", "by": "ada", "result": {"body": "sealed"}, "text": "sealed"}
    assert words_of(outcome) == "approved, by ada"
    assert failure_of(outcome) is None
    assert failure_of({"status": "failed", "error": "it did not answer"}) == "it did not answer"
