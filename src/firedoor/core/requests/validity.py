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
from firedoor.core.translations import TRANSLATIONS

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
    translated = TRANSLATIONS.get(language)
    words = {**ELEMENTS, "": NO_CONTENT, **(translated.asked if translated else {})}
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
