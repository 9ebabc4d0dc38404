"""What `notify_authorities:` and `notify_people:` have in common: a draft and a task for every clock.

A clock starts when its facts are known, never because a step was reached, so
these operations wait for no step. They are repeated over the clocks of their
audience, whenever those start; closing waits until each is met or waived.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from firedoor.core.playbook.plan import Ask, Choice, Keep
from firedoor.core.playbook.step import Fragment, StepContext, chain_after
from firedoor.steps.asking import AskingOptions, ask

SUBMITTED = Choice(
    id="submitted",
    label="It has been sent",
    consequence=(
        "The deadline is met. Say which text went (an approved one, or the file itself), by which channel, when, and "
        "which reference proves it."
    ),
    requires=("reference",),
)
NOT_REQUIRED = Choice(
    id="not_required",
    label="It is not required",
    consequence="The clock ends by your decision. Your name and your reasons stay on record.",
)


class NotifyOptions(AskingOptions):
    """Who decides and sends."""

    template: str | None = Field(default=None, description="the name of a notice; else the one that fits the duty")


def lower_clocks(
    options: NotifyOptions, context: StepContext, audience: Literal["authorities", "people"], role: str
) -> Fragment:
    """A draft, then a task that settles the clock, for each clock of the audience."""
    each = f"clocks:{audience}"
    draft = Keep(
        **context.base("draft", "Draft: {{ clock.title }}"), source="draft", name="draft", each=each, clock=True,
        template=options.template or audience,
    )  # fmt: skip
    who = options.model_copy(update={"by": options.by or (role if role in context.roles else context.lead)})
    question: Ask = ask(
        context, "submit", who, kind="submit", title="{{ clock.title }}", choices=(SUBMITTED, NOT_REQUIRED), clock=True,
        question="{{ clock.title }} ({{ clock.citation }}), to {{ clock.authority }}: sent, or not required?",
    )  # fmt: skip
    question = question.model_copy(update={"each": each, "after": chain_after((draft.id, "settled"))})
    return Fragment((draft, question), (question.id,), free=frozenset((draft.id, question.id)), background=True)
