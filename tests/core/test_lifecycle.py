"""The states of an incident: one table."""

from __future__ import annotations

import pytest

from firedoor.core.lifecycle import TRANSITIONS, Event, State, ended, move
from firedoor.core.problems import Refused


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_the_table_decides_and_nothing_else(state: State, event: Event) -> None:
    """Each of the 36 pairs either moves as the table says or is refused with what is possible instead."""
    if (state, event) in TRANSITIONS:
        assert move(state, event) is TRANSITIONS[state, event]
        return
    with pytest.raises(Refused) as caught:
        move(state, event)
    assert caught.value.problems[0].code == "I101"
    assert all(other in caught.value.problems[0].do for known, other in TRANSITIONS if known is state)


def test_only_closed_and_dismissed_incidents_have_ended() -> None:
    """Everything else still asks for something."""
    assert {state for state in State if ended(state)} == {State.CLOSED, State.DISMISSED}


def test_what_has_ended_can_only_be_reopened() -> None:
    """Nothing slips into an incident that was closed."""
    assert {event for state, event in TRANSITIONS if ended(state)} == {Event.REOPEN}


def test_closing_follows_remediation() -> None:
    """No way leads from open or confirmed to closed past containment and remediation."""
    assert [state for (state, event) in TRANSITIONS if event is Event.CLOSE] == [State.REMEDIATED]
