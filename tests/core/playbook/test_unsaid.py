"""No answer denies what the law asks unless its words say so."""

from __future__ import annotations

import pytest
from tests.core.pages import page

from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.playbook.compiler import compile_playbook
from firedoor.core.playbook.playbook import read_playbook
from firedoor.core.problems import InvalidInput
from firedoor.duties.catalogue import catalogue
from firedoor.steps.registry import step_types

LAW = catalogue().facts


def problems(*changes: tuple[str, str]) -> list[str]:
    """What is wrong with a page, compiled with the law's own vocabulary."""
    try:
        compile_playbook(read_playbook(read_yaml(page(*changes), "page.yaml"), step_types(), LAW), step_types(), LAW)
    except InvalidInput as error:
        return [f"{one.code} {one.message}" for one in error.problems]
    return []


@pytest.mark.parametrize("value", ["no", "false", '"no"'])
def test_a_no_that_the_words_do_not_name_is_refused(value: str) -> None:
    """However the no is written; the message names the answer and the fact."""
    (said,) = problems(("sets: {aware_at: now}", f"sets: {{aware_at: now, apparent_child_abuse_material: {value}}}"))
    assert said.startswith('P312 identification.confirm: the answer "yes" records that apparent_child_abuse_material')


@pytest.mark.parametrize("sets", ["apparent_child_abuse_material: yes", "apparent_child_abuse_material: unknown"])
def test_a_yes_and_what_stays_unknown_are_no_denials(sets: str) -> None:
    """A yes opens duties and closes none; unknown is unknown."""
    assert problems(("sets: {aware_at: now}", f"sets: {{aware_at: now, {sets}}}")) == []


def test_a_no_that_the_words_name_is_taken() -> None:
    """Whoever answers reads what is recorded."""
    words = "if_yes: Recorded as no child abuse material."
    changed = f"sets: {{aware_at: now, apparent_child_abuse_material: no}}\n      {words}"
    assert problems(("sets: {aware_at: now}", changed)) == []
