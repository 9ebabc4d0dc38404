"""The beginning of a drill that a detector makes: the delivery is read and taken in as the server would.

Decides that the first alert of the delivery that starts the playbook opens the incident, that later ones of the same
delivery are attached where triage attaches them, and what is said when none starts it. Leaves the rest to `drill`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from firedoor.alerts.registry import example_body
from firedoor.alerts.source import AlertSource
from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.intake import Here, facts_for, take_in
from firedoor.core.alerts.start_rules import Startable
from firedoor.core.alerts.triage import Decision, KnownIncident, Triage
from firedoor.core.journal import Draft
from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import DrillAlert
from firedoor.core.problems import NotFound, Problem, nearest
from firedoor.runtime.config.container import World
from firedoor.runtime.service.opening import Opening, alert_entry, opening_of

JSON = "application/json"


@dataclass(frozen=True)
class Beginning:
    """How the incident opens, and the entries of further alerts; or why nothing opens."""

    opening: Opening | None
    attached: tuple[Draft, ...] = ()
    why_not: str = ""


def delivered(sent: DrillAlert, sources: Mapping[str, AlertSource]) -> tuple[Alert, ...]:
    """Read what the detector sends. Raises NotFound for a source or an example, InvalidInput for the body."""
    source = sources.get(sent.source)
    if source is None:
        message = f'no source of alerts is called "{sent.source[:60]}"'
        raise NotFound(Problem(code="D210", field="source", message=message, do=nearest(sent.source, sources)))
    if sent.example is None:
        headers = {"content-type": source.content_types[0] if JSON not in source.content_types else JSON}
        return source.parse(orjson.dumps(sent.body), {**headers, **sent.headers})
    example = next((one for one in source.examples if one.file == sent.example), None)
    if example is None:
        known = [one.file for one in source.examples]
        message = f'{source.id} has no example "{sent.example[:60]}"'
        raise NotFound(Problem(code="D213", field="example", message=message, do=nearest(sent.example, known)))
    return source.parse(example_body(example), {**example.headers, **sent.headers})


def begin(
    world: World, plan: Plan, sent: DrillAlert, among: Iterable[Startable], alerts: Sequence[Alert], incident: str
) -> Beginning:
    """Take the alerts in, in their order."""
    definitions = world.definitions(plan)
    here = Here(tuple(among), lambda _: definitions, world.organisation.trusted_banks)
    opening: Opening | None = None
    attached, said = list[Draft](), list[str]()
    for given in alerts:
        alert, decided = take_in(given, here, _known(world, plan, opening, incident), world.now())
        if opening is None:
            opening = _opened(alert, decided, plan, sent, here)
            said += () if opening else (f"{alert.title}: {decided.decision}. {' '.join(decided.reasons)}",)
        elif decided.decision is Decision.ATTACH:
            attached.append(alert_entry(alert, decided.reasons, decided.facts))
    why = f"the alert does not start {plan.playbook}: {' '.join(said) or 'nothing was detected'}"
    return Beginning(opening, tuple(attached), "" if opening else why)


def _opened(alert: Alert, decided: Triage, plan: Plan, sent: DrillAlert, here: Here) -> Opening | None:
    if sent.started_by is not None:
        facts, left_out = facts_for(alert, plan.playbook, here)
        reasons = tuple(dict.fromkeys((*decided.reasons, *left_out)))
        actor = f"person:{sent.started_by}"
        return Opening(plan, alert.title, "a person chose it", actor, alert.severity, facts, alert, reasons)
    starts = decided.decision is Decision.START and decided.playbook == plan.playbook
    return opening_of(alert, decided, plan) if starts else None


def _known(world: World, plan: Plan, opening: Opening | None, incident: str) -> tuple[KnownIncident, ...]:
    """The incident of the drill, once it is open."""
    if opening is None or opening.alert is None or plan.incident is None:
        return ()
    first = opening.alert
    places = frozenset(filter(None, (first.endpoint, first.model, first.dataset)))
    return (
        KnownIncident(
            incident, plan.incident, open=True, opened_at=world.now(), fingerprints=frozenset({first.fingerprint}),
            places=places, severity=first.severity, playbook=plan.playbook,
        ),
    )  # fmt: skip
