"""How a fact is called where it is missing, for whoever has to find it out.

Decides the words for the facts that notices place most. Leaves the question that asks for a fact to the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping

LABELS: Mapping[str, str] = {
    "occurred_at": "when it happened or began", "noticed_at": "when it was noticed first",
    "aware_at": "since when it is certain", "discovered_at": "when it was discovered",
    "opened_at": "when the incident was opened here", "determined_at": "when it was determined",
    "suspected_at": "since when it was suspected",
    "known_at": "since when a person in the organisation knows", "root_cause": "the cause",
    "incident_description": "what happened, in plain words", "data_categories": "which kinds of data",
    "people_affected": "how many people, at least and at most", "jurisdictions": "in which countries the people live",
    "likely_consequences": "what it may mean for the people", "measures_taken": "what was done, and what is planned",
    "advice_to_people": "what the people can do", "risk_to_people": "how high the risk for the people is",
    "controller": "whether we are the controller or a processor", "reported_elsewhere": "where it was reported already",
    "request_received_at": "when the request came in", "rights_request_received_at": "when the request came in",
    "notice_received_at": "when the notice came in", "determined_material_at": "when it was determined to be material",
}  # fmt: skip

BECAME: Mapping[str, str] = {
    "aware_at": "when it became certain", "known_at": "when a person in the organisation knew",
    "suspected_at": "when it was suspected first",
}  # fmt: skip


def moment(name: str) -> str:
    """How an instant is called that something counts from: "when it was noticed first"."""
    return BECAME.get(name, label(name))


def label(name: str) -> str:
    """How a fact is called where it is missing."""
    return LABELS.get(name, name.replace("_", " "))
