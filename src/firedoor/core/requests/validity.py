"""Requests to remove content: what each law asks of a request, what one lacks, and what to do meanwhile.

Decides whether a request is valid under one law (the same request can be valid under
another and incomplete here), the words in which the person is asked for the rest, and the
work that follows. Leaves the law's own conditions to `duties/*.yaml` and the clocks, the
labelled shadow clock of an incomplete request included, to `clock`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from firedoor.core import ternary
from firedoor.core.facts import Facts
from firedoor.core.law.clause import Clause
from firedoor.core.law.duty import Duty
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

# What a request, complaint or notice may have to contain, by the fact that records it, and how to ask for it.
ELEMENTS: Mapping[str, str] = {
    "request_in_writing": "Please send the request in writing.",
    "request_signed": "Please sign the request, by hand or electronically.",
    "request_locates_content": "Please say where the content is, for example by its address or its account.",
    "request_states_no_consent": "Please say that, to your honest belief, the person shown did not agree.",
    "request_gives_contact": "Please say how we can reach you.",
    "request_declares_intimate": "Please say that the content is an intimate image.",
    "request_declares_standing": "Please say that you are the person shown, or that you act for them.",
    "request_declares_truth": "Please say that your report is made in good faith and is true.",
    "complaint_by_person_shown": "Please say that you are the person shown, or that you complain for them.",
    "esafety_notice": "Please send the Commissioner's removal notice itself.",
}
NO_CONTENT = "Please do not send the content itself."
# The same sentences in the other languages in which people are written to.
ASKED: Mapping[str, Mapping[str, str]] = {
    "de": {
        "request_in_writing": "Bitte stellen Sie die Meldung schriftlich.",
        "request_signed": "Bitte unterschreiben Sie die Meldung, von Hand oder elektronisch.",
        "request_locates_content": "Bitte sagen Sie, wo der Inhalt ist, etwa mit seiner Adresse oder dem Konto.",
        "request_states_no_consent": "Bitte sagen Sie, dass die gezeigte Person Ihres Wissens nicht zugestimmt hat.",
        "request_gives_contact": "Bitte sagen Sie, wie wir Sie erreichen können.",
        "request_declares_intimate": "Bitte sagen Sie, dass es ein intimes Bild ist.",
        "request_declares_standing": "Bitte sagen Sie, dass Sie die gezeigte Person sind oder für sie handeln.",
        "request_declares_truth": "Bitte sagen Sie, dass Ihre Angaben ehrlich gemeint sind und stimmen.",
        "complaint_by_person_shown": "Bitte sagen Sie, dass Sie die gezeigte Person sind oder sich für sie beschweren.",
        "esafety_notice": "Bitte schicken Sie die Anordnung der Behörde selbst.",
        "": "Bitte schicken Sie nicht den Inhalt selbst.",
    },
    "fr": {
        "request_in_writing": "Merci de faire votre demande par écrit.",
        "request_signed": "Merci de signer votre demande, à la main ou par voie électronique.",
        "request_locates_content": "Merci de dire où se trouve le contenu, par exemple son adresse ou le compte.",
        "request_states_no_consent": "Merci de dire qu'à votre connaissance la personne montrée n'a pas consenti.",
        "request_gives_contact": "Merci de dire comment nous pouvons vous joindre.",
        "request_declares_intimate": "Merci de dire qu'il s'agit d'une image intime.",
        "request_declares_standing": "Merci de dire que vous êtes la personne montrée, ou que vous agissez pour elle.",
        "request_declares_truth": "Merci de dire que votre signalement est fait de bonne foi et qu'il est exact.",
        "complaint_by_person_shown": "Merci de dire que vous êtes la personne montrée, ou que vous agissez en son nom.",
        "esafety_notice": "Merci d'envoyer la décision de l'autorité elle-même.",
        "": "Merci de ne pas envoyer le contenu lui-même.",
    },
    "es": {
        "request_in_writing": "Por favor, envíe la solicitud por escrito.",
        "request_signed": "Por favor, firme la solicitud, a mano o por medios electrónicos.",
        "request_locates_content": "Por favor, díganos dónde está el contenido, por ejemplo su dirección o la cuenta.",
        "request_states_no_consent": "Por favor, díganos que, según sabe, la persona que aparece no consintió.",
        "request_gives_contact": "Por favor, díganos cómo podemos contactar con usted.",
        "request_declares_intimate": "Por favor, díganos que se trata de una imagen íntima.",
        "request_declares_standing": "Por favor, díganos que usted es la persona que aparece, o que actúa por ella.",
        "request_declares_truth": "Por favor, díganos que su aviso es de buena fe y que es cierto.",
        "complaint_by_person_shown": "Por favor, díganos que usted es la persona que aparece, o que reclama por ella.",
        "esafety_notice": "Por favor, envíe el propio requerimiento de la autoridad.",
        "": "Por favor, no envíe el contenido.",
    },
}
REMOVE = "Remove the content, or block access to it, and record the time"
COPIES = "Find identical copies by their hashes and remove them; never open or copy them"
TELL = "Tell the person who asked what was done and when"


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a request is valid under a law. `missing` and `unchecked` are in the law's words, with the paragraph."""

    duty: str
    valid: Ternary
    missing: tuple[str, ...]
    unchecked: tuple[str, ...]
    ask: tuple[str, ...]  # sentences to the person, for what is missing


