"""What is proved about a plan: a page with a hole in it is refused, at the line of the hole."""

from __future__ import annotations

import pytest
from tests.core.pages import VOCABULARY, compiled, operations, page, refused, steps

from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.playbook.compiler import compile_playbook
from firedoor.core.playbook.plan import Call, Edge, Plan
from firedoor.core.playbook.playbook import read_playbook
from firedoor.core.playbook.step import Fragment, Options, StepContext, StepType
from firedoor.core.problems import InvalidInput, Problem
from firedoor.steps.registry import step_types

KEPT_IN_TIME = "- preserve: alert\n"
LIST = "  others: {type: list}\n"
KNOWN = (LIST, f"{LIST}  evidence_strength: {{type: choice, choices: [strong, weak]}}\n")
GIVEN = 'facts: {endpoint: "{{ alert.model }}"}'


@pytest.mark.parametrize(
    ("text", "place", "code", "words"),
    [
        # names
        (steps(KEPT_IN_TIME + '- suspend: "{{ facts.endpiont }}"'), "19:7", "P201", '"facts.endpiont" is not defined'),
        (steps(KEPT_IN_TIME + '- suspend: "{{ endpoint }}"'), "19:7", "P201", '"endpoint" is not defined'),
        (steps(KEPT_IN_TIME + '- suspend: "{{ item }}"'), "19:7", "P201", '"item" is not defined'),
        (steps(KEPT_IN_TIME + '- task: "For {{ clock.due }}"'), "19:7", "P201", '"clock.due" is not defined'),
        (
            steps(KEPT_IN_TIME + '- task: "A"\n  guidance: "{{ incident.name }}"'),
            "19:7",
            "P201",
            '"incident.name" is not defined',
        ),
        (
            steps(KEPT_IN_TIME + '- tell: dpo\n  text: "{{ organisation.vat }}"'),
            "19:7",
            "P201",
            '"organisation.vat" is not defined',
        ),
        (
            steps(KEPT_IN_TIME + '- task: "A"\n  when: facts.nobody > 3'),
            "19:7",
            "P201",
            '"facts.nobody" is not defined',
        ),
        (steps(KEPT_IN_TIME + '- task: "{{ facts.endpoint"'), "19:7", "E202", "cannot be read"),
        (steps(KEPT_IN_TIME + "- ask: [nobody]"), "19:7", "P201", 'asks for "nobody"'),
        (steps(KEPT_IN_TIME + "- wait: until\n  until: minor"), "19:7", "P201", "not a fact that is an instant"),
        # roles
        (steps(KEPT_IN_TIME + '- task: "A"\n  by: legal'), "19:7", "P202", 'no role is called "legal"'),
        (steps(KEPT_IN_TIME + '- task: "A"\n  escalate_to: boss'), "19:7", "P202", 'no role is called "boss"'),
        (steps(KEPT_IN_TIME + "- tell: [dpo, press]\n  text: x"), "19:7", "P202", 'no role is called "press"'),
        # answers
        (page(("sets: {aware_at: now}", "sets: {awareness: now}")), "15:7", "P201", 'sets "awareness"'),
        (page(("sets: {aware_at: now}", "sets: {minor: perhaps}")), "15:7", "F101", "expected yes, no or unknown"),
        (page(("sets: {aware_at: now}", "sets: {minor: now}")), "15:7", "F101", "minor is a flag"),
        # how strong the evidence is follows from the alerts
        (
            page((GIVEN, "facts: {evidence_strength: strong}"), KNOWN),
            "8:13",
            "P310",
            "a sender",
        ),
        (
            page(
                (GIVEN, 'facts: {evidence_strength: "{{ alert.labels.sure }}"}'),
                KNOWN,
            ),
            "8:13",
            "P310",
            "a sender could say how strong",
        ),
        (page(("sets: {aware_at: now}", "sets: {evidence_strength: strong}"), KNOWN), "16:7", "P310", "nobody sets"),
        (steps(KEPT_IN_TIME + "- ask: [evidence_strength]").replace(*KNOWN), "20:7", "P310", "nobody sets"),
        # evidence first
        (steps('- suspend: "{{ facts.endpoint }}"'), "20:7", "P301", "before any evidence is preserved"),
        (steps("- preserve: alert\n  when: facts.minor"), "21:7", "P301", "before any evidence is preserved"),
        # start rules
        (
            page(("when: alert.severity >= high", "when: alert.severty >= high")),
            "6:5",
            "P201",
            '"alert.severty" is not part of an alert',
        ),
        (
            page(("when: alert.severity >= high", "when: facts.minor")),
            "6:5",
            "P201",
            '"facts.minor" is not part of an alert',
        ),
        (page(("when: alert.severity >= high", "when: alert.severity >=")), "7:5", "E201", "cannot be read"),
        (
            page(('facts: {endpoint: "{{ alert.model }}"}', "facts: {endpont: x}")),
            "8:13",
            "P201",
            '"endpont" is not a fact',
        ),
        # drills
        (
            page(("task: identification.confirm", "task: identification.confrim")),
            "33:9",
            "P305",
            'no task matches "identification.confrim"',
        ),
        (
            page(("expect: {order: [close]}", "expect: {order: [closing]}")),
            "34:5",
            "P305",
            'no operation is called "closing"',
        ),
        (
            page(("    facts: {endpoint: chat}", "    facts: {endpont: chat}")),
            "31:13",
            "P201",
            '"endpont" is not a fact',
        ),
        (page(("    facts: {endpoint: chat}", "    facts: {minor: perhaps}")), "31:13", "F101", "yes, no or unknown"),
        (page(("    facts: {endpoint: chat}", "    organisation: {vat: 7}")), "31:20", "P201", '"vat" is not a fact'),
        (page(('choice: "yes"}', 'choice: "yes", facts: {endpont: x}}')), "33:63", "P201", '"endpont" is not a fact'),
    ],
)
def test_every_hole_is_refused_at_its_line(text: str, place: str, code: str, words: str) -> None:
    """Names, roles, answers, evidence, start rules and drills: each proof with a page that breaks it."""
    found = [(str(problem.place), problem.code, problem.message) for problem in refused(text)]
    assert any((f"small.yaml:{place}", code) == item[:2] and words in item[2] for item in found), found


