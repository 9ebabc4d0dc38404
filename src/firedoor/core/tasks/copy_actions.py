"""What people may say about a copy of content: that it is the same, that it is not, that it is gone or must return.

Decides who may say so, from which state, and which entry it becomes; and what may be told to a hash bank about one of
its entries. Nobody has to look at the content: the hash, the place and the account decide. Leaves every effect to the
runtime.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from firedoor.core.entries.copies import BankFeedback, CopySaid
from firedoor.core.hashing.feedback import Verdict
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft, Kind
from firedoor.core.person import Person
from firedoor.core.problems import InvalidInput, NotFound, NotPermitted, Problem, Refused, nearest
from firedoor.core.removal.copy import WORDS, Copy, CopyState, of_store
from firedoor.core.removal.noting import noted
from firedoor.core.tasks.answers import need_why

DECIDERS = frozenset(("commander", "legal", "victim_support", "engineering"))
BEFORE = frozenset((CopyState.FOUND, CopyState.CANDIDATE))
UNDONE = frozenset((CopyState.REMOVED, CopyState.GONE, CopyState.HIDDEN, CopyState.UNSEEN))
VERSION: Literal[1] = 1


class Said(StrEnum):
    """What somebody says of a copy."""

    SAME = "same"
    NOT_THE_SAME = "not_the_same"
    GONE = "gone"  # removed by hand, where nobody can look from here


def the_copy(view: IncidentView, name: str) -> Copy:
    """A copy by its id, or by its number written as `2` or `C2`. Raises NotFound, naming the nearest."""
    digits = name[1:] if name[:1] in "Cc" else name
    found = view.copies.get(name)
    if digits.isascii() and digits.isdigit():
        found = next((one for one in view.copies.values() if one.number == int(digits)), None)
    if found is None:
        message = f'{view.id} has no copy "{name[:80]}"'
        known = nearest(name, [one.name for one in view.copies.values()])
        raise NotFound(Problem(code="Q120", field="copy", message=message, do=known))
    return found


def decide_copy(view: IncidentView, name: str, said: str, why: str, person: Person) -> tuple[Draft, ...]:
    """Say what a copy is. Raises NotPermitted, InvalidInput or Refused; the same word twice adds nothing."""
    need_why(why)
    one = the_copy(view, name)
    _need_role(person)
    if said not in tuple(Said):
        do = nearest(said, tuple(Said))
        raise InvalidInput(Problem(code="Q121", field="is", message=f'"{said[:60]}" is no word for a copy', do=do))
    state = _state(view, one, Said(said))
    if state is one.state:
        return ()
    change: CopySaid = {"copy": one.id, "state": state, "why": why.strip()}
    return noted(one.store, [change], by=person.name, actor=person.actor)


def _state(view: IncidentView, one: Copy, said: Said) -> CopyState:
    if said is Said.GONE:
        if not one.open:
            raise _refused(one, "nothing is open about it")
        return CopyState.BY_HAND
    if one.state not in BEFORE:
        raise _refused(one, "only what nobody has decided about can be told apart; put back what was removed wrongly")
    if said is Said.NOT_THE_SAME:
        return CopyState.NOT_OURS
    approved = any(other.state not in BEFORE | {CopyState.ELSEWHERE, CopyState.NOT_OURS}
                   for other in of_store(view.copies.values(), one.store))  # fmt: skip
    return CopyState.ASKED if approved else CopyState.FOUND


def to_restore(view: IncidentView, name: str, why: str, person: Person) -> Copy:
    """The copy that somebody wants put back. Raises as `decide_copy`."""
    need_why(why)
    one = the_copy(view, name)
    _need_role(person)
    if one.state not in UNDONE or not one.undo:
        raise _refused(one, "it can only be put back where the store removed it and can undo that")
    return one


def restored(one: Copy, why: str, person: Person) -> tuple[Draft, ...]:
    """The entry for a copy that was put back: it is not what was looked for."""
    change: CopySaid = {"copy": one.id, "state": CopyState.NOT_OURS, "why": f"put back: {why.strip()}"}
    return noted(one.store, [change], by=person.name, actor=person.actor)


def bank_feedback(
    view: IncidentView, bank: str, entry: str, verdict: str, why: str, person: Person
) -> tuple[Draft, ...]:
    """What somebody says to a bank about an entry, by its digest; the same again adds nothing.

    Raises InvalidInput or NotPermitted.
    """
    need_why(why)
    _need_role(person)
    if verdict not in tuple(Verdict):
        do = nearest(verdict, tuple(Verdict))
        raise InvalidInput(Problem(code="Q122", field="verdict", message=f'"{verdict[:60]}" is no verdict', do=do))
    body: BankFeedback = {
        "v": VERSION, "bank": bank, "entry": entry, "verdict": verdict, "by": person.name, "why": why.strip(),
    }  # fmt: skip
    again = any({**one, "by_id": None} == {**body, "by_id": None} for one in view.bank_feedback)
    if again:
        return ()
    return (Draft(Kind.BANK_FEEDBACK, person.actor, body),)


def _need_role(person: Person) -> None:
    if not person.roles & DECIDERS:
        message = f"{person.name} has none of the roles {', '.join(sorted(DECIDERS))}"
        raise NotPermitted(Problem(code="Q123", message=message, do="ask somebody who has"))


def _refused(one: Copy, do: str) -> Refused:
    return Refused(Problem(code="Q124", message=f"{one.name} is {WORDS[one.state]}", do=do))
