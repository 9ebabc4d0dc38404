"""What leaves the house about an incident: numbers, roles and times, and the playbook's own words without any value.

Decides that no title, fact, alert or message ever goes out; that a question goes out only as the playbook has it, with
its holes left empty, and not at all for an incident that only some may read; and that an answer can be given from
outside only where the whole of it is a choice and a reason. Leaves the line that says it to `subject_lines`, and whom
it goes to and how to the runtime.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from firedoor.core.facts import FactDefinition
from firedoor.core.incident.holds import DRIFT_TASK, OPEN_TASK
from firedoor.core.incident.view import ABORT_REVIEW, FAULT, GLASS_REVIEW, LIST, SETTLED_CLOCKS, IncidentView, TaskView
from firedoor.core.law.territories import IN_UTC
from firedoor.core.notices.subject_lines import PRACTICE, written
from firedoor.core.playbook.plan import Ask, Plan
from firedoor.core.ports import Line, Notice, Standing

Kind = Literal["task", "reminder", "escalation", "message", "state"]
HOLE = "[...]"
MAXIMUM_LINES = 12  # tasks or clocks in a summary
_HOLES = re.compile(r"\{\{.*?\}\}", re.DOTALL)
# What a task is, where its question may not leave or is not the playbook's own.
_TASKS = {
    "confirm": "a question", "decide": "a decision", "do": "something to do", "approve": "an approval",
    "facts": "facts are missing", "submit": "a notice to send", "review": "a review", "rescue": "a step failed",
    FAULT: "something was set aside", LIST: "a list is missing",
    "clock": "a legal limit may change", DRIFT_TASK: "a suspended target serves again",
    OPEN_TASK: "may a suspended target be opened?", GLASS_REVIEW: "an answer without the role: a review",
    ABORT_REVIEW: "a stopped run: a review",
}  # fmt: skip
_MESSAGES = {
    "drifted": "a suspended target serves again", "unseen": "nothing shows whether a suspended target is still closed",
    "glass": "somebody answered without the role",
}  # fmt: skip


def standing_of(view: IncidentView, link: str, members: tuple[str, ...] = (), in_utc: Collection[str] = ()) -> Standing:
    """How an incident stands, without a word of what it is about; `in_utc` as in the report."""
    restricted = view.readers is not None
    waiting = sorted(view.open_tasks(), key=lambda task: task.due_at)
    tasks = [Line(name=f"T{t.number}", who=" or ".join(sorted(t.roles)), due_at=_instant(t.due_at)) for t in waiting]
    clocks = sorted(view.open_clocks(), key=lambda clock: clock.due or "9")
    lines = [
        Line(
            name=_clock_name(view, clock.id), due_at=_instant(clock.due),
            who=f"{clock.state}, {IN_UTC}" if clock.id in in_utc else clock.state,
        )
        for clock in clocks
    ]  # fmt: skip
    return Standing(
        incident=view.id, state=str(view.state), severity=PRACTICE if view.practice else view.shown_severity,
        restricted=restricted, link=link,
        tasks=tuple(tasks[:MAXIMUM_LINES]), clocks=tuple(lines[:MAXIMUM_LINES]), members=members,
    )  # fmt: skip


def notice_of(  # noqa: PLR0913 - the row's fields, by name
    view: IncidentView, plan: Plan, definitions: Mapping[str, FactDefinition], standing: Standing, *, key: str,
    handle: str, kind: Kind, about: str, seq: int, roles: tuple[str, ...], made_at: datetime, address: str = "",
    people: tuple[str, ...] = (),
) -> Notice:  # fmt: skip
    """What is told now about an entry of the past: a task that was answered meanwhile is told of as answered."""
    what, _, name = about.partition(":")
    bare = Notice(
        key=key, handle=handle, kind=kind, incident=view.id, roles=roles, made_at=made_at, link=standing.link,
        address=address, people=people, standing=standing,
    )  # fmt: skip
    if what == "task" and name in view.tasks:
        return bare.model_copy(update=_task_words(view, plan, definitions, view.tasks[name], seq, kind))
    if what == "clock" and name in view.clocks:
        clock = view.clocks[name]
        became = clock.state if clock.state in SETTLED_CLOCKS | {"missed"} else ""
        title = _clock_name(view, name)
        words = {"clock": title, "what": title, "due_at": _instant(clock.due), "became": became}
        return bare.model_copy(update=words)
    return bare.model_copy(update={"what": _message_words(view, plan, what, name)})


def answerable(
    view: IncidentView, plan: Plan, definitions: Mapping[str, FactDefinition], task: TaskView
) -> tuple[tuple[str, str], ...]:
    """The choices that can be given from outside: id and label, in the task's order. None where any says too much."""
    ask = _asked(plan, task)
    if view.readers is not None or ask is None or not task.open:
        return ()
    sealed = {name for name, definition in definitions.items() if definition.sealed}
    if any(choice.get("requires") or sealed & set(choice.get("sets", {})) for choice in task.choices):
        return ()
    labels = {choice.id: _words_of(choice.label) for choice in ask.choices}
    found = tuple((str(choice["id"]), labels.get(str(choice["id"]), "")) for choice in task.choices)
    return found if all(label for _, label in found) else ()


