"""Words by which a list is asked for: one that the list can never hold is refused, with the nearest.

Decides only that: an empty answer to a mistyped word would read as "there is none", and so would the answer to a
parameter that nobody reads. The API refuses both; a page leaves the wrong word out and says so on top. Leaves which
words there are to whoever lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fastapi import Request
from fastapi.dependencies.models import Dependant

from firedoor.core.language.validation import off_list
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.interfaces.web.http.limits import API

Words = Mapping[str, Iterable[str]]  # of a filter, which it may be


def need_word(field: str, word: str | None, known: Iterable[str]) -> None:
    """Raise InvalidInput for a word that is none of these; nothing asked for is everything."""
    words = {str(one) for one in known}
    if word and word not in words:
        raise InvalidInput(off_list(field, word, words))


def usable(
    given: Mapping[str, str], lists: Words, usual: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, str], list[Problem]]:
    """The filters of a page, a word that is on no list replaced by the usual one or none; and a problem for each."""
    problems: list[Problem] = []
    kept = dict(given)
    for field, known in lists.items():
        try:
            need_word(field, given[field], known)
        except InvalidInput as error:
            kept[field] = usual.get(field, "")
            problems += [one.model_copy(update={"message": f"{one.message}: not used"}) for one in error.problems]
    return kept, problems


def need_parameters(request: Request) -> None:
    """Raise InvalidInput for every parameter that a route of the API does not read: what it asks would be ignored."""
    route = request.scope["route"]
    strange = sorted(set(request.query_params) - (known := _read_by(route.dependant)))
    if strange and request.url.path.startswith(API):
        raise InvalidInput(
            Problem(
                code="W139", field=one[:40], message=f"there is no parameter {one[:40]} here",
                do=nearest(one[:40], known) if known else "leave it out: this address has no parameters",
            )
            for one in strange[:20]
        )  # fmt: skip


def _read_by(dependant: Dependant) -> set[str]:
    """The names of the parameters that a route and what it depends on read from the query."""
    own = {parameter.alias for parameter in dependant.query_params}
    return own.union(*(_read_by(one) for one in dependant.dependencies))
