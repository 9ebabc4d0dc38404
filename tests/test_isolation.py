"""Every place where one thing's fault is kept from the others has a test that injects one there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.isolation import INJECTED, ROOT, named, of_tree, places


def test_every_place_has_a_test_that_injects_a_fault() -> None:
    """A new handler of everything needs one, and is named with its function in `tests/isolation.py`."""
    known = named()
    assert sorted(places() - known.keys()) == [], "name the test that injects a fault there"
    assert sorted(known.keys() - places()) == [], "nothing is caught there any more"


def test_every_test_that_is_named_is_there() -> None:
    """A test that was renamed or taken away no longer proves anything."""
    lost = [f"{file}::{test}" for file, tests in INJECTED.items() for test in {*tests.values()} - _tests_of(file)]
    assert lost == []


def _tests_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("except Exception:", True), ("except (OSError, Exception) as error:", True), ("except BaseException:", True),
        ("except:", True), ("except OSError:", False), ("except FiredoorError:", False),
    ],
)  # fmt: skip
def test_a_handler_of_everything_is_found(text: str, found: bool) -> None:
    """Whatever else it catches besides, and in whatever class or function it stands."""
    source = f"class One:\n  async def two(self):\n    try:\n      pass\n    {text}\n      pass\n"
    assert [name for name, _ in of_tree(ast.parse(source))] == (["One.two"] if found else [])


def test_what_swallows_without_a_handler_is_found(tmp_path: Path) -> None:
    """`suppress` of everything, and each of many."""
    lines = ("def a():\n  with contextlib.suppress(Exception):\n    pass\n", "def b():\n  list(each(x, y, z, n))\n")
    (tmp_path / "odd.py").write_text("".join(lines))
    assert places(tmp_path) == {"odd.py a", "odd.py b"}
