"""One person and one authority, written to in every language: what the goldens of letters are made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.core.notices.test_drafts import WORDS, body_of

from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView
from firedoor.core.lifecycle import IncidentType
from firedoor.core.notices.drafts import Draft
from firedoor.core.notices.versions import PRESS_NOTICE
from firedoor.core.translations import TRANSLATIONS
from firedoor.duties.catalogue import catalogue
from firedoor.templates import render_draft

LANGUAGES = tuple(TRANSLATIONS)
REMOVAL, SUBJECTS, REQUESTS, AUTHORITY = (
    "us.tida.s3.removal", "eu.gdpr.art34.subjects", "eu.gdpr.art12.requests", "eu.gdpr.art33.sa",
)  # fmt: skip
# Facts as people write them down in their own language.
NAMES = ("incident_description", "measures_taken", "likely_consequences", "advice_to_people")
TOLD = {
    "en": "A generator made pictures of you.|We blocked them.|Others may have seen them.|Answer nobody.",
    "de": (
        "Ein Generator hat Bilder von Ihnen gemacht.|Wir haben sie gesperrt.|Andere können sie gesehen haben.|"
        "Antworten Sie niemandem."
    ),
    "fr": (
        "Un générateur a fait des images de vous.|Nous les avons bloquées.|D'autres ont pu les voir.|"
        "Ne répondez à personne."
    ),
    "es": (
        "Un generador hizo imágenes de usted.|Las hemos bloqueado.|Otros pueden haberlas visto.|No responda a nadie."
    ),
}
FACTS: dict[str, Any] = {
    "aware_at": "2026-11-20T22:35:00+01:00", "occurred_at": "2026-11-19T10:00:00+01:00", "time_zone": "Europe/Berlin",
    "request_received_at": "2026-11-20T21:15:00+01:00", "rights_request_received_at": "2026-11-20T21:15:00+01:00",
    "data_categories": ["images", "contact"], "people_affected": "1..500", "jurisdictions": ["DE", "FR"],
    "controller": "yes", "risk_to_people": "high", "request_signed": "no",
}  # fmt: skip


def letter(duty: str, language: str, minor: str) -> Draft:
    """A draft for a duty, or the holding statement for the press where there is none."""
    facts = {
        **FACTS,
        **dict(zip(NAMES, TOLD.get(language, TOLD["en"]).split("|"), strict=True)),
        "minor": minor,
        "account_language": language,
    }
    view = IncidentView("INC-1", IncidentType.NONCONSENSUAL_GENERATION, title="A report")
    clock, family = (body_of(duty), "people") if duty else (PRESS_NOTICE, "holding-statement")
    return render_draft(clock, view, read_all(catalogue().facts, facts), WORDS, family, language)


def written() -> Iterator[tuple[str, Draft]]:
    """Every letter, in every language, for an adult and where a child may be concerned."""
    for duty, minors in ((SUBJECTS, "no yes"), (REMOVAL, "no yes"), (REQUESTS, "no"), (AUTHORITY, "no"), ("", "no")):
        for minor in minors.split():
            yield from ((language, letter(duty, language, minor)) for language in LANGUAGES)


def every_letter() -> str:
    """All of them in one text."""
    return "\n".join(f"<!-- {language} ({made.template}) -->\n\n{made.text}" for language, made in written())
