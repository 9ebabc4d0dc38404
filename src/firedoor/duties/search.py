"""Finding duties: by words, place, addressee and confidence.

Decides that every word must stand somewhere in a duty, and that a place holds its parts (US holds US-CA). Leaves what a
duty means for a case to `overview`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from firedoor.core.law.duty import Duty


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; empty is anything."""

    text: str = ""
    jurisdiction: str = ""
    addressee: str = ""
    confidence: str = ""


def find_duties(duties: Iterable[Duty], search: Search) -> list[Duty]:
    """Return the duties that fit, in the order of the catalogue."""
    words = search.text.lower().split()
    return [duty for duty in duties if _fits(duty, search) and all(word in _text(duty) for word in words)]


def in_place(place: str, wanted: str) -> bool:
    """Whether a jurisdiction is the wanted one or a part of it."""
    return wanted.lower() in ("", place.lower()) or place.lower().startswith(f"{wanted.lower()}-")


def _fits(duty: Duty, search: Search) -> bool:
    return (
        in_place(duty.jurisdiction, search.jurisdiction)
        and search.addressee in ("", duty.addressee)
        and search.confidence in ("", duty.confidence)
    )


def _text(duty: Duty) -> str:
    parts = (duty.id, duty.title, duty.citation, duty.authority, duty.owed_by, duty.penalty, duty.note)
    return " ".join(parts).lower()
