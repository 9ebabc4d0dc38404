"""The languages in which people are written to: which one goes where, and how dates and kinds of data read in it.

Decides that a stated language wins and English stands in where none is stated, which languages the people's countries
suggest, and that words which nobody has translated are marked instead of sent as they are. Leaves the words to
`core.translations`, one file for each language, and letters to the templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from firedoor.core.facts import Count, Value
from firedoor.core.law.territories import EEA
from firedoor.core.translations import DEFAULT, TRANSLATIONS

LANGUAGES = {code: one.english for code, one in TRANSLATIONS.items()}
STATED = "letter_languages"  # the fact: in which to write
WRITTEN = "account_language"  # the fact: in which facts are written down
# Countries with one obvious language among ours. Belgium, Luxembourg, Switzerland and Canada have several.
LANGUAGE_OF: Mapping[str, str] = {country: code for code, one in TRANSLATIONS.items() for country in one.countries}


def stated_language(facts: Mapping[str, Value]) -> str:
    """Return the first language in which the facts say that people are written to; English where they say none."""
    stated = facts.get(STATED)
    words = stated if isinstance(stated, tuple) else ()
    return next((language for language in words if language in LANGUAGES), DEFAULT)


def authority_language(place: str, facts: Mapping[str, Value]) -> str:
    """The language in which the authority of a duty works; "" where nobody can tell.

    `place` is the duty's jurisdiction. For the EU it is the state by which the organisation says that it is supervised,
    else the only one of the EEA in which it is established. Which other languages an authority takes is not known here.
    """
    if place != "EU":
        return LANGUAGE_OF.get(place.partition("-")[0], "")
    supervised, based = facts.get("member_state"), facts.get("established_in")
    if isinstance(supervised, str) and supervised:
        return LANGUAGE_OF.get(supervised, "")
    states = [state for state in based if state in EEA] if isinstance(based, tuple) else []
    return LANGUAGE_OF.get(states[0], "") if len(states) == 1 else ""


def languages_of(facts: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the languages that are likely needed: those that are stated, else those of the people's countries."""
    stated, where = facts.get(STATED), facts.get("jurisdictions")
    if isinstance(stated, tuple) and stated:
        return tuple(dict.fromkeys(language for language in stated if language in LANGUAGES)) or (DEFAULT,)
    countries = [place.partition("-")[0] for place in where if place != "EU"] if isinstance(where, tuple) else []
    return tuple(dict.fromkeys(LANGUAGE_OF.get(country, DEFAULT) for country in countries)) or (DEFAULT,)


def instant(local: datetime, language: str) -> str:
    """An instant as a letter says it, in the zone that it carries."""
    said = TRANSLATIONS.get(language)
    if said is None or not said.months:
        return f"{local:%d %B %Y, %H:%M} ({local:%Z})".lstrip("0")
    return said.instant.format(
        day=local.day, month=said.months[local.month - 1], year=local.year, hour=local.hour, minute=local.minute,
        zone=f"{local:%Z}",
    )  # fmt: skip


def count(number: Count, language: str) -> str:
    """How many, as a letter says it."""
    said = TRANSLATIONS.get(language, TRANSLATIONS[DEFAULT])
    if number.exact:
        return str(number.minimum)
    form = said.at_least if number.maximum is None else said.between
    return said.roughly.format(count=form.format(low=number.minimum, high=number.maximum))


def kind(word: str, language: str) -> str:
    """A kind of data in a language; any other word as it is."""
    said = TRANSLATIONS.get(language)
    return (said.kinds.get(word, word) if said else word).replace("_", " ")


def risk(word: str, language: str) -> str:
    """How high a risk, in a language."""
    said = TRANSLATIONS.get(language)
    return said.risks.get(word, word) if said else word


def untranslated(text: str, language: str) -> str:
    """The mark for words that stand in another language."""
    return f"[missing: in {LANGUAGES[language]}: {' '.join(text.replace('[', '(').replace(']', ')').split())}]"
