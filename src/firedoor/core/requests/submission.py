"""A request as the person shown, or somebody for them, submits it: without an account, by form or by program.

Decides what a submission may hold, within which bounds, and which elements of the laws are known from it: what a form
asks and a person left out is a "no", what nobody was asked stays unknown until people read the statement. A picture is
refused wherever it hides; a place is named and never opened. Leaves what a request is to `request`, what each law says
of it to `validity`, and which number it gets to the runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from firedoor.core.alerts.alert import HASH_LENGTHS, ContentHash
from firedoor.core.content import hidden
from firedoor.core.content.locators import LONGEST_LOCATOR, locator_fault
from firedoor.core.language.json_fields import Fields
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary
from firedoor.core.text import clean_text

MAXIMUM_PLACES, MAXIMUM_HASHES = 130, 64  # together what one request holds
MAXIMUM_NAME, MAXIMUM_STATEMENT = 300, 5000  # characters
LANGUAGES = ("en", "de", "fr", "es")
FIELDS = frozenset(
    ("law", "person", "locators", "statement", "signature", "hashes", "age_under_18", "language", "declares")
)
UNASKED = "unasked"  # read of what we keep, and of people here; never of strangers
NO_CONTENT = "name the place or send the hash; never send the picture itself"


class Standing(StrEnum):
    """For whom somebody asks."""

    ME = "me"
    AGENT = "agent"
    PARENT = "parent"
    ORGANISATION = "organisation"


class Declaration(StrEnum):
    """What a form has people declare by a tick."""

    NO_CONSENT = "no_consent"
    INTIMATE = "intimate"
    STANDING = "standing"
    TRUTH = "truth"


_ELEMENT_OF: Mapping[Declaration, str] = {
    Declaration.NO_CONSENT: "request_states_no_consent",
    Declaration.INTIMATE: "request_declares_intimate",
    Declaration.STANDING: "request_declares_standing",
    Declaration.TRUTH: "request_declares_truth",
}


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission. `declared` is None where nobody asked: then the statement has to be read by people."""

    standing: Standing
    contact: str = ""
    signature: str = ""
    locators: tuple[str, ...] = ()
    statement: str = ""
    hashes: tuple[ContentHash, ...] = ()
    law: str = ""
    under_18: Ternary = UNKNOWN
    language: str = "en"
    declared: frozenset[Declaration] | None = None
    unasked: bool = False  # no form asked: what is not said stays unknown, and people read the statement

    @property
    def elements(self) -> dict[str, str]:
        """What is known of the elements that laws ask for, by the fact that records each: yes or no."""
        known = {
            "request_in_writing": YES,
            "request_signed": _answer(self.signature),
            "request_locates_content": _answer(self.locators),
            "request_gives_contact": _answer(self.contact),
        }
        if self.declared is not None:
            known |= {_ELEMENT_OF[one]: YES if one in self.declared else NO for one in Declaration}
            known["complaint_by_person_shown"] = known["request_declares_standing"]
        if self.unasked:
            known = {name: answer for name, answer in known.items() if answer is YES}
        return {name: str(answer) for name, answer in known.items()}

    def record(self) -> dict[str, object]:
        """The JSON form, which `read` reads back."""
        said: dict[str, object] = {
            "person": {"is": str(self.standing), "contact": self.contact}, "locators": list(self.locators),
            "statement": self.statement, "signature": self.signature, "law": self.law, "language": self.language,
            "hashes": [one.model_dump() for one in self.hashes],
        }  # fmt: skip
        if self.under_18 is not UNKNOWN:
            said["age_under_18"] = self.under_18 is YES
        said = {name: value for name, value in said.items() if value not in ("", [])}
        if self.declared is not None:  # nothing ticked is an answer, and none at all is not
            said["declares"] = sorted(map(str, self.declared))
        if self.unasked:
            said[UNASKED] = True
        return said


