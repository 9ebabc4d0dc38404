"""What to do about an alert: start a playbook, attach it to an open incident, ask a person, or keep it unassigned.

Decides by seven rules, in this order, and says why in words that a person reads at 03:00:

1. An alert that belongs to an open incident, by its fingerprint or by the same kind and place, is attached.
2. "Resolved" closes nothing. If its beginning was never seen, a person is asked: it did happen.
3. A playbook whose start rule holds, and that is for the incident which the alert names, starts.
4. Among several the most specific rule wins, then the one that asks for the highest severity; a tie asks a person.
5. A condition that cannot be answered asks a person; it is never read as a no.
6. Weak evidence asks a person; it starts nothing by itself, and neither does an alert of whose status nobody knows
   whether it means a beginning. A severe alert of a source that no rule names asks too.
7. A suspected minor forces the human legal branch, whatever else is decided, and is never left unassigned.

Leaves judging the single rules to `start_rules`, and acting on the decision to the runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from firedoor.core.alerts.alert import Alert, Strength
from firedoor.core.alerts.start_rules import ANY_SOURCE, Judged, Startable, facts_of, judge
from firedoor.core.json_types import Json
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import nearest
from firedoor.core.severity import Severity
from firedoor.core.ternary import NO, UNKNOWN, YES

SURE = 0.5  # below this confidence the sender's guess of the incident type does not decide between playbooks


class Decision(StrEnum):
    """What triage can come to. `ignore` keeps the alert, unassigned, with the reason."""

    START = "start"
    ATTACH = "attach"
    ASK = "ask"
    IGNORE = "ignore"


@dataclass(frozen=True)
class KnownIncident:
    """As much of an incident as triage needs.

    `fingerprints` are those of the alerts that belong to it; `places` are the endpoints, models and
    datasets that it is about, by whatever name its facts or its alerts gave them.
    """

    id: str
    incident_type: IncidentType
    open: bool
    opened_at: datetime
    fingerprints: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    severity: Severity | None = None
    playbook: str = ""
    belongs: str = ""  # why the alert belongs to it besides that, in words


@dataclass(frozen=True)
class Triage:
    """The decision and its reasons, whole sentences in order of weight.

    `playbook` starts (or would, if the person who is asked agrees), for `incident_type`; `candidates`
    are those to choose from. `incident` is the one to attach to. `facts` are JSON values for `facts.read_all`.
    `legal_branch` forces the human legal branch: a child may be concerned.
    """

    decision: Decision
    playbook: str | None
    reasons: tuple[str, ...]
    facts: dict[str, Json] = field(default_factory=dict)
    incident_type: IncidentType | None = None
    incident: str | None = None
    candidates: tuple[str, ...] = ()
    legal_branch: bool = False


def triage(alert: Alert, playbooks: Iterable[Startable], incidents: Iterable[KnownIncident] = ()) -> Triage:
    """Decide. `playbooks` in any order; `incidents` open and closed. Never raises for what an alert holds."""
    playbooks = sorted(playbooks, key=lambda playbook: playbook.name)  # the order of files decides nothing
    known = sorted(incidents, key=lambda incident: (incident.opened_at, incident.id), reverse=True)
    judged = [judge(playbook, rule, alert) for playbook in playbooks for rule in playbook.start
              if rule.source in (alert.source, ANY_SOURCE)]  # fmt: skip
    chosen = _choose(alert, judged, [playbook for playbook in playbooks if playbook.start])
    result = _attached(alert, chosen, known, playbooks) or _resolved(alert, chosen, known) or _not_weak(alert, chosen)
    result = _again(alert, result, known)
    return _with_minor(alert, replace(result, reasons=(*result.reasons, *alert.notes)))


def _choose(alert: Alert, judged: Sequence[Judged], playbooks: Sequence[Startable]) -> Triage:
    """Choose among the playbooks by their rules alone (rules 3 to 5)."""
    holding = [item for item in judged if item.answer is YES]
    unsure = [item for item in judged if item.answer is UNKNOWN]
    stated = _stated(alert)
    if not holding and unsure:
        return _unanswered(alert, unsure)
    if not holding:
        return _unmatched(alert, _why_none(alert, judged, playbooks), listening=bool(judged))
    fitting = [item for item in holding if stated is None or item.playbook.incident == stated]
    if not fitting:
        names = ", ".join(sorted({f'"{item.playbook.name}" ({item.playbook.incident})' for item in holding}))
        reason = f"The alert says {stated}, but the start rules that hold are of {names}: a person chooses."
        return Triage(Decision.ASK, None, (reason,), candidates=_names(holding))
    return _most_specific(alert, fitting, holding)


def _unmatched(alert: Alert, reasons: tuple[str, ...], *, listening: bool) -> Triage:
    """Keep an alert that no playbook is for. A severe one of a source that nobody thought of is a person's to judge."""
    if listening or alert.severity is None or alert.severity < Severity.HIGH:
        return Triage(Decision.IGNORE, None, (*reasons, "The alert is kept, unassigned."))
    return Triage(Decision.ASK, None, (*reasons, f"Its severity is {alert.severity}, so a person decides."))


