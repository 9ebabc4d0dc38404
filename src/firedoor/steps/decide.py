"""`decide:` puts a choice before a role. Each answer may set facts, which later steps look at."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.plan import Choice
from firedoor.core.playbook.step import Fragment, Options, StepContext, StepType, Words
from firedoor.steps.asking import AskingOptions, ask


class Answer(Options):
    """One answer: what it says, what follows from it, which facts it sets and requires."""

    label: str
    consequence: str = ""
    sets: dict[str, object] = Field(default_factory=dict)
    requires: Words = ()


class Decide(AskingOptions):
    """The question and its answers by id; `approvals` people of the role must agree."""

    decide: str = Field(description="the question; a template")
    answers: dict[str, Answer] = Field(
        min_length=2, description="by id: `label`, `consequence`, facts it `sets`, what it `requires`"
    )
    approvals: int = Field(default=1, ge=1, le=5, description="how many people must agree")


def lower(options: Decide, context: StepContext) -> Fragment:
    """One question."""
    choices = tuple(Choice(id=name, **answer.model_dump()) for name, answer in options.answers.items())
    question = ask(
        context, "", options, kind="decide", question=options.decide, choices=choices, approvals=options.approvals
    )
    return Fragment((question,), (question.id,))


STEP = StepType(
    key="decide",
    options=Decide,
    lower=lower,
    summary="Put a choice before a role, with the consequence of each answer.",
    example=(
        '- decide: "May a child be shown?"\n  by: legal\n  within: 1h\n  answers:\n'
        '    possible: {label: "Yes, or it cannot be excluded", sets: {possible_minor: yes}}\n'
        '    excluded: {label: "No, it is excluded", sets: {possible_minor: no}}'
    ),
    facts=lambda options: (*options.asks, *(name for answer in options.answers.values() for name in answer.sets)),
)
