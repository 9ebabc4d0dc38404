"""Fields of forms and bodies: which may have several lines, and how what was typed into one is cleaned."""

from __future__ import annotations

import re

from firedoor.core.text import clean_text

# Names of fields that may have several lines; facts are words of people and may as well.
LINES = frozenset(
    (
        "why",
        "text",
        "statement",
        "note",
        "hashes",
        "locators",
        "findings",
        "measures",
        "attended",
        "reasons_for_delay",
        "root_cause",
    )
)
SECRET = "password"  # noqa: S105 - the name of a field
_FACTS = re.compile(r"(^|\.)facts?\.")


def keeps_lines(name: str) -> bool:
    """Whether a field of this name, or of this path in a body, may have several lines."""
    return name.rpartition(".")[2] in LINES or _FACTS.search(name) is not None


def clean_field(name: str, value: str) -> str:
    """Return what was put into a field of a form, cleaned; a password as it was typed."""
    return value if name == SECRET else clean_text(value, lines=keeps_lines(name))
