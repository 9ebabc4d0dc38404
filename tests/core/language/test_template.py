"""Words with holes: what is filled in, what is marked, and what a hostile template cannot do."""

from __future__ import annotations

import pytest

from firedoor.core.facts import Count
from firedoor.core.language.template import MAXIMUM_OUTPUT, Template
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import UNKNOWN, YES

SCOPE = {
    "facts": {
        "endpoint": "chat-large",
        "people": Count(minimum=1, maximum=500),
        "open": UNKNOWN,
        "flag": YES,
        "places": ("DE", "FR"),
    }
}


def fill(text: str) -> str:
    """Fill a template from the scope above."""
    return Template.parse(text).render(SCOPE)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("{{ facts.endpoint }} is closed", "chat-large is closed"),
        ("{{ facts.people }} people in {{ facts.places }}", "1 to 500 people in DE, FR"),
        ("{{ facts.open }}", "[unknown]"),
        ("{{ facts.never }}", "[unknown: never]"),
        ("{{ nobody.at.all }}", "[unknown: nobody.at.all]"),
        ("{% for place in facts.places %}{{ loop.index }}{{ place }} {% endfor %}", "1DE 2FR "),
        ("{% if facts.endpoint == 'chat-large' %}yes{% else %}no{% endif %}", "yes"),
        ("{{ facts.endpoint | upper }}", "CHAT-LARGE"),
        ("{{ facts.flag }}", "yes"),
        ("100 % {braces}", "100 % {braces}"),
    ],
)
def test_holes_are_filled_and_gaps_are_marked(text: str, result: str) -> None:
    """Nothing that is unknown ever disappears."""
    assert fill(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "{{ facts.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ facts.endpoint.upper() }}",
        "{{ range(9) }}",
        "{{ 'a' * 99999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{% set x = 1 %}{{ x() }}",
        "{{ facts.endpoint | pprint }}",
        "{{ facts.endpoint | attr('x') }}",
        "{{ facts.endpoint",
        "{% for x in facts.places %}",
        "{{ 'a' ~ 'b' }}",
        "{{ 1 + 1 }}",
        "{% block x %}{% endblock %}",
        "{{ lipsum }}{{ cycler() }}",
    ],
)
def test_what_is_not_part_of_the_language_does_nothing(text: str) -> None:
    """Calls, arithmetic, inheritance, imports, private names and unknown filters are refused, or yield only a mark."""
    try:
        result = fill(text)
    except InvalidInput:
        return
    assert result.startswith("[unknown"), result


def test_references_leave_out_the_loops_own_names() -> None:
    """What the compiler must look up is what comes from outside."""
    template = Template.parse(
        "{% for place in facts.places %}{{ place }}{{ item }}{{ loop.index }}{% endfor %}{{ clock.due }}"
    )
    assert template.references == {("facts", "places"), ("item",), ("clock", "due")}


def test_a_result_cannot_grow_without_end() -> None:
    """A loop over a long list stops being filled at a limit and says so."""
    scope = {"many": ["x" * 1000] * (MAXIMUM_OUTPUT // 1000 + 1)}
    with pytest.raises(InvalidInput):
        Template.parse("{% for one in many %}{{ one }}{% endfor %}").render(scope)


def test_a_value_is_never_a_template() -> None:
    """What a fact says is shown, not run."""
    assert Template.parse("{{ word }}").render({"word": "{{ facts.endpoint }}"}) == "{{ facts.endpoint }}"
