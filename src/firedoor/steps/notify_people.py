"""`notify_people: due` drafts the letters that running clocks owe to people, and asks to send them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from firedoor.core.playbook.step import Fragment, StepContext, StepType
from firedoor.steps.notify import NotifyOptions, lower_clocks


class NotifyPeople(NotifyOptions):
    """`due`: whatever clocks run towards the people affected."""

    notify_people: Literal["due"] = Field(description="every clock towards the people affected")


def lower(options: NotifyPeople, context: StepContext) -> Fragment:
    """A draft and a task for every clock towards people."""
    return lower_clocks(options, context, "people", "communications")


STEP = StepType(
    key="notify_people",
    options=NotifyPeople,
    lower=lower,
    summary="Draft and have sent what each running clock owes the people affected.",
    example="- notify_people: due\n  by: communications",
)
