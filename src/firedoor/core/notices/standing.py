"""Notices that no clock asks for: the statement for the press, reports to hotlines, letters to whoever posted.

Decides which there are, who approves each, when one is offered, and when one must not go: nothing to whoever posted
where a child may be shown or where law enforcement asks for silence, and no letter that names the other person. Leaves
their text to the forms and templates, and versions to `versions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firedoor.core.facts import Value
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.lifecycle import IncidentType
from firedoor.core.notices.drafts import PEOPLE, Matter, child_possible
from firedoor.core.notices.form_values import request_of
from firedoor.core.requests.request import Outcome, RemovalRequest, RequestKind
from firedoor.core.ternary import NO, UNKNOWN, YES

PRESS = "press"
REASONS, DATABASE = "statement-of-reasons", "dsa-transparency-database"
APPEALS = "eu.dsa.art20"  # the duty whose letter goes to whoever posted
SHORTEST = 4  # characters of a name that is looked for in a letter
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_LEGAL = frozenset(("legal", "dpo", "commander"))
Facts = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a notice of no clock is: to whom, by which template, who approves it, and whether it is of one request."""

    title: str
    to: str
    template: str
    approvers: frozenset[str] = _LEGAL
    of_request: bool = False
    to_people: bool = False


STANDING: Mapping[str, Standing] = {
    PRESS: Standing("Holding statement for the press", "the press", "holding-statement",
                    frozenset(("communications", "manager"))),
    "iwf": Standing("Report to the Internet Watch Foundation", "Internet Watch Foundation", "iwf"),
    "inhope": Standing("Report to the hotline of a country", "the hotline of the country", "inhope"),
    "stopncii": Standing("Note on a StopNCII.org case", "StopNCII.org", "stopncii",
                         _LEGAL | frozenset(("victim_support",))),
    REASONS: Standing("Statement of reasons to whoever posted", "whoever posted the content", REASONS,
                      of_request=True, to_people=True),
    DATABASE: Standing("Statement for the DSA Transparency Database", "European Commission", DATABASE,
                       of_request=True),
}  # fmt: skip
_OF_REQUEST = re.compile(rf"({REASONS}|{DATABASE})-(R[1-9][0-9]{{0,5}})")


def standing(name: str) -> Standing | None:
    """What a notice of this name is; None for a clock's, or for one that there is not."""
    found = _OF_REQUEST.fullmatch(name)
    kind = STANDING.get(found[1] if found else name)
    return kind if kind is not None and kind.of_request == bool(found) else None


def record_of(name: str) -> ClockRecord | None:
    """What stands for the clock of such a notice; None for a name that is none."""
    kind = standing(name)
    if kind is None:
        return None
    of = f", {name.rpartition('-')[2]}" if kind.of_request else ""
    return ClockRecord(
        id=name, title=f"{kind.title}{of}", authority=kind.to, addressee="individuals" if kind.to_people else ""
    )


def there(view: IncidentView, name: str) -> bool:
    """Whether this incident has such a notice: one about a request, once its content was removed."""
    kind = standing(name)
    return kind is not None and (not kind.of_request or _removed(request_of(view, name)))


def offered(view: IncidentView, facts: Facts) -> tuple[str, ...]:
    """The notices of no clock that this incident may need, the press statement last."""
    intimate = view.type is IncidentType.NONCONSENSUAL_GENERATION
    child = facts.get("apparent_child_abuse_material", UNKNOWN) is YES
    hosts = facts.get("hosting_service", UNKNOWN) is YES and not withheld(view, facts)
    letters = [f"{kind}-{one.name}" for one in view.requests.values() if _removed(one) for kind in (REASONS, DATABASE)]
    adult = intimate and facts.get("minor", UNKNOWN) is NO and not child
    return (
        *(("iwf", "inhope") if child else ()),
        *(("stopncii",) if adult else ()),
        *(letters if hosts else ()),
        PRESS,
    )


def withheld(view: IncidentView, facts: Facts) -> str:
    """Why nothing is said to whoever posted; "" where it may be."""
    if child_possible(Matter(ClockRecord(""), view, facts, {})):
        return "a person under 18 is, or may be, shown: whoever posted is told nothing"
    if facts.get("law_enforcement_delay", UNKNOWN) is YES:
        return "law enforcement has asked for silence: whoever posted is told nothing"
    return ""


def objections(view: IncidentView, facts: Facts, notice: ClockRecord, text: str) -> Iterator[str]:
    """Why a text may not be approved, beyond places that are still to be filled."""
    name = notice.id.rpartition("-")[0]
    if (name in (REASONS, DATABASE) or notice.duty.startswith(APPEALS)) and (why := withheld(view, facts)):
        yield why
    if notice.addressee in PEOPLE or name == DATABASE:
        to_poster = name in (REASONS, DATABASE) or notice.duty.startswith(APPEALS)
        yield from _names(view, text, by_poster=not to_poster)
    if name == DATABASE and (_MAIL.search(text) or any(place in text for place in _all_places(view))):
        yield "the database takes no personal data: the text holds an e-mail address or a place of the content"


def _names(view: IncidentView, text: str, *, by_poster: bool) -> Iterator[str]:
    """The requests whose person the text names: those of the other side."""
    said = " ".join(text.casefold().split())
    for one in view.requests.values():
        told = (" ".join(word.casefold().split()) for word in (one.requester, one.requester_contact))
        if (one.kind is RequestKind.APPEAL) == by_poster and any(len(w) >= SHORTEST and w in said for w in told):
            yield f"the text names the person behind {one.name}, whom its reader must not learn of"


def _all_places(view: IncidentView) -> Iterator[str]:
    return (place for one in view.requests.values() for place in one.locators if len(place) >= SHORTEST)


def _removed(one: RemovalRequest | None) -> bool:
    return (
        one is not None
        and one.kind is RequestKind.REMOVAL
        and bool(one.closing and one.closing.outcome is Outcome.REMOVED)
    )
