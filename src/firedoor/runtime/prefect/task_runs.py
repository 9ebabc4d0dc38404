"""An operation that has ended, as a task run of its incident's flow run.

Decides how an operation looks in Prefect: its identity, its name, its place in the graph, its real times, whether it
failed; and how such a task run is written when no flow runs. Leaves to others which operations are shown, and when.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid5

from firedoor.runtime.execution.performer import Json, OperationView, failure_of, words_of

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun

WITHHELD = "for those who need to know: see the incident"


def task_run_id(flow_run_id: UUID, operation_id: str) -> UUID:
    """The id of an operation's task run: the same in every process that shows this run."""
    return uuid5(flow_run_id, operation_id)


def name_of(operation: OperationView) -> str:
    """The name of its task run."""
    return f"{operation.phase} · {operation.title}".replace("{", "(").replace("}", ")")  # Prefect formats braces


def key_of(operation: OperationView) -> str:
    """The key of its task, by which Prefect groups runs; an id says what it is about as much as a title does."""
    return operation.id if operation.told else "operation"


def state_of(outcome: Json, *, told: bool = True) -> State[object]:
    """The state that an outcome stands for: Completed, Skipped or Failed; without its words where they are not told."""
    from prefect.states import Completed

    failure = failure_of(outcome)
    if failure is not None:
        return failed(failure if told else WITHHELD)
    name = "Skipped" if outcome.get("status") == "skipped" else "Completed"
    return Completed(name=name, message=words_of(outcome)[:2000] or None if told else WITHHELD)


def failed(why: str) -> State[object]:
    """A failure with its reason."""
    from prefect.states import Failed

    return Failed(message=why[:2000])


def finished(
    flow_run_id: UUID, operation: OperationView, outcome: Json, after: datetime | None = None
) -> tuple[TaskRun, State[object]]:
    """Return the task run of an operation with the times it really had, and its state.

    The state's instant is later than `after`, that of the state it has in Prefect: an older one changes nothing there.
    """
    from prefect.client.schemas.objects import TaskRun, TaskRunResult

    ended = _instant(outcome.get("at"))
    began = _instant(outcome.get("started_at"), ended)
    identity, state = task_run_id(flow_run_id, operation.id), state_of(outcome, told=operation.told)
    state.timestamp = cast("Any", max(ended, after) if after else ended)  # Prefect has a type of its own for instants
    state.id = uuid5(identity, f"{state.type} {state.timestamp.isoformat()}")  # shown twice is written once
    state.state_details.task_run_id, state.state_details.flow_run_id = identity, flow_run_id
    written = {
        "id": identity,
        "name": name_of(operation),
        "flow_run_id": flow_run_id,
        "task_key": key_of(operation),
        "dynamic_key": operation.id if operation.told else str(identity),
        "tags": [operation.phase, operation.kind],
        "task_inputs": {"wait_for": [TaskRunResult(id=task_run_id(flow_run_id, before)) for before in operation.after]},
        "state": state,
        "run_count": 1,
        "expected_start_time": began,
        "start_time": began,
        "end_time": ended,
        "total_run_time": ended - began,
    }
    return TaskRun.model_validate(written), state


def event_of(task_run: TaskRun, state: State[object]) -> Json:
    """The event by which Prefect's server writes a task run, as its own client would send it from inside a flow."""
    details = {"mode": "json", "exclude_none": True}
    left_out = {"id", "created", "updated", "flow_run_id", "state_id", "state_type", "state_name", "state"}
    left_out |= {"estimated_start_time_delta", "estimated_run_time"}
    changed = {
        "type": state.type.value,
        "name": state.name,
        "message": state.message,
        "state_details": state.state_details.model_dump(**details, exclude={"flow_run_id", "task_run_id"}),  # type: ignore[arg-type]
        "data": None,
    }
    return {
        "id": str(state.id),
        "occurred": state.timestamp.isoformat(),
        "event": f"prefect.task-run.{state.name}",
        "payload": {
            "intended": {"from": None, "to": state.type.value},
            "initial_state": None,
            "validated_state": changed,
            "task_run": task_run.model_dump(**details, exclude=left_out),  # type: ignore[arg-type]
        },
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task_run.id}",
            "prefect.resource.name": task_run.name,
            "prefect.run-count": str(task_run.run_count),
            "prefect.state-message": state.message or "",
            "prefect.state-name": state.name or "",
            "prefect.state-timestamp": state.timestamp.isoformat(),
            "prefect.state-type": state.type.value,
            "prefect.orchestration": "client",
        },
        "related": [
            {
                "prefect.resource.id": f"prefect.flow-run.{task_run.flow_run_id}",
                "prefect.resource.role": "flow-run",
            },
            *({"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in task_run.tags),
        ],
    }


def _instant(value: object, otherwise: datetime | None = None) -> datetime:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return otherwise or datetime.now(UTC)
