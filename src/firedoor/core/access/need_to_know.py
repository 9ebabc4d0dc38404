"""Who may read an incident: everybody who may read at all, or only those who need to know.

Decides what is written down about readers and whom it lets in. Somebody who is left out learns that the incident
exists, and nothing more. Leaves asking to whoever shows something: the API, the console, messages, the calendar.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firedoor.core.entries.run import ReadersSet
from firedoor.core.journal import Draft, Kind
from firedoor.core.json_types import array_at
from firedoor.core.problems import InvalidInput, NotPermitted, Problem, nearest

if TYPE_CHECKING:
    from firedoor.core.tasks.answers import Person

MAXIMUM_NAMES = 200


@dataclass(frozen=True, slots=True)
class Readers:
    """The roles, and the people by name, who may read."""

    roles: frozenset[str]
    people: frozenset[str]

    def include(self, person: Person) -> bool:
        """Whether somebody may read. A name counts exactly as the journal writes it."""
        return bool(self.roles & person.roles) or person.name in self.people

    def written(self) -> str:
        """The form in which the list of incidents keeps it."""
        return json.dumps({"people": sorted(self.people), "roles": sorted(self.roles)})


def readers_of(body: Mapping[str, object] | None) -> Readers | None:
    """Readers as an entry's body names them; None lets every reader in."""
    if body is None or body.get("everyone"):
        return None
    return Readers(frozenset(map(str, array_at(body, "roles"))), frozenset(map(str, array_at(body, "people"))))


def read_back(written: str | None) -> Readers | None:
    """Readers as the list of incidents keeps them; nobody where that was altered and cannot be read."""
    try:
        return None if written is None else readers_of(json.loads(written))
    except (ValueError, AttributeError, TypeError):
        return Readers(frozenset(), frozenset())


def may_read(written: str | None, person: Person) -> bool:
    """Whether somebody may read an incident, by what the list of incidents keeps."""
    readers = read_back(written)
    return readers is None or readers.include(person)


def at_the_start(roles: Sequence[str], actor: str) -> Draft:
    """The entry of an incident whose playbook says `need_to_know`: its roles, and the person who opened it."""
    people = [actor.removeprefix("person:")] if actor.startswith("person:") else []
    body: ReadersSet = {
        "roles": sorted(roles),
        "people": people,
        "why": "the playbook says that only its roles need to know",
    }
    return Draft(Kind.READERS, "firedoor", body)


def change_readers(
    roles: Iterable[str] | None, people: Iterable[str], why: str, person: Person, known: Sequence[str]
) -> Draft:
    """The entry that names who may read from now on; `roles` None is everybody. Whoever says so stays in.

    Raises InvalidInput for a role that the playbook does not know, or without a reason.
    """
    from firedoor.core.tasks.answers import need_why

    need_why(why)
    if roles is None:
        return Draft(Kind.READERS, person.actor, ReadersSet(everyone=True, by=person.name, why=why.strip()))
    chosen, names = sorted(set(roles)), sorted({*people, person.name})
    for role in chosen:
        if role not in known:
            message = f'the playbook knows no role "{role}"'
            raise InvalidInput(Problem(code="O120", message=message, do=nearest(role, known), field="roles"))
    if len(names) > MAXIMUM_NAMES:
        message = f"at most {MAXIMUM_NAMES} people can be named"
        raise InvalidInput(Problem(code="O121", message=message, do="name a role instead", field="people"))
    return Draft(Kind.READERS, person.actor, ReadersSet(roles=chosen, people=names, by=person.name, why=why.strip()))


def says_the_same(now: ReadersSet | None, draft: Draft) -> bool:
    """Whether somebody only says again what they have said last: sent twice, it stands once."""
    return now is not None and all(now.get(name) == draft.body.get(name) for name in ("roles", "people", "by", "why"))


def need_to_know(incident: str, written: str | None, person: Person) -> None:
    """Raises NotPermitted for somebody whom the incident is closed to; it says that it exists, and nothing more."""
    if not may_read(written, person):
        message = f"{incident} is open only to those who need to know"
        do = "ask its commander to name you as a reader; nothing else about it is shown"
        raise NotPermitted(Problem(code="W106", message=message, do=do))
