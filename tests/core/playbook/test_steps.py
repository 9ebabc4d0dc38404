"""Step types: what each lowers to, and that every one keeps the contract of step types."""

from __future__ import annotations

import pytest
from tests.core.pages import compiled, operations, page, steps

from firedoor.core.playbook.plan import Ask, Call, Choose, Keep, Limits, Operation
from firedoor.core.playbook.step import StepType
from firedoor.core.problems import InvalidInput
from firedoor.steps.registry import step_types

KEPT = "- preserve: alert\n"


def step(text: str) -> dict[str, Operation]:
    """The operations of one step by the rest of their ids; the step has the id `it`."""
    body = text.replace("\n", "\n  ")
    plan = compiled(steps(f"{KEPT}- {body}\n  id: it"))
    return {op.id.removeprefix("containment.it").lstrip("."): op for op in plan if op.step == "containment.it"}


@pytest.mark.parametrize("kind", step_types().values(), ids=step_types())
def test_every_type_has_a_page_that_compiles(kind: StepType) -> None:
    """Its summary is one sentence, and its example is a step that is accepted as it stands."""
    assert kind.summary.endswith(".")
    assert len(kind.summary) < 120
    text = kind.example.replace("communications", "dpo").replace("manager", "dpo").replace("legal", "dpo")
    text = text.replace("engineering", "dpo").replace("facts.severity >= high", "facts.minor")
    text = text.replace("possible_minor", "minor").replace("jurisdictions", "minor")
    if kind.key == "confirm":
        assert operations(
            compiled(page(('    - confirm: "Is it real?"\n      sets: {aware_at: now}\n', indented(text))))
        )
    else:
        assert operations(compiled(steps(KEPT + text)))


def indented(text: str) -> str:
    """A step as it stands under a phase."""
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize("kind", step_types().values(), ids=step_types())
def test_every_field_is_closed_and_its_key_is_a_field(kind: StepType) -> None:
    """Unknown keys are refused, and the key that names the type is the name or the alias of a field."""
    assert kind.options.model_config["extra"] == "forbid"
    names = {field.alias or name for name, field in kind.options.model_fields.items()}
    assert kind.key in names


def test_suspend_captures_then_keeps_then_asks_for_nothing_more() -> None:
    """Approval, then capture and what must be kept first, then the suspension that rests on the capture."""
    parts = step('suspend: "{{ facts.endpoint }}"\npreserve_first: [request_log]\nfallback: [gateway]\napprovals: 2')
    assert set(parts) == {"approve", "capture", "preserve-request-log", "suspend"}
    suspend, approve = parts["suspend"], parts["approve"]
    assert isinstance(suspend, Call)
    assert isinstance(approve, Ask)
    assert (suspend.snapshot, suspend.doors, suspend.reflex) == ("containment.it.capture", ("gateway",), False)
    assert (approve.approvals, approve.choices[0].id) == (2, "approve")
    waits = {(edge.after, edge.on) for edge in suspend.after}
    assert {("containment.it.capture", "done"), ("containment.it.preserve-request-log", "settled")} <= waits


def test_always_automatic_asks_only_where_a_limit_forbids_it() -> None:
    """`automatic: always` has a reflex; its question is for the case that the reflex is not allowed."""
    parts = step('suspend: "{{ facts.endpoint }}"\nautomatic: always')
    assert isinstance(parts["automatic"], Choose)
    assert (parts["automatic"].condition, parts["automatic"].automatic) == ("yes", "{{ facts.endpoint }}")
    assert parts["reflex.suspend"].reflex
    assert {(edge.after.rpartition(".")[2], edge.on) for edge in parts["approve"].after} >= {("automatic", "no")}


@pytest.mark.parametrize(
    ("said", "held"),
    [("", (600, "ask", 3)), ("\nreverify: 30m", (1800, "ask", 3)),
     ("\non_drift: suspend_again", (600, "suspend_again", 3)),
     ("\nreverify: 1m\non_drift: record\nagain_per_hour: 0", (60, "record", 0))],
)  # fmt: skip
def test_what_is_closed_is_held(said: str, held: tuple[int, str, int]) -> None:
    """Every suspension is looked at again, on both paths, by default every ten minutes, and drift is asked about."""
    parts = step(f'suspend: "{{{{ facts.endpoint }}}}"\nautomatic: when facts.minor{said}')
    for part in (parts["suspend"], parts["reflex.suspend"]):
        assert isinstance(part, Call)
        hold = part.hold
        assert hold
        assert (hold.every_seconds, hold.on_drift, hold.again_per_hour) == held


