"""Facts: every type in every written form, and what is refused in words that help."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.dates.arithmetic import doubt
from firedoor.core.facts import Count, FactDefinition, FactType, known, read, read_all, show, write
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity
from firedoor.core.ternary import NO, UNKNOWN, YES


def fact(kind: FactType, *choices: str) -> FactDefinition:
    """A fact of a type."""
    return FactDefinition(name="it", type=kind, choices=choices)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (FactType.TEXT, "words", "words"),
        (FactType.TARGET, "chat-large", "chat-large"),
        (FactType.FLAG, "yes", YES),
        (FactType.FLAG, " No ", NO),
        (FactType.FLAG, True, YES),
        (FactType.FLAG, "false", NO),
        (FactType.COUNT, 12, Count(minimum=12, maximum=12)),
        (FactType.COUNT, "12", Count(minimum=12, maximum=12)),
        (FactType.COUNT, "1..500", Count(minimum=1, maximum=500)),
        (FactType.COUNT, "1..", Count(minimum=1)),
        (FactType.COUNT, "..500", Count(minimum=0, maximum=500)),
        (FactType.COUNT, {"min": 3}, Count(minimum=3)),
        (FactType.COUNT, {"min": 3, "max": None}, Count(minimum=3)),
        (FactType.LIST, "a, b,,a", ("a", "b")),
        (FactType.LIST, ["a", "a", "b"], ("a", "b")),
        (FactType.INSTANT, "2026-10-24T10:00:00+02:00", datetime(2026, 10, 24, 8, tzinfo=UTC)),
        (FactType.SEVERITY, "high", Severity.HIGH),
        *((kind, raw, UNKNOWN) for kind in FactType for raw in (None, "", "unknown", UNKNOWN)),
    ],
)
def test_every_written_form_is_read(kind: FactType, raw: Any, value: object) -> None:
    """The forms of the command line and of JSON; unknown is a value of every type."""
    assert read(fact(kind), raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "word"),
    [
        (FactType.TEXT, 12, "words"),
        (FactType.TEXT, "a" * 10_001, "10000"),
        (FactType.FLAG, "maybe", "yes, no or unknown"),
        (FactType.FLAG, 1, "yes, no"),
        (FactType.COUNT, "many", "whole number"),
        (FactType.COUNT, -1, "whole number"),
        (FactType.COUNT, 1.5, "whole number"),
        (FactType.COUNT, True, "whole number"),
        (FactType.COUNT, "9..3", "smaller number first"),
        (FactType.COUNT, "1..2..3", "whole number"),
        (FactType.COUNT, "99999999999", "whole number"),
        (FactType.COUNT, "٣", "whole number"),
        (FactType.COUNT, {"minimum": 3}, "whole number"),
        (FactType.CHOICE, "c", "one of its words"),
        (FactType.LIST, [1], "list of words"),
        (FactType.LIST, ["x"] * 1001, "list of words"),
        (FactType.INSTANT, "2026-10-24T10:00:00", "offset"),
        (FactType.INSTANT, "tomorrow", "instant"),
        (FactType.INSTANT, "0001-01-01T00:00:00Z", "no time is given"),
        (FactType.INSTANT, "9999-12-31T23:59:59.9999999+00:00", "no time is given"),
        (FactType.INSTANT, "2201-01-01T00:00:00Z", "after the year 2200"),
        (FactType.INSTANT, 5, "instant"),
        (FactType.SEVERITY, "bad", "severity"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(kind: FactType, raw: Any, word: str) -> None:
    """The message names the fact, what was got and what is expected."""
    with pytest.raises(InvalidInput) as caught:
        read(fact(kind, "a", "b") if kind is FactType.CHOICE else fact(kind), raw)
    problem = caught.value.problems[0]
    assert problem.field == "it"
    assert word in problem.message + problem.do


def test_a_wrong_word_gets_the_nearest() -> None:
    """A misspelt choice is answered with the word that was meant."""
    with pytest.raises(InvalidInput) as caught:
        read(fact(FactType.CHOICE, "retrain", "delete"), "retrian")
    assert 'did you mean "retrain"' in caught.value.problems[0].do


_INSTANTS = (
    st.datetimes(timezones=st.just(UTC))
    .map(lambda at: at.replace(year=1971 + at.year % 230))
    .filter(lambda at: not doubt(at))
)
_values = st.one_of(
    st.tuples(st.just(FactType.TEXT), st.text(min_size=1, max_size=40)),
    st.tuples(st.just(FactType.FLAG), st.sampled_from(["yes", "no", "unknown"])),
    st.tuples(
        st.just(FactType.COUNT),
        st.tuples(st.integers(0, 10**10), st.integers(0, 10**9) | st.none()).map(
            lambda t: {"min": t[0], "max": None if t[1] is None else min(t[0] + t[1], 10**10)}
        ),
    ),
    st.tuples(st.just(FactType.LIST), st.lists(st.text(min_size=1, max_size=9), max_size=5)),
    st.tuples(st.just(FactType.INSTANT), _INSTANTS.map(datetime.isoformat)),
    st.tuples(st.just(FactType.SEVERITY), st.sampled_from(list(Severity)).map(str)),
)


@given(_values)
def test_what_is_written_reads_back_the_same(pair: tuple[FactType, Any]) -> None:
    """`read` of `write` is the same value, for every type, so that the journal loses nothing."""
    kind, raw = pair
    value = read(fact(kind), raw)
    assert read(fact(kind), write(value)) == value
    assert show(value)


def test_all_problems_come_at_once() -> None:
    """Several facts are read together; an unknown name and a wrong value are both told."""
    definitions = {"people_affected": fact(FactType.COUNT), "minor": fact(FactType.FLAG)}
    with pytest.raises(InvalidInput) as caught:
        read_all(definitions, {"people_afected": 1, "minor": "perhaps"})
    assert [problem.code for problem in caught.value.problems] == ["F100", "F101"]
    assert "people_affected" in caught.value.problems[0].do


def test_ranges_read_like_words() -> None:
    """A person sees numbers, not a data structure; known() tells facts with a value from those without."""
    assert [str(Count(minimum=3, maximum=top)) for top in (3, 9, None)] == ["3", "3 to 9", "at least 3"]
    assert known({"a": YES, "b": UNKNOWN}, ["a"])
    assert not known({"a": YES, "b": UNKNOWN}, ["a", "b"])
    assert not known({}, ["a"])
