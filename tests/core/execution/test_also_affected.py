"""Other targets that the lineage names: people are asked about them, and a person's list stands."""

from __future__ import annotations

from typing import Any

from firedoor.core.execution.also_affected import MOST, named
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.incident.view import IncidentView
from firedoor.core.inventory.graph import graph_of
from firedoor.core.inventory.lineage import Lineage
from firedoor.core.targets import Inventory

DOORS = [{"name": "gate", "connector": "http"}]
DEFINITIONS = {
    "endpoint": FactDefinition(name="endpoint", type=FactType.TARGET),
    "other_targets": FactDefinition(name="other_targets", type=FactType.LIST),
}


def lineage(children: int = 1) -> Lineage:
    """One model with a door, adapters of it with doors of their own, and a guard that is never suspended."""
    inventory = Inventory.model_validate({
        "targets": {
            "chat": {"model": "chat@3", "doors": DOORS}, "apart": {"model": "x", "doors": DOORS},
            "guard": {"model": "chat@3", "doors": DOORS, "never_suspend": True, "because": "it protects"},
            **{f"chat-{n}": {"model": f"a{n}", "doors": DOORS} for n in range(children)},
        },
        "models": {"chat@3": {}, **{f"a{n}": {"kind": "adapter", "base": ["chat@3"]} for n in range(children)}},
    })  # fmt: skip
    return Lineage(inventory, graph_of(inventory))


def view(by: str = "source:generic", **facts: Any) -> IncidentView:
    """An incident with these facts."""
    made = IncidentView("INC-1")
    made.apply("facts.set", by, {"values": facts}, "2026-11-20T12:00:00+00:00", 2)
    return made


def test_what_serves_a_model_made_from_it_is_named_with_the_way() -> None:
    """Beside what alerts named already; never what is never suspended, and not itself."""
    (draft,) = named(view(endpoint="chat", other_targets=["apart"]), DEFINITIONS, lineage())
    assert draft.body["values"] == {"other_targets": ["apart", "chat-0"]}
    assert "chat@3 is the base of a0; a0 is served by chat-0" in draft.body["why"]
    assert draft.actor == "firedoor"


def test_each_is_named_once() -> None:
    """The next turn has nothing to add."""
    made, known = view(endpoint="chat"), lineage()
    (draft,) = named(made, DEFINITIONS, known)
    made.apply("facts.set", "firedoor", draft.body, "2026-11-20T12:01:00+00:00", 3)
    assert named(made, DEFINITIONS, known) == []


def test_a_corrected_endpoint_plans_again() -> None:
    """An edge that shows in the middle of an incident is followed then."""
    made, known = view(endpoint="apart"), lineage()
    assert named(made, DEFINITIONS, known) == []
    made.apply("facts.set", "person:ana", {"values": {"endpoint": "chat"}}, "2026-11-20T12:01:00+00:00", 3)
    assert named(made, DEFINITIONS, known)[0].body["values"] == {"other_targets": ["chat-0"]}


def test_a_list_that_a_person_said_stands() -> None:
    """Also an empty one; and where there is no lineage, no endpoint or no such fact, nothing is said."""
    assert named(view("person:ana", endpoint="chat", other_targets=[]), DEFINITIONS, lineage()) == []
    assert named(view(endpoint="chat"), DEFINITIONS, None) == []
    assert named(view(), DEFINITIONS, lineage()) == []
    assert named(view(endpoint="nobody-knows"), DEFINITIONS, lineage()) == []
    assert named(view(endpoint="chat"), {}, lineage()) == []


def test_too_many_are_not_cut_off_in_silence() -> None:
    """The entry says how many more there are, and how to see them."""
    (draft,) = named(view(endpoint="chat"), DEFINITIONS, lineage(MOST + 3))
    assert len(draft.body["values"]["other_targets"]) == MOST
    assert draft.body["why"].endswith("; 3 more: `firedoor inventory graph chat`")
