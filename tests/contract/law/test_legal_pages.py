"""The pages about the law are true: their commands run, and what they show is what comes out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.support.in_process import run_here

PAGES = Path(__file__).parents[3] / "docs" / "how-to"
BLOCK = re.compile(r"^```(yaml|json|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
Command = tuple[str, list[str]]


def files_of(page: str, folder: Path) -> None:
    """Write the files of a page: facts that name their file, and questions."""
    for language, body in BLOCK.findall((PAGES / page).read_text(encoding="utf-8")):
        named = re.match(r"# (\S+\.yaml)\n", body)
        if language == "yaml" and named:
            (folder / named[1]).write_text(body, encoding="utf-8")
        if language == "json":
            (folder / "questions.jsonl").write_text(body, encoding="utf-8")


def commands_of(page: str) -> list[Command]:
    """The commands of a page, each with the lines that it shows."""
    found: list[Command] = []
    for language, body in BLOCK.findall((PAGES / page).read_text(encoding="utf-8")):
        for line in body.splitlines() if language == "console" else ():
            if line.startswith("$ firedoor duties "):
                found.append((line.removeprefix("$ firedoor "), []))
            elif line.strip() and not line.startswith(("$", "   ")):
                found[-1][1].append(line)
    return found


SHOWN = [
    pytest.param(page, line, shown, id=f"{page}: {line[:60]}")
    for page in ("legal-clocks.md", "one-leak-four-laws.md")
    for line, shown in commands_of(page)
]


@pytest.mark.parametrize(("page", "line", "shown"), SHOWN)
def test_a_command_of_the_page_says_what_the_page_shows(page: str, line: str, shown: list[str], tmp_path: Path) -> None:
    """Blanks apart, every line that is shown is in the output."""
    files_of(page, tmp_path)
    done = run_here(*shlex.split(line), cwd=tmp_path)
    said = " ".join((done.stdout + done.stderr).split())
    assert shown
    assert [one for one in shown if " ".join(one.split()) not in said] == [], said


def test_the_pages_show_every_command_of_the_law() -> None:
    """list, show, due, due --batch and assess."""
    lines = " ".join(line for page in ("legal-clocks.md", "one-leak-four-laws.md") for line, _ in commands_of(page))
    assert all(f"duties {word}" in lines for word in ("list", "show", "due", "due --batch", "assess"))
