"""Who acts: one person behind an account, its tokens, its Slack user, its single sign-on and the links sent to it.

Decides when two acts were surely done by two people, which is the one question of four eyes: both have to be accounts,
and their ids and their names have to differ. This machine's own user may be anybody, and so may a token of no account:
neither is ever the second person. Leaves which id somebody has to the store, and what they may do to their roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from firedoor.core.names import alike
from firedoor.core.problems import Problem, Refused

BY, BY_ID = "by", "by_id"  # in the body of an entry: the name that is shown, and the id
PERSON, LINK = "person:", "link:"  # how actors begin
LOCAL, TOKEN = "local:", "token:"  # how the ids of those begin who are nobody's account


class Actor(str):
    """How the journal names somebody; with it goes who they are, so that no entry can be written without."""

    __slots__ = ("person",)

    person: str

    def __new__(cls, text: str, person: str) -> Self:
        """Text with the id of a person."""
        made = super().__new__(cls, text)
        made.person = person
        return made


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is: the id of an account, and a name. Entries of before there were ids only have the name."""

    name: str
    id: str = ""

    @property
    def known(self) -> bool:
        """Whether this is surely one person. Rehearsals and old entries have no id; their names speak for them."""
        return not self.id.startswith((LOCAL, TOKEN))


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: a name that can be held to account, the roles they have, and the id behind every way in."""

    name: str
    roles: frozenset[str]
    id: str = ""
    link: str = ""  # the link that they act by

    @property
    def actor(self) -> str:
        """How the journal names them: as what they are."""
        return Actor(f"{LINK}{self.link}" if self.link else f"{PERSON}{self.name}", self.id)

    @property
    def identity(self) -> Identity:
        """Who they are, whatever they may do."""
        return Identity(self.name, self.id)


def identity_of(body: Mapping[str, object], name: str = BY, identifier: str = BY_ID) -> Identity:
    """Who did what a body tells."""
    return Identity(str(body.get(name, "")), str(body.get(identifier, "")))


def person_of(actor: str, body: Mapping[str, object]) -> Identity | None:
    """The person who wrote an entry; None where a machine did. By a link the body holds their name."""
    if actor.startswith(PERSON):
        return Identity(actor.removeprefix(PERSON), str(body.get(BY_ID, "")))
    return identity_of(body) if actor.startswith(LINK) else None


def barring(people: Iterable[Identity]) -> dict[str, object]:
    """What the body of a task holds of those who may not answer it: names to show, and ids to compare."""
    who = sorted(set(people), key=lambda one: one.name)
    ids = {one.name: one.id for one in who if one.id}
    return {"not_by": [one.name for one in who], **({"not_by_ids": ids} if ids else {})}


def same(one: Identity, other: Identity) -> bool:
    """Whether two are the same person as far as anybody can see: by id, or by a name that is the same or looks so."""
    return (bool(one.id) and one.id == other.id) or (bool(one.name and other.name) and alike(one.name, other.name))


def not_second(person: Identity, others: Iterable[Identity]) -> Identity | None:
    """The one of these whom a person may be themselves; None when the person is surely another one than all of them."""
    return next((other for other in others if same(person, other) or not person.known), None)


def need_account(person: Identity, code: str = "T111") -> None:
    """Raises Refused for somebody of whom nobody knows that they are a second person."""
    if not person.known:
        who = "this machine's own user" if person.id.startswith(LOCAL) else "a token of no account"
        message = f"{who} is never the second person: it may be anybody"
        raise Refused(Problem(code=code, message=message, do="sign in with an account of your own, or use its token"))
