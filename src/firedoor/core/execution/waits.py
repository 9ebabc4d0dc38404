"""Waits: how one begins and when it ends.

Decides that a wait until a fact has no end while the fact is not known (the first role of the
playbook is told), and that a fact which is corrected meanwhile moves the end. Leaves waking to
the driver and ending to `turn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from firedoor.core.entries.people import MessageSent
from firedoor.core.entries.run import OperationStarted
from firedoor.core.facts import FactDefinition, Value
from firedoor.core.incident.view import OperationRecord
from firedoor.core.journal import Draft, Kind
from firedoor.core.playbook.plan import Operation, Wait

ACTOR = "firedoor"


def begin(
    wait: Wait, name: str, facts: Mapping[str, Value], definitions: Mapping[str, FactDefinition], lead: str,
    now: datetime,
) -> list[Draft]:  # fmt: skip
    """The entries with which the wait `name` begins."""
    until = _instant(wait, facts) if wait.until_fact else now + timedelta(seconds=wait.seconds or 0)
    started = Draft(
        Kind.STARTED, ACTOR, OperationStarted(op=name, attempt=1, until=until.isoformat() if until else None)
    )
    return [started] if until else [started, _unknown(wait, name, definitions, lead)]


def ends_at(operation: Operation, record: OperationRecord, facts: Mapping[str, Value]) -> datetime | None:
    """When time alone makes a waiting operation ready; None where it does not."""
    if isinstance(operation, Wait) and operation.until_fact:
        return _instant(operation, facts)
    due = record.until or record.retry_at
    return datetime.fromisoformat(due) if due else None


def _instant(wait: Wait, facts: Mapping[str, Value]) -> datetime | None:
    value = facts.get(wait.until_fact or "")
    return value if isinstance(value, datetime) else None


def _unknown(wait: Wait, name: str, definitions: Mapping[str, FactDefinition], lead: str) -> Draft:
    fact = definitions.get(wait.until_fact or "")
    text = f"{wait.title}: it goes on at that instant, and not before it is known. {fact.ask if fact else ''}"
    body: MessageSent = {"op": name, "to": [lead], "subject": f"Not known: {wait.until_fact}", "text": text.strip()}
    return Draft(Kind.MESSAGE, ACTOR, body)
