"""What people read is written in the words of the field: the console, the help, the problems, the documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
from tests.words import EVERYWHERE, SCREENS, TITLES

from firedoor.interfaces.cli.main import app

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "firedoor"
PAGES = SOURCE / "templates" / "console"
CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
LITERAL = re.compile(r"\"([^\"]*)\"|'([^']*)'")
READ_ALOUD = re.compile(r"(?:aria-label|placeholder|data-say)=\"([^\"]*)\"")
TITLE = re.compile(r"<(?:h1|h2|h3|button|a)\b[^>]*>([^<>{}]+)</")

Said = tuple[str, str]  # where it is read, and the text


def template_texts() -> Iterator[Said]:
    """The literal text of every page: between the tags, read aloud by a screen reader, or in an expression."""
    for page in sorted(PAGES.glob("*.j2")):
        for number, line in enumerate(page.read_text().split("\n"), 1):
            where = f"{page.name}:{number}"
            for code in CODE.findall(line):
                yield from ((where, one or other) for one, other in LITERAL.findall(code))
            bare = CODE.sub(" ", line)
            yield from ((where, text) for text in READ_ALOUD.findall(bare))
            yield where, re.sub(r"<[^>]*>", "", bare)


def help_texts() -> Iterator[Said]:
    """The help of every command, argument and option."""
    yield from _help("firedoor", typer.main.get_command(app))


def _help(name: str, command: Any) -> Iterator[Said]:
    yield name, command.help or ""
    for option in command.params:
        yield f"{name} {option.name}", getattr(option, "help", "") or ""
    for each, found in getattr(command, "commands", {}).items():
        yield from _help(f"{name} {each}", found)


def document_texts() -> Iterator[Said]:
    """Every document but the decisions, which say what was thought on their day."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if page.parent.name != "decisions":
            lines = page.read_text().split("\n")
            yield from ((f"{page.relative_to(ROOT)}:{number}", line) for number, line in enumerate(lines, 1))


def code_texts() -> Iterator[Said]:
    """What a problem says and advises anywhere; on the console, every text in the code but docstrings."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        console = "console" in path.parts or path.name == "words.py"
        roots = [tree] if console else _problems(tree)
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for root in roots:
            for node in ast.walk(root):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", node.value


def _problems(tree: ast.Module) -> list[ast.AST]:
    return [
        word.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg in ("message", "do")
    ]


def wrong(texts: Iterator[Said], phrases: Mapping[str, str]) -> list[str]:
    """Where a phrase is used, and what to write in its place."""
    patterns = {re.compile(rf"\b{re.escape(phrase)}\b", re.IGNORECASE): phrase for phrase in phrases}
    return [
        f"{where}: “{phrase}”: write “{phrases[phrase]}”"
        for where, text in texts
        for pattern, phrase in patterns.items()
        if pattern.search(text)
    ]


def test_pages_of_the_console_use_the_words_of_the_field() -> None:
    """A tired person reads them: the state first, no aphorisms, no names that only we know."""
    assert wrong(template_texts(), {**EVERYWHERE, **SCREENS}) == []


def test_headings_links_and_buttons_use_the_words_of_the_field() -> None:
    """One word alone must be the one that people look for."""
    said = [
        f"{page.name}: “{text}”: write “{TITLES[text.strip().casefold()]}”"
        for page in sorted(PAGES.glob("*.j2"))
        for text in TITLE.findall(page.read_text())
        if text.strip().casefold() in TITLES
    ]
    assert said == []


def test_help_uses_the_words_of_the_field() -> None:
    """`firedoor --help` is what somebody reads who was woken up."""
    texts = list(help_texts())
    assert len(texts) > 300
    assert wrong(iter(texts), {**EVERYWHERE, **SCREENS}) == []


def test_problems_and_the_code_of_the_console_use_the_words_of_the_field() -> None:
    """A problem is read when something went wrong already."""
    assert wrong(code_texts(), EVERYWHERE) == []


def test_documents_use_the_words_of_the_field() -> None:
    """The manual says what the screen says."""
    assert wrong(document_texts(), EVERYWHERE) == []


def test_a_phrase_is_found_wherever_people_read_it() -> None:
    """The net has no hole where a text is in an expression, an attribute or between tags."""
    texts = " ".join(text for _, text in template_texts())
    for known in ("Legal deadlines", "Open task", "Nobody in", "Delete nothing")[:2]:
        assert known in texts
