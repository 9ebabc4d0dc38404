"""What an alert comes to, from the moment of its receipt: the one way of an alert, for all who ask.

Decides when it counts as received, what is done about it, and which of its facts an incident takes. The server, the
preview (`firedoor alert parse`), the dry run and the drills call `take_in`, so that what one of them shows is what
another does. A fact counts when the playbook or the law's vocabulary knows it; what cannot be taken is named in the
reasons, which stand in the journal and in the answer to the sender. A sender's clock that is ahead of ours moves
nothing: what it dates into our future counts from our receipt, and by how much it was ahead is on record.
Leaves choosing the playbook to `triage`, and acting on it to the runtime.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from firedoor.core.alerts.alert import MAXIMUM_NOTES, Alert
from firedoor.core.alerts.evidence_strength import EVIDENCE, of_alert
from firedoor.core.alerts.hash_banks import judged
from firedoor.core.alerts.matching import TrustedBank
from firedoor.core.alerts.start_rules import Startable, facts_of
from firedoor.core.alerts.triage import Decision, KnownIncident, Triage, triage
from firedoor.core.facts import FactDefinition, stated, write
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput

Definitions = Mapping[str, FactDefinition]
MINOR = "minor"


@dataclass(frozen=True, slots=True)
class Here:
    """What an alert meets here: playbooks, which facts an incident of each may have, and the banks that are trusted."""

    playbooks: tuple[Startable, ...]
    definitions: Callable[[str], Definitions]
    trusted_banks: tuple[TrustedBank, ...]


def take_in(alert: Alert, here: Here, incidents: Iterable[KnownIncident], now: datetime) -> tuple[Alert, Triage]:
    """Return the alert as it is recorded, and what is done about it with the facts as the journal takes them."""
    alert = as_received(judged(alert, here.trusted_banks), now)
    decided = triage(alert, here.playbooks, incidents)
    if decided.playbook is None:
        return alert, decided
    given = {**decided.facts, MINOR: "yes"} if decided.legal_branch else decided.facts
    facts, left_out = _taken(given, alert, here.definitions(decided.playbook))
    return alert, replace(decided, facts=facts, reasons=(*decided.reasons, *left_out))


def facts_for(alert: Alert, playbook: str, here: Here) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The facts that a playbook which a person chose takes from an alert, and what it cannot take, in sentences."""
    its = next((one for one in here.playbooks if one.name == playbook), None)
    given, missing = facts_of(its, alert) if its else ({}, ())
    facts, left_out = _taken(given, alert, here.definitions(playbook))
    return facts, (*missing, *left_out)


def _taken(
    given: Mapping[str, object], alert: Alert, definitions: Definitions
) -> tuple[dict[str, Json], tuple[str, ...]]:
    """What fits of the facts that a start rule gives; how strong the evidence is follows from the alert alone."""
    facts, left_out = usable({name: one for name, one in given.items() if name != EVIDENCE}, definitions)
    return {**facts, **of_alert(alert, definitions)}, left_out


def as_received(alert: Alert, now: datetime) -> Alert:
    """Say when it came in. An instant in our future comes from a clock that is wrong: it counts as now."""
    if alert.received_at is not None:
        return alert
    if alert.occurred_at is None or alert.occurred_at <= now:
        return alert.model_copy(update={"received_at": now})
    ahead = math.ceil((alert.occurred_at - now).total_seconds())
    note = (
        f"The sender's clock is {timedelta(seconds=ahead)} ahead of ours: it says {alert.occurred_at.isoformat()}. "
        "What counts from the alert counts from our receipt."
    )
    notes = (note, *alert.notes)[:MAXIMUM_NOTES]
    return alert.model_copy(update={"received_at": now, "occurred_at": now, "ahead_seconds": ahead, "notes": notes})


def usable(raw: Mapping[str, object], definitions: Definitions) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The facts that fit, as JSON, and a sentence for each that does not: an alert never fails over a fact."""
    values: dict[str, Json] = {}
    said: list[str] = []
    for name, given in raw.items():
        definition = definitions.get(name)
        if definition is None:
            said.append(f"The fact {name} was left out: neither the playbook nor the law's vocabulary knows it.")
            continue
        try:
            value = write(stated(definition, given))
        except InvalidInput as error:
            said.append(f"The alert's {name} was left out: {error.problems[0].message}.")
            continue
        if value is not None:
            values[name] = value
    return values, tuple(said)


__all__ = ["Decision", "Here", "as_received", "facts_for", "take_in", "usable"]
