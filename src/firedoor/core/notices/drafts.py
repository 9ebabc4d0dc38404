"""Drafts of what is sent to authorities and people: which template, filled from facts, with what is missing.

Decides which template fits a clock, how a fact reads in a letter, and that nothing is
invented: what is not known stands as `[missing: ...]` in its place and in a list on top.
Every draft begins by saying that it was not sent. Leaves reading template files to
`firedoor.templates` and sending to people.

A template sees `incident`, `clock`, `organisation`, `facts`, `content` (the fields that the
duty asks for, by id), `rest` (those that the template does not place itself), `known`
(facts for conditions, without marking them as missing) and `asked` (sentences for what a request lacks).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Template as JinjaTemplate
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from firedoor.core.facts import Count, Value
from firedoor.core.facts import show as shown
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.json_types import JsonObject, text_at
from firedoor.core.labels import label
from firedoor.core.law.duty import submitted_fact
from firedoor.core.lifecycle import IncidentType
from firedoor.core.notices.copies import of_record
from firedoor.core.notices.form_values import FormLines
from firedoor.core.notices.forms import Form
from firedoor.core.notices.languages import (
    LANGUAGES,
    WRITTEN,
    authority_language,
    count,
    instant,
    kind,
    risk,
    stated_language,
    untranslated,
)
from firedoor.core.requests.validity import asked_for
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary
from firedoor.core.translations import DEFAULT

NOT_SENT = "DRAFT - not sent"
AUDIENCES = ("authorities", "people")

# The first prefix that fits the duty's id names the template; the rest goes by the addressee.
FAMILIES: tuple[tuple[str, str], ...] = (
    ("eu.gdpr.art33.sa", "data-protection-authority"),
    ("uk.gdpr.art33.ico", "data-protection-authority"),
    ("eu.gdpr.art33.processor", "processor-to-controller"),
    ("eu.gdpr.art33.register", "register"),
    ("eu.gdpr.art12", "answer-to-a-request"),
    ("eu.aiact", "ai-act"),
    ("us.tida", "removal-answer"),
    ("uk.osa.s10_3a", "removal-answer"),
    ("in.itrules", "removal-answer"),
    ("eu.dsa.art20", "appeal-answer"),
    ("us.2258a.report", "ncmec-cybertip"),
    ("uk.osa.s66", "nca-csea"),
    ("us.2258a.preserve", "register"),
    ("us.sec.8k105", "form-8-k"),
    ("au.osa", "online-safety-regulator"),
    ("us.ca.1798_82.ag", "attorney-general"),
    ("us.tx.521_053.ag", "attorney-general"),
    ("us.ny.899aa.agencies", "attorney-general"),
    ("us.fl.501_171.ag", "attorney-general"),
    ("us.co.6_1_716.ag", "attorney-general"),
    ("us.wa.19_255.ag", "attorney-general"),
)
PEOPLE = frozenset(("individuals", "people"))
# Templates of which some exist in several languages, so that a fact in another one is marked.
SPOKEN = ("letter", "holding-statement", "removal-answer", "answer-to-a-request", "data-protection-authority")
# Facts that read alike in every language: names, addresses, words of a list.
PROPER = frozenset((
    "contact_point", "organisation_name", "support_contacts", "support_contacts_minors", "requester_contact",
    "member_state", "time_zone", "risk_to_people",
))  # fmt: skip
_MISSING = re.compile(r"\[missing: ([^\]]+)\]")
_BY_HAND = re.compile(r"\[to fill in(?:: ([^\]]+))?\]")


@dataclass(frozen=True)
class Draft:
    """A draft and what it lacks, in the order in which it is missed."""

    template: str
    text: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Matter:
    """What a draft is about: the clock, the incident, its facts, and the words of the organisation."""

    clock: ClockRecord
    view: IncidentView
    facts: Mapping[str, Value]
    organisation: Mapping[str, str]
    language: str = DEFAULT


def language_of(clock: ClockRecord, facts: Mapping[str, Value]) -> str:
    """The language of the reader: of people as the facts state it, of an authority as its country has it."""
    if clock.addressee in PEOPLE or not clock.duty:
        return stated_language(facts)
    return _works_in(clock, facts) or DEFAULT


def _works_in(clock: ClockRecord, facts: Mapping[str, Value]) -> str:
    """The language of a clock's authority, where the facts tell whose it is; other laws of the EU have other ones."""
    known = clock.jurisdiction != "EU" or clock.duty.startswith("eu.gdpr.")
    return authority_language(clock.jurisdiction, facts) if known else ""


