"""Texts: drafts for authorities and letters to people, as Jinja2 files, and the one function that fills them.

Decides which templates exist. A notice in several languages is one structure (`NAME.md.j2`) in which `[[key]]` stands
for words, and the words of each language stand in `core.translations`; so every language places the same facts by the
same rules. Leaves choosing and filling to `core.drafts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from firedoor.core.clocks.request_clocks import facts_of_clock
from firedoor.core.facts import Value
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.notices.drafts import Draft, Matter, language_of, render, template_of, uses
from firedoor.core.notices.forms import layout
from firedoor.core.translations import DEFAULT, TRANSLATIONS
from firedoor.templates.forms import known_forms

NOTICES = Path(__file__).parent / "notices"
SUFFIX = ".md.j2"
_KEY = re.compile(r"\[\[(\w+)\]\]")


@cache
def notices() -> dict[str, str]:
    """Every notice by its name, `NAME` in English and `NAME-de` in German: the text of its template."""
    found: dict[str, str] = {}
    for path in sorted(NOTICES.glob(f"*{SUFFIX}")):
        name, text = path.name.removesuffix(SUFFIX), path.read_text(encoding="utf-8")
        for language, words in _words(name).items():
            said = _KEY.sub(lambda key, words=words: words[key[1]], text)  # type: ignore[misc]
            found[name if language == DEFAULT else f"{name}-{language}"] = said
    return found | {name: layout(form) for name, form in known_forms().items()}


def _words(name: str) -> Mapping[str, Mapping[str, str]]:
    """The words of a notice by language and key; English without keys for a notice that is in English only."""
    found = {language: one.words(name) for language, one in TRANSLATIONS.items()}
    return {language: words for language, words in found.items() if words is not None} or {DEFAULT: {}}


def render_draft(
    clock: ClockRecord,
    view: IncidentView,
    facts: Mapping[str, Value],
    organisation: Mapping[str, str],
    family: str,
    language: str | None = None,
) -> Draft:
    """Draft what a clock asks for. `family` is "authorities", "people", or the name of a notice.

    Without a `language` it is that of its reader, as `core.drafts.language_of` tells.
    """
    facts = facts_of_clock(view, clock.id, facts)  # what another request lacks is not asked in this letter
    matter = Matter(clock, view, facts, organisation, language or language_of(clock, facts))
    name = template_of(matter, family, notices())
    return render(name, notices()[name], matter, known_forms().get(name))


def used_facts(template: str, clock: ClockRecord) -> frozenset[str]:
    """The facts that a notice places, by its name."""
    return uses(notices()[template], clock)
