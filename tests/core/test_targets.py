"""The inventory: what is refused in it, and what it is warned about."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from firedoor.core.targets import Artefact, Door, HttpProbe, Inventory, Target, inventory_problems
from firedoor.demo.targets import demo_inventory

DOOR = Door(name="admin", connector="http")
PROBE = HttpProbe(url="http://127.0.0.1:9")


def inventory(**change: Any) -> Inventory:
    """Return two targets that are each other's neighbours, the first one changed."""
    first = Target(id="a", doors=(DOOR,), probe=PROBE, neighbours=("b",))
    second = Target(id="b", doors=(DOOR,), probe=PROBE, neighbours=("a",))
    return Inventory(targets={"a": first.model_copy(update=change), "b": second})


def test_a_whole_inventory_has_no_problem() -> None:
    """Two targets with probes that look after each other."""
    assert inventory_problems(inventory()) == ()


def test_the_demonstration_has_a_whole_inventory() -> None:
    """Every target of it has a probe, a neighbour and evidence."""
    assert inventory_problems(demo_inventory("http://127.0.0.1:9")) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "c"}, "is listed as"),
        ({"doors": (DOOR, DOOR)}, "two doors of one name"),
        ({"neighbours": ("bb",)}, "not listed"),
        ({"neighbours": ("a",)}, "its own neighbour"),
        ({"evidence": {"log": Artefact()}}, "a url or a file"),
        ({"evidence": {"log": Artefact(url="http://x", file="/x")}}, "a url or a file"),
    ],
)
def test_what_cannot_work_is_an_error(change: dict[str, Any], words: str) -> None:
    """Each mistake is named with the target and what to do."""
    found = [problem for problem in inventory_problems(inventory(**change)) if problem.severity == "error"]
    assert [words in problem.message and bool(problem.do) for problem in found] == [True]


def test_a_neighbour_that_cannot_be_asked_is_an_error() -> None:
    """Without its probe nothing shows that it was spared."""
    messages = [problem.message for problem in inventory_problems(inventory(probe=None))]
    assert 'b has a neighbour "a" without a probe' in messages


@pytest.mark.parametrize("change", [{"probe": None, "neighbours": ()}, {"neighbours": ()}])
def test_what_stays_unproved_is_a_warning(change: dict[str, Any]) -> None:
    """It may be used, and the person knows beforehand what will stay unknown."""
    found = [problem for problem in inventory_problems(inventory(**change)) if problem.message.startswith("a ")]
    assert {problem.severity for problem in found} == {"warning"}


def test_a_wrong_key_of_ours_does_not_look_like_a_closed_model() -> None:
    """401 counts as refused only where somebody writes it down."""
    assert 401 not in PROBE.refused
    assert 401 in HttpProbe(url="http://x", refused=(401,)).refused


@pytest.mark.parametrize("field", ["prob", "door"])
def test_a_misspelt_key_is_refused(field: str) -> None:
    """The inventory has no keys that nobody reads."""
    with pytest.raises(ValidationError, match="not permitted"):
        Target.model_validate({"id": "a", "doors": [{"name": "x", "connector": "http"}], field: 1})


def test_a_target_is_named_by_where_it_stands() -> None:
    """In the file the id is the key; repeating it wrongly is an error."""
    written = {"a": {"doors": [{"name": "x", "connector": "http"}]}, "b": {"id": "c", "doors": [DOOR]}}
    read = Inventory.model_validate({"targets": written})
    assert read.targets["a"].id == "a"
    assert any("is listed as" in problem.message for problem in inventory_problems(read))
