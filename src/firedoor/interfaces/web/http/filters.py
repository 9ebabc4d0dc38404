"""Words by which a list is asked for: one that the list can never hold is refused, with the nearest.

Decides only that: an empty answer to a mistyped word would read as "there is none". Leaves which words there are to
whoever lists.
"""

from __future__ import annotations

from collections.abc import Iterable

from firedoor.core.problems import InvalidInput, Problem, nearest

LONGEST = 80  # characters of somebody's word in an answer


def need_word(field: str, word: str | None, known: Iterable[str]) -> None:
    """Raise InvalidInput for a word that is none of these; nothing asked for is everything."""
    words = {str(one) for one in known}
    if word and word not in words:
        message = f'{field}: "{word[:LONGEST]}" is none of its words'
        raise InvalidInput(Problem(code="W138", field=field, message=message, do=nearest(word[:LONGEST], words)))
