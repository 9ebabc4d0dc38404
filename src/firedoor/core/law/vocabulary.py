"""The vocabulary of the law: what a fact that a duty may ask about looks like.

Decides whose a fact is: a standing fact of the organisation, read once from its
profile, or a fact of one incident, so that only the latter stay unknown when an
alert comes in. The facts themselves are data: `duties/facts.yaml` holds those
that several laws share, and a duty file adds those that only its own law uses
(`facts:`), so that a new law is one new file. Leaves values to `facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from firedoor.core.dates.arithmetic import zone_named
from firedoor.core.facts import FactDefinition, Facts, Value, read_all
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.ternary import UNKNOWN

Scope = Literal["organisation", "incident"]


class LegalFact(FactDefinition):
    """A fact the law asks about, the question that asks for it, and whose it is."""

    scope: Scope = "incident"
    group: str = ""

    @property
    def standing(self) -> bool:
        """It belongs to the organisation and is the same in every incident."""
        return self.scope == "organisation"


Vocabulary = Mapping[str, LegalFact]


def profile(vocabulary: Vocabulary, raw: Mapping[str, Any]) -> dict[str, Value]:
    """Read the standing facts of an organisation. Raises InvalidInput with every problem at once.

    A fact of an incident is refused: in a profile it would silently hold for all of them.
    """
    strays = [name for name in raw if name in vocabulary and not vocabulary[name].standing]
    if strays:
        raise InvalidInput(
            Problem(
                code="F110", field=name, message=f"{name} is a fact of one incident", do="leave it out of the profile"
            )
            for name in strays
        )
    facts = read_all(vocabulary, raw)
    if isinstance(zone := facts.get("time_zone"), str) and zone is not UNKNOWN:
        zone_named(zone)
    return facts


def joined(standing: Facts, incident: Facts) -> dict[str, Value]:
    """The facts of an incident on top of those of its organisation."""
    return {**standing, **incident}


def questions(vocabulary: Vocabulary, names: Iterable[str]) -> Iterator[LegalFact]:
    """Yield the facts by these names in the order of the vocabulary, which is the order to ask in."""
    wanted = set(names)
    yield from (fact for name, fact in vocabulary.items() if name in wanted)
