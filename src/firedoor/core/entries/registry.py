"""Which form each kind of entry has, and what is wrong with an entry that has another.

Decides that every kind has exactly one form, and that an entry of a kind that this version does not know is named,
never passed over. Tests hold beside it that every kind has its fold, its words and its rows, or a reason why none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import get_type_hints

from pydantic import TypeAdapter, ValidationError

from firedoor.core.entries import copies, custody, law, people, run
from firedoor.core.entries.base import EntryBody
from firedoor.core.journal import Content, Kind

FORMS: Mapping[Kind, type[EntryBody]] = {
    Kind.OPENED: run.Opened, Kind.ALERT: run.AlertAttached, Kind.PLANNED: run.PlanPinned,
    Kind.FACTS: run.FactsSet, Kind.STATE: run.StateChanged, Kind.READERS: run.ReadersSet,
    Kind.STARTED: run.OperationStarted, Kind.FINISHED: run.OperationFinished,
    Kind.FAILED: run.OperationFailed, Kind.SKIPPED: run.OperationSkipped, Kind.REDONE: run.OperationRedone,
    Kind.RUN_PAUSED: run.RunPaused, Kind.RUN_UNPAUSED: run.RunUnpaused, Kind.RUN_ABORTED: run.RunAborted,
    Kind.TASK_OPENED: people.TaskOpened, Kind.TASK_ANSWERED: people.TaskAnswered,
    Kind.TASK_ESCALATED: people.TaskEscalated, Kind.TASK_REASSIGNED: people.TaskReassigned,
    Kind.TASK_CLAIMED: people.TaskClaimed, Kind.GLASS_BROKEN: people.GlassBroken, Kind.LINK_MADE: people.LinkMade,
    Kind.FAULT_MENDED: run.FaultMended, Kind.REMINDED: people.ReminderFired, Kind.MESSAGE: people.MessageSent,
    Kind.CLOCK_STARTED: law.ClockStarted, Kind.CLOCK_CHANGED: law.ClockChanged,
    Kind.CLOCK_SUBMITTED: law.ClockSubmitted, Kind.CLOCK_WAIVED: law.ClockWaived,
    Kind.CLOCK_MISSED: law.ClockMissed, Kind.EVIDENCE: custody.EvidenceKept, Kind.CUSTODY: custody.EvidenceTouched,
    Kind.HELD: custody.HoldSeen, Kind.DRIFTED: custody.HoldDrifted, Kind.UNSEEN: custody.HoldUnseen,
    Kind.HOLD_ENDED: custody.HoldEnded, Kind.REQUEST_RECEIVED: law.RequestReceived,
    Kind.REQUEST_COMPLETED: law.RequestCompleted, Kind.REQUEST_WRITTEN: law.RequestWritten,
    Kind.REQUEST_WITHDRAWN: law.RequestWithdrawn,
    Kind.REQUEST_ANSWERED: law.RequestAnswered, Kind.COPIES: copies.CopiesNoted,
    Kind.BANK_FEEDBACK: copies.BankFeedback, Kind.NOTE: run.Note,
}  # fmt: skip


@cache
def _form(kind: str) -> tuple[TypeAdapter[EntryBody], frozenset[str]]:
    """What checks a body of this kind, and the names that may stand in it."""
    try:
        form = FORMS[Kind(kind)]
    except ValueError:
        raise ValueError(f"this version does not know entries of the kind {kind[:60]}") from None
    return TypeAdapter(form), frozenset(get_type_hints(form))


def read_body(kind: str, body: Content) -> EntryBody:
    """Return the body as the type of its kind. Raises ValueError in words for a kind or a form that is not known."""
    checker, names = _form(kind)
    wrong = set(body) - names  # pydantic would leave them out without a word
    try:
        read = checker.validate_python(dict(body))
    except ValidationError as error:
        wrong |= {".".join(map(str, fault["loc"])) for fault in error.errors()}
    if wrong:
        named = ", ".join(sorted(wrong))[:300]
        raise ValueError(f"{kind}: not of the form that this version writes: {named}")
    return read
