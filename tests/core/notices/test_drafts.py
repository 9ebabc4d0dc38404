"""Drafts: the right template for each duty, every field that the law asks for, and nothing that nobody said."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from firedoor.core.clocks.clock import clocks_due_to_start
from firedoor.core.clocks.engine import Law
from firedoor.core.facts import Facts, read_all
from firedoor.core.incident.clock_record import NO_CLOCK, ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.labels import label
from firedoor.core.lifecycle import IncidentType
from firedoor.core.notices.drafts import NOT_SENT, Draft, Matter, render
from firedoor.duties.catalogue import catalogue
from firedoor.templates import notices, render_draft

NOW = datetime(2026, 10, 24, 8, tzinfo=UTC)
WORDS = {
    "name": "Example AI",
    "address": "Testville",
    "contact_name": "Carla",
    "contact_email": "carla@example.org",
    "contact_phone": "0",
    "dpo_name": "Dora",
    "dpo_email": "dora@example.org",
}
RAW: dict[str, Any] = {
    "established_in": ["DE", "UK", "US"],
    "time_zone": "Europe/Berlin",
    "controller": "yes",
    "personal_data": "yes",
    "security_breach": "yes",
    "risk_to_people": "high",
    "encrypted": "no",
    "high_risk_removed": "no",
    "aware_at": NOW,
    "people_affected": "1..500",
    "jurisdictions": ["DE", "UK"],
    "incident_description": "Record 4711 came out.",
    "data_categories": ["contact", "health"],
    "minor": "no",
}


def known(**more: Any) -> Facts:
    """The facts above, with some more or other ones."""
    return read_all(catalogue().facts, {**RAW, **more})


def body_of(duty: str) -> ClockRecord:
    """A clock of a duty as the journal tells it."""
    facts = known(request_received_at=NOW, known_at=NOW, discovered_at=NOW)
    started = clocks_due_to_start(catalogue(), [duty], facts, {}, NOW)
    law = Law(catalogue(), {})
    if started:
        return NO_CLOCK.said(law.body(started[0]))
    from firedoor.core.clocks.engine import duty_words

    entry = catalogue()[duty]
    said = {"id": duty, "duty": duty, "due": None, "citation": entry.citation, "state": "running", **duty_words(entry)}
    return NO_CLOCK.said(said)


def draft(
    duty: str, kind: IncidentType = IncidentType.DATA_LEAKAGE, family: str = "authorities",
    language: str | None = "en", **more: Any,
) -> Draft:  # fmt: skip
    """The draft for a duty; None is the language of its reader."""
    view = IncidentView("INC-1", kind, title="A leak")
    return render_draft(body_of(duty), view, known(**more), WORDS, family, language)


@pytest.mark.parametrize("duty", sorted(catalogue()))
def test_every_duty_has_a_draft_that_is_not_sent(duty: str) -> None:
    """Each begins by saying so, names its law and its incident, and lists exactly what its text marks as missing."""
    made = draft(duty)
    assert made.text.startswith(f"> **{NOT_SENT}.**")
    assert made.missing == tuple(dict.fromkeys(re.findall(r"\[missing: ([^\]]+)\]", made.text)))
    assert "INC-1" in made.text
    assert "{{" not in made.text


SHOWN = {
    "people_affected": "1 to 500",
    "data_categories": "contact, health",
    "aware_at": "24 October 2026",
    "jurisdictions": "DE, UK",
}


@pytest.mark.parametrize("duty", sorted(catalogue()))
def test_every_field_of_the_law_stands_in_the_draft(duty: str) -> None:
    """Whatever the duty asks for is there: in the words of its fact, or by its title, or marked as missing."""
    texts = {
        field.fact: f"The words for {field.fact}."
        for field in catalogue()[duty].content
        if field.fact and str(catalogue().facts[field.fact].type) == "text"
    }
    made = draft(duty, **texts)
    for field in catalogue()[duty].content:
        marked = (f"[missing: {field.title}]", f"[missing: {label(field.fact)}]")
        wanted = texts.get(field.fact) or SHOWN.get(field.fact) or field.title
        only_when_late = field.fact == "reasons_for_delay"
        assert wanted in made.text or any(mark in made.text for mark in marked) or only_when_late, field.id


@pytest.mark.parametrize(
    ("duty", "family", "template"),
    [
        ("eu.gdpr.art33.sa", "authorities", "data-protection-authority"),
        ("uk.gdpr.art33.ico", "authorities", "data-protection-authority"),
        ("eu.gdpr.art33.processor", "authorities", "processor-to-controller"),
        ("eu.gdpr.art34.subjects", "people", "letter"),
        ("us.ca.1798_82.ag", "authorities", "attorney-general"),
        ("us.tida.s3.removal", "people", "removal-answer"),
        ("uk.osa.s10_3a.ncii48h", "people", "removal-answer"),
        ("us.2258a.report", "authorities", "ncmec-cybertip"),
        ("uk.osa.s66.csea", "authorities", "nca-csea"),
        ("eu.aiact.art73.general", "authorities", "ai-act"),
        ("au.osa.removal24h", "authorities", "online-safety-regulator"),
        ("in.certin.6h", "authorities", "authority"),
        ("in.certin.6h", "register", "register"),
        ("in.certin.6h", "no-such-notice", "authority"),
    ],
)
def test_each_duty_gets_its_family(duty: str, family: str, template: str) -> None:
    """The form of the regulator, the letter of the person; a playbook may name another."""
    assert draft(duty, family=family).template == template


@pytest.mark.parametrize(
    ("kind", "minor", "categories", "child"),
    [
        (IncidentType.DATA_LEAKAGE, "no", ["contact"], False),
        (IncidentType.DATA_LEAKAGE, "unknown", ["contact"], False),
        (IncidentType.DATA_LEAKAGE, "yes", ["contact"], True),
        (IncidentType.DATA_LEAKAGE, "unknown", ["children"], True),
        (IncidentType.NONCONSENSUAL_GENERATION, "no", ["images"], False),
        (IncidentType.NONCONSENSUAL_GENERATION, "unknown", ["images"], True),
        (IncidentType.NONCONSENSUAL_GENERATION, "yes", ["images"], True),
    ],
)
def test_where_a_child_may_be_concerned_the_other_letter_is_written(
    kind: IncidentType, minor: str, categories: list[str], child: bool
) -> None:
    """With intimate content, not knowing counts as a child; elsewhere a yes or children's data does."""
    made = draft("eu.gdpr.art34.subjects", kind, "people", minor=minor, data_categories=categories)
    assert made.template == ("letter-child" if child else "letter")


