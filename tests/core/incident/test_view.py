"""The view: read at once, entry by entry, or supposed before it is written, a journal says the same."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from firedoor.core.incident.view import IncidentView, fold, suppose, suspended_targets, take
from firedoor.core.journal import Draft, Entry, Head, Kind, chain, genesis
from firedoor.core.lifecycle import State
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.rehearsal.drill import rehearse

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPENED = Draft(Kind.OPENED, "x", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})
TASK = {
    "op": "a", "kind": "do", "role": "dpo", "question": "?", "choices": [{"id": "done"}], "due_at": NOW.isoformat(),
    "escalate_to": "manager",
}  # fmt: skip
JOURNALS: dict[str, tuple[Entry, ...]] = {}


def journal(playbook: str) -> tuple[Entry, ...]:
    """A long real journal: the playbook's last drill but one, or its only one."""
    if playbook not in JOURNALS:
        drill = playbooks.load_playbook(playbook).header.drills[:2][-1]
        JOURNALS[playbook] = rehearse(playbooks.compiled(playbook), drill, catalogue()).entries
    return JOURNALS[playbook]


def plain(view: IncidentView) -> dict[str, Any]:
    """A view as values, without the hash of its head, which what is only supposed does not have."""
    return {**asdict(replace(view, law_settled=None)), "head": view.head.seq}


def written(*drafts: Draft) -> IncidentView:
    """The view after these entries."""
    return fold("INC-1", chain("INC-1", genesis("INC-1"), [OPENED, *drafts], NOW))


@pytest.mark.parametrize("playbook", [path.stem for path in playbooks.paths()])
def test_read_at_once_or_entry_by_entry_it_is_the_same(playbook: str) -> None:
    """At every entry of a real journal, with nothing carried over by accident."""
    entries = journal(playbook)
    growing = IncidentView(entries[0].incident)
    for count, entry in enumerate(entries, 1):
        take(growing, entry)
        if count % 20 == 0 or count == len(entries):
            assert plain(growing) == plain(fold(entries[0].incident, entries[:count]))


@pytest.mark.parametrize("playbook", [path.stem for path in playbooks.paths()])
def test_supposed_it_is_what_it_will_be_when_it_is_written(playbook: str) -> None:
    """A turn decides on what it supposes: in numbers, times and states that must be those of the journal."""
    entries = journal(playbook)
    middle = len(entries) // 2
    view = fold(entries[0].incident, entries[:middle])
    for entry in entries[middle:]:
        there = entry.instant.astimezone(timezone(timedelta(hours=5)))
        suppose(view, [Draft(Kind(entry.kind), entry.actor, entry.body)], there)
    assert plain(view) == plain(fold(entries[0].incident, entries))


def test_an_unknown_kind_is_kept_and_changes_nothing() -> None:
    """A journal of a later Firedoor can be read as far as this one understands it."""
    view = written()
    take(view, Entry("INC-1", 2, NOW.isoformat(), "moon.landed", "x", {}, "p", "h"))
    assert (view.head, view.state) == (Head(2, "h"), State.OPEN)


def test_an_answer_that_does_not_decide_leaves_the_task_open() -> None:
    """It is on record, and the operation waits on."""
    answer = {"task": "a", "choice": "done", "by": "Ada", "role": "dpo", "why": "", "decides": False}
    view = written(Draft(Kind.TASK_OPENED, "x", {"task": "a", **TASK}), Draft(Kind.TASK_ANSWERED, "x", answer))
    assert (view.tasks["a"].open, len(view.tasks["a"].answers), view.operations["a"].status) == (True, 1, "waiting")


def test_reopening_takes_back_the_end() -> None:
    """The state is that of the last entry; what was withdrawn at the end stays withdrawn."""
    states = [Draft(Kind.STATE, "x", {"state": state, "event": "e"}) for state in ("closed", "confirmed")]
    view = written(Draft(Kind.TASK_OPENED, "x", {"task": "a", **TASK}), *states)
    assert (view.state, view.closed_at, view.outcome, view.open_tasks()) == (State.CONFIRMED, None, "", [])


def finished(operation: str, **result: Any) -> Draft:
    return Draft(Kind.FINISHED, "x", {"op": operation, "outcome": "done", "result": {"target": "m", **result}})


def test_what_is_suspended_follows_the_order_of_the_journal() -> None:
    """Closed, opened, closed again: the last one counts, and only what was proved."""
    close, reopen = finished("c", doors=[{}]), finished("o", receipts=[{}])
    assert suspended_targets(written(close)) == {"m"}
    assert suspended_targets(written(close, reopen)) == set()
    assert suspended_targets(written(close, reopen, finished("again", doors=[{}]))) == {"m"}
    assert suspended_targets(written(finished("captured", snapshots=[{}]))) == set()
