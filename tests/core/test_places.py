"""Places are a closed vocabulary: a word that names none is refused with the nearest, wherever facts are read."""

from __future__ import annotations

import pytest

from firedoor.core.facts import FactDefinition, FactType, read, stated
from firedoor.core.places import is_place
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import UNKNOWN

TYPED = {"Germny": "DE", "germany": "DE", "DEU": "DE", "USA": "US", "Califronia": "US-CA", "Frnace": "FR"}


@pytest.mark.parametrize("word", ["DE", "de", "EU", "UK", "GB", "EEA", "US-CA", "us-ny", "CA-QC"])
def test_what_names_a_place(word: str) -> None:
    """In capitals or not; parts of a country, and the areas of the law."""
    assert is_place(word)


@pytest.mark.parametrize("name", ["established_in", "serves", "jurisdictions"])
@pytest.mark.parametrize("word", TYPED)
def test_a_typing_error_is_refused_with_the_nearest_place(name: str, word: str) -> None:
    """A law that is left out for want of a letter is told nobody."""
    with pytest.raises(InvalidInput) as refused:
        stated(FactDefinition(name=name, type=FactType.LIST), ["IE", word])
    assert f'did you mean "{TYPED[word]}"?' in refused.value.problems[0].do


def test_a_word_that_is_near_nothing_says_how_places_are_written() -> None:
    """It guesses nothing."""
    with pytest.raises(InvalidInput, match=r".*") as refused:
        stated(FactDefinition(name="serves", type=FactType.LIST), "the whole world")
    assert "two letters" in refused.value.problems[0].do


def test_what_an_old_journal_holds_stays_what_it_was() -> None:
    """Only who says it now can still mend it."""
    assert read(FactDefinition(name="serves", type=FactType.LIST), ["Germny"]) == ("Germny",)


@pytest.mark.parametrize("raw", [None, "", "unknown"])
def test_a_place_that_nobody_knows_stays_unknown(raw: str | None) -> None:
    """It is neither a place nor a fault."""
    assert stated(FactDefinition(name="member_state", type=FactType.TEXT), raw) is UNKNOWN
    assert stated(FactDefinition(name="serves", type=FactType.LIST), raw) is UNKNOWN
