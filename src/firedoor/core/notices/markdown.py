"""Letters as blocks: the small part of Markdown that our notices are written in, read once for every form of paper.

Decides that a letter is headings, paragraphs, quotes and list items with bold words, and that a mark for something
missing stands out. Anything else is text as it stands: nothing of it is ever read as HTML. Leaves paper to `runtime`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MARK = re.compile(r"\[(?:missing: [^\]]+|to fill in(?:: [^\]]+)?)\]")
_SPAN = re.compile(rf"(?P<strong>\*\*(?P<inner>.+?)\*\*)|(?P<mark>{MARK.pattern})", re.DOTALL)
_HEADING = re.compile(r"(#{1,4}) +(.+)")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one look."""

    text: str
    strong: bool = False
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading (`level` 1 to 4), one item of a list, or a note to the house (quote)."""

    kind: Literal["heading", "paragraph", "item", "quote"]
    spans: tuple[Span, ...]
    level: int = 0

    @property
    def plain(self) -> str:
        """The words alone."""
        return "".join(span.text for span in self.spans)


def marks(text: str) -> list[str]:
    """Every place of a text that is still to be filled, once each, in order."""
    return list(dict.fromkeys(MARK.findall(text)))


def blocks(text: str) -> list[Block]:
    """Read a letter."""
    return [block for part in re.split(r"\n\s*\n", text.strip("\n")) for block in _part(part)]


def plain(text: str) -> str:
    """The letter as plain text, for a form that takes nothing else."""
    lines = []
    for block in blocks(text):
        prefix = {"item": "- ", "quote": "| "}.get(block.kind, "")
        words = block.plain.replace("\n", f"\n{' ' * len(prefix) if block.kind == 'item' else prefix}")
        lines.append((block.kind, f"{prefix}{words}"))
    joined = ""
    for number, (kind, words) in enumerate(lines):
        tight = number and kind == "item" and lines[number - 1][0] == "item"
        joined += words if not number else ("\n" if tight else "\n\n") + words
    return joined + "\n" if joined else ""


def _part(part: str) -> Iterator[Block]:
    """The blocks of lines that no empty line parts: a heading or an item stands on a line of its own."""
    held: list[str] = []
    kind: Literal["paragraph", "item", "quote"] = "paragraph"
    for raw in part.split("\n"):
        heading, line = _HEADING.fullmatch(raw.strip()), raw.rstrip()
        quote, item = line.startswith(">"), line.startswith("- ")
        starts = bool(heading) or item or quote != (kind == "quote")
        if starts and held:
            yield Block(kind, _spans("\n".join(held)))
            held = []
        if heading:
            yield Block("heading", _spans(heading[2]), len(heading[1]))
            kind = "paragraph"
            continue
        if starts or not held:
            kind = "quote" if quote else "item" if item else "paragraph"
        held.append(line.lstrip("> ") if quote else line[2:] if item else line.strip())
    if held:
        yield Block(kind, _spans("\n".join(held)))


def _spans(text: str) -> tuple[Span, ...]:
    found, at = [], 0
    for match in _SPAN.finditer(text):
        if match.start() > at:
            found.append(Span(text[at : match.start()]))
        if match["strong"]:
            found += [Span(span.text, strong=True, missing=span.missing) for span in _spans(match["inner"])]
        else:
            found.append(Span(match["mark"], missing=True))
        at = match.end()
    return (*found, Span(text[at:])) if at < len(text) else tuple(found)