def template_of(matter: Matter, wanted: str, known: Iterable[str]) -> str:
    """Return the name of the template: the one a playbook asks for by name, else the one that fits the duty.

    Where it is written in the language that is wanted (`letter-de`), that one; else it is in English.
    """
    name = _family(matter, wanted, known)
    translated = f"{name}-{matter.language}"
    return translated if translated in known else name


def _family(matter: Matter, wanted: str, known: Iterable[str]) -> str:
    if wanted not in AUDIENCES and wanted in known:
        return wanted
    duty = matter.clock.duty
    named = next((name for prefix, name in FAMILIES if duty.startswith(prefix)), None)
    people = matter.clock.addressee in PEOPLE
    if named == "removal-answer" or (named is None and people):
        return f"{named or 'letter'}{'-child' if child_possible(matter) else ''}"
    return named or "authority"


def child_possible(matter: Matter) -> bool:
    """Whether a child may be concerned. With intimate content, not knowing counts as yes."""
    minor = matter.facts.get("minor", UNKNOWN)
    children = "children" in _words(matter.facts.get("data_categories"))
    if matter.view.type is IncidentType.NONCONSENSUAL_GENERATION:
        return minor is not NO or children
    return minor is YES or children


def render(name: str, text: str, matter: Matter, form: Form | None = None) -> Draft:
    """Fill a template, which may be a form's. Never raises for what is missing, only for a broken template."""
    template, ids, names = _compiled(text)
    fill = _Fill(matter, name)
    content = {str(item["id"]): item for item in matter.clock.content}
    body = template.render(
        incident=_incident(matter, fill),
        clock=fill.clock(),
        organisation=_Marked(fill, fill.organisation),
        facts=_Marked(fill, fill.fact),
        content=_Marked(fill, lambda key: fill.field(content.get(key), key)),
        rest=[
            {"title": fill.title(str(item["title"])), "text": fill.field(item, key)}
            for key, item in content.items()
            if key not in ids and item.get("fact") not in names
        ],
        known=_Known(matter.facts),
        form=FormLines(form, matter.view, matter.facts, matter.organisation, matter.clock.id) if form else {},
        asks=dict.fromkeys(content, True),
        record=of_record(matter.view, matter.language),
        asked=asked_for(matter.clock.request, matter.facts, fill.language),
    )
    missing = tuple(dict.fromkeys(_MISSING.findall(body)))
    by_hand = tuple(dict.fromkeys(found or "what stands open in the text" for found in _BY_HAND.findall(body)))
    return Draft(name, f"{_head(matter, missing, by_hand, fill)}\n{body.strip()}\n", missing)


def variant(matter: Matter, missing: tuple[str, ...]) -> str:
    """Which report of several: a further one names what it follows; an incomplete first one says that more follows."""
    earlier = earlier_report(matter)
    if earlier:
        return f"Follow-up report to {earlier}. Say what is new since then and what still is not known"
    if matter.clock.addressee in PEOPLE or not matter.clock.duty:
        return ""
    return "Preliminary report: what is missing below follows in a further report" if missing else "Complete report"


