"""What stands on the page of a clock: the law, the limit and its reasons, what happened to it, and what can be done.

Decides which actions are offered, in which words their consequences stand beforehand, and why the others are not
possible. Leaves the rules to `core.clock_actions` and `core.people`, and acting to `clocks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from firedoor.core.clocks.extensions import obstacle
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import SETTLED_CLOCKS, TaskView
from firedoor.core.journal import Body
from firedoor.core.law.assessment import assess_one
from firedoor.core.law.due import DueKind
from firedoor.core.law.duty import Duty
from firedoor.core.problems import FiredoorError, NotFound, Problem, nearest
from firedoor.core.tasks.answers import submission, why_not
from firedoor.core.tasks.sending import asked_for
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.incident import incident_page, sending_inputs
from firedoor.interfaces.web.http.words import plain
from firedoor.interfaces.web.reading.cache import Glance
from firedoor.interfaces.web.security.auth import Caller
from firedoor.interfaces.web.security.route_table import ROUTES, V1, needed
from firedoor.runtime.config.container import World
from firedoor.runtime.process.application import Runtime

SUBMIT, EXTEND, PAUSE, RESUME = ACTIONS = ("submit", "extend", "pause", "resume")
TITLES = {
    SUBMIT: "Record that it was sent", EXTEND: "Ask for more time", PAUSE: "Ask for a pause for law enforcement",
    RESUME: "End the pause",
}  # fmt: skip
KINDS = {
    "instant": "to the minute", "end_of_day": "the end of that day, where the authority is",
    "hold_until": "keep until then, not do before",
}  # fmt: skip
SAYS = {
    SUBMIT: (
        "Firedoor sends nothing. Somebody has sent it, and this is the record of that.",
        "The clock ends under your name, with the reference that proves it.",
    ),
    EXTEND: (
        "Nothing moves when you send this: {limit} stands until somebody else agrees. You cannot agree.",
        "The question goes to {agrees}, who has 24 hours.",
        "With their yes the instant that you name is the limit; the old one stays on record.",
    ),
    PAUSE: (
        "Nothing stops when you send this. The question goes to {agrees}, who has 24 hours; you cannot agree.",
        "While it is paused nobody is reminded and nothing is missed. At its end it runs on by itself.",
        "Where the limit has passed meanwhile, the end of the pause is the limit.",
    ),
    RESUME: (
        "The clock runs again at once. Nobody else is asked, because a limit only comes nearer.",
        "{limit} {then}.",
    ),
}  # fmt: skip
LATE = ("The limit {due} has passed: it counts as late, and the reasons for the delay stand beside it.",)
Given = Mapping[str, object]


def shown(runtime: Runtime, caller: Caller, found: Glance, clock_id: str, typed: Given) -> Body:
    """Everything on the page, as this caller sees it. Raises NotFound."""
    world, now = runtime.world, runtime.world.now()
    whole = incident_page.whole(world, found)
    clock = next((one for one in whole["clocks"] if one["id"] == clock_id), None)
    if clock is None:
        do = nearest(clock_id[:100], found.view.clocks)
        raise NotFound(Problem(code="C101", message=f"{found.view.id} has no such clock", do=do))
    duty = world.catalogue.get(clock["duty"])
    return {
        "clock": clock, "duty": duty, "title": whole["title"], "kind": KINDS.get(str(clock["kind"]), ""),
        "law_version": duty and next((one for one in duty.versions if one.label == clock["version"]), None),
        "origin": _origin(found, clock), "findings": _findings(world, found, duty, clock, now),
        "history": _history(clock), "moved_by": _moved_by(clock),
        "asked": _asked(found, clock_id), "task": _submission(found, clock_id),
        "notice": next((one for one in whole["notices"] if one["clock"]["id"] == clock_id), None),
        "late": _late(clock, now), "actions": _actions(found, caller, clock, now), "given": typed,
        "zones": forms.zones(world, clock["zone"]),
        "sending": _sending(world, found, clock, typed),
    }  # fmt: skip


def _sending(world: World, found: Glance, clock: Body, typed: Given) -> list[Body]:
    about = sending_inputs.Sending(clock["id"], clock["channel"], clock["zone"])
    return [sending_inputs.field(world, found.view, about, name, "", typed) for name in asked_for(str(clock["kind"]))]


def _origin(found: Glance, clock: Body) -> Body:
    """The fact that started it: its name, what it asks, who set it in which entry. Others start with an event."""
    name = f"{clock['trigger']}_at"
    definition, source = found.definitions.get(name), found.view.fact_sources.get(name)
    actor, seq = source or ("", 0)
    ask = definition.ask if definition else ""
    return {"name": name if source else "", "ask": ask, "by": actor, "seq": seq, "event": plain(clock["trigger"])}


def _findings(world: World, found: Glance, duty: Duty | None, clock: Body, now: datetime) -> list[Body]:
    """Each clause of the law with its answer by what is known; not for a reader from whom something is covered."""
    if duty is None or found.holds_sealed or "@" in clock["id"]:
        return []
    known = {**world.organisation.facts, **typed_facts(found.view.facts, found.definitions)}
    made = assess_one(duty, known, now).findings
    return [
        {"says": one.says, "answer": str(one.answer), "cite": one.cite, "rests_on": list(one.rests_on)} for one in made
    ]


def _history(clock: Body) -> list[Body]:
    """What happened to it, the newest first, each with the limit before and after where it moved."""
    lines, after = [], clock["due"]
    for one in reversed(clock["history"]):
        moved = "trigger_at" in one and one["due"] != after  # a change holds the limit as it was before it
        lines.append({**one, "moved": moved, "before": one.get("due"), "after": after})
        after = one["due"] if "trigger_at" in one else after
    return lines


def _moved_by(clock: Body) -> Body | None:
    """The change by which people put its limit where the law alone would not, or stopped it."""
    if clock["state"] not in ("extended", "paused"):
        return None
    return next((one for one in reversed(clock["history"]) if one["what"] in ("extended", "paused", "resumed")), None)


def _asked(found: Glance, clock_id: str) -> list[Body]:
    """What was asked for and waits for somebody else's consent."""
    waiting = [task for task in found.view.open_tasks() if task.kind == "clock" and task.clock == clock_id]
    made = [
        {
            "task": f"T{task.number}", "what": task.payload.get("what", ""), "by": task.payload.get("asked_by", ""),
            "until": task.payload.get("paused_until") or task.payload.get("due"), "roles": sorted(task.roles),
            "because": task.payload.get("because", ""), "document": task.payload.get("document", ""),
            "due_at": task.due_at,
        }
        for task in waiting
    ]  # fmt: skip
    covered: list[Body] = found.show(made)
    return covered