def test_a_sound_page_has_no_problem() -> None:
    """The page that all of these break is itself sound, so that each refusal has one reason."""
    assert compiled(page()).playbook == "small"


def test_advice_names_what_was_meant() -> None:
    """The nearest fact, role or task stands in the advice."""
    advice = {problem.do for problem in refused(steps(KEPT_IN_TIME + '- suspend: "{{ facts.endpiont }}"'))}
    assert any('did you mean "endpoint"' in text for text in advice)


def test_evidence_counts_where_it_is_certain() -> None:
    """Kept under the same condition is kept; a draft is no evidence; a question before it makes no difference."""
    text = "- preserve: alert\n  when: facts.minor\n- notify_authorities: due"
    assert [problem.code for problem in refused(steps(text))] == ["P301"]
    assert operations(compiled(steps("- preserve: alert\n- notify_authorities: due")))


class Wipe(Options):
    """A step type that somebody outside might write."""

    wipe: str


def _wipe(options: Wipe, context: StepContext) -> Fragment:
    call = Call(**context.base("", "Wipe it"), verb="suspend", target=options.wipe, allow_irreversible=True)
    return Fragment((call,), (call.id,))


def _round(options: Wipe, context: StepContext) -> Fragment:
    first = Call(
        **context.base("a", "A"), verb="verify", target=options.wipe, after=(Edge(after=context.operation_id("b")),)
    )
    second = Call(
        **context.base("b", "B"), verb="verify", target=options.wipe, after=(Edge(after=context.operation_id("a")),)
    )
    return Fragment((first, second), (second.id,))


def _loose(options: Wipe, context: StepContext) -> Fragment:
    call = Call(**context.base("", "A"), verb="verify", target=options.wipe, after=(Edge(after="nowhere"),))
    return Fragment((call,), (call.id,))


def with_step(lower: object) -> tuple[Problem, ...]:
    """The problems of a page that uses a step type from outside."""
    wipe = StepType(key="wipe", options=Wipe, lower=lower, summary="", example="")
    types = {**step_types(), "wipe": wipe}
    text = steps(KEPT_IN_TIME + '- wipe: "{{ facts.endpoint }}"')
    with pytest.raises(InvalidInput) as caught:
        compile_playbook(read_playbook(read_yaml(text, "small.yaml"), types, VOCABULARY), types, VOCABULARY)
    return caught.value.problems


def test_what_cannot_be_undone_needs_its_own_approval() -> None:
    """That the incident was confirmed approves nothing: a question of the same step does."""
    problem = with_step(_wipe)[0]
    assert (problem.code, str(problem.place)) == ("P302", "small.yaml:19:7")


def test_nothing_waits_for_itself_or_for_nothing() -> None:
    """A circle, and an edge to an operation that does not exist, are refused whoever wrote the step type."""
    assert "P304" in [problem.code for problem in with_step(_round)]
    assert "P303" in [problem.code for problem in with_step(_loose)]


def test_irreversible_is_never_automatic() -> None:
    """`automatic:` and `allow_irreversible:` exclude each other."""
    text = steps(KEPT_IN_TIME + '- suspend: "{{ facts.endpoint }}"\n  automatic: always\n  allow_irreversible: true')
    assert "P302" in [problem.code for problem in refused(text)]
    assert isinstance(
        compiled(steps(KEPT_IN_TIME + '- suspend: "{{ facts.endpoint }}"\n  allow_irreversible: true')), Plan
    )
