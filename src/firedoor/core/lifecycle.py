"""Incident types, phases and states, and which event moves an incident from one state to the next.

Decides the one table of transitions. Leaves when an event happens to the
playbook (through `Mark` operations) and to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from firedoor.core.problems import Problem, Refused


class IncidentType(StrEnum):
    """The three incidents that Firedoor runs."""

    UNAUTHORIZED_TRAINING = "unauthorized_ai_training"
    NONCONSENSUAL_GENERATION = "nonconsensual_content_generation"
    DATA_LEAKAGE = "data_leakage_in_ai_models"


class Phase(StrEnum):
    """The four phases, in order."""

    IDENTIFICATION = "identification"
    CONTAINMENT = "containment"
    REMEDIATION = "remediation"
    POST_INCIDENT = "post_incident"


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"  # suspected; being identified
    CONFIRMED = "confirmed"  # a named person said that it is real
    CONTAINED = "contained"  # the containment phase is done
    REMEDIATED = "remediated"  # causes mended, people told
    CLOSED = "closed"  # reviewed, every duty met or waived
    DISMISSED = "dismissed"  # a named person said that it was a false alarm; still needs closing of duties


class Event(StrEnum):
    """What can happen to an incident as a whole."""

    CONFIRM = "confirm"
    CONTAIN = "contain"
    REMEDIATE = "remediate"
    CLOSE = "close"
    DISMISS = "dismiss"
    REOPEN = "reopen"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.OPEN, Event.CONFIRM): State.CONFIRMED,
    (State.OPEN, Event.CONTAIN): State.CONTAINED,
    (State.OPEN, Event.DISMISS): State.DISMISSED,
    (State.CONFIRMED, Event.CONFIRM): State.CONFIRMED,
    (State.CONFIRMED, Event.CONTAIN): State.CONTAINED,
    (State.CONFIRMED, Event.DISMISS): State.DISMISSED,
    (State.CONTAINED, Event.CONFIRM): State.CONTAINED,
    (State.CONTAINED, Event.REMEDIATE): State.REMEDIATED,
    (State.CONTAINED, Event.DISMISS): State.DISMISSED,
    (State.REMEDIATED, Event.CLOSE): State.CLOSED,
    (State.REMEDIATED, Event.CONFIRM): State.REMEDIATED,
    (State.REMEDIATED, Event.DISMISS): State.DISMISSED,
    (State.CLOSED, Event.REOPEN): State.CONFIRMED,
    (State.DISMISSED, Event.REOPEN): State.OPEN,
}


def move(state: State, event: Event) -> State:
    """Return the next state. Raises Refused when the table has no such transition."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        allowed = ", ".join(sorted(e for s, e in TRANSITIONS if s is state)) or "nothing"
        raise Refused(
            Problem(
                code="I101", message=f"an incident that is {state} cannot {event}", do=f"from here it can: {allowed}"
            )
        )
    return following


def ended(state: State) -> bool:
    """Whether nothing more happens unless someone reopens the incident."""
    return state in (State.CLOSED, State.DISMISSED)
