"""The vocabulary of the law: what a fact that a duty may ask about looks like.

Decides whose a fact is: a standing fact of the organisation, read once from its
profile, or a fact of one incident, so that only the latter stay unknown when an
alert comes in. The facts themselves are data: `duties/facts.yaml` holds those
that several laws share, and a duty file adds those that only its own law uses
(`facts:`), so that a new law is one new file. Leaves values to `facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import field_validator

from firedoor.core.facts import FactDefinition, Facts, Value
from firedoor.core.translations import TRANSLATIONS

Scope = Literal["organisation", "incident"]


class LegalFact(FactDefinition):
    """A fact the law asks about, the question that asks for it, and whose it is."""

    scope: Scope = "incident"
    group: str = ""

    @field_validator("choices", mode="before")
    @classmethod
    def _languages(cls, value: object) -> object:
        """The word `languages`: those that there are, so that a new one is one file."""
        return tuple(TRANSLATIONS) if value == "languages" else value

    @property
    def standing(self) -> bool:
        """It belongs to the organisation and is the same in every incident."""
        return self.scope == "organisation"


Vocabulary = Mapping[str, LegalFact]


def of_one_incident(vocabulary: Vocabulary, facts: Iterable[str]) -> list[str]:
    """Those of these facts that belong to one incident: in a profile they hold for all of them."""
    return [name for name in facts if name in vocabulary and not vocabulary[name].standing]


def joined(standing: Facts, incident: Facts) -> dict[str, Value]:
    """The facts of an incident on top of those of its organisation."""
    return {**standing, **incident}


def questions(vocabulary: Vocabulary, names: Iterable[str]) -> Iterator[LegalFact]:
    """Yield the facts by these names in the order of the vocabulary, which is the order to ask in."""
    wanted = set(names)
    yield from (fact for name, fact in vocabulary.items() if name in wanted)
