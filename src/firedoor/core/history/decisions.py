"""Decisions: who chose what, when, why, and what was known at that moment: a fold of the journal.

Decides that what was known is the record before the answer, unknown facts included, so
that nobody is judged by what came out later. Leaves who may decide to `people`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from firedoor.core.access.redaction import OPEN, SEALED, Seal
from firedoor.core.facts import FactDefinition, show
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import IncidentView, TaskView, take
from firedoor.core.journal import Body, Entry, Kind


def decisions(
    entries: Iterable[Entry], definitions: Mapping[str, FactDefinition], wanted: Iterable[str] = (), seal: Seal = OPEN
) -> list[Body]:
    """Return every answer of a person, oldest first. `wanted` are the facts whose being unknown is told, too.

    `known` is everything that was known before the answer, `learned` what of it is new since the answer before. What is
    learned is numbered through: `numbers` of the facts learned, `known_up_to` the highest number that the answer knew,
    so that on paper each fact stands once. `unknown_as_before` says that the list of what was not known did not change.
    """
    names, view, last = tuple(wanted), IncidentView(""), 0
    found: list[Body] = []
    for entry in entries:
        if entry.kind == Kind.TASK_ANSWERED:
            found.append(_decision(entry, view, definitions, names, seal))
            one, before = found[-1], found[-2] if len(found) > 1 else {"known": {}, "unknown": None}
            one["learned"] = {k: v for k, v in one["known"].items() if before["known"].get(k) != v}
            one["numbers"] = {name: last + number for number, name in enumerate(one["learned"], 1)}
            last += len(one["learned"])
            one["known_up_to"], one["unknown_as_before"] = last, one["unknown"] == before["unknown"]
        take(view, entry)
    return found


def _decision(
    entry: Entry, view: IncidentView, definitions: Mapping[str, FactDefinition], wanted: tuple[str, ...], seal: Seal
) -> Body:
    body, task = entry.body, view.tasks[entry.body["task"]]
    choice = next((choice for choice in task.choices if choice["id"] == body["choice"]), None)
    hidden = task.id in seal.tasks
    known = {name: value for name, value in view.facts.items() if value is not None}
    return {
        "seq": entry.seq,
        "at": entry.at,
        "task": f"T{task.number}",
        "kind": task.kind,
        "question": seal.cover(task.question),
        "by": body["by"],
        "role": body["role"],
        "late": body.get("late", False),
        "decides": body.get("decides", True),
        "choice": SEALED if hidden else body["choice"],
        "label": SEALED if hidden else choice["label"] if choice else body["choice"],
        "consequence": "" if hidden or not choice else choice.get("consequence", ""),
        "why": SEALED if hidden else seal.cover(body["why"]),
        "fields": seal.cover(body.get("fields", {})),
        "waited_seconds": _waited(entry, task),
        "seen": body.get("seen", ""),
        "known": seal.cover({name: show(value) for name, value in typed_facts(known, definitions).items()}),
        "unknown": [name for name in wanted if view.facts.get(name) is None],
    }


def _waited(entry: Entry, task: TaskView) -> int:
    """Seconds between the question and the answer."""
    return int((entry.instant - datetime.fromisoformat(task.opened_at)).total_seconds())