def earlier_report(matter: Matter) -> str:
    """The report that this one follows, with its reference; "" for a first one."""
    event = f"{matter.clock.trigger_event}_at"
    for clock in matter.view.clocks.values():
        if clock.settlement and submitted_fact(clock.duty) == event:
            reference = clock.settlement.get("reference") or "[missing: reference of the earlier report]"
            return f"{clock.title or clock.duty} ({reference})"
    return "the earlier report [missing: its reference]" if event.startswith("submitted_") else ""


def _head(matter: Matter, missing: tuple[str, ...], by_hand: tuple[str, ...], fill: _Fill) -> str:
    lines = [f"> **{NOT_SENT}.** {matter.view.id}: {matter.clock.title}."]
    kind = variant(matter, missing)
    if kind:
        lines.append(f"> {kind}.")
    citation, due = matter.clock.citation, matter.clock.due
    if citation:
        limit = f"Due {fill.instant(due, DEFAULT)}" if due else "The law sets no number of hours"
        lines.append(f"> {citation}. {limit}.")
    lines += _authority(matter, fill)
    if matter.clock.assumption:
        lines.append(f"> Provisional: {matter.clock.assumption.replace('_', ' ')}.")
    lines.append("> A named person checks, completes and sends it. Firedoor gives no legal advice.")
    if missing:
        lines += [">", f"> Missing ({len(missing)}):", *(f"> - {item}" for item in missing)]
    else:
        lines += [">", "> Nothing that was asked for is missing."]
    if by_hand:
        lines += [">", f"> To be filled in by a person ({len(by_hand)}):", *(f"> - {item}" for item in by_hand)]
    return "\n".join(lines) + "\n"


def uses(text: str, clock: ClockRecord) -> frozenset[str]:
    """The facts that a template, or the duty behind a clock, asks for."""
    found = _environment.parse(text).find_all(nodes.Getattr)
    placed = {node.attr for node in found if isinstance(node.node, nodes.Name) and node.node.name in ("facts", "known")}
    asked = {str(item["fact"]) for item in clock.content if item.get("fact")}
    return frozenset(placed | asked)


def _authority(matter: Matter, fill: _Fill) -> list[str]:
    """A note where a draft for an authority may be in another language than its own."""
    if matter.clock.addressee != "authority":
        return []
    own = _works_in(matter.clock, matter.facts)
    if not own:
        return ["> In which language this authority takes it is not known here: see to it before it goes."]
    mark = f"[to fill in: whether the authority takes this text in {LANGUAGES[fill.language]}]"
    return [] if own == fill.language else [f"> This authority works in {LANGUAGES[own]}. {mark}"]


