"""What a form's validation says: one wording at every door, with the nearest word of every fixed list."""

from __future__ import annotations

import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from firedoor.alerts.mapping import GenericMapping, read_mapping
from firedoor.core.language.validation import faults, keys_at
from firedoor.core.playbook.playbook import Header
from firedoor.core.problems import InvalidInput
from firedoor.core.targets import Inventory
from firedoor.runtime.config.settings import Settings
from firedoor.steps.registry import step_types

FORMS: tuple[type[BaseModel], ...] = (
    Inventory, GenericMapping, Header, Settings, *(one.options for one in step_types().values()),
)  # fmt: skip


def parts(form: object) -> Iterator[object]:
    """The types within a type: of a list, a mapping, or one of several."""
    if get_origin(form) is Annotated:
        yield from parts(get_args(form)[0])
    elif get_origin(form) in (Union, types.UnionType) or get_origin(form) not in (None, Literal):
        for part in get_args(form):
            yield from parts(part)
    else:
        yield form


def words_of(form: object) -> list[str]:
    """The words of a fixed list; none for any other type."""
    if get_origin(form) is Literal:
        return [word for word in get_args(form) if isinstance(word, str)]
    return [str(one.value) for one in form] if isinstance(form, type) and issubclass(form, Enum) else []


def lists(form: type[BaseModel], seen: set[object]) -> Iterator[tuple[str, object, list[str]]]:
    """Every fixed list in a form and in the forms within it."""
    for name, field in form.model_fields.items():
        for part in parts(field.annotation):
            if words := words_of(part):
                yield f"{form.__name__}.{name}", part, words
            elif isinstance(part, type) and issubclass(part, BaseModel) and part not in seen:
                yield from lists(part, seen | {part})


EVERY = {name: (part, words) for form in FORMS for name, part, words in lists(form, {form})}


def test_there_are_many_fixed_lists() -> None:
    """The generated cases below are not empty, and reach the forms within forms."""
    assert {"Target.kind", "Artefact.keep", "HttpProbe.method", "Header.incident", "GenericMapping.severities"} <= set(
        EVERY
    )


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_mistyped_word_is_answered_with_the_nearest(name: str) -> None:
    """Of every word of every fixed list in a file or a setting, with one letter doubled."""
    part, words = EVERY[name]
    for word in words:
        typed = word[:-1] + word[-1] * 2
        with pytest.raises(ValidationError) as refused:
            TypeAdapter(part).validate_python(typed)
        (fault,) = faults(refused.value)
        assert f'cannot be "{typed}"' in fault.message
        assert (f'did you mean "{word}"' in fault.do) == (len(word) > 1) or word in fault.do


def test_an_unknown_key_is_answered_with_the_nearest_at_its_own_level() -> None:
    """Not with those of the form around it, and without what only follows from it."""
    with pytest.raises(ValidationError) as refused:
        Inventory.model_validate({"targets": {"m": {"doors": [{"name": "a", "connector": "http", "conector": "x"}]}}})
    (fault,) = faults(refused.value, Inventory)
    assert fault.message == 'unknown key "conector"'
    assert fault.do == 'did you mean "connector"? known: config, connector, name'


def test_a_list_is_not_too_short_as_well_when_an_item_of_it_is_wrong() -> None:
    """Each problem once."""
    with pytest.raises(InvalidInput) as refused:
        read_mapping({"source": "x1", "fields": {"id": "id"}, "authentication": ["bearr"]})
    assert [one.message for one in refused.value.problems] == ['authentication[0] cannot be "bearr"']


def test_a_long_value_in_the_place_of_a_word_is_not_repeated() -> None:
    """It may be what leaked."""
    secret = "Ada Lovelace, 12 Example Road, " * 5
    with pytest.raises(ValidationError) as refused:
        Inventory.model_validate({"targets": {"m": {"kind": secret, "doors": [{"name": "a", "connector": "http"}]}}})
    (fault,) = faults(refused.value, Inventory)
    assert "Ada" not in fault.message + fault.do
    assert fault.message == "kind must be a word of a fixed list"


def test_what_is_no_word_is_said_plainly() -> None:
    """Each kind of value by its name, and not in the words of the library."""
    wrong = {"targets": {"m": {"doors": "x", "regions": 3, "never_suspend": "maybe", "title": 4}}}
    with pytest.raises(ValidationError) as refused:
        Inventory.model_validate(wrong)
    assert [one.message for one in faults(refused.value, Inventory)] == [
        "title must be text", "regions must be a list", "doors must be a list", "never_suspend must be true or false",
    ]  # fmt: skip


def test_the_keys_of_a_form_within_a_form_are_found() -> None:
    """Through a mapping, a list and one of several."""
    assert keys_at(Inventory, ("targets", "m", "doors", 0)) == ("config", "connector", "name")
    assert "looks" in keys_at(Inventory, ("targets", "m", "probe", "http"))