def _submission(found: Glance, clock_id: str) -> TaskView | None:
    try:
        return submission(found.view, clock_id)
    except FiredoorError:
        return None


def _late(clock: Body, now: datetime) -> bool:
    due = clock["open"] and clock["kind"] != DueKind.HOLD_UNTIL and clock["due"]
    return bool(due) and now > datetime.fromisoformat(str(due))


def _actions(found: Glance, caller: Caller, clock: Body, now: datetime) -> list[Body]:
    """Each action: offered with what it leads to, or refused with the reason."""
    made = []
    for name in ACTIONS:
        no = _no(found, caller, clock, name)
        says = [] if no else _says(found, clock, name, now)
        made.append({"name": name, "title": TITLES[name], "no": no, "says": says})
    return made


def _no(found: Glance, caller: Caller, clock: Body, name: str) -> str:
    """Why this cannot be done now, or not by this caller; "" where it can."""
    in_words = _state_forbids(found, caller, clock, name)
    access = ROUTES[("POST", f"{V1}/incidents/{{incident}}/clocks/{{clock:path}}/{name}")]
    if not in_words and not caller.may(access):
        mine = ", ".join(sorted(caller.person.roles)) or "no role"
        return f"It is for {plain(needed(access))}; you have {plain(mine)}."
    return in_words


def _state_forbids(found: Glance, caller: Caller, clock: Body, name: str) -> str:
    state = plain(clock["state"])
    if clock["state"] in SETTLED_CLOCKS:
        return f"The clock has ended: {state}."
    if name == SUBMIT:
        return _nothing_to_submit(found, caller, clock)
    if obstacle(found.view, clock["id"], name) is None:
        return ""
    match name, clock["state"]:
        case "pause", "paused":
            return "It is paused already."
        case "pause", "missed":
            return (
                "Its limit has passed, and what was missed cannot be paused. Ask for more time instead, by a document."
            )
        case "resume", _:
            return "It is not paused."
    return f"A clock that is {state} does not allow it."


def _nothing_to_submit(found: Glance, caller: Caller, clock: Body) -> str:
    try:
        task = submission(found.view, clock["id"])
    except FiredoorError as error:
        return _sentence(f"{error.problems[0].message}: {error.problems[0].do}.")
    problem = why_not(found.view, task, caller.within(found.view))
    return _sentence(f"{problem.message}; {problem.do}.") if problem else ""


def _says(found: Glance, clock: Body, name: str, now: datetime) -> list[str]:
    """What follows, said before anything is sent. Instants in it are ISO 8601, which the page shows in zones."""
    roles, due = found.plan.roles, clock["due"]
    passed = bool(due) and datetime.fromisoformat(str(due)) < now
    words = {
        "agrees": plain("dpo" if "dpo" in roles else roles[0]), "due": due,
        "limit": f"the limit {due}" if due else "what there is of a limit",
        "then": "passed during the pause, so it is due now" if passed else "stands again",
    }  # fmt: skip
    said = SAYS[name] + (LATE if name == SUBMIT and _late(clock, now) else ())
    return [_sentence(one.format(**words)) for one in said]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
