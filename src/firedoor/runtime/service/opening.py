"""Opens incidents: from an alert that triage lets start one, from a person, or from a flow run.

Decides the first entries of a journal: what happened, the alert, the pinned plan,
the facts, and the reflex's first turn, all in one transaction. Leaves driving to
the driver.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from firedoor.core.access.need_to_know import at_the_start
from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.triage import Triage
from firedoor.core.entries.run import PlanPinned
from firedoor.core.execution.turn import Turn, next_turn
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.playbook.plan import Plan
from firedoor.core.severity import UNSAID, Severity
from firedoor.runtime.config.container import World
from firedoor.runtime.service import run_requests, start_checks
from firedoor.store.incidents.journal import NewIncident

PRACTICE = "Practice: "

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known when an incident is opened. `facts` are JSON values that have been read once already."""

    plan: Plan
    title: str
    why: str
    actor: str
    severity: Severity | None  # None: nobody has said it
    facts: Mapping[str, object]
    alert: Alert | None = None
    reasons: tuple[str, ...] = ()
    mark: str = ""  # by which the same start is recognised when it is sent again (`start_keys`)
    practice: bool = False  # labelled wherever it is shown, and in no figure; everything in it is done all the same
    in_spite: tuple[str, ...] | None = None  # what a person was told and starts in spite of; None: nobody was told


def opening_of(alert: Alert, decided: Triage, plan: Plan) -> Opening:
    """What an alert opens that starts a playbook by itself."""
    return Opening(
        plan=plan, title=alert.title or plan.title, why="; ".join(decided.reasons), actor=f"source:{alert.source}",
        severity=alert.severity, facts=decided.facts, alert=alert, reasons=decided.reasons,
    )  # fmt: skip


def new_incident(world: World, opening: Opening) -> NewIncident:
    """Return the incident with its first entries, those of the reflex included."""
    plan = opening.plan
    view, now = IncidentView("INC"), world.now()
    drafts = _first_entries(opening)
    suppose(view, drafts, now)
    if opening.in_spite is None:
        found = start_checks.of_opening(world, plan, view)
        more = start_checks.asked(plan, found, view, now) if opening.alert is not None else []
        drafts = [*_first_entries(replace(opening, in_spite=found.notices)), *more]
        view = IncidentView("INC")
        suppose(view, drafts, now)
    turn = _first_turn(world, plan, view, now)
    return NewIncident(
        type=str(plan.incident), title=_title(opening), severity=str(opening.severity or UNSAID),
        playbook=plan.playbook, actor=str(opening.actor), drafts=(*drafts, *turn.drafts), owner=world.owner,
        practice=opening.practice, mark=opening.mark,
    )  # fmt: skip


def _first_turn(world: World, plan: Plan, view: IncidentView, now: datetime) -> Turn:
    """The reflex's first turn. Whatever is raised there, the incident is opened: its drive meets it again, and asks."""
    try:
        return next_turn(world.rules(plan, with_law=False), view, now, frozenset(), reflex_only=True)
    except Exception:
        log.exception("the first turn of an incident of %s", plan.playbook)
        return Turn()


def _first_entries(opening: Opening) -> list[Draft]:
    plan, actor = opening.plan, opening.actor
    opened: Body = {
        "type": str(plan.incident), "title": _title(opening), "why": opening.why,
        "severity": str(opening.severity or Severity.MEDIUM),  # means nothing where nobody has said it
        **({} if opening.severity else {"severity_known": False}), **({"practice": True} if opening.practice else {}),
        **({"in_spite": list(opening.in_spite)} if opening.in_spite else {}),
        **({"start": opening.mark} if opening.mark else {}),
    }  # fmt: skip
    drafts = [Draft(Kind.OPENED, actor, opened)]
    if opening.alert is not None:
        drafts.append(alert_entry(opening.alert, opening.reasons))
    pinned: PlanPinned = {"playbook": plan.playbook, "version": plan.version, "digest": plan.digest}
    if plan.keep_bytes is not None:
        pinned["keep_bytes"] = plan.keep_bytes
    drafts.append(Draft(Kind.PLANNED, "firedoor", pinned))
    if plan.need_to_know:
        drafts.append(at_the_start(plan.roles, actor))
    said = opening.severity is not None and "severity" in plan.definitions()
    values = {**({"severity": str(opening.severity)} if said else {}), **opening.facts}
    if values:
        told_by = actor_of(opening.alert) if opening.alert else actor
        drafts.append(Draft(Kind.FACTS, told_by, {"values": values, "why": opening.why or "known at the start"}))
    return drafts


def _title(opening: Opening) -> str:
    """The title as every page, list and letter has it."""
    return f"{PRACTICE}{opening.title.removeprefix(PRACTICE)}" if opening.practice else opening.title


def alert_entry(alert: Alert, reasons: tuple[str, ...], facts: Mapping[str, object] | None = None) -> Draft:
    """The entry that attaches an alert; the raw bytes are named by their digest only.

    `facts` are what a further alert tells; those of the alert that opened the incident stand in an entry of their own.
    """
    told: Body = {"facts": dict(facts)} if facts else {}
    body: Body = {"alert": alert.record(), "reasons": list(reasons), **told}
    return Draft(Kind.ALERT, actor_of(alert), body)


def actor_of(alert: Alert) -> str:
    """How the journal names whoever an alert comes from."""
    return run_requests.ACTOR if alert.source == run_requests.SOURCE else f"source:{alert.source}"
