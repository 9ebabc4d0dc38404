"""Over all duties and whatever is known: a draft says what is known and marks what is not, and nothing else."""

from __future__ import annotations

import calendar
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.notices.test_drafts import WORDS, body_of

from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView
from firedoor.core.labels import label
from firedoor.core.lifecycle import IncidentType
from firedoor.core.notices.drafts import Draft
from firedoor.core.requests.validity import ELEMENTS
from firedoor.core.translations import TRANSLATIONS
from firedoor.duties.catalogue import catalogue
from firedoor.templates import NOTICES, notices, render_draft

DUTIES = sorted(catalogue())
# Words that stand in no template and no catalogue: whoever sees one knows which fact it came from.
TEXTS = {
    name: f"Zq{number}zq" for number, (name, fact) in enumerate(catalogue().facts.items())
    if str(fact.type) == "text" and fact.scope != "organisation"
}  # fmt: skip
LANGUAGES = tuple(TRANSLATIONS)


@given(
    duty=st.sampled_from(DUTIES), kind=st.sampled_from(list(IncidentType)),
    known=st.sets(st.sampled_from(sorted(TEXTS))), language=st.sampled_from(LANGUAGES),
    minor=st.sampled_from(["yes", "no", "unknown"]),
)  # fmt: skip
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_field_is_invented_and_each_missing_one_is_marked(
    duty: str, kind: IncidentType, known: set[str], language: str, minor: str
) -> None:
    """Unknown text facts leave their mark in the text and in the list on top; known ones stand in it or in a mark."""
    values: dict[str, Any] = {name: TEXTS[name] for name in known}
    made = draft(duty, kind, {**values, "minor": minor}, language)
    assert {word for word in TEXTS.values() if word in made.text} <= {TEXTS[name] for name in known}
    assert made.missing == tuple(dict.fromkeys(re.findall(r"\[missing: ([^\]]+)\]", body(made))))
    for field in catalogue()[duty].content:
        if field.fact in TEXTS and field.fact not in known and field.fact != "reasons_for_delay":
            marks = (field.title, label(field.fact))
            assert any(mark in one for mark in marks for one in made.missing), field.id
        elif field.fact in known and field.fact != "reasons_for_delay":
            assert TEXTS[field.fact] in made.text, field.id


def draft(duty: str, kind: IncidentType, values: dict[str, Any], language: str) -> Draft:
    """A draft from these facts and no others."""
    facts = read_all(catalogue().facts, values)
    return render_draft(body_of(duty), IncidentView("INC-1", kind), facts, WORDS, "authorities", language)


def body(made: Draft) -> str:
    """The text below our own notes."""
    return "\n".join(line for line in made.text.splitlines() if not line.startswith(">"))


FAMILIES = sorted(name.removesuffix("-de") for name in notices() if name.endswith("-de"))


def test_every_language_says_the_same() -> None:
    """A text places the same facts in every language that there is, so that nobody is told less, or anything else."""
    assert {"letter", "letter-child", "removal-answer", "removal-answer-child", "holding-statement"} <= set(FAMILIES)
    for name in FAMILIES:
        wanted = placed(notices()[name])
        for language in LANGUAGES[1:]:
            assert placed(notices()[f"{name}-{language}"]) == wanted, (name, language)


AUTHORITY = "[to fill in: the name of the authority]"  # English names the authority by the catalogue's own words


def placed(template: str) -> set[str]:
    """The facts and words of the organisation that a template places, and what it marks by itself."""
    holes = set(re.findall(r"(?:facts|organisation|known|content|asks)\.[a-z_]+", template))
    return holes | set(re.findall(r"\[(?:missing|to fill in)[^\]]*\]", template)) - {AUTHORITY}