class _Fill:
    """Turns facts into words, and into a mark where there are none."""

    def __init__(self, matter: Matter, template: str) -> None:
        self.matter = matter
        self.language = matter.language if template.endswith(f"-{matter.language}") else DEFAULT
        written = matter.facts.get(WRITTEN, UNKNOWN)
        # Only what people read is marked: an authority's form is filled in by somebody who reads both.
        spoken = DEFAULT if written is UNKNOWN else written
        self.foreign = template.startswith(SPOKEN) and self.language != spoken
        self.zone = _zone(matter.facts.get("time_zone"))

    def fact(self, name: str) -> str:
        value = self.matter.facts.get(name, UNKNOWN)
        if name == "risk_to_people" and isinstance(value, str):
            return risk(value, self.language)
        return self._own(name, value, self._or_missing(value, label(name)))

    def title(self, words: str) -> str:
        """The heading of a field, which the catalogue has in English."""
        return words if self.language == DEFAULT else untranslated(words, self.language)

    def _own(self, name: str, value: Value | str, words: str) -> str:
        """The words of a fact, or a mark where they are in another language. Names and numbers are in none."""
        if not self.foreign or name in PROPER or not isinstance(value, str) or isinstance(value, Ternary) or not value:
            return words
        return untranslated(words, self.language)

    def field(self, item: JsonObject | None, name: str) -> str:
        if item is None:
            return self._or_missing(UNKNOWN, label(name))
        fact = text_at(item, "fact")
        value = self.matter.facts.get(fact, UNKNOWN)
        if value is UNKNOWN and fact == "contact_point":
            value = self._contact() or UNKNOWN
        return self._own(fact, value, self._or_missing(value, str(item["title"])))

    def organisation(self, name: str) -> str:
        given = self.matter.organisation
        value: Value | str = given.get(name) or given.get(name.replace("contact_", "dpo_")) or UNKNOWN
        if value is UNKNOWN and name == "name":
            value = self.matter.facts.get("organisation_name", UNKNOWN)
        return self._or_missing(value, f"the organisation's {name.replace('_', ' ')}")

    def clock(self) -> dict[str, str | bool]:
        clock = self.matter.clock
        return {
            "title": clock.title, "authority": clock.authority, "citation": clock.citation, "channel": clock.channel,
            "duty": clock.duty, "penalty": clock.penalty, "due": self.instant(clock.due),
            "trigger_at": self.instant(clock.trigger_at or None),
            "latest_arguable": self.instant(clock.latest_arguable), "late": clock.state == "missed",
        }  # fmt: skip

    def instant(self, raw: object, language: str = "") -> str:
        if raw is None:
            return ""
        value = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
        return instant(value.astimezone(self.zone), language or self.language)

    def words(self, value: Value) -> str:
        match value:
            case datetime():
                return self.instant(value)
            case tuple():
                return ", ".join(kind(item, self.language) for item in value)
            case Count():
                return count(value, self.language)
            case _:
                return shown(value)

    def _contact(self) -> str:
        given = self.matter.organisation
        named = [
            given.get("dpo_name") or given.get("contact_name"),
            given.get("dpo_email") or given.get("contact_email"),
        ]
        return ", ".join(str(part) for part in [*named, given.get("contact_phone")] if part)

    def _or_missing(self, value: Value | str, what: str) -> str:
        if value is UNKNOWN or value in ("", ()):
            return f"[missing: {what}]"
        return self.words(value)


class _Marked(Mapping[str, str]):
    """Names that a template reads; one without a value reads as a mark."""

    def __init__(self, fill: _Fill, read: Callable[[str], str]) -> None:
        self._fill = fill
        self._read = read

    def __getitem__(self, key: str) -> str:
        return self._read(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Known(Mapping[str, object]):
    """Facts for conditions: a flag is true only for a yes, a list is itself, anything unknown is false."""

    def __init__(self, facts: Mapping[str, Value]) -> None:
        self._facts = facts

    def __getitem__(self, key: str) -> object:
        value = self._facts.get(key, UNKNOWN)
        if isinstance(value, Ternary):
            return value is YES
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)


def _incident(matter: Matter, fill: _Fill) -> dict[str, str]:
    view = matter.view
    opened = fill.instant(view.opened_at) if view.opened_at else ""
    return {
        "id": view.id,
        "title": view.title,
        "type": str(view.type),
        "severity": str(view.severity),
        "opened_at": opened,
    }


def _zone(name: Value | None) -> ZoneInfo:
    try:
        return ZoneInfo(str(name)) if isinstance(name, str) else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _words(value: Value | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


_environment = ImmutableSandboxedEnvironment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
_environment.globals = {}


@lru_cache(maxsize=64)
def _compiled(text: str) -> tuple[JinjaTemplate, frozenset[str], frozenset[str]]:
    """The template, the ids of the duty's fields that it places itself, and the facts that it places."""
    tree = _environment.parse(text)
    found = [(node.node.name, node.attr) for node in tree.find_all(nodes.Getattr) if isinstance(node.node, nodes.Name)]
    ids, names = (frozenset(attr for root, attr in found if root == wanted) for wanted in ("content", "facts"))
    return _environment.from_string(text), ids, names
