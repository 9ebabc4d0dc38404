"""What further alerts add to an incident: never less than was known, and never against a person's word."""

from __future__ import annotations

from typing import Any

import pytest

from firedoor.core.execution.severity_updates import raised
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.incident.view import IncidentView

TYPES = {
    "endpoint": FactType.TARGET, "other_targets": FactType.LIST, "people_affected": FactType.COUNT,
    "minor": FactType.FLAG, "content_locators": FactType.LIST, "note": FactType.TEXT,
}  # fmt: skip
DEFINITIONS = {name: FactDefinition(name=name, type=kind) for name, kind in TYPES.items()}


def view(*told: dict[str, Any], by: str = "source:generic", known: bool = True, **facts: Any) -> IncidentView:
    """An incident of medium severity with these facts, and a further alert for each `told`."""
    made = IncidentView("INC-1", severity_known=known)
    made.apply("facts.set", by, {"values": facts}, "2026-11-20T12:00:00+00:00", 2)
    for seq, one in enumerate(told, 3):
        record = {"source": "generic", "status": "firing", **one.pop("alert", {})}
        made.apply(
            "alert.attached", "source:generic", {"alert": record, "facts": one}, "2026-11-20T12:01:00+00:00", seq
        )
    return made


def added(made: IncidentView) -> dict[str, Any]:
    """The facts that the alerts add."""
    drafts = raised(made, DEFINITIONS)
    return dict(drafts[0].body["values"]) if drafts else {}


@pytest.mark.parametrize(
    ("held", "told", "then"),
    [
        (2, 40, {"people_affected": 40}),
        (40, 2, {}),
        (2, {"min": 1, "max": 9}, {"people_affected": {"min": 2, "max": 9}}),
        ({"min": 5, "max": None}, 3, {}),
        (None, 3, {"people_affected": 3}),
    ],
)
def test_a_count_becomes_wide_enough_for_both(held: Any, told: Any, then: dict[str, Any]) -> None:
    """At least as many as either says, and no upper end where one of them has none."""
    assert added(view({"people_affected": told}, people_affected=held)) == then


def test_another_endpoint_is_one_of_the_other_targets() -> None:
    """The incident's own endpoint stays; people are asked about the others."""
    made = view({"endpoint": "b"}, {"endpoint": "c"}, {"endpoint": "a"}, endpoint="a")
    assert added(made) == {"other_targets": ["b", "c"]}


def test_what_was_not_known_becomes_known_and_what_was_said_first_stands() -> None:
    """Lists hold what either names; a word that was said is not replaced."""
    made = view({"endpoint": "b", "note": "two", "content_locators": ["y", "x"]}, note="one", content_locators=["x"])
    assert added(made) == {"endpoint": "b", "content_locators": ["x", "y"]}


def test_a_suspected_minor_counts_although_it_was_denied() -> None:
    """The human legal branch is forced by any alert that suspects it, and by no alert taken back."""
    assert added(view({"minor": "yes"}, minor="no")) == {"minor": "yes"}
    assert added(view({"minor": "no"}, minor="yes")) == {}


def test_a_persons_word_stands() -> None:
    """Also when the person said that it is not known."""
    told = {"people_affected": 40, "minor": "yes", "alert": {"severity": "critical"}}
    assert added(view(told, by="person:Ada", people_affected=2, minor=None, severity="low")) == {}


@pytest.mark.parametrize("alert", [{"status": "resolved"}, {"method": "score_drop"}])
def test_what_proves_nothing_adds_nothing(alert: dict[str, Any]) -> None:
    """A resolved alert and weak evidence."""
    assert added(view({"people_affected": 40, "alert": {"severity": "critical", **alert}}, people_affected=2)) == {}


def test_a_severity_that_nobody_had_said_is_taken_as_it_is() -> None:
    """Medium was a stand-in for the lists: a low one is news."""
    assert added(view({"alert": {"severity": "low"}}, known=False)) == {"severity": "low"}
    assert added(view({"alert": {"severity": "low"}})) == {}


def test_the_same_alerts_are_looked_at_once() -> None:
    """A long incident with many alerts costs nothing at each turn."""
    made = view({"people_affected": 40}, people_affected=2)
    assert [bool(raised(made, DEFINITIONS)) for _ in range(2)] == [True, False]
