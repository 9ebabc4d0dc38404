"""Notices as people work on them: today's draft, edits with their history, approval, the copy as sent, the receipt.

Decides that a draft is made again from the facts of the moment whenever it is read, that a text is in the vault before
the journal names it, and that whoever edits or approves has seen the text that counts. It is a part of `Service`.
Leaves the rules to `core.correspondence` and paper to `printing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firedoor.core import correspondence as rules
from firedoor.core.due import DueKind
from firedoor.core.journal import Body, Draft
from firedoor.core.languages import DEFAULT, LANGUAGES, languages_of, stated_language
from firedoor.core.operations import Plan
from firedoor.core.people import Person
from firedoor.core.problems import Problem, Refused
from firedoor.core.prose import marks
from firedoor.core.scope import typed_facts
from firedoor.core.view import IncidentView
from firedoor.runtime.world import World

if TYPE_CHECKING:
    from firedoor.core.drafts import Draft as Rendered


@dataclass(frozen=True)
class Notice:
    """A notice in one language as it stands: the text that counts, today's draft, and every version so far."""

    clock: Mapping[str, Any]
    language: str
    languages: tuple[str, ...]
    rendered: Rendered
    text: str
    state: str  # draft, edited, approved or sent
    versions: tuple[Body, ...]

    @property
    def stale(self) -> bool:
        """Whether the facts give another draft today than the one that was edited or approved."""
        last = rules.counts(list(self.versions))
        return last is not None and last["rendered"] != rules.digest(self.rendered.text)

    def as_json(self) -> Body:
        """For the API and the pages."""
        sent = [one for one in self.versions if one["kind"] == rules.SENT]
        return {
            "clock": self.clock["id"], "title": self.clock["title"], "authority": self.clock.get("authority", ""),
            "due": self.clock.get("due"), "clock_state": self.clock.get("state", ""), "language": self.language,
            "languages": list(self.languages), "state": self.state, "template": self.rendered.template,
            "sha256": rules.digest(self.text), "missing": marks(self.text), "stale": self.stale, "text": self.text,
            "draft": self.rendered.text, "news": rules.difference(self.text, self.rendered.text) if self.stale else "",
            "sent": sent[-1] if sent else None,
            "receipts": [one for one in self.versions if one["kind"] == rules.RECEIPT], "history": list(self.versions),
        }  # fmt: skip


def notice(world: World, view: IncidentView, plan: Plan, clock: str, language: str = "") -> Notice:
    """Read one notice. Raises NotFound or InvalidInput."""
    about = rules.clock_of(view, clock)
    facts = {**world.organisation.facts, **typed_facts(view.facts, world.definitions(plan))}
    tongue = rules.language_in(language or stated_language(facts))
    rendered = _draft(world, view, plan, about, facts, tongue)
    if not rendered.template.endswith(f"-{tongue}"):  # what is not translated is in English, whatever was asked for
        tongue = DEFAULT
    found = rules.versions(view, clock, tongue)
    last = rules.counts(found)
    text = world.vault.get(last["sha256"]).decode() if last else rendered.text
    words = {rules.EDITED: "edited", rules.APPROVED: "approved"}
    was_sent = any(one["kind"] == rules.SENT for one in found)
    state = "sent" if was_sent else words[last["kind"]] if last else "draft"
    return Notice(about, tongue, _languages(rendered, facts, tongue), rendered, text, state, tuple(found))


def notices(world: World, view: IncidentView, plan: Plan) -> list[Notice]:
    """Every notice of an incident, those of clocks first, each in the language that the facts state."""
    return [notice(world, view, plan, clock) for clock in (*view.clocks, rules.PRESS)]


def _draft(
    world: World, view: IncidentView, plan: Plan, about: Mapping[str, Any], facts: Mapping[str, Any], tongue: str
) -> Rendered:
    from firedoor.templates import render_draft

    return render_draft(about, view, facts, world.organisation.words, rules.family_of(plan, about), tongue)


def _languages(rendered: Rendered, facts: Mapping[str, Any], tongue: str) -> tuple[str, ...]:
    """The languages in which this notice exists, those that are likely needed first."""
    from firedoor.templates import notices as known

    name = rendered.template.removesuffix(f"-{tongue}")
    written = [one for one in LANGUAGES if one == DEFAULT or f"{name}-{one}" in known()]
    likely = [one for one in languages_of(facts) if one in written]
    return tuple(dict.fromkeys((*likely, *written)))


