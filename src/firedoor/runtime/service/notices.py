"""Notices as people work on them: edits with their history, approval, the copy as sent, the receipt.

Decides that a text is in the vault before the journal names it, that whoever edits or approves has seen the text that
counts, and that whichever way somebody says that a notice was sent, the text of it is kept. It is a part of `Service`.
Leaves the rules to `core.correspondence`, reading a notice to `current_text` and paper to `pdf_docx`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Body, Draft
from firedoor.core.notices import versions as rules
from firedoor.core.notices.markdown import marks
from firedoor.core.notices.standing import objections
from firedoor.core.playbook.plan import Plan
from firedoor.core.problems import Problem, Refused
from firedoor.core.tasks.answers import Answer, Person
from firedoor.runtime.config.container import World
from firedoor.runtime.documents.form_file import form_faults
from firedoor.runtime.service.current_text import Notice, merged, notice, notices, with_past
from firedoor.runtime.service.sent_beside import Sending, sent_beside
from firedoor.runtime.service.sent_copies import SUBMITTED, frozen

__all__ = ["Corresponding", "Notice", "Sending", "notice", "notices", "with_past"]


class Corresponding:
    """Calls about notices."""

    world: World
    _write: Callable[..., Awaitable[IncidentView]]
    view: Callable[..., Awaitable[IncidentView]]
    plan_of: Callable[..., Awaitable[Plan]]

    async def notice(self, incident: str, clock: str, language: str = "") -> Notice:
        """One notice as it stands, with how it came to be so. Raises NotFound."""
        return await asyncio.to_thread(self._read, incident, clock, language)

    def _read(self, incident: str, clock: str, language: str) -> Notice:
        entries = self.world.store.entries(incident)
        view = fold(incident, entries)
        plan = self.world.store.plan(view.plan_digest)
        return with_past(self.world, plan, notice(self.world, view, plan, clock, language), entries)

    async def edit_notice(
        self, incident: str, clock: str, language: str, base: str, text: str, why: str, person: Person
    ) -> Notice:
        """Keep another wording. `base` is the digest of the text that was edited; the journal keeps the difference."""
        now = as_seen(await self.notice(incident, clock, language), base)
        after = _lines(text)
        about, at = (clock, now.language), self.world.now().isoformat()
        await asyncio.to_thread(self.world.vault.put, after.encode())
        rendered = now.rendered.text
        await self._versioned(
            incident, now, lambda view: [rules.edited(view, about, now.text, after, rendered, why, person, at)]
        )
        return await self.notice(incident, clock, now.language)

    async def take_over(self, incident: str, clock: str, language: str, base: str, why: str, person: Person) -> Notice:
        """Take what the facts say newly into a text that was worded by hand; lines that were worded anew stay.

        What found no place is named in the journal and in `left` of the version. Raises Refused where nothing is new.
        """
        now = as_seen(await self.notice(incident, clock, language), base)
        new = merged(now)
        about, at = (clock, now.language), self.world.now().isoformat()
        await asyncio.to_thread(self.world.vault.put, new.text.encode())
        took: Body = {"took": [one["fact"] for one in now.changed], "left": list(new.left)}
        given, rendered = why.strip() or "the facts have changed", now.rendered.text
        await self._versioned(
            incident, now,
            lambda view: [rules.edited(view, about, now.text, new.text, rendered, given, person, at, took)],
        )  # fmt: skip
        return await self.notice(incident, clock, now.language)

    async def approve_notice(
        self, incident: str, clock: str, language: str, base: str, why: str, person: Person
    ) -> Notice:
        """Say that this text may leave. `base` is the digest of the text that was read; without it nothing was."""
        now = as_seen(await self.notice(incident, clock, language), base or "nothing")
        about, at = (clock, now.language), self.world.now().isoformat()
        await asyncio.to_thread(self._need_fit, incident, now)
        await asyncio.to_thread(self.world.vault.put, rules.clean(now.text).encode())
        rendered = now.rendered.text
        await self._versioned(
            incident, now, lambda view: _once(view, rules.approved(view, about, now.text, rendered, why, person, at))
        )
        return await self.notice(incident, clock, now.language)

    def _need_fit(self, incident: str, now: Notice) -> None:
        """Raises Refused for a text that may not leave: a form that does not fit, a letter that names the other side.

        Places that are still to be filled are said by `versions`, with the rights of whoever approves.
        """
        if marks(now.text):
            return
        view = fold(incident, self.world.store.entries(incident))
        known = self.world.definitions(self.world.store.plan(view.plan_digest))
        facts = {**self.world.organisation.facts, **typed_facts(view.facts, known)}
        wrong = [*objections(view, facts, now.clock, now.text), *form_faults(now.rendered.template, now.text)]
        if wrong:
            do = "edit the text, or leave it"
            raise Refused([Problem(code="G119", field="text", message=fault, do=do) for fault in wrong[:40]])

    async def note_sent(self, incident: str, clock: str, language: str, said: Sending, person: Person) -> Notice:
        """Say that a notice of no clock was sent: which approved version or file, by which channel, when.

        Raises Refused for a clock's notice, whose sending ends the clock, and for a text that nobody approved.
        """
        now = await self.notice(incident, clock, language)
        await self._write(incident, lambda view: sent_beside(self.world, view, now, said, person))
        return await self.notice(incident, clock, now.language)

    async def receive_receipt(
        self, incident: str, clock: str, language: str, sha256: str, why: str, person: Person
    ) -> Notice:
        """Make a piece of evidence the receipt of a notice."""
        now = await self.notice(incident, clock, language)
        about = (clock, now.language)
        await self._write(incident, lambda view: _once(view, rules.receipt(view, about, sha256, why, person)))
        return await self.notice(incident, clock, now.language)

    async def hand_in(self, incident: str, clock: str, language: str, sha256: str, why: str, person: Person) -> Notice:
        """Make a piece of evidence the copy of what was really sent, before or after somebody said that it was."""
        now = await self.notice(incident, clock, language)
        about = (clock, now.language)
        await self._write(incident, lambda view: _once(view, rules.handed_in(view, about, sha256, why, person)))
        return await self.notice(incident, clock, now.language)

    async def with_text(
        self, incident: str, task: str, answer: Answer, person: Person, *, newest: bool = False
    ) -> tuple[Answer, Sequence[Draft]]:
        """The answer with the text that was sent, and the entry that keeps it; as it was for any other answer.

        Whoever says by whichever way that a notice was sent says it through here. `newest` is for broken glass.
        """
        about = (await self.view(incident)).task(task) if answer.choice == SUBMITTED else None
        if about is None or about.kind != "submit" or not about.clock:
            return answer, ()
        fields, kept = await self.freeze(incident, about.clock, answer.fields, person, newest=newest)
        return replace(answer, fields=fields), kept

    async def freeze(
        self, incident: str, clock: str, fields: Mapping[str, str], person: Person, *, newest: bool = False
    ) -> tuple[dict[str, str], Sequence[Draft]]:
        """Keep the exact text that was sent, before somebody's word that it was sent is written down; see `frozen`."""
        return await asyncio.to_thread(self._freeze, incident, clock, fields, person, newest)

    def _freeze(
        self, incident: str, clock: str, fields: Mapping[str, str], person: Person, newest: bool  # noqa: FBT001
    ) -> tuple[dict[str, str], Sequence[Draft]]:  # fmt: skip
        entries = self.world.store.entries(incident)
        plan = self.world.store.plan(fold(incident, entries).plan_digest)
        return frozen(self.world, plan, entries, (clock, fields), person, newest=newest)

    async def _versioned(self, incident: str, seen: Notice, decide: Callable[[IncidentView], Sequence[Draft]]) -> None:
        """Write a version, unless another one was written since."""

        def still(view: IncidentView) -> Sequence[Draft]:
            if len(rules.versions(view, seen.clock.id, seen.language)) != len(seen.versions):
                raise Refused(_changed())
            return decide(view)

        await self._write(incident, still)


def as_seen(now: Notice, base: str) -> Notice:
    """The notice with the text that was read. Raises Refused where facts or people have changed it since.

    A draft follows the record, and time alone writes into it too: a limit that passes, or begins to run. What a person
    was shown then stands as they read it; what only time has changed is told afterwards, as news of the draft.
    """
    if not base or base == rules.digest(now.text):
        return now
    drafts = now.drafts if now.state == "draft" else ()
    read = next((at for at in reversed(range(len(drafts))) if drafts[at].digest == base), None)
    if read is None or not all(one.by_time for one in drafts[read + 1 :]):
        raise Refused(_changed())
    text = drafts[read].text
    return replace(now, text=text, rendered=replace(now.rendered, text=text))


def _changed() -> Problem:
    do = "read it as it is now, then decide again"
    return Problem(code="G110", message="the text has changed since it was read", do=do)


def _lines(text: str) -> str:
    """One kind of line end, and one at the end: browsers send others."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip("\n") + "\n"


def _once(view: IncidentView, draft: Draft) -> list[Draft]:
    return [] if rules.given_again(view, draft) else [draft]
