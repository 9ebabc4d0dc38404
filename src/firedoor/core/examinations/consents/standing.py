"""What follows for the people of a manifest, from counts by reason: the answer, and what has to be asked.

Decides that a join which matched too little gives a question and no count, that what hangs on an open question is
counted neither way, and the form of the answer. Leaves counting to the runtime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from firedoor.core.examinations.finding import ONE_IN
from firedoor.core.json_types import Json

HAS_BASIS, UNDECIDED = "has_basis", "undecided"
REASONS: Mapping[str, str] = {
    "not_in_ledger": "the ledger has no entry about the person",
    "never_asked": "the ledger knows the person, and has no answer of theirs",
    "other_purpose_only": "agreed to another purpose only",
    "granted_after": "agreed after the cut-off",
    "withdrawn": "withdrawn by the cut-off",
    "opted_out": "opted out by the cut-off",
    "refused": "refused by the cut-off",
    "objected": "objected by the cut-off",
    "expired": "expired by the cut-off",
    "minor": "agreed as a minor, without a guardian's consent",
}
# Why a person is counted neither way until somebody has answered.
OPEN: Mapping[str, str] = {
    "contradictory": "entries of the same instant contradict each other",
    "unknown_word": "a state or purpose in a word that nobody has explained",
    "time": "a time that cannot be read, or without a zone and within a day of the cut-off",
    "foreign_key": "a key of a form that the ledger does not have",
    "undated": "withdrawn or opted out at a time that the ledger does not say",
}


@dataclass(frozen=True, slots=True)
class Group:
    """So many people of one reason (or HAS_BASIS, or one of OPEN) and country, with their records."""

    reason: str
    country: str
    people: int
    records: int
    in_ledger: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """What a join counted. `nameless` records name nobody, `nobody` of them say that they are about nobody."""

    records: int
    nameless: int
    groups: Sequence[Group]
    by_category: Mapping[str, int] = field(default_factory=dict)
    by_source: Mapping[str, int] = field(default_factory=dict)
    ledger_people: int = 0
    nobody: int = 0


def reconciled(counts: Counts, asked: Sequence[str], *, opt_out: bool = False) -> dict[str, Json]:
    """The answer, without what only the runtime knows (method, inputs)."""
    people = sum(group.people for group in counts.groups)
    known = sum(group.people for group in counts.groups if group.in_ledger)
    questions = list(asked)
    mismatch = _mismatch(people, known, counts, opt_out=opt_out)
    open_people = [group for group in counts.groups if group.reason in OPEN]
    foreign = sum(group.people for group in open_people if group.reason == "foreign_key")
    answer: dict[str, Json] = {
        "people": people,
        "without_basis": None,
        "by_reason": {},
        "by_country": {},
        "records": counts.records,
        "join_rate": round(known / people, 6) if people else None,
        "unknown_subjects": [0, counts.nameless - counts.nobody + foreign],
        "questions": [],
    }
    if mismatch:
        answer["questions"] = [mismatch, *questions]
        return answer
    without = [group for group in counts.groups if group.reason in REASONS]
    answer |= {
        "without_basis": sum(group.people for group in without),
        "by_reason": _sums((group.reason, group.people) for group in without),
        "by_country": _sums((group.country, group.people) for group in without),
        "by_category": dict(sorted(counts.by_category.items())),
        "by_source": dict(sorted(counts.by_source.items())),
        "records_without_basis": sum(group.records for group in without),
        "undecided": sum(group.people for group in open_people),
        "undecided_by": _sums((group.reason, group.people) for group in open_people),
        "about_nobody": counts.nobody,
    }
    for reason, said in OPEN.items():
        if number := sum(group.people for group in open_people if group.reason == reason):
            who = "1 person is" if number == 1 else f"{number} people are"
            questions.append(f"{who} counted neither way: {said}")
    if not counts.records:
        questions.append("the manifest has no records: is it the right file?")
    answer["questions"] = list(questions)
    return answer


def _mismatch(people: int, known: int, counts: Counts, *, opt_out: bool) -> str:
    """Why nothing is counted, when too few fit together: the two sides are then keyed differently."""
    if not people:
        return ""
    if not counts.ledger_people:
        return "the ledger names nobody: is it the right one? Nothing was counted"
    enough = known > 0 if opt_out else known * ONE_IN >= people
    if enough:
        return ""
    return (
        f"only {known} of {people} people of the manifest stand in the ledger: are both keyed alike? Say --key "
        "FIELD=sha256:SALT when one has pseudonyms, or --column; nothing was counted"
    )


def _sums(pairs: Iterable[tuple[str, int]]) -> dict[str, Json]:
    found: Counter[str] = Counter()
    for name, number in pairs:
        found[name] += number
    return dict(sorted(found.items()))
