"""Who needs to know: what is written down, whom it lets in, and what somebody else learns."""

from __future__ import annotations

import pytest

from firedoor.core.access.need_to_know import at_the_start, change_readers, may_read, need_to_know, readers_of
from firedoor.core.journal import Draft
from firedoor.core.problems import InvalidInput, NotPermitted
from firedoor.core.tasks.answers import Person

ANN, BOB = Person("ann", frozenset({"commander"})), Person("bob", frozenset({"viewer"}))
ROLES = ("commander", "dpo")


def written(draft: Draft) -> str | None:
    """Return what the list of incidents keeps of an entry."""
    readers = readers_of(draft.body)
    return None if readers is None else readers.written()


def test_without_a_word_everybody_reads() -> None:
    """Nothing is written: no reader is left out."""
    assert may_read(None, BOB)


def test_a_playbook_lets_its_roles_in_and_whoever_opened() -> None:
    """The roles, and the person; a source of alerts is nobody."""
    kept = written(at_the_start(ROLES, "person:eve"))
    assert may_read(kept, ANN)
    assert may_read(kept, Person("eve", frozenset()))
    assert not may_read(kept, BOB)
    assert not may_read(written(at_the_start(ROLES, "source:presidio")), Person("presidio", frozenset()))


def test_whoever_names_the_readers_stays_in() -> None:
    """Somebody named is let in by name, exactly; whoever was left out is out; and it can be opened to all again."""
    kept = written(change_readers(["dpo"], ["bob"], "the witness is a colleague", ANN, ROLES))
    assert may_read(kept, ANN)
    assert may_read(kept, BOB)
    assert not may_read(kept, Person("Bob", frozenset({"viewer"})))
    assert may_read(written(change_readers(None, [], "it is public now", ANN, ROLES)), BOB)


def test_nonsense_is_refused() -> None:
    """An unknown role, no reason, and too many names."""
    for roles, people, why in ((["dpoo"], [], "why"), (["dpo"], [], " "), ([], [f"p{n}" for n in range(300)], "why")):
        with pytest.raises(InvalidInput):
            change_readers(roles, people, why, ANN, ROLES)


def test_somebody_else_learns_that_it_exists_and_nothing_more() -> None:
    """The refusal names the incident's number alone."""
    with pytest.raises(NotPermitted) as caught:
        need_to_know("INC-2026-0001", written(at_the_start(ROLES, "firedoor")), BOB)
    assert caught.value.problems[0].message == "INC-2026-0001 is open only to those who need to know"