def _unanswered(alert: Alert, unsure: Sequence[Judged]) -> Triage:
    """Ask about every rule that may hold (rule 5); propose a playbook when one is more likely than the others."""
    stated = _stated(alert)
    ranks = [(item.playbook.incident == stated, item.specificity) for item in unsure]
    likely = [item for item, rank in zip(unsure, ranks, strict=True) if rank == max(ranks)]
    reasons = tuple(
        f'It is not known whether "{item.playbook.name}" applies: {"; ".join(item.open)}.' for item in unsure
    )
    if len(_names(likely)) > 1:
        return Triage(Decision.ASK, None, reasons, candidates=_names(unsure))
    return _towards(Decision.ASK, likely[0], alert, reasons, unsure)


def _most_specific(alert: Alert, fitting: Sequence[Judged], holding: Sequence[Judged]) -> Triage:
    """Choose by specificity (rule 4), and say against what."""
    best = max(fitting, key=lambda item: item.specificity)
    equal = [item for item in fitting if item.specificity == best.specificity]
    if len({item.playbook.name for item in equal}) > 1:
        names = ", ".join(f'"{name}"' for name in _names(equal))
        reason = f"The start rules of {names} hold and are equally specific: a person chooses."
        return Triage(Decision.ASK, None, (reason,), candidates=_names(equal))
    condition = best.rule.when.strip() or "always"
    reasons = [f'The start rule of "{best.playbook.name}" holds: {alert.source}, {condition}.']
    rivals = {item.playbook.name: item for item in holding if item.playbook.name != best.playbook.name}
    reasons += [_preferred(best, rival, alert) for _, rival in sorted(rivals.items())]
    return _towards(Decision.START, best, alert, tuple(reasons), [best])


def _preferred(best: Judged, rival: Judged, alert: Alert) -> str:
    over = f'It was chosen over "{rival.playbook.name}" because'
    if rival.playbook.incident != best.playbook.incident and _stated(alert) is not None:
        return f"{over} the alert names {_stated(alert)}."
    (source, conditions, asked), (other_source, other_conditions, other_asked) = best.specificity, rival.specificity
    if source != other_source:
        return f"{over} its rule is for {alert.source} alone."
    if conditions != other_conditions:
        return f"{over} its rule has more conditions ({conditions} against {other_conditions})."
    words = [tuple(Severity)[rank].value if rank >= 0 else "none" for rank in (asked, other_asked)]
    return f"{over} its rule asks for a higher severity ({words[0]} against {words[1]})."


def _towards(
    decision: Decision, item: Judged, alert: Alert, reasons: tuple[str, ...], candidates: Sequence[Judged]
) -> Triage:
    given, missing = facts_of(item.playbook, alert)
    kind, names = item.playbook.incident, _names(candidates)
    return Triage(decision, item.playbook.name, (*reasons, *missing), given, incident_type=kind, candidates=names)


def _why_none(alert: Alert, judged: Sequence[Judged], playbooks: Sequence[Startable]) -> tuple[str, ...]:
    """Say why no start rule matched, and which came nearest."""
    if not judged:
        listening = {rule.source for playbook in playbooks for rule in playbook.start}
        named = nearest(alert.source, listening) if listening else "no playbook has a start rule"
        return (f"No start rule listens to {alert.source} ({named}).",)
    stated = _stated(alert)
    near = min(judged, key=lambda item: (item.playbook.incident != stated, item.rule.source != alert.source,
                                         len(item.failing), item.playbook.name))  # fmt: skip
    because = "; ".join(near.failing) or "its condition as a whole does not hold"
    return (f'No start rule matched. The nearest was of "{near.playbook.name}": it does not hold that {because}.',)


