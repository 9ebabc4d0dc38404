"""`task:` gives a piece of work to a role, who says when it is done or why it cannot be."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.step import Fragment, StepContext, StepType
from firedoor.steps.asking import AskingOptions, ask, done_choices


class Task(AskingOptions):
    """The work. `alters: true` says that it changes or destroys something that could be evidence."""

    task: str = Field(description="the work; a template")
    alters: bool = Field(default=False, description="it changes or destroys what could be evidence")
    approvals: int = Field(default=1, ge=1, le=5, description="how many people must say that it is done")


def lower(options: Task, context: StepContext) -> Fragment:
    """One question of the kind `do`."""
    question = ask(
        context, "", options, kind="do", question=options.task, choices=done_choices(),
        alters=options.alters, approvals=options.approvals,
    )  # fmt: skip
    return Fragment((question,), (question.id,))


STEP = StepType(
    key="task",
    options=Task,
    lower=lower,
    summary="Give a piece of work to a role.",
    example='- task: "Find how the record came into the index"\n  by: engineering\n  within: 3d',
    facts=lambda options: options.asks,
)
