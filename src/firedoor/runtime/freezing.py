"""The copy as sent: whichever way somebody says that a notice was sent, the text of it is kept first.

Decides that a file which was handed in stands before every version of ours, and that a duty to hold something back has
no text. Leaves which version it is to `core.correspondence`, and writing the entries to whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from firedoor.core import correspondence as rules
from firedoor.core.due import DueKind
from firedoor.core.journal import Draft, Entry
from firedoor.core.operations import Plan
from firedoor.core.people import Person
from firedoor.core.view import fold
from firedoor.runtime.wording import Notice, notice, with_past
from firedoor.runtime.world import World

SUBMITTED = "submitted"  # the choice of a task that says that a notice was sent


def frozen(
    world: World, plan: Plan, entries: Sequence[Entry], what: tuple[str, Mapping[str, str]], person: Person, *,
    newest: bool = False,
) -> tuple[dict[str, str], tuple[Draft, ...]]:  # fmt: skip
    """Keep the text of the clock and the fields in `what`; return the fields to record and the entry that keeps it.

    The fields may name the `version` (approved, edited, draft, none, or a digest), its `language`, or the evidence that
    is the file itself (`as_sent_sha256`). No entry where `none` is said, or nothing is sent. `newest` is for broken
    glass. Raises NotFound or InvalidInput.
    """
    (clock, fields), view = what, fold(entries[0].incident, entries)
    given = {name: str(value) for name, value in fields.items() if name not in ("version", "language")}
    about = view.clocks.get(clock)
    if about is None or about.get("kind") == DueKind.HOLD_UNTIL:
        return given, ()
    if fields.get("version") == rules.NOT_KEPT:
        return {**given, "as_sent": "not kept here, by their word"}, ()
    now = with_past(world, plan, notice(world, view, plan, clock, fields.get("language", "")), entries)
    handed = rules.handed_in_before(list(now.versions))
    if given.get("as_sent_sha256"):
        kept = rules.handed_in(view, (clock, now.language), given["as_sent_sha256"], "", person)
        return {**given, "as_sent": rules.as_sent(rules.FILE)}, (kept,)
    if handed and not fields.get("version"):
        return {**given, "as_sent_sha256": str(handed["sha256"]), "as_sent": rules.as_sent(rules.FILE)}, ()
    kept = _version(world, now, fields.get("version", ""), person, newest=newest)
    return {**given, "as_sent_sha256": str(kept.body["sha256"]), "as_sent": str(kept.body["says"])}, (kept,)


def _version(world: World, now: Notice, wanted: str, person: Person, *, newest: bool) -> Draft:
    """The entry for the version that was sent, its text in the vault."""
    word, sha256, stated = rules.chosen(list(now.versions), wanted, newest=newest)
    content = world.vault.get(sha256) if sha256 else now.rendered.text.encode()
    world.vault.put(content)
    text, about = content.decode(), (str(now.clock["id"]), now.language)
    number = now.number(rules.digest(text))
    return rules.sent(about, text, word, number, person, world.now().isoformat(), stated=stated)
