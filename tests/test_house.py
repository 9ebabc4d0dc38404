"""Where modules lie and whom they import: packages without circles, and folders in which one finds something."""

from __future__ import annotations

from functools import cache

import pytest
from tests import house

FULL = 21  # files in a folder, besides `__init__`
# Folders that hold more, and how many today. Shrink the number when the folder shrinks; add nobody.
CROWDED = {
    "tests/contract": 41,
    "tests/attacks": 33,
}

# Imports inside functions today, by who has them: for a quick `--help`, and for parts that few need. They only fall.
LATE = {"core": 1, "demo": 2, "interfaces.cli": 155, "interfaces.web": 8, "runtime": 19, "store": 1}
UNTYPED = 0.4  # of a hundred annotations hold Any; it only falls


@cache
def graph() -> house.Graph:
    """All imports, the late ones too: a circle that only shows when a function runs is a circle."""
    return house.imports(house.modules(), late=True)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Late imports are for a quick `--help`, never for a circle."""
    assert house.circles(graph()) == []


@pytest.mark.parametrize("scope", house.LAYERED)
def test_no_packages_import_each_other_in_a_circle(scope: str) -> None:
    """Whoever reads one package needs those below it, and none above."""
    assert house.circles(house.boxes(graph(), scope)) == []


ONE_EACH = {"src/firedoor/connectors", "tests/contract/rigs"}  # one file is one connector, or its rig, by its place


def test_a_folder_holds_what_one_can_look_through() -> None:
    """About twenty files; what holds more is listed with a reason, and its number only falls."""
    found = {folder: count for folder, count in house.folders().items() if count > FULL and folder not in ONE_EACH}
    assert {folder: count for folder, count in found.items() if count > CROWDED.get(folder, 0)} == {}


def test_late_imports_only_fall() -> None:
    """Each hides a dependency from whoever reads the top of a file; take the number down with the import."""
    found = house.late_imports(house.modules())
    assert {part: count for part, count in found.items() if count > LATE.get(part, 0)} == {}


def test_annotations_that_say_nothing_only_fall() -> None:
    """`Any` where the one truth lies finds no mistake."""
    total, untyped, _ = house.typed(house.modules().values())
    assert round(100 * untyped / total, 1) <= UNTYPED


def test_a_circle_would_be_found() -> None:
    """What the tests above rest on."""
    three = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert house.circles(three) == [["a", "b", "c"]]
    assert house.boxes({"firedoor.core.a.x": {"firedoor.core.b"}}, "core") == {"a": {"b"}}
