"""A notice as it stands: the text that counts, today's draft, and how it came to be so.

Decides that a draft is made again from the facts of the moment whenever it is read, that its past wordings are read
from the journal, and what an edited text takes over of new facts. Leaves the rules to `core.correspondence`, wordings
to `core.redrafting`, and writing to `notices`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firedoor.core.entries.custody import PieceKept
from firedoor.core.facts import FactDefinition, Facts, show
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Entry
from firedoor.core.notices import versions as rules
from firedoor.core.notices.drafts import PEOPLE, language_of
from firedoor.core.notices.languages import LANGUAGES, languages_of
from firedoor.core.notices.markdown import marks
from firedoor.core.notices.merge import Merged, Redraft, facts_since, merge, redrafts
from firedoor.core.notices.standing import offered, standing
from firedoor.core.playbook.plan import Plan
from firedoor.core.problems import Problem, Refused
from firedoor.core.translations import DEFAULT
from firedoor.runtime.config.container import World

if TYPE_CHECKING:
    from firedoor.core.notices.drafts import Draft as Rendered


@dataclass(frozen=True)
class Notice:
    """A notice in one language as it stands: the text that counts, today's draft, and every version so far."""

    clock: ClockRecord
    language: str
    languages: tuple[str, ...]
    rendered: Rendered
    text: str
    state: str  # draft, edited, approved or sent
    versions: tuple[PieceKept, ...]
    drafts: tuple[Redraft, ...] = ()  # how the draft followed the facts; read only where one notice is looked at
    changed: tuple[Body, ...] = ()  # the facts behind it that changed since the text was worded: fact, before, now

    @property
    def sent(self) -> PieceKept | None:
        """The copy as sent that stands: the last one."""
        return next((one for one in reversed(self.versions) if one["kind"] == rules.SENT), None)

    def number(self, sha256: str) -> int:
        """Which version a text is, counted from 1 over drafts, edits and approvals in their order; 0 for none."""
        worded = [one for one in self.versions if one["kind"] in (rules.EDITED, rules.APPROVED)]
        order = sorted([(one.seq, one.digest) for one in self.drafts] + [(one["seq"], one["sha256"]) for one in worded])
        return max((number for number, (_, digest) in enumerate(order, 1) if digest == sha256), default=0)

    @property
    def stale(self) -> bool:
        """Whether the facts give another draft today than the one that was edited or approved."""
        last = rules.counts(list(self.versions))
        return last is not None and last["rendered"] != rules.digest(self.rendered.text)

    def as_json(self) -> Body:
        """For the API and the pages."""
        return {
            "clock": self.clock.id, "title": self.clock.title, "authority": self.clock.authority,
            "due": self.clock.due, "clock_state": self.clock.state, "language": self.language,
            "languages": list(self.languages), "state": self.state, "template": self.rendered.template,
            "sha256": rules.digest(self.text), "missing": marks(self.text), "stale": self.stale, "text": self.text,
            "draft": self.rendered.text, "news": rules.difference(self.text, self.rendered.text) if self.stale else "",
            "facts_changed": list(self.changed) if self.stale else [], "sent": self.sent,
            "receipts": [one for one in self.versions if one["kind"] == rules.RECEIPT], "history": list(self.versions),
            "drafts": [{**one.as_json(), "number": self.number(one.digest)} for one in self.drafts],
        }  # fmt: skip


def notice(world: World, view: IncidentView, plan: Plan, clock: str, language: str = "") -> Notice:
    """Read one notice, else in the language in which somebody worded it, else in its reader's.

    Raises NotFound or InvalidInput.
    """
    about = rules.clock_of(view, clock)
    facts = {**world.organisation.facts, **typed_facts(view.facts, world.definitions(plan))}
    tongue = rules.language_in(language or rules.worded_in(view, clock) or language_of(about, facts))
    rendered = _draft(world, view, plan, about, facts, tongue)
    if not rendered.template.endswith(f"-{tongue}"):  # what is not translated is in English, whatever was asked for
        tongue = DEFAULT
    found = rules.versions(view, clock, tongue)
    last = rules.counts(found)
    text = world.vault.get(last["sha256"]).decode() if last else rendered.text
    over = standing(clock) is not None or about.settled
    was_sent = over and any(one["kind"] == rules.SENT for one in found)
    state = "sent" if was_sent else rules.WORDS[last["kind"]] if last else "draft"
    return Notice(about, tongue, _languages(about, rendered, facts, tongue), rendered, text, state, tuple(found))


def with_past(world: World, plan: Plan, one: Notice, entries: Sequence[Entry]) -> Notice:
    """The same notice with every wording that the facts gave it, and what changed since the text that counts."""
    from firedoor.templates import used_facts

    clock, definitions = one.clock.id, world.definitions(plan)

    def then(past: IncidentView, _: str) -> str:
        facts = {**world.organisation.facts, **typed_facts(past.facts, definitions)}
        return _draft(world, past, plan, past.clocks.get(clock, one.clock), facts, one.language).text

    used = used_facts(one.rendered.template, one.clock)
    drafts = redrafts(entries, "" if standing(clock) else clock, used, then)
    last = rules.counts(list(one.versions))
    pairs = facts_since(drafts, last["seq"]) if last else {}
    changed = tuple(
        {"fact": name, "before": _shown(name, before, definitions), "now": _shown(name, now, definitions)}
        for name, (before, now) in pairs.items()
    )
    return replace(one, drafts=tuple(drafts), changed=changed)


def _shown(name: str, raw: object, definitions: Mapping[str, FactDefinition]) -> str:
    return show(typed_facts({name: raw}, definitions)[name]) if raw is not None else "unknown"


def notices(world: World, view: IncidentView, plan: Plan) -> list[Notice]:
    """Every notice of an incident, those of clocks first, then those that it may need beside them."""
    facts = {**world.organisation.facts, **typed_facts(view.facts, world.definitions(plan))}
    return [notice(world, view, plan, clock) for clock in (*view.clocks, *offered(view, facts))]


def _draft(world: World, view: IncidentView, plan: Plan, about: ClockRecord, facts: Facts, tongue: str) -> Rendered:
    from firedoor.templates import render_draft

    return render_draft(about, view, facts, world.organisation.words, rules.family_of(plan, about), tongue)


def _languages(about: ClockRecord, rendered: Rendered, facts: Facts, tongue: str) -> tuple[str, ...]:
    """The languages in which this notice exists, those that are likely needed first."""
    from firedoor.templates import notices as known

    name = rendered.template.removesuffix(f"-{tongue}")
    written = [one for one in LANGUAGES if one == DEFAULT or f"{name}-{one}" in known()]
    people = not about.duty or about.addressee in PEOPLE
    likely = [one for one in (languages_of(facts) if people else (language_of(about, facts),)) if one in written]
    return tuple(dict.fromkeys((*likely, *written)))


def merged(now: Notice) -> Merged:
    """Today's draft in the edited text. Raises Refused where the facts say nothing new, or its draft is not known."""
    last = rules.counts(list(now.versions))
    if last is None or not now.stale:
        raise Refused(Problem(code="G113", message="the facts say nothing new", do="there is nothing to take over"))
    old = next((one.text for one in now.drafts if one.digest == last["rendered"]), None)
    if old is None:
        do = "compare it with today's draft, and edit it by hand"
        raise Refused(Problem(code="G114", message="the draft that was edited cannot be made again", do=do))
    approved = last["kind"] == rules.APPROVED  # an approved text has lost the notes to ourselves
    base, draft = (rules.clean(old), rules.clean(now.rendered.text)) if approved else (old, now.rendered.text)
    return merge(base, now.text, draft)