def test_no_letter_admits_or_concludes() -> None:
    """No word of guilt, of breaking a law, or of keeping one, in any language."""
    english = "unlawful|illegal|violat|negligen|liable|our fault"
    wrong = f"{english}|rechtswidrig|schuld|haft(?:et|ung)|illégal|faute|ilegal|culpa"
    for name in notices():
        if name.startswith(("letter", "holding-statement", "removal-answer", "answer-to-a-request")):
            text = "\n".join(line for line in notices()[name].splitlines() if not line.startswith(">"))
            assert not re.search(wrong, text, re.IGNORECASE), name


# The numbers that our own words may hold: articles of the GDPR, its number, a form's name, and the age of a child.
NUMBERS = {"33", "55", "56", "1", "3", "4", "2016", "679", "73", "6", "8", "05", "18"}
MONTHS = "|".join((*calendar.month_name[1:], *(month for one in TRANSLATIONS.values() for month in one.months)))
MONTHS = MONTHS.replace("|May", "").replace("|mai", "").replace("|mayo", "")
NAMED = r"(?:Mr|Mrs|Ms|Dr|Prof|Frau|Herr|Herrn|Madame|Monsieur|Mme|Señora?|Sra?|Don|Doña)\.? [A-ZÄÖÜÉÁ]\w+"


def invented(template: str) -> list[str]:
    """What our own words say that only a fact may say: a number, a month, an hour, a name, an address."""
    said = "\n".join(line for line in template.splitlines() if not line.startswith(">"))
    said = re.sub(r"\{[{%].*?[%}]\}|\[(?:missing|to fill in)[^\]]*\]|^#+ \d\. ", " ", said, flags=re.MULTILINE)
    numbers = [number for number in re.findall(r"\d+", said) if number not in NUMBERS]
    return numbers + re.findall(rf"\b(?:{MONTHS})\b|{NAMED}|\S+@\S+|https?:\S+|\b\d{{1,2}} h\b", said)


@pytest.mark.parametrize("name", notices())
def test_our_own_words_tell_nothing_that_only_a_fact_may_tell(name: str) -> None:
    """No number, date, name or address stands in a text of ours, in any language."""
    assert invented(notices()[name]) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Wir haben 12 Kopien entfernt."), ("de", "Das war am 3. Juli."), ("de", "Fragen an Frau Meyer."),
        ("fr", "Nous avons retiré 12 copies."), ("fr", "C'était en juillet."), ("fr", "Écrivez à Madame Martin."),
        ("es", "Retiramos 12 copias."), ("es", "Fue en julio."), ("es", "Escriba a la Sra. Pérez."),
        ("en", "We removed 12 copies."), ("en", "It was in July."), ("en", "Write to help@example.org."),
    ],
)  # fmt: skip
def test_an_invented_word_would_be_found(language: str, said: str) -> None:
    """Put into any of our texts in that language, it is found: the test above can fail."""
    for name in FAMILIES:
        text = notices()[name if language == "en" else f"{name}-{language}"]
        assert invented(f"{text}\n{said}\n"), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_words_that_the_structure_asks_for(language: str) -> None:
    """Neither fewer nor more: no key is left in a text, and none waits for a place."""
    said, english = TRANSLATIONS[language], TRANSLATIONS["en"]
    assert set(said.notices) == set(english.notices)
    for name, words in said.notices.items():
        assert set(words) == set(re.findall(r"\[\[(\w+)\]\]", (NOTICES / f"{name}.md.j2").read_text())), name


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_names_what_the_vocabulary_names(language: str) -> None:
    """Months, kinds of data, risks and what a request may lack; the countries of no other language."""
    said, known = TRANSLATIONS[language], catalogue().facts
    assert len(said.months) == 12
    assert set(said.kinds) == set(known["data_categories"].choices)
    assert set(said.risks) == set(known["risk_to_people"].choices)
    assert set(said.asked) == {*ELEMENTS, ""}
    others = {place for code, one in TRANSLATIONS.items() if code != language for place in one.countries}
    assert not others & set(said.countries)
    assert known["letter_languages"].choices == tuple(TRANSLATIONS)
