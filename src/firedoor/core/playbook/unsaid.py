"""What an answer may not settle without saying so: a "no" to something that the law asks.

Decides that an answer which records a no to a legal fact names it in its question, its label or its consequence, so
that nobody answers one question and denies another. Leaves whether the fact and its value exist to `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from firedoor.core.facts import FactDefinition, stated
from firedoor.core.law.vocabulary import LegalFact
from firedoor.core.playbook.plan import Ask, Choice
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import NO

_STEM = 6  # letters: "disclosed" is named by "disclosure" as well
_SAYS_NOTHING = frozenset(("data", "party", "likely", "with", "from"))


def unsaid(ask: Ask, facts: Mapping[str, FactDefinition]) -> Iterator[tuple[Choice, str]]:
    """Yield every answer of a question, with a legal fact to which it records a no that it does not name."""
    for choice in ask.choices:
        said = f"{ask.question} {choice.label} {choice.consequence}".lower()
        for name, value in choice.sets.items():
            definition = facts.get(name)
            if isinstance(definition, LegalFact) and _is_no(definition, value) and not _named(name, said):
                yield choice, name


def _is_no(definition: FactDefinition, value: object) -> bool:
    try:
        return stated(definition, value) is NO
    except InvalidInput:
        return False


def _named(name: str, said: str) -> bool:
    words = [word for word in name.split("_") if word not in _SAYS_NOTHING and len(word) > 3]
    return not words or any(re.search(rf"\b{re.escape(word[:_STEM])}", said) for word in words)
