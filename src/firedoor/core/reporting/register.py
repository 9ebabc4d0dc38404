"""The register of breaches that GDPR Art 33(5) asks for, as rows and as CSV: a pure fold of incidents.

Decides what a row holds: the facts of the incident, its effects, the remedial action, and
for each notice what became of it, with the reasoning for not notifying and the reasons for
a delay. One row for each duty to notify, one for an incident without any. Whether something
is a breach is a recorded qualification, not a condition for standing here. Leaves which
incidents are in it, and what a reader may see, to the interfaces.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from firedoor.core import ternary
from firedoor.core.facts import FactDefinition, Value, show
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.reporting.report import clock_line
from firedoor.core.ternary import UNKNOWN, Ternary

INCIDENT = ("incident", "title", "type", "state", "opened_at", "closed_at", "personal_data_breach")
# The facts of the breach, its effects and the remedial action, by the names of the facts.
FACTS = (
    "occurred_at", "aware_at", "incident_description", "root_cause", "data_categories", "people_affected",
    "records_affected", "risk_to_people", "likely_consequences", "measures_taken",
)  # fmt: skip
NOTICE = (
    "duty", "law", "addressee", "authority", "limit", "outcome", "settled_at", "decided_by", "reference",
    "reasons_for_not_notifying", "reasons_for_delay",
)  # fmt: skip
COLUMNS = (*INCIDENT, *FACTS, *NOTICE)
Row = dict[str, str]


def register(incidents: Iterable[IncidentView], definitions: Mapping[str, FactDefinition]) -> list[Row]:
    """Return the rows of incidents, in their order; every cell is text, what is not known is "unknown"."""
    return [row for view in incidents for row in _rows(view, definitions)]


def unreadable(incident: str, why: str) -> Row:
    """The row of an incident whose record cannot be read: it stands there all the same, and says so."""
    said = {"incident": incident, "title": "its record cannot be read", "incident_description": why}
    return {**dict.fromkeys(COLUMNS, "unknown"), **said}


def as_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """Write rows as CSV (RFC 4180) with a header. A cell never begins like a formula of a spreadsheet."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _safe(row[name]) for name in COLUMNS} for row in rows)
    return written.getvalue()


def _rows(view: IncidentView, definitions: Mapping[str, FactDefinition]) -> list[Row]:
    facts = typed_facts({name: view.facts.get(name) for name in FACTS}, definitions)
    incident = {**_incident(view, definitions), **{name: show(facts[name]) for name in FACTS}}
    notices = [_notice(clock) for clock in view.clocks.values() if _is_notice(clock)]
    return [{**incident, **notice} for notice in notices or [dict.fromkeys(NOTICE, "")]]


def _incident(view: IncidentView, definitions: Mapping[str, FactDefinition]) -> Row:
    return {
        "incident": view.id, "title": view.title, "type": str(view.type), "state": str(view.state),
        "opened_at": view.opened_at, "closed_at": view.closed_at or "",
        "personal_data_breach": str(_breach(typed_facts(view.facts, definitions))),
    }  # fmt: skip


def _breach(facts: Mapping[str, Value]) -> Ternary:
    """GDPR Art 4(12): a breach of security, and of personal data."""
    parts = (facts.get(name, UNKNOWN) for name in ("personal_data", "security_breach"))
    return ternary.all_of(part if isinstance(part, Ternary) else UNKNOWN for part in parts)


def _is_notice(clock: ClockRecord) -> bool:
    return clock.addressee != "internal"


def _notice(clock: ClockRecord) -> Row:
    line = clock_line(clock)
    ended = line["result"] in ("waived", "not_applicable", "superseded")
    last: Body = (line["history"] or [{}])[-1]
    return {
        "duty": line["duty"], "law": line["citation"], "addressee": clock.addressee,
        "authority": line["authority"], "limit": line["due"] or "no outer limit", "outcome": line["means"],
        "settled_at": line["settled_at"] or (str(last.get("at", "")) if ended else ""),
        "decided_by": str(line["by"] or (last.get("approver", "") if ended else "")),
        "reference": line["reference"],
        "reasons_for_not_notifying": str(line["why"] or last.get("why", "")) if ended else "",
        "reasons_for_delay": line["reasons_for_delay"],
    }  # fmt: skip


def _safe(cell: str) -> str:
    """Spreadsheets run cells that begin like this; an apostrophe makes them text."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
