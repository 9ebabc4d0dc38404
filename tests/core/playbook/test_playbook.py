"""The shape of a page: what is read, and that every mistake is told with its line and column, all at once."""

from __future__ import annotations

import pytest
from tests.core.pages import page, read, refused, steps

from firedoor.core.facts import FactType
from firedoor.core.lifecycle import Phase
from firedoor.core.playbook.playbook import fits

PART = "playbook: extra\nversion: 1.0.0\ntitle: Extra\nsteps:\n  - wait: 1h\n"


def test_a_sound_page_is_read() -> None:
    """Header, phases and steps are there, and a fact without a type takes that of the vocabulary."""
    playbook = read(page(("  others: {type: list}", "  others: {type: list}\n  minor: {}")))
    assert (playbook.name, playbook.version, playbook.is_part) == ("small", "1.0.0", False)
    assert [node.key for node in playbook.phases[Phase.CONTAINMENT]] == ["suspend", "preserve", "notify_authorities"]
    assert playbook.facts["minor"].type is FactType.FLAG
    assert read(PART).is_part


@pytest.mark.parametrize(
    ("change", "place", "code", "words"),
    [
        (("title: A", "titel: A"), (3, 1), "P101", 'unknown key "titel"'),
        (("version: 1.0.0", "version: one"), (2, 1), "P101", "pattern"),
        (("playbook: small", "playbook: Small Fire"), (1, 1), "P101", "pattern"),
        (("incident: data_leakage_in_ai_models", "incident: data_leak"), (4, 1), "P101", "incident"),
        (("incident: data_leakage_in_ai_models\n", ""), (1, 1), "P101", '"incident" is missing'),
        (("roles: [commander, dpo]\n", ""), (1, 1), "P103", "no roles"),
        (("  others: {type: list}", "  others: {typ: list}"), (11, 12), "P101", 'unknown key "typ"'),
        (("  others: {type: list}", "  others: {type: number}"), (11, 12), "P101", "type"),
        (("  others: {type: list}", "  others: {}"), (11, 3), "P104", "has no type"),
        (("  others: {type: list}", "  minor: {type: count}"), (11, 3), "P104", "is a flag in the vocabulary"),
        (("  others: {type: list}", "  Others: {type: list}"), (11, 3), "P104", "no name for a fact"),
        (("  containment:", "  contaiment:"), (17, 3), "P101", 'unknown phase "contaiment"'),
        (("  post_incident: []\n", ""), (13, 1), "P105", "post_incident is missing"),
        (("  post_incident: []", "  post_incident: {}"), (25, 3), "P106", "steps are a list"),
        (
            ("    - notify_authorities: due", "    - notify_authorites: due"),
            (21, 7),
            "P107",
            'unknown step type "notify_authorites"',
        ),
        (("    - notify_authorities: due", "    - just words"), (21, 7), "P106", "a step is a mapping"),
        (("      alters: true", "      alter: true"), (24, 7), "P101", 'unknown key "alter"'),
        (("      alters: true", "      within: soon"), (24, 7), "P101", "not a duration"),
        (("      alters: true", "      when: true"), (24, 7), "P106", "`when` is text"),
        (("      alters: true", "      background: sometimes"), (24, 7), "P106", "true or false"),
        (("      alters: true", "      tell: dpo"), (23, 7), "P107", "a step has one type"),
        (("    facts: {endpoint: chat}", "    fact: {endpoint: chat}"), (31, 5), "P101", 'unknown key "fact"'),
        (("    facts: {endpoint: chat}", '    at: "2026-10-24T22:00:00"'), (31, 5), "P101", "needs its offset"),
    ],
)
def test_each_mistake_has_its_line_and_column(
    change: tuple[str, str], place: tuple[int, int], code: str, words: str
) -> None:
    """Unknown keys, types, phases and values that do not fit, each where it stands in the file."""
    problem = next(problem for problem in refused(page(change)) if words in problem.message)
    assert problem.place is not None
    assert (problem.place.line, problem.place.column, problem.code) == (*place, code)


def test_a_misspelt_word_gets_the_nearest() -> None:
    """The advice names the word that was meant."""
    problem = refused(page(("    - notify_authorities: due", "    - notify_authorites: due")))[0]
    assert 'did you mean "notify_authorities"' in problem.do


def test_all_mistakes_come_at_once_in_the_order_of_the_page() -> None:
    """One visit shows everything, from top to bottom."""
    problems = refused(page(("title: A", "titel: A"), ("      alters: true", "      alter: true"), ("text:", "txt:")))
    assert [p.place.line for p in problems if p.place] == sorted(p.place.line for p in problems if p.place)
    assert {3, 24, 28} <= {p.place.line for p in problems if p.place}


@pytest.mark.parametrize("text", ["[]", "words", "12"])
def test_a_page_is_a_mapping(text: str) -> None:
    """Anything else is refused at once."""
    assert refused(text)[0].code == "P100"


def test_a_page_has_phases_and_a_part_has_steps() -> None:
    """Both or neither is refused."""
    assert refused(page(("if_dismissed:", "steps: []\nif_dismissed:")))[0].code == "P102"
    assert refused("playbook: ab\nversion: 1.0.0\ntitle: t\n")[0].code == "P102"


def test_common_keys_go_with_every_step() -> None:
    """id, title, when, foreach, background and on_failure are read for any type."""
    playbook = read(
        steps("""
        - task: "Look"
          id: look
          title: Have a look
          when: facts.endpoint is known
          background: true
          on_failure:
            - tell: dpo
              text: "It failed"
    """)
    )
    node = playbook.phases[Phase.CONTAINMENT][0]
    assert (node.id, node.title, node.background) == ("look", "Have a look", True)
    assert node.when == "facts.endpoint is known"
    assert node.on_failure[0].key == "tell"


@pytest.mark.parametrize(
    ("pattern", "task", "answer"),
    [
        ("containment.suspend.approve", "containment.suspend.approve", True),
        ("containment.others.approve", "containment.others.approve[3]", True),
        ("containment.others.approve[1]", "containment.others.approve[1]", True),
        ("containment.others.approve[1]", "containment.others.approve[2]", False),
        ("*.submit[eu.gdpr.art33.sa]", "containment.notify.submit[eu.gdpr.art33.sa]", True),
        ("rescue:*", "rescue:containment.suspend.suspend#3:67", True),
        ("*.approve", "containment.suspend.capture", False),
        ("*", "anything[at all]", True),
    ],
)
def test_a_drills_pattern_means_tasks(pattern: str, task: str, answer: bool) -> None:
    """Stars are wild, brackets are not, and a repeated task fits without its bracket too."""
    assert fits(pattern, task) is answer