def read(body: object, *, further: bool = False, ours: bool = False) -> Submission:
    """Read what was sent. Raises InvalidInput with every problem at once; no problem repeats what was sent.

    `further` is what somebody adds to a request: it need not say again which content is meant. `ours` is what we kept,
    or what people here read of a letter.
    """
    problems: list[Problem] = []
    fields = Fields(body, "", problems)
    known = f"known: {', '.join(sorted(FIELDS))}"
    problems += [
        _problem("D113", name[:60], "is not read here", known)
        for name in sorted(set(fields.value) - FIELDS - ({UNASKED} if ours else set()))
    ][:5]
    person = fields.object("person", required=True) or Fields({}, "person", [])
    submission = Submission(
        standing=Standing(person.word("is", list(Standing), required=True) or Standing.ME),
        contact=person.text("contact", maximum=MAXIMUM_NAME) or "",
        signature=fields.text("signature", maximum=MAXIMUM_NAME) or "",
        locators=_places(fields), statement=_statement(fields), hashes=_hashes(fields),
        law=fields.identifier("law") or "", under_18=_age(fields),
        language=fields.word("language", LANGUAGES) or "en", declared=_declared(fields),
        unasked=ours and fields.value.get(UNASKED) is True,
    )  # fmt: skip
    if not problems:
        problems.extend(_disguised(submission) if further else _unlocated(submission) or _disguised(submission))
    if problems:
        raise InvalidInput(problems)
    return submission


def _answer(given: object) -> Ternary:
    return YES if given else NO


def _unlocated(one: Submission) -> list[Problem]:
    """Nothing to look for is no request."""
    if one.locators or one.hashes or one.statement:
        return []
    do = "name a place, or describe in words where it can be found"
    return [_problem("Q110", "locators", "nothing says which content is meant", do)]


def _disguised(one: Submission) -> list[Problem]:
    words = {"statement": one.statement, "person.contact": one.contact, "signature": one.signature}
    return [_problem("Q111", name, "holds content in disguise", NO_CONTENT)
            for name, text in words.items() if text and hidden(text)]  # fmt: skip


def _places(fields: Fields) -> tuple[str, ...]:
    places = fields.texts("locators", MAXIMUM_PLACES, longest=LONGEST_LOCATOR)
    for index, place in enumerate(places):
        if fault := locator_fault(place):
            fields.problem("Q111", f"locators.{index}", fault, NO_CONTENT)
    return places


def _statement(fields: Fields) -> str:
    given = fields.value.get("statement")
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > MAXIMUM_STATEMENT:
        fields.problem("D112", "statement", f"must be a text of at most {MAXIMUM_STATEMENT} characters", "shorten it")
        return ""
    return clean_text(given, lines=True).strip()


def _hashes(fields: Fields) -> tuple[ContentHash, ...]:
    found = []
    for item in fields.objects("hashes", MAXIMUM_HASHES):
        algorithm = item.word("algorithm", HASH_LENGTHS, required=True)
        value = item.text("value", required=True, maximum=512)
        if algorithm is None or value is None:
            continue
        try:
            found.append(ContentHash(algorithm=algorithm, value=value.lower()))
        except ValidationError:
            item.problem("D117", "value", f"must be {HASH_LENGTHS[algorithm]} hexadecimal characters", NO_CONTENT)
    return tuple(dict.fromkeys(found))


def _age(fields: Fields) -> Ternary:
    given = fields.value.get("age_under_18")
    if isinstance(given, bool):
        return YES if given else NO
    word = fields.word("age_under_18", list(Ternary))
    return UNKNOWN if word is None else Ternary(word)


def _declared(fields: Fields) -> frozenset[Declaration] | None:
    if fields.value.get("declares") is None:
        return None
    said = fields.texts("declares", len(Declaration), longest=64)
    for index, word in enumerate(said):
        if word not in tuple(Declaration):
            known = ", ".join(Declaration)
            fields.problem("D113", f"declares.{index}", "is not a word that is known here", f"known: {known}")
    return frozenset(Declaration(word) for word in said if word in tuple(Declaration))


def _problem(code: str, field: str, message: str, do: str) -> Problem:
    return Problem(code=code, field=field, message=message, do=do)
