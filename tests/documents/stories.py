"""The stories that reports and notices are made from in these tests: one drill of each playbook that ships.

python -m tests.documents.stories    writes the goldens again, after a change that was meant and looked at
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.documents import letters

from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import fold
from firedoor.core.notices.drafts import Draft
from firedoor.core.reporting.report import report
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.documents.report import render_html, render_markdown
from firedoor.runtime.rehearsal.drill import DrillResult, rehearse_all
from firedoor.templates import render_draft

GOLDENS = Path(__file__).parent / "goldens"
PLAYBOOKS = {"model-data-leakage": 0, "nonconsensual-generation": 0, "unauthorized-training": 1}  # which drill of each
WORDS = {
    "name": "Example AI", "address": "Testville", "contact_name": "Carla", "contact_email": "carla@example.org",
    "contact_phone": "0", "dpo_name": "Dora", "dpo_email": "dora@example.org",
}  # fmt: skip


@dataclass(frozen=True)
class Story:
    """One drill that went as expected."""

    playbook: str
    result: DrillResult

    def report(self) -> dict[str, Any]:
        """Its report."""
        plan = playbooks.compiled(self.playbook)
        return report(self.result.entries, plan, {**catalogue().facts, **plan.definitions()}, organisation=WORDS)

    def html(self) -> str:
        """Its report as a page."""
        return render_html(self.report())

    def drafts(self) -> dict[str, Draft]:
        """The notice of every clock, from what was known in the end."""
        plan = playbooks.compiled(self.playbook)
        view = fold("INC-DRILL", self.result.entries)
        facts = typed_facts(view.facts, {**catalogue().facts, **plan.definitions()})
        people = ("individuals", "people")
        families = {True: "people", False: "authorities"}
        return {
            name: render_draft(clock, view, facts, WORDS, families[clock.addressee in people])
            for name, clock in view.clocks.items()
        }


@cache
def story(playbook: str) -> Story:
    """The drill of a playbook that starts clocks."""
    read = playbooks.load_playbook(playbook)
    drill = read.header.drills[PLAYBOOKS[playbook]].drill
    return Story(playbook, rehearse_all(read, playbooks.compiled(playbook), catalogue(), drill)[0])


def told(text: str) -> str:
    """What a report tells, without digests and without the long lists that any change of a playbook moves."""
    return shortened(text, ("## Decisions", "## Evidence", "## Timeline", "## How to"))


def shortened(text: str, without: tuple[str, ...]) -> str:
    """A text without some of its parts, and without digests."""
    parts = [part for part in re.split(r"(?m)^(?=## )", text) if not part.startswith(without)]
    return re.sub(r"[0-9a-f]{12,64}", "(digest)", "".join(parts))


class _Visible(HTMLParser):
    """What a reader of a page sees: its words, a line for each block; also the words in its pictures."""

    SKIPPED = frozenset(("style", "details"))  # what is known at a decision stands in numbers as well
    BLOCKS = frozenset(("p", "li", "dt", "dd", "h1", "h2", "h3", "tr", "text", "figcaption", "summary", "title", "div"))

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line; what is skipped is not read."""
        self.hidden = self.hidden or tag in self.SKIPPED
        self.words.append("\n" if tag in self.BLOCKS else " | " if tag in {"td", "th"} else "")
        self.words.append("\n## " if tag == "h2" else "")

    def handle_endtag(self, tag: str) -> None:
        """What was skipped ends."""
        self.hidden = self.hidden and tag not in self.SKIPPED

    def handle_data(self, data: str) -> None:
        """Words."""
        self.words.append("" if self.hidden else data)


def visible(page: str) -> str:
    """The words of a page without the lists that any change of a playbook moves; its decisions stay."""
    reader = _Visible()
    reader.feed(page)
    lines = [" ".join(line.split()) for line in "".join(reader.words).splitlines()]
    text = "\n".join(line for line in lines if line.strip(" |"))
    return shortened(text, ("## Evidence", "## Timeline", "## How to"))


def kept(report: dict[str, Any]) -> str:
    """The report as JSON, with the long lists counted."""
    counted = {name: f"({len(report[name])} lines)" for name in ("timeline", "evidence", "decisions")}
    shown = {**report, **counted, "chain": sorted(report["chain"])}
    text = json.dumps(shown, indent=1, ensure_ascii=False, sort_keys=True)
    return re.sub(r"[0-9a-f]{12,64}", "(digest)", text) + "\n"


def goldens() -> dict[str, str]:
    """Every golden by its name: the report as Markdown, HTML and JSON, the notices of each story, and the letters."""
    found = {"letters.md": letters.every_letter()}
    for name in PLAYBOOKS:
        one = story(name)
        found[f"{name}.report.md"] = told(render_markdown(one.report()))
        found[f"{name}.report.txt"] = visible(one.html())
        found[f"{name}.report.json"] = kept(one.report())
        texts = (f"<!-- {clock} ({draft.template}) -->\n\n{draft.text}" for clock, draft in one.drafts().items())
        found[f"{name}.notices.md"] = "\n".join(texts)
    return found


def main() -> None:
    """Write the goldens."""
    GOLDENS.mkdir(exist_ok=True)
    for name, text in goldens().items():
        (GOLDENS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
