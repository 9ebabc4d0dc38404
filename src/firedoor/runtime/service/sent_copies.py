"""The copy as sent: whichever way somebody says that a notice was sent, the text of it is kept first.

Decides that only an approved text, or the file that really went, stands as sent, that no text is sent before it was
approved, and that a duty to hold something back has no text. Leaves what must be said of a sending to `core.sending`,
which version it is to `core.correspondence`, and writing the entries to whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Draft, Entry
from firedoor.core.notices import versions as rules
from firedoor.core.playbook.plan import Plan
from firedoor.core.problems import InvalidInput, Problem, Refused
from firedoor.core.tasks.answers import Person
from firedoor.core.tasks.sending import (
    AS_SENT,
    COARSE,
    FILE_DIGEST,
    NO_COPY,
    SENT_AT,
    SUBMITTED,
    asked_for,
    need_said,
    sent_at,
)
from firedoor.runtime.config.container import World
from firedoor.runtime.service.current_text import Notice, notice, with_past

__all__ = ["SUBMITTED", "frozen"]


def frozen(
    world: World, plan: Plan, entries: Sequence[Entry], what: tuple[str, Mapping[str, str]], person: Person, *,
    newest: bool = False,
) -> tuple[dict[str, str], tuple[Draft, ...]]:  # fmt: skip
    """Keep the text of the clock and the fields in `what`; return the fields to record and the entry that keeps it.

    The fields name the `version` (approved, a digest, file, or none), its `language`, or the evidence that is the file
    itself (`as_sent_sha256`). No entry where `none` is said, or nothing is sent. `newest` is for broken glass, where
    nobody may have approved. Raises NotFound, InvalidInput or Refused.
    """
    (clock, fields), view = what, fold(entries[0].incident, entries)
    given = {name: str(value) for name, value in fields.items() if name not in ("version", "language", AS_SENT)}
    about, version = view.clocks.get(clock), str(fields.get("version", "")).strip()
    if about is None or not asked_for(about.kind):
        return given, ()
    need_said(about, fields)
    if version == rules.NOT_KEPT:
        given.pop(FILE_DIGEST, None)
        return {**given, AS_SENT: NO_COPY}, ()
    now = with_past(world, plan, notice(world, view, plan, clock, fields.get("language", "")), entries)
    if given.get(FILE_DIGEST) or version == rules.FILE:
        sha256 = given.get(FILE_DIGEST) or _handed_in(now)
        kept = rules.handed_in(view, (clock, now.language), sha256, "", person, glass=newest)
        return {**given, FILE_DIGEST: sha256, AS_SENT: rules.as_sent(rules.FILE)}, (kept,)
    kept = _version(world, now, version, person, glass=newest)
    _need_after(view, about, fields, world.now(), approved_at(now, kept))
    return {**given, FILE_DIGEST: str(kept.body["sha256"]), AS_SENT: str(kept.body["says"])}, (kept,)


def approved_at(now: Notice, kept: Draft) -> str:
    """When the text that was sent was approved; "" where it was not."""
    found = (one for one in reversed(now.versions) if one["kind"] == rules.APPROVED)
    return next((str(one["taken_at"]) for one in found if one["sha256"] == kept.body["sha256"]), "")


def _need_after(
    view: IncidentView, about: ClockRecord, fields: Mapping[str, str], now: datetime, approved: str
) -> None:
    """Raises InvalidInput where a text would have gone before anybody approved it."""
    if approved and sent_at(view, about, fields, now) < datetime.fromisoformat(approved) - COARSE:
        do = "look at the date; or name the text that really went then: hand in its file, or say none"
        message = f"this text was approved at {approved}, which is after {fields[SENT_AT]}"
        raise InvalidInput(Problem(code="C108", field=SENT_AT, message=message, do=do))


def _handed_in(now: Notice) -> str:
    """The digest of the file that was handed in before. Raises Refused where there is none."""
    found = rules.handed_in_before(list(now.versions))
    if found is None:
        do = "hand in the file that went, on the page of the notice or with `firedoor notice as-sent`"
        raise Refused(Problem(code="G117", message="no file of what was sent has been handed in", do=do))
    return str(found["sha256"])


def _version(world: World, now: Notice, wanted: str, person: Person, *, glass: bool) -> Draft:
    """The entry for the version that was sent, its text in the vault. Raises Refused for one that nobody approved."""
    piece = rules.chosen(list(now.versions), wanted)
    content = world.vault.get(piece["sha256"]) if piece else now.rendered.text.encode()
    text, about = content.decode(), (now.clock.id, now.language)
    word = rules.need_approved(piece, text, glass=glass)
    world.vault.put(content)
    return rules.sent(about, text, word, now.number(rules.digest(text)), person, world.now().isoformat())
