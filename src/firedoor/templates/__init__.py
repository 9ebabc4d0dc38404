"""Texts: drafts for authorities and letters to people, as Jinja2 files, and the one function that fills them.

Decides which templates exist. Leaves choosing and filling to `core.drafts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from firedoor.core.drafts import Draft, Matter, render, template_of, uses
from firedoor.core.facts import Value
from firedoor.core.languages import stated_language
from firedoor.core.view import IncidentView

NOTICES = Path(__file__).parent / "notices"
SUFFIX = ".md.j2"


@cache
def notices() -> dict[str, str]:
    """Every notice by its name: the text of its template."""
    return {
        path.name.removesuffix(SUFFIX): path.read_text(encoding="utf-8") for path in sorted(NOTICES.glob(f"*{SUFFIX}"))
    }


def render_draft(
    clock: Mapping[str, Any],
    view: IncidentView,
    facts: Mapping[str, Value],
    organisation: Mapping[str, Any],
    family: str,
    language: str | None = None,
) -> Draft:
    """Draft what a clock asks for. `family` is "authorities", "people", or the name of a notice.

    Without a `language` it is the first one in which the facts say that people are written to.
    """
    matter = Matter(clock, view, facts, organisation, language or stated_language(facts))
    name = template_of(matter, family, notices())
    return render(name, notices()[name], matter)


def used_facts(template: str, clock: Mapping[str, Any]) -> frozenset[str]:
    """The facts that a notice places, by its name."""
    return uses(notices()[template], clock)