def consequences_of(plan: Plan, task: TaskView) -> dict[str, str]:
    """What each choice leads to, by its id, in the playbook's own words."""
    ask = _asked(plan, task)
    return {} if ask is None else {choice.id: _words_of(choice.consequence) for choice in ask.choices}


def known_of(view: IncidentView, definitions: Mapping[str, FactDefinition]) -> str:
    """How much is known, in numbers: no fact is named and no value is said."""
    known = sum(1 for name in definitions if view.facts.get(name) not in (None, "unknown"))
    limits = [clock.due for clock in view.open_clocks() if clock.due]
    said = f"{known} of {len(definitions)} facts are known; {len(view.open_clocks())} legal limits run"
    return f"{said}, the next until {written(_instant(min(limits)))}" if limits else said


def question_of(view: IncidentView, plan: Plan, task: TaskView) -> str:
    """The playbook's question with its holes left empty; nothing for an incident that only some may read."""
    ask = _asked(plan, task)
    return "" if view.readers is not None or ask is None else _words_of(ask.question)


def _task_words(
    view: IncidentView, plan: Plan, definitions: Mapping[str, FactDefinition], task: TaskView, seq: int, kind: Kind
) -> dict[str, object]:
    asked_anew = kind == "task" and task.opened_seq != seq  # then another notice speaks of it
    became = "" if task.open and not asked_anew else "decided" if task.decided else "withdrawn"
    question = question_of(view, plan, task)
    law = _clock_name(view, task.clock) if task.clock in view.clocks else ""
    return {
        "task": f"T{task.number}", "due_at": _instant(task.due_at), "became": became, "question": question,
        "what": law or question or _TASKS.get(task.kind, "a question"),
        "choices": answerable(view, plan, definitions, task) if not became else (),
    }  # fmt: skip


def _message_words(view: IncidentView, plan: Plan, what: str, name: str) -> str:
    """What a message is about: the title of the playbook's own step, or what this house noticed by itself."""
    if what == "op":
        own = name.partition("[")[0]
        titles = (one.title for one in plan.operations if one.id == own and view.readers is None)
        return _words_of(next(titles, ""))
    return _MESSAGES.get(what, "")


def _asked(plan: Plan, task: TaskView) -> Ask | None:
    """The operation that asks, when the task is the playbook's own and not one beside the plan."""
    own = task.op.partition("[")[0]
    if task.id != task.op:
        return None
    return next((one for one in plan.operations if isinstance(one, Ask) and one.id == own), None)


def _words_of(template: str) -> str:
    return "" if "{%" in template else _HOLES.sub(HOLE, template).strip()


def _clock_name(view: IncidentView, clock: str) -> str:
    """The law's own title; of an incident that only some may read even that would say what it is about."""
    if view.readers is not None:
        return f"legal limit {list(view.clocks).index(clock) + 1}"
    return f"{view.clocks[clock].title} ({view.clocks[clock].citation})".removesuffix(" ()")


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
