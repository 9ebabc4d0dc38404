"""Bodies of entries about the incident itself and its run: opened, facts, state, operations."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from firedoor.core.entries.base import EntryBody, Instant, Json, Words


class Opened(EntryBody):
    """`severity` means nothing while `severity_known` is false; `in_spite` is what the checks of the start said.

    `start` recognises the same start when it is sent again (`runtime.service.start_keys`).
    """

    type: str
    title: str
    severity: str
    why: str = ""
    severity_known: bool = True
    in_spite: tuple[Any, ...] = ()
    practice: bool = False
    start: str = ""


class AlertAttached(EntryBody):
    """The alert as it was recorded; `facts` are what a further one adds."""

    alert: Json
    reasons: Words = ()
    facts: Json = Field(default_factory=dict)


class PlanPinned(EntryBody):
    """The plan by which the incident is run, whatever becomes of the playbook's file."""

    playbook: str
    version: str
    digest: str
    keep_bytes: bool | None = None


class FactsSet(EntryBody):
    """`before` are the values that stood until now, of those that are corrected."""

    values: Json
    why: str
    before: Json = Field(default_factory=dict)


class StateChanged(EntryBody):
    """Where the incident stands from here on."""

    state: str
    event: str = ""
    before: str = ""
    outcome: str | None = None


class ReadersSet(EntryBody):
    """Who may read the incident from here on: everyone, or these roles and people alone."""

    why: str
    roles: Words = ()
    people: Words = ()
    everyone: bool = False
    by: str = ""


class OperationStarted(EntryBody):
    """Written before an effect; `key` is the same at every attempt, so that the far end can tell a repetition."""

    op: str
    attempt: int
    key: str = ""
    until: Instant | None = None
    snapshots: tuple[Any, ...] = ()
    by: str = ""


class OperationFinished(EntryBody):
    """What came of an operation."""

    op: str
    outcome: str
    result: Json


class OperationFailed(EntryBody):
    """`final`: nobody tries again by themselves. `gap`, `absent` and `fault` say what kind of trouble it was."""

    op: str
    attempt: int
    problem: str
    final: bool
    retry_at: Instant | None = None
    gap: Json | None = None
    absent: Json | None = None
    fault: Json | None = None


class OperationSkipped(EntryBody):
    """An operation that is not performed, by its condition or by a person."""

    op: str
    why: str
    by: str = ""


class OperationRedone(EntryBody):
    """It becomes ready again, in another lineage: its key differs."""

    op: str
    lineage: int
    by: str
    why: str


class RunPaused(EntryBody):
    """Nothing is begun until the run goes on."""

    by: str
    why: str


class RunUnpaused(EntryBody):
    """The run goes on."""

    by: str
    why: str


class RunAborted(EntryBody):
    """The run ends; `withdraws` are the tasks that nobody need answer any more."""

    by: str
    why: str
    withdraws: Words


class FaultMended(EntryBody):
    """What was set aside can be worked out again."""

    task: str
    why: str
    op: str | None = None


class Note(EntryBody):
    """What somebody wants remembered."""

    text: str
