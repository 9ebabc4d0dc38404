from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture
from typer.main import get_command

from firedoor.interfaces.cli.alert_source_pages import pages
from firedoor.interfaces.cli.main import app
from firedoor.interfaces.cli.reference import PAGES, command_line

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
ROOT = get_command(app)


def test_the_page_of_the_command_line_is_current() -> None:
    """`make docs` writes docs/reference/command-line.md; when this fails, run it and commit the page."""
    assert (FOLDER / "command-line.md").read_text(encoding="utf-8") == command_line(ROOT)


@pytest.mark.parametrize("command", ["run", "answer", "journal", "duties due", "token create", "alert send"])
def test_the_page_names_every_command_with_its_options(command: str) -> None:
    """A section for each command, and a row for an option that it has."""
    text = command_line(ROOT)
    assert f"### `firedoor {command}" in text
    assert "| `--why TEXT` |" in text


def test_docs_writes_every_page(firedoor: Firedoor, tmp_path: Path) -> None:
    """Into a folder that it makes; the names are said."""
    said = firedoor("docs", tmp_path / "reference")
    assert said.code == 0
    lying = {str(file.relative_to(tmp_path / "reference")) for file in (tmp_path / "reference").rglob("*.*")}
    assert lying == {*PAGES, *pages()}