class Corresponding:
    """Calls about notices."""

    world: World
    _write: Callable[..., Any]
    view: Callable[..., Any]
    plan_of: Callable[..., Any]

    async def notice(self, incident: str, clock: str, language: str = "") -> Notice:
        """One notice as it stands. Raises NotFound."""
        view, plan = await self.view(incident), await self.plan_of(incident)
        return await asyncio.to_thread(notice, self.world, view, plan, clock, language)

    async def edit_notice(
        self, incident: str, clock: str, language: str, base: str, text: str, why: str, person: Person
    ) -> Notice:
        """Keep another wording. `base` is the digest of the text that was edited; the journal keeps the difference."""
        now = await self.notice(incident, clock, language)
        _need_seen(now, base)
        after = _lines(text)
        about, at = (clock, now.language), self.world.now().isoformat()
        await asyncio.to_thread(self.world.vault.put, after.encode())
        rendered = now.rendered.text
        await self._versioned(
            incident, now, lambda view: [rules.edited(view, about, now.text, after, rendered, why, person, at)]
        )
        return await self.notice(incident, clock, now.language)

    async def approve_notice(
        self, incident: str, clock: str, language: str, base: str, why: str, person: Person
    ) -> Notice:
        """Say that this text may leave. `base` is the digest of the text that was read."""
        now = await self.notice(incident, clock, language)
        _need_seen(now, base)
        about, at = (clock, now.language), self.world.now().isoformat()
        await asyncio.to_thread(self.world.vault.put, rules.clean(now.text).encode())
        rendered = now.rendered.text
        await self._versioned(
            incident, now, lambda view: [rules.approved(view, about, now.text, rendered, why, person, at)]
        )
        return await self.notice(incident, clock, now.language)

    async def receive_receipt(
        self, incident: str, clock: str, language: str, sha256: str, why: str, person: Person
    ) -> Notice:
        """Make a piece of evidence the receipt of a notice."""
        now = await self.notice(incident, clock, language)
        about = (clock, now.language)
        await self._write(incident, lambda view: [rules.receipt(view, about, sha256, why, person)])
        return await self.notice(incident, clock, now.language)

    async def freeze(
        self, incident: str, clock: str, fields: Mapping[str, str], person: Person
    ) -> tuple[dict[str, str], Sequence[Draft]]:
        """Keep the exact text that was sent, before somebody's word that it was sent is written down.

        `fields` may name the `version` (approved, edited, draft, none, or a digest) and its `language`. Returns the
        fields to record and the entry that keeps the text; none where the file itself was kept, or `none` is said.
        """
        given = {name: value for name, value in fields.items() if name not in ("version", "language")}
        view = await self.view(incident)
        about = view.clocks.get(clock)
        if about is None or given.get("as_sent_sha256") or about.get("kind") == DueKind.HOLD_UNTIL:
            return given, ()
        if fields.get("version") == rules.NOT_KEPT:
            return {**given, "as_sent": "not kept here"}, ()
        now = await self.notice(incident, clock, fields.get("language", ""))
        word, sha256, stated = rules.chosen(list(now.versions), fields.get("version", ""))
        content = await asyncio.to_thread(self.world.vault.get, sha256) if sha256 else now.rendered.text.encode()
        await asyncio.to_thread(self.world.vault.put, content)
        at = self.world.now().isoformat()
        kept = rules.sent((clock, now.language), content.decode(), word, person, at, stated=stated)
        said = f"{word} version" + ("" if stated else "; nobody named the version")
        return {**given, "as_sent_sha256": str(kept.body["sha256"]), "as_sent": said}, (kept,)

    async def _versioned(self, incident: str, seen: Notice, decide: Callable[[IncidentView], Sequence[Draft]]) -> None:
        """Write a version, unless another one was written since."""

        def still(view: IncidentView) -> Sequence[Draft]:
            if len(rules.versions(view, str(seen.clock["id"]), seen.language)) != len(seen.versions):
                raise Refused(_changed())
            return decide(view)

        await self._write(incident, still)


def _need_seen(now: Notice, base: str) -> None:
    if base and base != rules.digest(now.text):
        raise Refused(_changed())


def _changed() -> Problem:
    do = "read it as it is now, then decide again"
    return Problem(code="G110", message="the text has changed since it was read", do=do)


def _lines(text: str) -> str:
    """One kind of line end, and one at the end: browsers send others."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip("\n") + "\n"
