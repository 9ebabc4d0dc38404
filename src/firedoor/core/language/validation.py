"""What a form's validation found, in words for a person: one wording for files, the API, forms and options.

Decides how each kind of fault is said, that a word which is on no list is answered with the nearest one that is, that
an unknown key is answered with the nearest key, and that what only follows from another fault is left out. Leaves the
code and the place of a problem to whoever read the form.

Only a word in the place of a listed one is repeated, and only if it is short: any other value may be a person's data.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from firedoor.core.language.json_payload import one_line
from firedoor.core.problems import Problem, nearest

LONGEST = 40  # characters of a word that is repeated
_LISTED = frozenset(("literal_error", "enum"))
_CASCADES = frozenset(("too_short", "missing"))  # of a list whose items were refused, one by one
_EXPECTED = re.compile(r"'([^']*)'")
_SAID: Mapping[str, str] = {
    "string_type": "must be text",
    "int_type": "must be a whole number", "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number", "float_parsing": "must be a number",
    "bool_type": "must be true or false", "bool_parsing": "must be true or false",
    "list_type": "must be a list", "tuple_type": "must be a list", "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a mapping of names to values", "mapping_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of names to values",
    "model_attributes_type": "must be a mapping of names to values",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items", "too_short": "must have at least {min_length} items",
    "greater_than": "must be more than {gt}", "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}", "less_than_equal": "must be at most {le}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where in the form, which kind (pydantic's word), what is wrong, and what to do, or nothing."""

    path: tuple[str | int, ...]
    kind: str
    message: str
    do: str = ""

    @property
    def field(self) -> str:
        """The place in the form, with dots."""
        return ".".join(map(str, self.path))


def off_list(name: str, word: object, known: Iterable[str], code: str = "W138") -> Problem:
    """The problem of a word that is on no list: which field, which word, and the nearest that there is."""
    shown = _shown(word)
    return Problem(code=code, field=name, message=_cannot_be(name, shown), do=nearest(shown, map(str, known)))


def faults(error: ValidationError, form: object = None) -> list[Fault]:
    """Every fault of a form. `form` is what was read (a model, or a type that holds models), to name its keys."""
    return faults_of(error.errors(include_url=False), form)


def faults_of(items: Sequence[Mapping[str, object]], form: object = None) -> list[Fault]:
    """The same of faults as pydantic lists them; what follows from another of them is left out."""
    paths = [_path(item) for item in items]
    return [_fault(item, form) for item in items if not _follows(item, paths)]


def _follows(item: Mapping[str, object], paths: Sequence[tuple[str | int, ...]]) -> bool:
    """Whether a list only seems too short because an item of it was refused."""
    own = _path(item)
    return item["type"] in _CASCADES and any(len(path) > len(own) and path[: len(own)] == own for path in paths)


def _path(item: Mapping[str, object]) -> tuple[str | int, ...]:
    given = item["loc"]
    assert isinstance(given, (tuple, list))  # noqa: S101 - pydantic's form
    return tuple(part for part in given if isinstance(part, (str, int)))


def _fault(item: Mapping[str, object], form: object) -> Fault:
    path, kind = _path(item), str(item["type"])
    return Fault(path, kind, *_words(kind, path, item, form))


def _words(kind: str, path: tuple[str | int, ...], item: Mapping[str, object], form: object) -> tuple[str, str]:
    """What is wrong, and what to do."""
    name = _name(path)
    context = item.get("ctx")
    context = context if isinstance(context, Mapping) else {}
    if kind == "extra_forbidden":
        known = keys_at(form, path[:-1])
        return f'unknown key "{name[:LONGEST]}"', nearest(name, known) if known else ""
    if kind == "missing":
        return f'"{name}" is missing', "add it"
    if kind in _LISTED:
        shown, words = _shown(item.get("input")), _EXPECTED.findall(str(context.get("expected", "")))
        if words:
            return _cannot_be(name, shown), nearest(shown, words)
    if kind in _SAID:
        return f"{name} {_SAID[kind].format_map(context)}".strip(), ""
    said = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}: {said}" if name else said, ""


def _cannot_be(name: str, shown: str) -> str:
    return f'{name} cannot be "{shown}"' if shown else f"{name} must be a word of a fixed list"


def _shown(word: object) -> str:
    """A short word as it was given; nothing of a longer text or of another kind of value."""
    return one_line(word, LONGEST) if isinstance(word, str) and len(word) <= 2 * LONGEST else ""


def _name(path: tuple[str | int, ...]) -> str:
    """The last name of a path, with the numbers behind it: `doors[0]`."""
    name = ""
    for part in path:
        below = isinstance(part, int) or not part[:1].isalpha()
        name = (f"{name}[{part}]" if isinstance(part, int) else f"{name}.{part}") if below and name else str(part)
    return name


def keys_at(form: object, path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that may be written at a place of a form; none where that cannot be told."""
    models = list(_models(form))
    for part in path:
        models = [found for model in models for found in _within(model, part)]
    return tuple(sorted({field.alias or name for model in models for name, field in model.model_fields.items()}))


def _within(model: type[BaseModel], part: str | int) -> Iterator[type[BaseModel]]:
    """The models below one part of a path. A tag of a union and the place in a list lead to the model itself."""
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            yield from _models(field.annotation)
            return
    yield model


def _models(form: object) -> Iterator[type[BaseModel]]:
    """The models in a type: in a list of them, a mapping to them, or as one of several forms."""
    if isinstance(form, type) and issubclass(form, BaseModel):
        yield form
    elif get_origin(form) is Annotated:
        yield from _models(get_args(form)[0])
    elif get_origin(form) in (Union, types.UnionType) or (get_origin(form) not in (None, Literal)):
        for part in get_args(form):
            yield from _models(part)
