"""The severity of an incident after further alerts: raised by a more severe one, never lowered by a machine.

Decides that what a person has said of the severity stands, that a resolved alert and weak
evidence raise nothing, and that the source of the alert stands in the journal as the one that
raised it. Leaves to `second_look` what is then suspended without asking.
"""

from __future__ import annotations

from collections.abc import Iterator

from firedoor.core.alert import Method, Strength
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.severity import Severity
from firedoor.core.view import IncidentView

SEVERITY, PERSON = "severity", "person:"


def raised(view: IncidentView) -> list[Draft]:
    """Return the entry that raises the severity to that of the most severe alert since it was set; mostly none."""
    setter, since = view.fact_sources.get(SEVERITY, ("", 0))
    if setter.startswith(PERSON) or view.alerted_seq <= since:
        return []
    worst = max(_worse(view, since), key=lambda record: Severity(record["severity"]).rank, default=None)
    if worst is None:
        return []
    title = f' "{worst["title"]}"' if worst.get("title") else ""
    why = f"a further alert{title} is more severe: {worst['severity']}, and the incident was {view.severity}"
    values: Body = {SEVERITY: str(worst["severity"])}
    return [Draft(Kind.FACTS, f"source:{worst.get('source', 'unknown')}", {"values": values, "why": why})]


def _worse(view: IncidentView, since: int) -> Iterator[Body]:
    """The alerts after that entry that are more severe than the incident."""
    for alert in view.alerts:
        record, severity = alert.get("alert", {}), alert.get("alert", {}).get("severity")
        telling = record.get("status") != "resolved" and not _weak(record)
        if severity and telling and alert["seq"] > since and Severity(severity) > view.severity:
            yield record


def _weak(record: Body) -> bool:
    method = record.get("method")
    return method in tuple(Method) and Method(method).strength is Strength.WEAK
