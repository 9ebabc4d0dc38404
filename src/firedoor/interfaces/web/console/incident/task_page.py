"""What stands on the page of a task: what is known, the choices with their inputs, who may answer and who has.

Decides which of these a reader is offered. Leaves what may be answered to `core.people`, the inputs to `forms`, and
acting to `task`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from firedoor.core.history.decisions import decisions
from firedoor.core.incident.view import TaskView
from firedoor.core.journal import Body
from firedoor.core.law.due import DueKind
from firedoor.core.notices import versions
from firedoor.core.notices.markdown import marks
from firedoor.core.tasks.answers import Person, why_not
from firedoor.core.tasks.task_actions import APPROVALS, OPERATORS, linkable
from firedoor.interfaces.shapes.incident import Choice, Task
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.incident import incident_page, sending_inputs
from firedoor.interfaces.web.reading import serializers
from firedoor.interfaces.web.reading.cache import Glance
from firedoor.interfaces.web.security.auth import Caller
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.config.container import World
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service import notices

Given = Mapping[str, object]
DELAY = "reasons_for_delay"  # of a late submission; the law's vocabulary knows a fact of this name as well


def shown(runtime: Runtime, caller: Caller, found: Glance, one: TaskView, typed: Given) -> Body:
    """Everything on the page, as this caller sees it; `typed` is what a form that was refused held."""
    view, world = found.view, runtime.world
    task = found.show(serializers.task(view, one, world.now()))
    person = caller.within(view)
    whole = incident_page.whole(world, found)
    clock = next((clock for clock in whole["clocks"] if clock["id"] == one.clock), None)
    facts = {fact["name"]: fact for fact in whole["facts"]}
    obstacle, late = why_not(view, one, person), _late(clock, world.now())
    works = caller.may(Access.WORK)
    return {
        "task": task, "clock": clock, "facts": whole["facts"], "targets": whole["targets"], "plan": found.plan,
        "asks": [_input(world, found, name, "", typed, facts) for name in one.asks if name in found.definitions],
        "choices": [_choice(world, found, one, choice, typed, facts, late=late) for choice in task["choices"]],
        "obstacle": obstacle, "mine": sorted(one.roles & person.roles), "given": _given(found, task),
        "eyes": _eyes(found, one), "can_claim": one.approvals == 1 and one.claimed_by != person.name and not obstacle,
        "glass": works and _glass(one, person), "works": works, "draft": _draft(runtime, found, whole, one),
        "title": whole["title"], "can_link": one.open and bool(person.roles & OPERATORS) and linkable(one),
        "can_reassign": one.open and bool(person.roles & OPERATORS), "head": view.head,
    }  # fmt: skip


def _choice(
    world: World, found: Glance, task: TaskView, choice: Choice, typed: Given, facts: Mapping[str, Body], *, late: bool
) -> Body:  # fmt: skip
    """A choice with the inputs that it requires, and the facts that it sets by itself."""
    prefix = f"{choice['id']}."
    required = [name for name in choice.get("requires", ()) if name not in task.asks]
    words = [name for name in required if name not in found.definitions]
    if late and choice["id"] == "submitted":
        words.append(DELAY)
    return {
        **choice, "checked": typed.get("choice") == choice["id"],
        "sets": [{"name": name, "value": value} for name, value in choice.get("sets", {}).items()],
        "facts": [_input(world, found, name, prefix, typed, facts) for name in required if name in found.definitions],
        "fields": [_field(world, found, task, name, prefix, typed) for name in words],
        "asked": [name for name in choice.get("requires", ()) if name in task.asks],
    }  # fmt: skip


def _field(world: World, found: Glance, task: TaskView, name: str, prefix: str, typed: Given) -> Body:
    """An input for words; those about a sending have choices of their own."""
    if name in sending_inputs.NAMES and task.kind == "submit":
        clock = found.view.clocks[str(task.clock)]
        about = sending_inputs.Sending(clock.id, clock.channel)
        return sending_inputs.field(world, found.view, about, name, f"{prefix}{forms.FIELD}", typed)
    return forms.field_input(name, prefix, typed)


def _input(
    world: World, found: Glance, name: str, prefix: str, typed: Given, facts: Mapping[str, Body]
) -> Body:  # fmt: skip
    now = str(facts.get(name, {}).get("shown", "unknown"))
    return forms.fact_input(world, found.definitions[name], prefix, typed, now)


def _late(clock: Body | None, now: datetime) -> bool:
    due = clock and clock["kind"] != DueKind.HOLD_UNTIL and clock["due"]
    return bool(due) and now > datetime.fromisoformat(str(due))


def _given(found: Glance, task: Task) -> list[Body]:
    """The answers so far, with what was known at each."""
    wanted = [fact.name for fact in found.plan.facts]
    made = found.once("decisions", lambda: decisions(found.told, found.definitions, wanted, found.seal))
    return [one for one in made if one["task"] == task["name"]]


def _eyes(found: Glance, task: TaskView) -> list[str]:
    """Why a second person is needed, and who cannot be that one, in words."""
    said = []
    if task.approvals > 1:
        said.append(f"{task.approvals} people must agree, not counting whoever started the run.")
    if task.not_by:
        said.append(f"Not by {', '.join(task.not_by)}, who asked for it, reassigned it or set the facts behind it.")
    other = found.view.tasks.get(task.four_eyes_with or "")
    if other:
        who = ", ".join(given["by"] for given in other.answers) or "nobody yet"
        said.append(f"Not by whoever answered T{other.number} ({found.show(other.question)}): {who}.")
    return said


def _glass(task: TaskView, person: Person) -> bool:
    """Whether the glass can be broken for it: no approval, and not by somebody who has the role."""
    return task.open and _alone(task) and not task.roles & person.roles


def _alone(task: TaskView) -> bool:
    """Whether one person may answer it: it asks for no second person's consent."""
    return not (task.kind in APPROVALS or task.approvals > 1 or task.four_eyes_with)


def _draft(runtime: Runtime, found: Glance, whole: Body, task: TaskView) -> Body | None:
    """The notice that the task is about, as it stands now: its text, where the reader may see all of the incident."""
    if not any(task.clock and one["clock"]["id"] == task.clock for one in whole["notices"]):
        return None
    if found.holds_sealed:
        return {"text": "", "sha256": "", "missing": [], "sealed": True}
    one = notices.notice(runtime.world, found.view, found.plan, str(task.clock))
    words = [mark.strip("[]").removeprefix("missing: ") for mark in marks(one.text)]
    return {"text": one.text, "sha256": versions.digest(one.text), "missing": words, "sealed": False}
