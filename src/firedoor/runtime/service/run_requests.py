"""A run that somebody started in Prefect, as a question: the alert that asks, and what is taken over from it.

Decides that such a run opens nothing by itself. Prefect knows one secret and no people, so what its form says is a
claim of somebody unknown; a responder reads it in Firedoor among the alerts and opens the incident in their own name,
or does not. The run then conducts that incident. Leaves storing the alert and opening the incident to the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import orjson

from firedoor.core.alerts.alert import MAXIMUM_LABELS, Alert
from firedoor.core.alerts.evidence_strength import read_given
from firedoor.core.alerts.intake import Here, facts_for, usable
from firedoor.core.canonical import digest
from firedoor.core.facts import FactDefinition, write
from firedoor.core.json_types import Json
from firedoor.core.playbook.plan import Plan
from firedoor.core.severity import Severity

SOURCE = "prefect.run"  # no mapping can have a name with a dot, so nobody can send such an alert
ACTOR = "system:prefect"
PLAYBOOK = "playbook"
_FACT = "fact."
LONGEST = 256  # characters of one fact as JSON; what is longer is typed anew by the person who agrees
ASKED = (
    "Somebody started this playbook in Prefect, which cannot say who it was: a responder opens the incident, or not."
)


def asked(plan: Plan, facts: Mapping[str, object], title: str, why: str, flow_run_id: str, now: datetime) -> Alert:
    """Return the alert that asks. Raises InvalidInput for facts that the playbook does not take."""
    definitions = plan.definitions()
    values = {name: write(value) for name, value in read_given(definitions, facts, now).items()}
    labels = {PLAYBOOK: plan.playbook[:LONGEST]}
    left: list[str] = []
    for name, value in values.items():
        text = orjson.dumps(value).decode()
        if _keep(definitions[name], text) and len(labels) < MAXIMUM_LABELS:
            labels[f"{_FACT}{name}"] = text
        else:
            left.append(name)
    notes = [f"Its reason: {why}"[:500]] if why else []
    notes += [f"Not taken over, because it is long or sealed: {', '.join(left)}."[:500]] if left else []
    return Alert(
        source=SOURCE, source_id=flow_run_id, fingerprint=digest([SOURCE, flow_run_id]), incident_type=plan.incident,
        title=(title or plan.title)[:200], severity=_severity(values), detector="Prefect", labels=labels,
        notes=tuple(notes), raw_sha256=digest([flow_run_id, values, title, why]),
    )  # fmt: skip


def facts_from(alert: Alert, playbook: str, here: Here) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The facts that a playbook takes from an alert or from Prefect's form, and a sentence for each that it cannot."""
    if run_of(alert, playbook) is None:
        return facts_for(alert, playbook, here)
    said = {name: text for name, text in alert.labels.items() if name.startswith(_FACT)}
    given = {name.removeprefix(_FACT): orjson.loads(text) for name, text in said.items()}
    return usable(given, here.definitions(playbook))


def run_of(alert: Alert, playbook: str) -> str | None:
    """The flow run that conducts the incident; None for an alert of another kind, or for another playbook."""
    return alert.source_id if alert.source == SOURCE and alert.labels.get(PLAYBOOK) == playbook else None


def _keep(definition: FactDefinition, text: str) -> bool:
    return len(text) <= LONGEST and not definition.sealed


def _severity(values: Mapping[str, object]) -> Severity | None:
    return Severity(str(values["severity"])) if values.get("severity") else None