def elements(duty: Duty) -> tuple[Clause, ...]:
    """The clauses of a duty that look at what the request contains; none for a duty that is not about removal."""
    return tuple(clause for clause in (*duty.reach, *duty.when) if clause.holds is not None and _names(clause))


def element_facts(duty: Duty) -> tuple[str, ...]:
    """The facts that record what the request contains, in the order of the law."""
    return tuple(dict.fromkeys(name for clause in elements(duty) for name in _names(clause)))


def asked_for(names: Iterable[str], facts: Facts, language: str = "en") -> tuple[str, ...]:
    """The sentences that ask a person for what their request lacks; none when nothing is known to be missing."""
    words = ASKED.get(language, {**ELEMENTS, "": NO_CONTENT})
    sentences = tuple(words[name] for name in names if name in ELEMENTS and facts.get(name) is NO)
    return (*sentences, words[""]) if sentences else ()


def is_removal(duty: Duty) -> bool:
    """Whether a duty is started by somebody's request to remove content."""
    return bool(elements(duty))


def validity(duty: Duty, facts: Facts) -> Validity:
    """Check a request under one law. Whatever nobody has looked at leaves it unknown, never invalid."""
    answers = [(clause, clause.holds.decide(facts)) for clause in elements(duty) if clause.holds is not None]
    failing = [clause for clause, answer in answers if answer is NO]
    return Validity(
        duty.id,
        ternary.all_of(answer for _, answer in answers),
        tuple(_words(clause) for clause in failing),
        tuple(_words(clause) for clause, answer in answers if answer is UNKNOWN),
        asked_for(element_facts(duty), facts),
    )


def validity_by_law(duties: Iterable[Duty], facts: Facts) -> dict[str, Validity]:
    """Check one request under every law that knows such requests."""
    return {duty.id: validity(duty, facts) for duty in duties if is_removal(duty)}


def work(found: Validity) -> tuple[str, ...]:
    """What there is to do. An incomplete request is worked on as well: the law's clock waits, the harm does not."""
    steps = (REMOVE, COPIES, TELL)
    return steps if found.valid is YES else (*(f"Ask: {sentence}" for sentence in found.ask), *steps)


def _names(clause: Clause) -> tuple[str, ...]:
    """The elements that a clause looks at; none when it looks at anything else as well."""
    paths = clause.holds.references if clause.holds is not None else frozenset()
    names = sorted(name for (name, *_) in paths)
    return tuple(names) if names and all(name in ELEMENTS for name in names) else ()


def _words(clause: Clause) -> str:
    return f"{clause.says} ({clause.cite})" if clause.cite else clause.says
