"""The brake: what may be suspended without asking anybody, and what is asked instead.

Decides which evidence is enough for a machine (a match in a trusted bank of hashes, a planted
canary, or two independent detectors that are both sure), and how much one incident may suspend
unasked. A person who starts a playbook has decided already: then only the numbers count.
Leaves counting over all incidents to the runtime, through `Brake`.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol

from firedoor.core.alerts.alert import Method, Strength
from firedoor.core.entries.run import AlertAttached, AlertSaid
from firedoor.core.incident.view import IncidentView
from firedoor.core.playbook.plan import Ask, Limits

SURE = 0.9  # of 1: from here on a detector counts as sure, and only above its own threshold
DETECTORS = 2
# Statistical hints never count, and what comes with a hash is a distance: the greater, the less alike.
NO_SCORE = frozenset({method for method in Method if method.strength is Strength.WEAK} | {Method.HASH_MATCH})


class Brake(Protocol):
    """What the runtime knows about suspensions of all incidents."""

    evidence: bool  # whether strong evidence is needed

    def why_not(self, playbook: str, limits: Limits | None, target: str) -> str:
        """Why no further target may be suspended unasked now; empty when it may. Asks nobody."""


def why_ask(
    view: IncidentView, already: AbstractSet[str], limits: Limits | None, target: str, brake: Brake | None
) -> str:
    """Why a person is asked although the playbook's condition for acting unasked holds; empty when nobody is.

    `already` are the targets that the incident has suspended unasked, or is about to.
    """
    if limits and limits.targets is not None and target not in already and len(already) >= limits.targets:
        return (
            f"this incident suspended {len(already)} targets without asking, and its playbook allows {limits.targets}"
        )
    if brake is None or view.opened_by.startswith("person:"):
        return ""
    if brake.evidence and view.alerts and not enough(view.alerts):
        return (
            "the evidence is not enough to act without a person: it takes a match in a trusted bank of hashes, "
            "a canary, or two independent detectors that are both sure"
        )
    return brake.why_not(view.playbook, limits, target)


def unasked(view: IncidentView) -> set[str]:
    """The targets that this incident decided to suspend without asking."""
    return {str(record.result["automatic"]) for record in view.operations.values() if record.result.get("automatic")}


def asked_because(view: IncidentView, ask: Ask, suffix: str) -> str:
    """Say why a person is asked about what would have been done unasked; empty for every other question."""
    records = (view.operations.get(f"{edge.after}{suffix}") for edge in ask.after if edge.on == "no")
    found = (record.result.get("asked_because") for record in records if record)
    return next((f"You are asked because {why}." for why in found if why), "")


def enough(alerts: Iterable[AlertAttached]) -> bool:
    """Whether the alerts of an incident together allow a reversible suspension without a person."""
    records = [alert["alert"] for alert in alerts if "alert" in alert]
    if any(_proves(record) for record in records):
        return True
    return len({_detector(record) for record in records if _sure(record)}) >= DETECTORS


def _proves(record: AlertSaid) -> bool:
    """Whether one alert is enough. Which banks were trusted is what was judged when it came in."""
    method = record.get("method")
    return method == Method.CANARY or (method == Method.HASH_MATCH and record.get("trusted_bank") is True)


def _detector(record: AlertSaid) -> tuple[str, str]:
    """Who saw it and how: the same tool behind two addresses is one detector."""
    return str(record.get("detector") or record.get("source")), str(record.get("method"))


def _sure(record: AlertSaid) -> bool:
    method, score = record.get("method"), record.get("score")
    if method is None or method in NO_SCORE or score is None or record.get("status") == "resolved":
        return False
    return float(score) >= max(SURE, float(record.get("threshold") or 0))
