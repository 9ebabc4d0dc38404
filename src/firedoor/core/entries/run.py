"""Bodies of entries about the incident itself and its run: opened, facts, state, operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from firedoor.core.entries.base import EntryBody, Instant, Words
from firedoor.core.entries.custody import NamedHash
from firedoor.core.entries.outcomes import Absent, Gap, Result, SnapshotTaken
from firedoor.core.json_types import JsonObject


class Opened(EntryBody):
    """`severity` means nothing while `severity_known` is false; `in_spite` is what the checks of the start said.

    `start` recognises the same start when it is sent again (`runtime.service.start_keys`).
    """

    type: str
    title: str
    severity: str
    why: NotRequired[str]
    severity_known: NotRequired[bool]
    in_spite: NotRequired[Words]
    practice: NotRequired[bool]
    start: NotRequired[str]


class AlertSaid(TypedDict, total=False):
    """An alert as the journal holds it, see `core.alerts.alert`; fractions are text. Old journals say less of it."""

    source: str
    source_id: str
    fingerprint: str
    episode: str
    status: str
    occurred_at: Instant | None
    received_at: Instant | None
    ahead_seconds: int | None
    title: str
    severity: str | None
    severity_raw: str | None
    incident_type: str | None
    confidence: str | None
    method: str | None
    detector: str | None
    bank: str | None
    case_status: str | None
    review_state: str | None
    match_algorithm: str | None
    match_distance: int | None
    match_quality: int | None
    trusted_bank: bool
    score: str | None
    threshold: str | None
    model: str | None
    dataset: str | None
    endpoint: str | None
    subjects: JsonObject | None
    possible_minor: str
    occurrences: int | None
    distinct_values: int | None
    data_categories: Words
    entity_types: Words
    findings: Sequence[JsonObject]
    content_hashes: Sequence[NamedHash]
    locators: Words
    labels: Mapping[str, str]
    notes: Words
    raw_sha256: str


class AlertAttached(EntryBody):
    """The alert as it was recorded; `facts` are what a further one adds."""

    alert: AlertSaid
    reasons: NotRequired[Words]
    facts: NotRequired[JsonObject]


class AttachedAlert(AlertAttached):
    """An alert as the incident has it: when it was attached, and in which entry."""

    at: Instant
    seq: int


class PlanPinned(EntryBody):
    """The plan by which the incident is run, whatever becomes of the playbook's file."""

    playbook: str
    version: str
    digest: str
    keep_bytes: NotRequired[bool | None]


class FactsSet(EntryBody):
    """`before` are the values that stood until now, of those that are corrected."""

    values: JsonObject
    why: str
    before: NotRequired[JsonObject]


class StateChanged(EntryBody):
    """Where the incident stands from here on."""

    state: str
    event: NotRequired[str]
    before: NotRequired[str]
    outcome: NotRequired[str | None]


class ReadersSet(EntryBody):
    """Who may read the incident from here on: everyone, or these roles and people alone."""

    why: str
    roles: NotRequired[Words]
    people: NotRequired[Words]
    everyone: NotRequired[bool]
    by: NotRequired[str]


class OperationStarted(EntryBody):
    """Written before an effect; `key` is the same at every attempt, so that the far end can tell a repetition."""

    op: str
    attempt: int
    key: NotRequired[str]
    until: NotRequired[Instant | None]
    snapshots: NotRequired[Sequence[SnapshotTaken]]
    by: NotRequired[str]


class OperationFinished(EntryBody):
    """What came of an operation."""

    op: str
    outcome: str
    result: Result


class OperationFailed(EntryBody):
    """`final`: nobody tries again by themselves. `gap`, `absent` and `fault` say what kind of trouble it was."""

    op: str
    attempt: int
    problem: str
    final: bool
    retry_at: NotRequired[Instant | None]
    gap: NotRequired[Gap]
    absent: NotRequired[Absent]
    fault: NotRequired[Mapping[str, str]]


class OperationSkipped(EntryBody):
    """An operation that is not performed, by its condition or by a person."""

    op: str
    why: str
    by: NotRequired[str]


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


class RunPausedAt(RunPaused):
    """The pause as the incident has it."""

    at: Instant


class RunUnpaused(EntryBody):
    """The run goes on."""

    by: str
    why: str


class RunAborted(EntryBody):
    """The run ends; `withdraws` are the tasks that nobody need answer any more."""

    by: str
    why: str
    withdraws: Words


class RunAbortedAt(RunAborted):
    """The end of the run as the incident has it."""

    at: Instant


class FaultMended(EntryBody):
    """What was set aside can be worked out again."""

    task: str
    why: str
    op: NotRequired[str | None]


class Note(EntryBody):
    """What somebody wants remembered."""

    text: str
    by: NotRequired[str]
