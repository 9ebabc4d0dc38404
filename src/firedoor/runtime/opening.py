"""Opens incidents: from an alert that triage lets start one, from a person, or from a flow run.

Decides the first entries of a journal: what happened, the alert, the pinned plan,
the facts, and the reflex's first turn, all in one transaction. Leaves driving to
the driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firedoor.core.alert import Alert
from firedoor.core.facts import FactDefinition, Value, read, write
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.need_to_know import at_the_start
from firedoor.core.operations import Plan
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity
from firedoor.core.turn import next_turn
from firedoor.core.view import IncidentView, suppose
from firedoor.runtime.world import World
from firedoor.store.journal import NewIncident


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known when an incident is opened. `facts` are JSON values that have been read once already."""

    plan: Plan
    title: str
    why: str
    actor: str
    severity: Severity
    facts: Mapping[str, Any]
    alert: Alert | None = None
    reasons: tuple[str, ...] = ()


def new_incident(world: World, opening: Opening) -> NewIncident:
    """Return the incident with its first entries, those of the reflex included."""
    plan = opening.plan
    drafts = _first_entries(opening)
    view = IncidentView("INC")
    now = world.now()
    suppose(view, drafts, now)
    turn = next_turn(world.rules(plan, with_law=False), view, now, frozenset(), reflex_only=True)
    return NewIncident(
        type=str(plan.incident), title=opening.title, severity=str(opening.severity), playbook=plan.playbook,
        actor=opening.actor, drafts=(*drafts, *turn.drafts), owner=world.owner,
    )  # fmt: skip


def _first_entries(opening: Opening) -> list[Draft]:
    plan, actor = opening.plan, opening.actor
    opened: Body = {
        "type": str(plan.incident), "title": opening.title, "severity": str(opening.severity), "why": opening.why,
    }  # fmt: skip
    drafts = [Draft(Kind.OPENED, actor, opened)]
    if opening.alert is not None:
        drafts.append(alert_entry(opening.alert, opening.reasons))
    pinned: Body = {"playbook": plan.playbook, "version": plan.version, "digest": plan.digest}
    drafts.append(Draft(Kind.PLANNED, "firedoor", pinned))
    if plan.need_to_know:
        drafts.append(at_the_start(plan.roles, actor))
    values = (
        {"severity": str(opening.severity), **opening.facts}
        if "severity" in plan.definitions()
        else dict(opening.facts)
    )
    if values:
        drafts.append(Draft(Kind.FACTS, actor, {"values": values, "why": opening.why or "known at the start"}))
    return drafts


def alert_entry(alert: Alert, reasons: tuple[str, ...]) -> Draft:
    """The entry that attaches an alert; the raw bytes are named by their digest only."""
    body: Body = {"alert": alert.record(), "reasons": list(reasons)}
    return Draft(Kind.ALERT, f"source:{alert.source}", body)


def usable_facts(raw: Mapping[str, Any], definitions: Mapping[str, FactDefinition]) -> tuple[Body, tuple[str, ...]]:
    """The facts of an alert that fit, and a sentence for each that does not: an alert never fails over a fact."""
    values: Body = {}
    said: list[str] = []
    for name, given in raw.items():
        definition = definitions.get(name)
        try:
            value: Value | None = read(definition, given) if definition else None
        except InvalidInput as error:
            said.append(f"The alert's {name} was left out: {error.problems[0].message}.")
            continue
        if value is not None and write(value) is not None:
            values[name] = write(value)
    return values, tuple(said)
