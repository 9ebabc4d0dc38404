"""What stands on the page of an incident, worked out from its journal once for each state of it.

Decides the order within each part (what runs out first, what is unknown first, the newest last) and how much of a
long incident is shown at once. Leaves words to the template, the folds to the core.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from firedoor.core.evidence.custody import custody
from firedoor.core.execution.evidence_gaps import gaps_of
from firedoor.core.history.containment import containment
from firedoor.core.history.decisions import decisions
from firedoor.core.history.timeline import is_key, timeline
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.faults import open_ones
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.json_types import Json
from firedoor.core.notices import versions
from firedoor.core.reporting.report import clock_line
from firedoor.interfaces.web.console.plan_map import current, plan_map
from firedoor.interfaces.web.reading import serializers
from firedoor.interfaces.web.reading.cache import Glance
from firedoor.runtime.config.container import World

KEY_LINES, LAST_LINES = 15, 12
SHOWN = 10  # pieces of evidence, alerts and decisions at once
DRAFT = "draft"


def whole(world: World, found: Glance) -> Body:
    """Everything on the page that does not move by itself, as this caller sees it."""
    return found.once("page", lambda: _whole(world, found))


def _whole(world: World, found: Glance) -> Body:
    view = found.view
    phases = plan_map(found)
    pieces = found.show(custody(found.told))
    clocks = found.show([_clock(world, view.facts, one) for one in view.clocks.values()])
    wanted = [fact.name for fact in found.plan.facts]
    return {
        "phases": phases, "phase": "" if view.closed_at else current(phases), "facts": facts(found),
        "clocks": sorted(clocks, key=_urgency), "targets": found.show(containment(view, found.names)),
        "evidence": [piece for piece in pieces if piece["kind"] != DRAFT],
        "gaps": found.show(gaps_of(found.told, view)),
        "notices": _notices(view, clocks, {piece["name"] for piece in pieces if piece["kind"] == DRAFT}),
        "decisions": decisions(found.told, found.definitions, wanted, found.seal),
        "alerts": found.show([serializers.alert_line(one) for one in view.alerts]), "people": _people(found),
        "readers": view.readers, "legal_hold": found.show(view.legal_hold),
        "stopped": found.show(view.aborted or view.paused), "aborted": view.aborted is not None,
        "set_aside": found.show([serializers.set_aside(one) for one in open_ones(view)]),
        "title": found.show(view.title), "why": found.show(view.why), "lines": lines(found),
    }  # fmt: skip


def facts(found: Glance) -> list[Body]:
    """The facts, the unknown ones first; of a sealed one only whether it is known."""
    sources = found.view.fact_sources
    shown = []
    for fact in serializers.facts(found):
        actor, seq = sources.get(fact["name"], ("", 0))
        covered = fact["sealed"] and fact["known"] and fact["name"] in found.seal.names
        value = {"value": None, "shown": "sealed"} if covered else {"shown": found.show(fact["shown"])}
        shown.append({**fact, **value, "by": actor.removeprefix("person:"), "seq": seq})
    return sorted(shown, key=lambda fact: bool(fact["known"]))


def open_tasks(found: Glance, roles: frozenset[str], now: datetime) -> list[Body]:
    """The tasks that wait, those of this caller's roles first, then by when they are due."""
    tasks = found.show([serializers.task(found.view, one, now) for one in found.view.open_tasks()])
    shown: list[Body] = [{**one, "mine": bool(roles & set(one["roles"]))} for one in tasks]
    return sorted(shown, key=lambda one: (not one["mine"], one["due_at"]))


def lines(found: Glance) -> Body:
    """The lines of a hurried reader: the newest key ones, and the last ones of any kind."""
    key = [entry.seq for entry in found.told if is_key(entry, found.names)]
    last = [entry.seq for entry in found.told[-LAST_LINES:]]
    wanted = {*key[-KEY_LINES:], *last}
    made = timeline(found.told, found.names, found.definitions, found.seal, wanted)
    newest = set(last)
    return {
        "key": [line for line in made[::-1] if line["key"]],
        "last": [line for line in made[::-1] if line["seq"] in newest],
        "keys": len(key), "all": len(found.told),
    }  # fmt: skip


def _clock(world: World, facts: Mapping[str, object], one: ClockRecord) -> Body:
    """A clock with its law; `zone_guessed` where its days are counted in UTC for want of anything better."""
    return {
        **one.as_json(), **clock_line(one), **serializers.clock_zone(one, world, facts), "open": not one.settled,
        "law_why": one.why,
    }  # fmt: skip


def _urgency(clock: Body) -> tuple[bool, bool, str]:
    return not clock["open"], clock["due"] is None, clock["due"] or ""


def _notices(view: IncidentView, clocks: Sequence[Body], drafts: Collection[str]) -> list[Body]:
    """For each clock how far its notice is, and what was sent with which reference.

    What a draft lacks stands on its own page: drafts follow the facts, and the one that was kept first does not.
    """
    shown = []
    for clock in clocks:
        worded = versions.worded_in(view, clock["id"])
        last = versions.counts(versions.versions(view, clock["id"], worded)) if worded else None
        settlement = clock.get("settlement") or {}
        if last or settlement or f"draft for {clock['id']}" in drafts:
            state = "draft" if last is None else "approved" if last["kind"] == versions.APPROVED else "edited"
            shown.append({"clock": clock, "state": state, "settlement": settlement})
    return shown


def _people(found: Glance) -> list[Body]:
    """Who did what in this incident: the roles in which somebody answered, and how often."""
    people: dict[str, Body] = {}
    for task in found.view.tasks.values():
        for given in task.answers:
            one = people.setdefault(given["by"], {"name": given["by"], "roles": set(), "answers": 0, "claimed": []})
            one["roles"].add(given["role"])
            one["answers"] += 1
        if task.open and task.claimed_by:
            one = people.setdefault(task.claimed_by, {"name": task.claimed_by, "roles": set(), "answers": 0, "claimed": []})  # fmt: skip  # noqa: E501
            one["claimed"].append(f"T{task.number}")
    return [{**one, "roles": sorted(one["roles"])} for one in people.values()]


def history_of(found: Glance, name: str) -> list[Body]:
    """Every value that a fact ever had, the newest first; covered where it is sealed."""
    shown: list[Body] = [change for change in serializers.fact_history(found.told) if name in change["values"]]
    hidden = name in found.seal.names
    return [
        {"seq": one["seq"], "at": one["at"], "by": one["by"].removeprefix("person:"), "why": found.show(one["why"]),
         "value": "sealed" if hidden else found.show(_shown(found, name, one["values"][name]))}
        for one in reversed(shown)
    ]  # fmt: skip


def _shown(found: Glance, name: str, value: Json) -> str:
    return str(serializers.fact(name, value, found.definitions.get(name), False)["shown"])  # noqa: FBT003 - not covered here