@pytest.mark.parametrize("reverify", ["0s", "25h"])
def test_a_look_has_bounds(reverify: str) -> None:
    """Never and every second day are no holding."""
    with pytest.raises(InvalidInput, match="reverify"):
        compiled(steps(KEPT + f'- suspend: "{{{{ facts.endpoint }}}}"\n  reverify: {reverify}'))


def test_a_playbook_says_how_it_holds_and_how_much_it_may_close() -> None:
    """`hold:` is the default of its steps, and a step may say otherwise; `limits:` stand in the plan."""
    head = "hold: {reverify: 20m, on_drift: record}\nlimits: {targets: 3, per_hour: 5}\n"
    closing = '- suspend: "{{ facts.endpoint }}"\n- suspend: "{{ facts.endpoint }}"\n  on_drift: ask'
    plan = compiled(head + steps(KEPT + closing))
    found = [plan_op.hold for plan_op in plan if isinstance(plan_op, Call) and plan_op.verb == "suspend"]
    assert [(one.every_seconds, one.on_drift) for one in found if one] == [(1200, "record"), (1200, "ask")]
    assert plan.limits == Limits(targets=3, per_hour=5)


def test_resume_needs_two_people_unless_it_says_otherwise() -> None:
    """Opening again is a decision: by default of two."""
    for text, people in (("", 2), ("\napprovals: 1", 1)):
        approve = step(f'resume: "{{{{ facts.endpoint }}}}"{text}')["approve"]
        assert isinstance(approve, Ask)
        assert approve.approvals == people
    resume = step('resume: "{{ facts.endpoint }}"')["resume"]
    assert ("containment.it.approve", "approve") in {(edge.after, edge.on) for edge in resume.after}


def test_a_clock_task_waits_for_no_step() -> None:
    """Drafts and submissions follow clocks, not steps: nothing but the draft stands before the question."""
    parts = step("notify_authorities: due\nby: dpo")
    draft, submit = parts["draft"], parts["submit"]
    assert isinstance(draft, Keep)
    assert isinstance(submit, Ask)
    assert draft.after == ()
    assert [edge.after for edge in submit.after] == ["containment.it.draft"]
    assert {draft.each, submit.each} == {"clocks:authorities"}
    assert submit.choices[0].requires == ("reference",)


def test_preserve_keeps_locators_without_a_target_and_nothing_else_without_one() -> None:
    """The alert, and hashes and locators, belong to no target; an artefact of nothing is refused."""
    parts = step("preserve: [alert, locators]")
    assert {part.source for part in parts.values() if isinstance(part, Keep)} == {"alert", "locators"}
    with pytest.raises(InvalidInput) as caught:
        step("preserve: [request_log]")
    assert caught.value.problems[0].code == "P130"


def test_a_question_always_has_somebody_to_turn_to() -> None:
    """Without `escalate_to`, the leading role; when the leading role was asked, the next one."""
    for by, to in (("dpo", "commander"), ("commander", "dpo")):
        ask = step(f'task: "Work"\nby: {by}')[""]
        assert isinstance(ask, Ask)
        assert (ask.role, ask.escalate_to) == (by, to)
        assert ask.within_seconds > 0


def test_answers_set_facts_and_show_what_follows() -> None:
    """A decision's answers carry label, consequence, facts and what they require."""
    ask = step(
        'decide: "Is it?"\nanswers:\n  a: {label: A, consequence: This., sets: {minor: yes}}\n'
        "  b: {label: B, requires: [receipt]}"
    )[""]
    assert isinstance(ask, Ask)
    assert [(c.id, c.consequence, c.sets, c.requires) for c in ask.choices] == [
        ("a", "This.", {"minor": "yes"}, ()),
        ("b", "", {}, ("receipt",)),
    ]


def test_a_review_names_who_comes_and_what_is_on_the_table() -> None:
    """The agenda is numbered, and holding it takes attendance, findings and measures."""
    ask = step('review: "What next?"\nattend: [commander, dpo]\nagenda: ["First", "Second"]')[""]
    assert isinstance(ask, Ask)
    assert "With: commander, dpo." in ask.guidance
    assert "1. First\n2. Second" in ask.guidance
    assert ask.choices[0].requires == ("attended", "findings", "measures")


@pytest.mark.parametrize(
    "text",
    [
        "wait: 10m\nuntil: aware_at",
        "wait: until",
        "wait: tomorrow",
        'decide: "x"\nanswers: {a: {label: A}}',
        'suspend: "x"\napprovals: 9',
    ],
)
def test_options_that_make_no_sense_are_refused(text: str) -> None:
    """Two waits at once, no instant, one answer only, nine approvals."""
    with pytest.raises(InvalidInput):
        step(text)
