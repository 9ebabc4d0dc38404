"""A notice of no clock that was sent: the same four things are said as for a deadline, and the same text is kept.

Decides that an approved version went, or the file that was handed in, and that its channel, its instant and its
reference stand with the copy. Leaves the notices of clocks to `sent_copies`: their sending ends the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft
from firedoor.core.notices import versions as rules
from firedoor.core.notices.standing import standing
from firedoor.core.problems import InvalidInput, Problem, Refused
from firedoor.core.tasks.answers import Person
from firedoor.core.tasks.sending import CHANNEL, SENT_AT, VERSION, need_said, sent_at
from firedoor.runtime.config.container import World
from firedoor.runtime.service.current_text import Notice

MAXIMUM_REFERENCE = 500  # characters


@dataclass(frozen=True, slots=True)
class Sending:
    """What somebody says of a sending. `version` is approved, or the digest of an approved text."""

    version: str
    channel: str
    sent_at: str
    reference: str

    @property
    def fields(self) -> Mapping[str, str]:
        """By the names of the sending dialogue."""
        return {VERSION: self.version.strip(), CHANNEL: self.channel.strip(), SENT_AT: self.sent_at.strip()}


def sent_beside(world: World, view: IncidentView, now: Notice, said: Sending, person: Person) -> list[Draft]:
    """The entry that keeps what was sent; none for the same said again. Raises Refused or InvalidInput."""
    if standing(now.clock.id) is None:
        do = "record it on the page of its deadline, or with `firedoor submit`"
        raise Refused(Problem(code="G121", message=f"{now.clock.id} is the notice of a deadline", do=do))
    rules.may_approve(view, now.clock.id, person)
    need_said(now.clock, said.fields)
    if not 0 < len(said.reference.strip()) <= MAXIMUM_REFERENCE:
        do = "name the receipt, the message or the ticket"
        raise InvalidInput(Problem(code="C107", field="reference", message="a reference is needed", do=do))
    at = sent_at(view, now.clock, said.fields, world.now())
    found = list(now.versions)
    piece = rules.chosen(found, said.fields[VERSION])
    text = world.vault.get(piece["sha256"]).decode() if piece else now.rendered.text
    word = rules.need_approved(piece, text)
    about = (now.clock.id, now.language)
    kept = rules.sent(about, text, word, now.number(rules.digest(text)), person,
                      world.now().isoformat())  # fmt: skip
    more = {
        CHANNEL: said.fields[CHANNEL],
        SENT_AT: at.isoformat(timespec="seconds"),
        "reference": said.reference.strip(),
    }
    draft = replace(kept, body={**kept.body, **more})
    last = next((one for one in reversed(rules.versions(view, *about)) if one["kind"] == rules.SENT), None)
    same = last is not None and all(last.get(name) == draft.body[name] for name in (CHANNEL, "reference"))
    return [] if same and rules.given_again(view, draft) else [draft]
