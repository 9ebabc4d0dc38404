"""What comes of an operation, as the journal holds it: doors that were closed, states, answers, and kinds of trouble.

Decides the shapes inside the entries of `run`. What crosses a port (`core.ports`) stands in it as that was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from firedoor.core.entries.base import Instant, Words
from firedoor.core.json_types import JsonObject


class SnapshotTaken(TypedDict):
    """The state of a door as it was captured, see `core.ports.Snapshot`."""

    target: str
    door: str
    taken_at: Instant
    state: JsonObject
    digest: str
    version_token: NotRequired[str | None]


class ReceiptGiven(TypedDict):
    """What a call to a door did, see `core.ports.Receipt`."""

    target: str
    door: str
    action: str
    operation_key: str
    changed: bool
    at: Instant
    detail: NotRequired[JsonObject]


class ProbeSeen(TypedDict):
    """One look, see `core.ports.ProbeResult`."""

    what: str
    name: str
    serving: str
    status: NotRequired[int | None]
    detail: NotRequired[str]
    at: Instant


class DoorOutcome(TypedDict):
    """What became of one door: its receipt and the proof from outside, or the problem."""

    door: str
    key: NotRequired[str]
    problem: NotRequired[str]
    receipt: NotRequired[ReceiptGiven]
    proved: NotRequired[str]
    probes: NotRequired[Sequence[ProbeSeen]]
    proof: NotRequired[str]
    target_refused: NotRequired[bool]


class HoldTerms(TypedDict, total=False):
    """How a target is kept closed, as its playbook says; `every` in seconds."""

    every: int
    on_drift: str
    again_per_hour: int


class Result(TypedDict, total=False):
    """What came of an operation. Which keys there are depends on what it did, and on whether a person did it."""

    target: str
    # of a suspension, a resumption, a look
    doors: Sequence[DoorOutcome]
    hold: HoldTerms | None
    snapshots: Sequence[SnapshotTaken]
    not_captured: Mapping[str, str]
    receipts: Sequence[ReceiptGiven]
    probes: Sequence[ProbeSeen]
    door: str
    proved: str
    changed: bool
    released: bool
    note: str
    # of what a person did or answered
    by_hand: bool
    by: str
    role: str
    why: str
    fields: JsonObject
    # of a condition, a list, a mark, a message
    reasons: Words
    unknown: bool
    again: str
    automatic: str
    asked_because: str
    items: Words
    state: str
    to: Words
    # of copies of content: how many in each state, the rows that were searched, what could not be
    copies: Mapping[str, int]
    looked_at: int
    not_looked: Words
    blocked: int
    not_blocked: Words
    upload: str
    test_picture: str
    # of what was kept
    sha256: str
    size: int
    kind: str
    missing: Words


class Gap(TypedDict):
    """What the inventory does not describe: the artefact, and of which target (`core.execution.evidence_gaps`)."""

    artefact: str
    target: str


class Absent(TypedDict):
    """The target that is missing, what is wrong, and what to do (`core.execution.missing_targets`)."""

    target: str
    problem: str
    do: str
