"""Playbooks that were written to harm whoever reads them: bombs in templates, and conditions that make no sense."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.facts import Count
from firedoor.core.language.expression import Expression
from firedoor.core.language.template import MAXIMUM_OUTPUT, Template
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import UNKNOWN

MEMORY = 1024**3  # bytes; the first release took three times as much for one line of a playbook
BOMBS = (
    '{{ "a" * 1000000000 }}',
    "{{ 9 ** 9 ** 9 }}",
    '{{ ("a" * 99999) ~ ("b" * 99999999) }}',
    '{{ "%1000000000s" % 1 }}',
    "{{ 7 % 0 }}",
    "{{ 1 / 0 }}",
    "{{ 5 is divisibleby 0 }}",
    "{{ " + "1" * 5000 + " }}",
    '{{ "' + "a" * 90 + '" ' + '| replace("a", "' + "a" * 90 + '") ' * 9 + "}}",
    '{{ "" | replace("", "x", 1, 2, 3) }}',
    '{% set a = "xx" %}' + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40 + "{{ a }}",
    '{% set a = ["x"] %}' + "{% set a = [a, a] %}" * 40 + "{{ a }}",
    "{% for _rounds_left in facts.many %}{% endfor %}",
)
SCOPE = {
    "facts": {"note": "words", "many": ("x",) * 1000, "people": Count(minimum=1, maximum=9), "open": UNKNOWN, "n": 3}
}

PLAYBOOK = """
playbook: hostile
version: 1.0.0
title: Hostile
incident: data_leakage_in_ai_models
roles: [commander, dpo]
phases:
  identification:
    - tell: dpo
      text: '@@@'
  containment: []
  remediation: []
  post_incident: []
"""


def _little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[:24])
def test_a_bomb_is_refused_before_anything_of_it_is_worked_out(bomb: str) -> None:
    """A constant that fills the memory, or that cannot be worked out, is a problem of the text and nothing else."""
    with pytest.raises(InvalidInput):
        Template.parse(bomb)


@pytest.mark.parametrize("bomb", [bomb for bomb in BOMBS if "'" not in bomb and len(bomb) < 60])
def test_check_names_the_line_of_a_bomb(bomb: str, tmp_path: Path) -> None:
    """`firedoor check` ends with 1 and a place, in a process that has a gigabyte."""
    file = tmp_path / "hostile.yaml"
    file.write_text(PLAYBOOK.replace("@@@", bomb))
    program = [sys.executable, "-m", "firedoor.interfaces.cli.main", "check", str(file)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, preexec_fn=_little_memory)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{file}:9:" in done.stdout
    assert "E202" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in facts.many %}" * 3 + "{% endfor %}" * 3,
        "{% for a in facts.many %}" + "words" * 100 + "{% endfor %}",
        "{% for a in facts.n %}{% endfor %}",
        "{{ facts.many | join(facts.many | join('" + "x" * 250 + "')) }}",
    ],
    ids=("rounds", "output", "no list", "filters"),
)
def test_a_rendering_that_grows_is_stopped_while_it_grows(text: str) -> None:
    """Loops share a number of rounds, and the output is counted piece by piece."""
    template = Template.parse(text)
    with pytest.raises(InvalidInput):
        template.render(SCOPE)


PARTS = st.sampled_from(
    [
        "facts.note",
        "facts.many",
        "facts.people",
        "facts.open",
        "facts.n",
        "loop",
        '"a"',
        "1",
        "-1",
        "0",
        "1e999",
        "none",
    ]
)
FILTERS = st.sampled_from(["", "|upper", "|join", "|sort", "|first", "|length", "|replace('a','b')", "|default(0)"])
SIGNS = st.sampled_from([" + ", " % ", " ~ ", " ** ", " < ", " in ", " and ", " is ", ", ", " if ", " == "])


def _written(parts: Callable[[], st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    return st.lists(
        st.one_of(parts(), SIGNS, FILTERS, st.sampled_from(["not ", "-", "(", ")", "[", "]"])), max_size=9
    ).map("".join)


@given(_written(lambda: PARTS))
def test_a_template_raises_nothing_but_problems(text: str) -> None:
    """Whatever is written between the braces, it is refused in words or rendered within bounds."""
    try:
        rendered = Template.parse(f"{{{{ {text} }}}}{{% for x in {text} %}}{{{{ x }}}}{{% endfor %}}").render(SCOPE)
    except InvalidInput:
        return
    assert len(rendered) <= MAXIMUM_OUTPUT


@given(_written(lambda: PARTS))
def test_a_condition_raises_nothing_but_problems(text: str) -> None:
    """Whatever is written as a condition, it is refused in words or comes to yes, no or unknown."""
    try:
        parsed = Expression.parse(text)
    except InvalidInput:
        return
    assert parsed.decide(SCOPE).value in ("yes", "no", "unknown")
    assert all(reason.answer.value for reason in parsed.reasons(SCOPE))


@pytest.mark.parametrize("text", ['-"a" > 1', "-(facts.n and facts.note) == no", "-[1] > 1", "-true > 0"])
def test_a_minus_before_what_is_no_number_is_refused(text: str) -> None:
    """There is no less than nothing of words."""
    with pytest.raises(InvalidInput, match="minus"):
        Expression.parse(text)


@pytest.mark.parametrize("name", ["facts.note", "facts.people", "facts.many", "facts.open"])
def test_a_minus_before_a_fact_that_is_no_number_is_unknown(name: str) -> None:
    """A start rule with it turns no alert into a fault."""
    assert Expression.parse(f"-{name} > 1").decide(SCOPE) is UNKNOWN
