"""Conditions with unknown as an answer: Kleene's logic, ranges, and a language in which nothing can be called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core import ternary
from firedoor.core.facts import Count
from firedoor.core.language.expression import Expression
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

SCOPE = {
    "facts": {
        "minor": YES,
        "breach": NO,
        "open": UNKNOWN,
        "severity": Severity.HIGH,
        "kind": "invented",
        "places": ("DE", "FR"),
        "people": Count(minimum=1, maximum=500),
        "exact": Count(minimum=7, maximum=7),
        "many": Count(minimum=600),
        "at": datetime(2026, 11, 21, 3, tzinfo=UTC),
    }
}


def decide(text: str) -> Ternary:
    """What a condition comes to in the scope above."""
    return Expression.parse(text).decide(SCOPE)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("facts.minor", YES),
        ("not facts.minor", NO),
        ("facts.minor == yes", YES),
        ("facts.minor and facts.open", UNKNOWN),
        ("facts.breach and facts.open", NO),
        ("facts.minor or facts.open", YES),
        ("not facts.open", UNKNOWN),
        ("facts.open == no", UNKNOWN),
        ("facts.missing == 1", UNKNOWN),
        ("facts.open is known", NO),
        ("facts.open is unknown", YES),
        ("facts.open is unknown or facts.open", YES),
        ("facts.severity >= high", YES),
        ("facts.severity > high", NO),
        ("low < facts.severity < critical", YES),
        ("facts.kind == 'invented'", YES),
        ('"DE" in facts.places', YES),
        ('"US" not in facts.places', YES),
        ('facts.kind in ["invented", "other"]', YES),
        ('"DE" in facts.missing', UNKNOWN),
        ("facts.at >= '2026-11-21T04:00:00+01:00'", YES),
        ("facts.at > 'yesterday'", UNKNOWN),
        ("facts.severity > 3", UNKNOWN),
        ("facts.places", YES),
        ("yes", YES),
    ],
)
def test_conditions_have_three_answers(text: str, answer: Ternary) -> None:
    """Unknown stays unknown unless the rest of the condition already decides it."""
    assert decide(text) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("facts.people >= 1", YES),
        ("facts.people >= 500", UNKNOWN),
        ("facts.people > 500", NO),
        ("facts.people < 501", YES),
        ("facts.people == 7", UNKNOWN),
        ("facts.people == 501", NO),
        ("facts.people != 501", YES),
        ("facts.exact == 7", YES),
        ("facts.many >= 500", YES),
        ("facts.many <= 10000", UNKNOWN),
        ("facts.many < 600", NO),
        ("500 < facts.many", YES),
        ("facts.people", YES),
        ("facts.people > -1", YES),
        ("facts.many > facts.people", YES),
    ],
)
def test_ranges_are_compared_at_both_ends(text: str, answer: Ternary) -> None:
    """A threshold inside the range is unknown; `>` and `>=` differ by one person, as laws do."""
    assert decide(text) is answer


@given(
    low=st.integers(0, 100),
    width=st.integers(0, 50),
    limit=st.integers(0, 150),
    sign=st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
)
def test_a_range_answers_as_all_its_numbers_do(low: int, width: int, limit: int, sign: str) -> None:
    """Yes when every possible number says yes, no when none does, unknown when they disagree."""
    scope = {"n": Count(minimum=low, maximum=low + width)}
    single = {
        Expression.parse(f"n {sign} {limit}").decide({"n": Count(minimum=n, maximum=n)})
        for n in range(low, low + width + 1)
    }
    assert Expression.parse(f"n {sign} {limit}").decide(scope) is (single.pop() if len(single) == 1 else UNKNOWN)


_flags = st.sampled_from([YES, NO, UNKNOWN])
_formulas = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=8,
)


@given(_formulas, _flags, _flags, _flags)
def test_learning_a_fact_never_turns_yes_into_no(formula: str, a: Ternary, b: Ternary, c: Ternary) -> None:
    """Whatever is decided while something is unknown stays decided when it becomes known."""
    before = Expression.parse(formula).decide({"a": a, "b": b, "c": c})
    known = {name: YES if value is UNKNOWN else value for name, value in {"a": a, "b": b, "c": c}.items()}
    after = Expression.parse(formula).decide(known)
    assert after is not UNKNOWN
    assert before in (UNKNOWN, after)


@given(_formulas, _flags, _flags, _flags)
def test_not_turns_the_answer_around(formula: str, a: Ternary, b: Ternary, c: Ternary) -> None:
    """The negation of any formula is the negation of its answer."""
    scope = {"a": a, "b": b, "c": c}
    assert Expression.parse(f"not ({formula})").decide(scope) is ternary.negate(Expression.parse(formula).decide(scope))


@pytest.mark.parametrize(
    "text",
    [
        "facts.x()",
        "open('/etc/passwd')",
        "''.__class__",
        "facts.__init__",
        "facts._secret",
        "[x for x in y]",
        "{'a': 1}",
        "facts['minor']",
        "1 + 1",
        "2 ** 99",
        "'a' * 999999",
        "'a' ~ 'b'",
        "facts.x | upper",
        "facts.x is defined",
        "a if b else c",
        "facts.minor facts.open",
        "facts.minor)",
        "",
        "{{ facts.minor }}",
        "facts.x is divisibleby(3)",
        "-'a'.b",
    ],
)
def test_nothing_can_be_called_indexed_or_reached_into(text: str) -> None:
    """Whatever is not a comparison over plain names is refused before anything runs."""
    with pytest.raises(InvalidInput):
        Expression.parse(text)


@pytest.mark.parametrize("text", ["not " * 1500 + "a", "(" * 900 + "a" + ")" * 900, "a and " * 390 + "a", "a" * 3000])
def test_size_and_depth_are_limited(text: str) -> None:
    """A hostile expression is a problem, not a crash of the interpreter."""
    with pytest.raises(InvalidInput):
        Expression.parse(text)


def test_references_are_the_outermost_names() -> None:
    """Dotted names are one reference each; words of the language are none."""
    expression = Expression.parse('facts.people >= 5 and alert.severity >= high or x in [yes, "facts.y"]')
    assert expression.references == {("facts", "people"), ("alert", "severity"), ("x",)}


def test_reasons_name_each_atom_and_what_is_missing() -> None:
    """A person sees every part with its answer, and which facts would settle the whole."""
    expression = Expression.parse("facts.minor and facts.people >= 500 and (facts.open or facts.breach)")
    said = [(reason.text, reason.answer) for reason in expression.reasons(SCOPE)]
    assert said == [
        ("facts.minor", YES),
        ("facts.people >= 500", UNKNOWN),
        ("facts.open", UNKNOWN),
        ("facts.breach", NO),
    ]
    assert expression.missing(SCOPE) == ("facts.people", "facts.open")
    assert Expression.parse("facts.minor").missing(SCOPE) == ()
