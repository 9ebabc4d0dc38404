"""What a dry run can say beforehand: who is closed at which doors, what happens unasked and why, what is not known.

Decides the words. A target says how its closing is proved and who must go on being served; a condition for acting
unasked is told with what it came to, and with every rule of the brake that would stand in its way; what no one can know
before the incident runs is listed rather than left out. Leaves asking the connectors to `dry_run`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from firedoor.core.alerts.evidence_strength import EVIDENCE, STRONG
from firedoor.core.examinations import EXAMINATIONS
from firedoor.core.execution.automatic_limits import DETECTORS, SURE, why_ask
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView
from firedoor.core.json_types import as_object
from firedoor.core.language.expression import Expression
from firedoor.core.playbook.plan import Ask, Choose, Keep, Plan
from firedoor.core.problems import FiredoorError
from firedoor.core.targets import HttpProbe, Target
from firedoor.core.ternary import UNKNOWN, YES
from firedoor.runtime.config.container import World

Body = dict[str, Any]
BY_A_PERSON, BY_AN_ALERT = "person:dry-run", "source:dry-run"


def target_shown(target: Target) -> Body:
    """A target, how its closing is proved, and whom closing it must spare."""
    return {
        "target": target.id, "title": target.title, "kind": target.kind, "owner": target.owner,
        "never_suspend": target.because if target.never_suspend else None,
        "proved_by": _proof(target), "neighbours": list(target.neighbours),
        "doors_in_order": [door.name for door in target.doors],
    }  # fmt: skip


def _proof(target: Target) -> str:
    """The look that counts, in words; without one nothing proves a closing, and that is said."""
    probe = target.probe
    if probe is None:
        return "nothing: it has no probe, so it is never called suspended"
    looks = f", {probe.looks} looks that must agree" if probe.looks > 1 else ""
    way = f"{probe.method} {probe.url}" if isinstance(probe, HttpProbe) else f"a look by the {probe.via} connector"
    return f"{way}, as a caller{looks}"


def kept_from(target: Target, keep: Keep) -> Body:
    """Where evidence would be read from, and what of it is not to be had."""
    examination = EXAMINATIONS.get(keep.name) if keep.source == "examination" else None
    wanted = tuple(examination.inputs) if examination else (keep.name,)
    found = {name: target.evidence[name] for name in wanted if name in target.evidence}
    read = {name: str(one.url or f"file:{one.file}") for name, one in found.items()}
    hashed = [name for name, one in found.items() if one.keep == "digest"]
    return {"reads": read, "hash_only": hashed, "not_in_inventory": [name for name in wanted if name not in found]}


@dataclass
class Unasked:
    """What would be closed without asking, and why or why not. Counts as the incident would."""

    world: World
    plan: Plan
    view: IncidentView
    names: Names
    scope: Mapping[str, object]

    def told(self, choose: Choose, when: str, already: AbstractSet[str]) -> Body:
        """One condition for acting unasked. `already` are the targets that those before it would close unasked."""
        name = self.names.fill(choose.automatic or "", choose.id, self.view).strip()
        known = bool(name) and "[unknown" not in name
        condition = choose.condition or "yes"
        holds = Expression.parse(condition).decide(self.scope)
        shown: Body = {
            "operation": choose.id, "target": name if known else None, "condition": condition, "holds": str(holds),
            "role": choose.role, "when": when,
        }  # fmt: skip
        if not known:
            why = f"which target {choose.automatic} means is not known yet"
            return {**shown, "unasked": False, "why": why, "from_an_alert": ""}
        why_not = self._refused(name) or self._not_met(condition, holds) or self._braked(name, already, BY_A_PERSON)
        if why_not:
            proved = "" if self._refused(name) else self._if_proved(condition, name, already)
            return {**shown, "unasked": False, "why": f"a person is asked: {why_not}", "from_an_alert": proved}
        because = "the playbook closes it whenever it comes here" if condition == "yes" else f"{condition} holds"
        return {**shown, "unasked": True, "why": because, "from_an_alert": self._from_an_alert(name, already)}

    def _refused(self, name: str) -> str:
        try:
            target = self.world.target(name)
        except FiredoorError as error:
            return error.problems[0].message
        return f"{name} is never suspended: {target.because}" if target.never_suspend else ""

    def _not_met(self, condition: str, holds: object) -> str:
        if holds is YES:
            return ""
        if holds is UNKNOWN:
            missing = ", ".join(Expression.parse(condition).missing(self.scope))
            return f"whether {condition} holds is not known ({missing}), and what is unknown closes nothing unasked"
        return f"{condition} does not hold with these facts"

    def _braked(self, name: str, already: AbstractSet[str], opened_by: str) -> str:
        view = replace(self.view, opened_by=opened_by)
        return why_ask(view, already, self.plan.limits, name, self.world.brake)

    def _if_proved(self, condition: str, name: str, already: AbstractSet[str]) -> str:
        """What an alert would come to whose evidence is strong; empty where that is not what is missing."""
        proved = {**self.scope, "facts": {**as_object(self.scope["facts"]), EVIDENCE: STRONG}}
        met = EVIDENCE in condition and Expression.parse(condition).decide(proved) is YES
        return self._from_an_alert(name, already) if met else ""

    def _from_an_alert(self, name: str, already: AbstractSet[str]) -> str:
        """What stands in the way besides, when no person but an alert starts it."""
        counted = self._braked(name, already, BY_AN_ALERT)
        if counted:
            return f"not unasked: {counted}"
        if self.world.brake is None or not self.world.brake.evidence:
            return "unasked as well"
        return (
            "unasked only with evidence that is enough: a match in a trusted list of hashes, a canary, or "
            f"{DETECTORS} independent detectors that are each at least {SURE:.0%} sure"
        )


def not_known(operations: Iterable[Body], missing: Iterable[str]) -> list[str]:
    """Say, in sentences, what shows only when the incident runs."""
    operations = list(operations)
    said = [f"the fact {name}, which the playbook needs to start" for name in missing]
    said += [f"which target {one['means']} means" for one in operations if one.get("means") and one["target"] is None]
    said += [f"the list {one['listing']}" for one in operations if one.get("listing")]
    said += [f"whether {one['condition']}" for one in operations if one.get("holds") == "unknown"]
    if any(str(one["each"]).startswith("clocks:") for one in operations):
        said.append("which clocks start: that follows from facts, when they are known, and never from a step")
    said += sorted({
        f"who else is behind {one['target']}/{door['door']}: {door['problems'][0]['message']}"
        for one in operations for door in one.get("doors", ()) if door["problems"]
    })  # fmt: skip
    return list(dict.fromkeys(said))


def asked(ask: Ask, names: Names, view: IncidentView) -> Body:
    """Whom a question goes to, and who may not answer it."""
    kept = ask.model_dump(
        mode="json", include={"kind", "role", "approvals", "within_seconds", "escalate_to", "choices"}
    )
    other = names.title(ask.four_eyes_with, view) if ask.four_eyes_with else ""
    return {
        **kept,
        "four_eyes_with": ask.four_eyes_with,
        "not_answered_by": f"whoever answered: {other}" if other else "",
    }
