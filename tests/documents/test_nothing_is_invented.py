"""Over all duties and whatever is known: a draft says what is known and marks what is not, and nothing else."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.test_drafts import WORDS, body_of

from firedoor.core.drafts import Draft
from firedoor.core.facts import read_all
from firedoor.core.incident import IncidentType
from firedoor.core.view import IncidentView
from firedoor.duties.catalogue import catalogue
from firedoor.templates import notices, render_draft

DUTIES = sorted(catalogue())
# Words that stand in no template and no catalogue: whoever sees one knows which fact it came from.
TEXTS = {
    name: f"Zq{number}zq" for number, (name, fact) in enumerate(catalogue().facts.items())
    if str(fact.type) == "text" and fact.scope != "organisation"
}  # fmt: skip
LANGUAGES = ("en", "de", "fr", "es")


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
            marks = (field.title, field.fact.replace("_", " "))
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


def test_every_language_says_the_same() -> None:
    """A letter and a holding statement place the same facts in every language, so that nobody is told less."""
    for name in ("letter", "letter-child", "holding-statement"):
        wanted = placed(notices()[name])
        for language in LANGUAGES[1:]:
            assert placed(notices()[f"{name}-{language}"]) == wanted, language


def placed(template: str) -> set[str]:
    """The facts and words of the organisation that a template places."""
    return set(re.findall(r"(?:facts|organisation|known)\.[a-z_]+", template))


def test_no_letter_admits_or_concludes() -> None:
    """No word of guilt, of breaking a law, or of keeping one, in any language."""
    english = "unlawful|illegal|violat|negligen|liable|our fault"
    wrong = f"{english}|rechtswidrig|schuld|haft(?:et|ung)|illégal|faute|ilegal|culpa"
    for name in notices():
        if name.startswith(("letter", "holding-statement")):
            text = "\n".join(line for line in notices()[name].splitlines() if not line.startswith(">"))
            assert not re.search(wrong, text, re.IGNORECASE), name
