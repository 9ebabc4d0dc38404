"""Names in a playbook that this installation has not, and words that an alert never holds."""

from __future__ import annotations

import pytest
from tests.core.pages import compiled, page, read, refused, steps

from firedoor.core.targets import Inventory
from firedoor.runtime.config.names_elsewhere import names_elsewhere

SOURCES = frozenset(("generic", "presidio"))
PRESERVED = '- preserve: [request_log]\n  of: "{{ facts.endpoint }}"\n'
WITH_DOOR = steps(f'{PRESERVED}- suspend: "{{{{ facts.endpoint }}}}"\n  doors: [platfrom]')
DOORS = Inventory.model_validate({"targets": {"m": {"doors": [{"name": "platform", "connector": "http"}]}}})


def told(text: str, inventory: Inventory) -> list[tuple[str, str]]:
    """The codes and the advice of the warnings about a page."""
    found = list(names_elsewhere(read(text), compiled(text), SOURCES, inventory))
    assert all(one.severity == "warning" and one.place for one in found)
    return [(one.code, one.do) for one in found]


def test_a_start_rule_for_a_source_that_is_not_there_is_a_warning() -> None:
    """It never starts; `any` is every source."""
    text = page(("source: generic", "source: presido"))
    assert told(text, Inventory()) == [("P326", 'did you mean "presidio"? known: generic, presidio')]
    assert told(page(("source: generic", "source: any")), Inventory()) == told(page(), Inventory()) == []


def test_a_door_that_no_target_has_is_a_warning() -> None:
    """Every door of the target is tried instead. Without an inventory nobody knows."""
    assert told(WITH_DOOR, DOORS) == [("P327", 'did you mean "platform"? known: platform')]
    assert told(WITH_DOOR.replace("platfrom", "platform"), DOORS) == told(WITH_DOOR, Inventory()) == []


@pytest.mark.parametrize(
    ("when", "meant"),
    [
        ('alert.incident_type == "data_leakage"', "data_leakage_in_ai_models"), ('alert.method == "canry"', "canary"),
        ("alert.severity >= hihg", "high"), ('alert.status == "fireing"', "firing"),
        ('alert.severity == "hihg"', "info, low, medium, high, critical"),
    ],
)  # fmt: skip
def test_a_start_rule_that_can_never_hold_is_refused(when: str, meant: str) -> None:
    """An alert never holds the word that it is compared with."""
    (problem,) = refused(page(("alert.severity >= high", when)))
    assert meant in problem.do, problem
