"""How a draft followed the facts: each wording that the record gave, and what of it an edited text can take over.

Decides that a draft is a function of the record, so that its past wordings are read from the journal and never kept
twice; which facts changed a wording; and that whatever a person worded stays as they worded it. Leaves filling the
template to whoever passes `render`, and versions by people to `versions`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import sha256

from firedoor.core.incident.view import IncidentView, take
from firedoor.core.journal import Body, Entry, Kind

ENDS = frozenset((Kind.CLOCK_SUBMITTED, Kind.CLOCK_WAIVED))
TURNS = frozenset((Kind.FACTS, Kind.CLOCK_STARTED, Kind.CLOCK_CHANGED, Kind.CLOCK_MISSED, *ENDS))
BY_TIME = frozenset((Kind.CLOCK_STARTED, Kind.CLOCK_MISSED))
Render = Callable[[IncidentView, str], str]  # the record as it was, and the entry's instant


@dataclass(frozen=True, slots=True)
class Redraft:
    """One wording: the entry that gave it, and the facts behind it as {name: (before, now)}, raw; None is unknown."""

    seq: int
    at: str
    text: str
    facts: Mapping[str, tuple[object, object]]
    by_time: bool = False  # a limit that passed gave it, or one that began while nobody touched the record

    @property
    def digest(self) -> str:
        """Its SHA-256, hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    def as_json(self) -> Body:
        """Without its text, which is made again from its entry."""
        return {"kind": "draft", "seq": self.seq, "at": self.at, "sha256": self.digest, "facts": sorted(self.facts)}


@dataclass(frozen=True, slots=True)
class Merged:
    """An edited text with the new lines of the draft, and those that found no place because somebody worded it anew."""

    text: str
    left: tuple[str, ...]


def redrafts(entries: Iterable[Entry], clock: str, used: Collection[str], render: Render) -> list[Redraft]:
    """Return every wording of one notice, oldest first, until its clock is settled.

    `clock` is "" for a notice of no clock. `used` are the facts that it places; another fact is not named as a cause.
    """
    view, found = IncidentView(""), list[Redraft]()
    before: dict[str, object] = {}
    untouched = True  # since the wording before
    for entry in entries:
        view.id = entry.incident
        take(view, entry)
        if entry.kind not in TURNS or (clock and clock not in view.clocks):
            continue
        text = render(view, entry.at)
        untouched = untouched and entry.kind in BY_TIME
        if not found or text != found[-1].text:
            # No fact lets a limit pass, and one that changed no word is in nobody's reading: so time alone gave this.
            by_time = untouched or entry.kind == Kind.CLOCK_MISSED
            facts = _changed(before, view.facts, used) if found else {}
            found.append(Redraft(entry.seq, entry.at, text, facts, by_time=by_time))
            untouched = True
        before = dict(view.facts)
        if clock and entry.kind in ENDS and entry.body["id"] == clock:
            break
    return found


def facts_since(found: Sequence[Redraft], seq: int) -> dict[str, tuple[object, object]]:
    """What changed after an entry, from the first value to the last; nothing that came back to where it was."""
    changed: dict[str, tuple[object, object]] = {}
    for one in found:
        if one.seq > seq:
            for name, (before, now) in one.facts.items():
                changed[name] = (changed[name][0] if name in changed else before, now)
    return {name: pair for name, pair in changed.items() if pair[0] != pair[1]}


def merge(base: str, edited: str, draft: str) -> Merged:
    """Take over into `edited` what `draft` says otherwise than `base`, line by line, where nobody edited the line."""
    old, mine, new = base.splitlines(), edited.splitlines(), draft.splitlines()
    place = _places(old, mine)
    made, left = list(mine), list[str]()
    for low, high, start, end in reversed(list(_hunks(old, new))):
        where = _where(place, low, high, len(old), len(mine))
        if where is None:
            left[:0] = [line for line in new[start:end] if line.strip() and not line.startswith(">")]
        else:
            made[where[0] : where[1]] = new[start:end]
    return Merged("".join(f"{line}\n" for line in made), tuple(left))


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """What differs: lines of the base, and lines of the draft in their place; line by line where that fits."""
    for word, low, high, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if word == "replace" and high - low == end - start:
            yield from ((low + step, low + step + 1, start + step, start + step + 1) for step in range(high - low))
        elif word != "equal":
            yield low, high, start, end


def _places(old: Sequence[str], mine: Sequence[str]) -> dict[int, int]:
    """For each line of the base that the edited text still has, where it stands there."""
    blocks = SequenceMatcher(None, old, mine, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _where(place: Mapping[int, int], low: int, high: int, old: int, mine: int) -> tuple[int, int] | None:
    """The lines of the edited text that stand for lines of the base; None where a person changed them."""
    if low < high:
        whole = all(place.get(step) == place.get(low, -1) + step - low for step in range(low, high))
        return (place[low], place[high - 1] + 1) if low in place and whole else None
    after = place.get(low, mine if low == old else None)
    before = place.get(low - 1, -1 if low == 0 else None)
    return (after, after) if after is not None and before is not None and before + 1 == after else None


def _changed(
    before: Mapping[str, object], now: Mapping[str, object], used: Collection[str]
) -> dict[str, tuple[object, object]]:
    """The facts that are otherwise, those that the notice places; all of them where it places none of these."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    placed = [name for name in names if name in used] or names
    return {name: (before.get(name), now.get(name)) for name in placed}
