"""What a letter says of copies, from the record: places by their numbers, and how further copies were searched for.

Decides the sentences; no place of anybody is in them. Leaves what a copy is to `core.removal`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from firedoor.core.incident.view import IncidentView
from firedoor.core.notices.languages import untranslated
from firedoor.core.removal.copy import HOW_WORDS, WORDS, Copy, How
from firedoor.core.translations import DEFAULT


def of_record(view: IncidentView, language: str) -> Mapping[str, str]:
    """The same for a template; in a letter of another language it is marked as not translated."""
    said = dict(zip(("places", "copies"), in_words(view), strict=True))
    if language == DEFAULT:
        return said
    return {name: untranslated(text, language) if text else "" for name, text in said.items()}


def in_words(view: IncidentView) -> tuple[str, str]:
    """For the letter: each state with its number, and how copies were searched for. Empty while nothing is known."""
    if not view.copies:
        return "", ""
    copies = [one for one in view.copies.values() if one.how is not How.UPLOAD]
    named = [one for one in copies if one.how is How.NAMED]
    found = [one for one in copies if one.how is not How.NAMED]
    places = "; ".join(f"place {at}: {WORDS[one.state]}{_since(one)}" for at, one in enumerate(named, 1))
    counted = Counter(f"{HOW_WORDS[one.how]}, {WORDS[one.state]}" for one in found)
    searched = sum(int(record.result.get("looked_at") or 0) for record in view.operations.values())
    by = f"searched by hash among {searched} stored items" if searched else "not searched by hash"
    words = "; ".join(f"{count} x {what}" for what, count in counted.items()) or "no further copies found"
    return places, f"{by}: {words}"


def _since(one: Copy) -> str:
    at = one.since(one.state)
    return f" since {at:%Y-%m-%d %H:%M} UTC" if at else ""
