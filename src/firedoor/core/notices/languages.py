"""The languages in which people are written to: which one goes where, and how dates and kinds of data read in it.

Decides that a stated language wins and English stands in where none is stated, which languages the people's countries
suggest, and that words which nobody has translated are marked instead of sent as they are. Leaves letters to the
templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from firedoor.core.facts import Count, Value
from firedoor.core.law.territories import EEA

LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish"}
DEFAULT = "en"
STATED, WRITTEN = (
    "letter_languages",
    "account_language",
)  # facts: in which to write, and in which facts are written down

# Countries with one obvious language among ours. Belgium, Luxembourg, Switzerland and Canada have several.
_COUNTRIES = {
    "de": "DE AT LI",
    "fr": "FR MC",
    "es": "ES MX AR CO CL PE UY EC GT CR PA DO BO PY SV HN NI VE",
}
LANGUAGE_OF: Mapping[str, str] = {
    country: language for language, countries in _COUNTRIES.items() for country in countries.split()
}
# Whose authorities work in one of our languages: the countries above, and those that speak English.
_AUTHORITIES: Mapping[str, str] = {**LANGUAGE_OF, **dict.fromkeys(["IE", "UK", "GB", "US", "AU", "NZ"], "en")}
_MONTHS: Mapping[str, list[str]] = {
    language: months.split()
    for language, months in {
        "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    }.items()
}
_FORMS = {
    "de": "{day}. {month} {year}, {hour:02}:{minute:02} Uhr ({zone})",
    "fr": "{day} {month} {year}, {hour}\u00a0h\u00a0{minute:02} ({zone})",
    "es": "{day} de {month} de {year}, {hour:02}:{minute:02} ({zone})",
}
# The kinds of data of the vocabulary (data_categories), as a letter names them.
_KINDS = [
    "identifiers",
    "contact",
    "credentials",
    "financial",
    "government_id",
    "health",
    "biometric",
    "genetic",
    "sexual",
    "beliefs",
    "criminal",
    "location",
    "communications",
    "behaviour",
    "images",
    "children",
]
_WORDS = {
    "de": (
        "Kennungen|Kontaktdaten|Zugangsdaten|Finanzdaten|Ausweisdaten|Gesundheitsdaten|biometrische Daten|"
        "genetische Daten|Daten zum Sexualleben|Überzeugungen|Daten zu Straftaten|Standortdaten|Kommunikation|"
        "Verhaltensdaten|Bilder|Daten von Kindern"
    ),
    "fr": (
        "identifiants|coordonnées|mots de passe et accès|données financières|pièces d'identité|données de santé|"
        "données biométriques|données génétiques|données sur la vie sexuelle|convictions|données pénales|"
        "données de localisation|communications|données de comportement|images|données d'enfants"
    ),
    "es": (
        "identificadores|datos de contacto|claves de acceso|datos financieros|documentos de identidad|datos de salud|"
        "datos biométricos|datos genéticos|datos sobre la vida sexual|creencias|datos penales|datos de ubicación|"
        "comunicaciones|datos de comportamiento|imágenes|datos de menores"
    ),
}
KINDS: Mapping[str, Mapping[str, str]] = {
    language: dict(zip(_KINDS, words.split("|"), strict=True)) for language, words in _WORDS.items()
}


# How sure a count is, and how high a risk, in words; English stands in `facts`.
_COUNTS = {
    "en": ("at least {low}", "{low} to {high}", "{count}, not yet known exactly"),
    "de": ("mindestens {low}", "{low} bis {high}", "{count}, noch nicht genau bekannt"),
    "fr": ("au moins {low}", "de {low} à {high}", "{count}, nombre exact pas encore connu"),
    "es": ("al menos {low}", "de {low} a {high}", "{count}, aún no se conoce con exactitud"),
}
RISKS: Mapping[str, Mapping[str, str]] = {
    "de": {"unlikely": "unwahrscheinlich", "risk": "Risiko", "high": "hohes Risiko"},
    "fr": {"unlikely": "improbable", "risk": "risque", "high": "risque élevé"},
    "es": {"unlikely": "improbable", "risk": "riesgo", "high": "riesgo alto"},
}


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
        return _AUTHORITIES.get(place.partition("-")[0], "")
    supervised, based = facts.get("member_state"), facts.get("established_in")
    if isinstance(supervised, str) and supervised:
        return _AUTHORITIES.get(supervised, "")
    states = [state for state in based if state in EEA] if isinstance(based, tuple) else []
    return _AUTHORITIES.get(states[0], "") if len(states) == 1 else ""


def languages_of(facts: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the languages that are likely needed: those that are stated, else those of the people's countries."""
    stated, where = facts.get(STATED), facts.get("jurisdictions")
    if isinstance(stated, tuple) and stated:
        return tuple(dict.fromkeys(language for language in stated if language in LANGUAGES)) or (DEFAULT,)
    countries = [place.partition("-")[0] for place in where if place != "EU"] if isinstance(where, tuple) else []
    return tuple(dict.fromkeys(LANGUAGE_OF.get(country, DEFAULT) for country in countries)) or (DEFAULT,)


def instant(local: datetime, language: str) -> str:
    """An instant as a letter says it, in the zone that it carries."""
    if language not in _MONTHS:
        return f"{local:%d %B %Y, %H:%M} ({local:%Z})".lstrip("0")
    month = _MONTHS[language][local.month - 1]
    return _FORMS[language].format(
        day=local.day, month=month, year=local.year, hour=local.hour, minute=local.minute, zone=f"{local:%Z}"
    )


def count(number: Count, language: str) -> str:
    """How many, as a letter says it."""
    least, between, rough = _COUNTS.get(language, _COUNTS[DEFAULT])
    if number.exact:
        return str(number.minimum)
    words = (least if number.maximum is None else between).format(low=number.minimum, high=number.maximum)
    return rough.format(count=words)


def kind(word: str, language: str) -> str:
    """A kind of data in a language; any other word as it is."""
    return KINDS.get(language, {}).get(word, word).replace("_", " ")


def untranslated(text: str, language: str) -> str:
    """The mark for words that stand in another language."""
    return f"[missing: in {LANGUAGES[language]}: {' '.join(text.replace('[', '(').replace(']', ')').split())}]"
