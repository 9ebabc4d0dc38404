"""The types of JSON that is read and handed on, and the few readers that what came from outside needs.

Decides what may stand in a JSON value, and that a part which is missing or of another kind reads as an empty one: an
answer of somebody else's system is asked for what it holds, never trusted to have a form. Whoever must tell a person
what is wrong with a field reads with `language.json_fields` instead. How JSON becomes bytes is `canonical`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from typing_extensions import TypeAliasType

# A plain alias that names itself sends pydantic round in a circle; one of this kind it resolves by its name.
Json = TypeAliasType("Json", "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None")
JsonObject: TypeAlias = Mapping[str, Json]


def as_object(value: object) -> JsonObject:
    """Return an object as it is; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def as_array(value: object) -> Sequence[Json]:
    """Return an array as it is; an empty one for anything else. A text is a sequence to Python, and no array."""
    return value if isinstance(value, list | tuple) else ()


def as_objects(value: object) -> Iterator[JsonObject]:
    """Yield the objects of an array; what else stands in it is passed over."""
    return (item for item in as_array(value) if isinstance(item, Mapping))


def object_at(within: Mapping[str, object], *path: str) -> JsonObject:
    """Return the object under a name, or under names inside each other; an empty one where there is none."""
    found: object = within
    for name in path:
        found = as_object(found).get(name)
    return as_object(found)


def array_at(within: Mapping[str, object], name: str) -> Sequence[Json]:
    """Return the array under a name; an empty one where there is none."""
    return as_array(within.get(name))


def objects_at(within: Mapping[str, object], name: str) -> Iterator[JsonObject]:
    """Yield the objects of the array under a name."""
    return as_objects(within.get(name))


def text_at(within: Mapping[str, object], name: str) -> str:
    """Return the text under a name; an empty one where there is none. A number is no text."""
    found = within.get(name)
    return found if isinstance(found, str) else ""
