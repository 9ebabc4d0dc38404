"""`notify_authorities: due` drafts what each running clock needs and asks the DPO to send it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from firedoor.core.playbook.step import Fragment, StepContext, StepType
from firedoor.steps.notify import NotifyOptions, lower_clocks


class NotifyAuthorities(NotifyOptions):
    """`due`: whatever clocks run towards authorities and other bodies."""

    notify_authorities: Literal["due"] = Field(description="every clock towards authorities and other bodies")


def lower(options: NotifyAuthorities, context: StepContext) -> Fragment:
    """A draft and a task for every clock towards an authority."""
    return lower_clocks(options, context, "authorities", "dpo")


STEP = StepType(
    key="notify_authorities",
    options=NotifyAuthorities,
    lower=lower,
    summary="Draft and have sent what each running clock owes an authority.",
    example="- notify_authorities: due\n  by: dpo",
)