def _attached(
    alert: Alert, chosen: Triage, known: Sequence[KnownIncident], playbooks: Sequence[Startable]
) -> Triage | None:
    """Attach to an open incident (rule 1); the newest when there are several."""
    for incident in known:
        if incident.open and (incident.belongs or alert.fingerprint in incident.fingerprints):
            why = incident.belongs or "the same detection belongs to it"
            return _attach(alert, incident, why, playbooks)
    kind = _kind(alert, chosen)
    for incident in known:
        place = _same_place(alert, incident)
        if incident.open and place and kind is incident.incident_type:
            return _attach(alert, incident, f"it is open, of the same kind, about {place}", playbooks)
    return None


def _attach(alert: Alert, incident: KnownIncident, why: str, playbooks: Sequence[Startable]) -> Triage:
    """Attach, with what the incident's own playbook takes from the alert."""
    reasons = [f"The alert is attached to {incident.id}: {why}."]
    if alert.status == "resolved":
        reasons.append("The sender calls it resolved; that closes no incident.")
    if alert.severity and incident.severity and alert.severity > incident.severity:
        reasons.append(f"It is more severe than the incident so far ({alert.severity} > {incident.severity}).")
    its = next((playbook for playbook in playbooks if playbook.name == incident.playbook), None)
    facts = facts_of(its, alert)[0] if its else {}
    return Triage(
        Decision.ATTACH, incident.playbook or None, tuple(reasons), facts, incident.incident_type, incident.id
    )


def _resolved(alert: Alert, chosen: Triage, known: Sequence[KnownIncident]) -> Triage | None:
    """Answer a resolved alert that belongs to no open incident (rule 2)."""
    if alert.status != "resolved":
        return None
    closed = next((incident for incident in known if alert.fingerprint in incident.fingerprints), None)
    if closed:
        reason = f"The sender calls it resolved, and {closed.id}, to which it belonged, is closed."
        return Triage(Decision.IGNORE, None, (reason,))
    if chosen.decision is Decision.IGNORE:
        return replace(chosen, reasons=("The sender calls it resolved.", *chosen.reasons))
    reason = "The sender calls it resolved, but its beginning was never seen here: it did happen, so a person decides."
    return replace(chosen, decision=Decision.ASK, reasons=(reason, *chosen.reasons))


def _not_weak(alert: Alert, chosen: Triage) -> Triage:
    """Let weak evidence start nothing by itself (rule 6)."""
    if alert.status == "unknown" and chosen.decision is Decision.START:
        reason = "The sender's word for its status is not known here: it may have begun or ended, so a person decides."
        return replace(chosen, decision=Decision.ASK, reasons=(reason, *chosen.reasons))
    if alert.strength is not Strength.WEAK or chosen.decision is not Decision.START:
        return chosen
    reason = f"{str(alert.method).replace('_', ' ')} is weak evidence: it contains nothing by itself, a person decides."
    return replace(chosen, decision=Decision.ASK, reasons=(reason[:1].upper() + reason[1:], *chosen.reasons))


def _again(alert: Alert, result: Triage, known: Sequence[KnownIncident]) -> Triage:
    """Say that it happened before: then what was meant to prevent it did not."""
    before = next(
        (incident for incident in known if not incident.open and alert.fingerprint in incident.fingerprints), None
    )
    if before is None or alert.status == "resolved" or result.decision is Decision.ATTACH:
        return result
    reason = f"The same detection led to {before.id}, which is closed: what was meant to prevent it did not."
    return replace(result, reasons=(*result.reasons, reason))


def _with_minor(alert: Alert, result: Triage) -> Triage:
    """Force the human legal branch for a suspected minor (rule 7)."""
    if alert.possible_minor is YES:
        reason = (
            "A child may be concerned: the human legal branch is required before anything is fetched, shared or told."
        )
        decision = Decision.ASK if result.decision is Decision.IGNORE else result.decision
        return replace(result, decision=decision, legal_branch=True, reasons=(reason, *result.reasons))
    if alert.possible_minor is NO or alert.incident_type is not IncidentType.NONCONSENSUAL_GENERATION:
        return result
    return replace(result, reasons=(*result.reasons, "It is not known whether a child is concerned."))


def _stated(alert: Alert) -> IncidentType | None:
    """Return the incident type that the sender is sure enough of."""
    sure = alert.confidence is None or alert.confidence >= SURE
    return alert.incident_type if sure else None


def _kind(alert: Alert, chosen: Triage) -> IncidentType | None:
    return _stated(alert) or chosen.incident_type


def _same_place(alert: Alert, incident: KnownIncident) -> str | None:
    """Return the endpoint, model or dataset that both are about."""
    return next((place for place in (alert.endpoint, alert.model, alert.dataset) if place in incident.places), None)


def _names(items: Iterable[Judged]) -> tuple[str, ...]:
    return tuple(sorted({item.playbook.name for item in items}))