@pytest.mark.parametrize("name", [name for name in notices() if "child" in name])
def test_no_text_about_a_child_asks_for_a_copy(name: str) -> None:
    """Nobody is told to take a screenshot, to save or to send; each text says the opposite, in every language."""
    text = notices()[name].lower()
    assert not re.search(r"screenshot|bildschirmfoto|capture d'écran|captura de pantalla", text)
    assert re.search(r"do not|may be|nicht|ne l'|no la|no las|no los|ne les", text)
    assert not re.search(r"please (save|send|take|open|attach|keep a copy)", text)
    assert not re.search(
        r"bitte (speichern|schick|sende|öffne)|merci d'(envoyer|enregistrer)|por favor, (env|guard)", text
    )


@pytest.mark.parametrize("name", notices())
def test_no_text_names_a_helpline_or_claims_compliance(name: str) -> None:
    """Contacts for help are marked fields, by country; no draft says that anything is compliant or legal advice."""
    text = notices()[name].lower()
    assert not re.search(r"\b(complian|in accordance with all|fully)\w*", text)
    assert not re.search(r"(\+\d{2}|0800|116 ?\d{3}|1-8\d\d)", text)


def test_the_fields_of_the_regulator_come_in_its_order() -> None:
    """Who, when, what, whose data, consequences, measures: the order of the form that is filled in next to it."""
    text = draft("uk.gdpr.art33.ico").text
    order = [
        "## 1. Who",
        "## 2. When",
        "## 3. What happened",
        "## 4. Whose data",
        "## 5. What it may mean",
        "## 6. What was done",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "Record 4711 came out." in text
    assert "1 to 500, not yet known exactly" in text
    assert "24 October 2026, 10:00 (CEST)" in text


def test_a_late_notice_must_say_why() -> None:
    """After the limit the reasons for the delay are a field; before it, a warning."""
    body = replace(body_of("eu.gdpr.art33.sa"), state="missed")
    made = render_draft(body, IncidentView("INC-1"), known(), WORDS, "authorities", "en")
    assert "Reasons for the delay: [missing: Reasons for the delay if later than 72 hours]" in made.text
    assert "Reasons for the delay:" not in draft("eu.gdpr.art33.sa").text


def test_what_is_known_is_not_missing_and_what_is_not_is_never_invented() -> None:
    """Filling a fact takes exactly its mark away."""
    before = draft("eu.gdpr.art33.sa")
    later = draft("eu.gdpr.art33.sa", measures_taken="Closed at 03:00.")
    assert set(before.missing) - set(later.missing) == {"Measures taken or proposed, with mitigation"}
    assert "Closed at 03:00." in later.text


def test_an_answer_asks_for_what_the_law_of_the_request_lacks() -> None:
    """A signature is asked for under the US law, never under the UK's; a complete request is asked for nothing."""
    lacking = {"request_signed": "no", "intimate_content": "yes"}
    us, uk = (
        draft(duty, IncidentType.NONCONSENSUAL_GENERATION, **lacking).text
        for duty in ("us.tida.s3.removal", "uk.osa.s10_3a.ncii48h")
    )
    assert "Please sign the request" in us
    assert "Please do not send the content itself." in us
    assert "What we need from you" not in uk


def test_a_fact_cannot_run_as_a_template() -> None:
    """What somebody typed into a fact is shown, whatever it looks like."""
    made = draft(
        "eu.gdpr.art33.sa", incident_description="{{ organisation.name.__class__ }}{% for x in facts %}x{% endfor %}"
    )
    assert "{{ organisation.name.__class__ }}" in made.text


def test_a_template_may_place_a_field_or_leave_it_to_the_rest() -> None:
    """A field that the template names by id or by fact is not listed again; one that it does not is."""
    content = [{"id": "a", "title": "A", "fact": "root_cause"}, {"id": "b", "title": "B", "fact": ""}]
    matter = Matter(ClockRecord("x", content=content), IncidentView("INC-1"), {}, {})
    listed = "{% for field in rest %}{{ field.title }};{% endfor %}"
    assert render("x", listed, matter).text.endswith("\nA;B;\n")
    assert render("x", "{{ facts.root_cause }}" + listed, matter).text.endswith("[missing: the cause]B;\n")
    assert render("x", "{{ content.b }}" + listed, matter).text.endswith("[missing: B]A;\n")


def test_the_securities_report_has_a_form_of_its_own() -> None:
    """Form 8-K, Item 1.05; counsel decides what is material, so the draft only says what is on record."""
    made = draft("us.sec.8k105")
    assert made.template == "form-8-k"
    assert "Item 1.05" in made.text


def test_an_incomplete_first_report_says_that_more_follows() -> None:
    """A preliminary report is sent in time rather than complete too late (GDPR Art 33(4))."""
    assert "Preliminary report" in draft("eu.gdpr.art33.sa").text


def test_a_later_stage_is_a_follow_up_that_names_what_it_follows() -> None:
    """The final NIS2 report follows the notification, by the reference that the authority gave."""
    body = body_of("eu.nis2.art23.final")
    view = IncidentView("INC-1", IncidentType.DATA_LEAKAGE, title="A leak")
    earlier = ClockRecord(
        "earlier", duty="eu.nis2.art23.notification", title="Notify", settlement={"reference": "CSIRT-7"}
    )
    view.clocks["earlier"] = earlier
    text = render_draft(
        replace(body, trigger_event="submitted_eu_nis2_art23_notification"), view, known(), WORDS, "authorities"
    ).text
    assert "Follow-up report to Notify (CSIRT-7)" in text


@pytest.mark.parametrize(
    ("based", "state", "language", "said"),
    [
        (["DE", "UK", "US"], "", "de", ""), (["DE", "FR"], "", "en", "not known here"), (["DE", "FR"], "FR", "fr", ""),
        (["PL"], "PL", "en", "not known here"), (["IE"], "", "en", ""),
    ],
)  # fmt: skip
def test_an_authority_is_written_to_in_its_language_where_that_is_known(
    based: list[str], state: str, language: str, said: str
) -> None:
    """By the state that supervises, else the only one in the EEA; where nobody can tell, the draft says so."""
    facts = {"established_in": based, **({"member_state": state} if state else {})}
    made = draft("eu.gdpr.art33.sa", language=None, **facts)
    assert made.template == "data-protection-authority" + ("" if language == "en" else f"-{language}")
    assert ("is not known here" in made.text) == bool(said)


def test_english_for_an_authority_that_works_in_german_has_to_be_confirmed() -> None:
    """The mark keeps it from being approved unread; the right language has no such mark."""
    facts = known(established_in=["DE"])
    made = [
        render_draft(body_of("eu.gdpr.art33.sa"), IncidentView("INC-1"), facts, WORDS, "authorities", language).text
        for language in ("en", "de")
    ]
    assert [("works in German" in text, "takes this text in English" in text) for text in made] == [
        (True, True), (False, False),
    ]  # fmt: skip
