"""`wait:` lets time pass: a duration, or until a fact's instant. Other branches go on.

While that fact is not known the wait has no end: the first role of the playbook is told so.
A fact that is corrected meanwhile moves the end.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from firedoor.core.dates.duration import show_duration
from firedoor.core.playbook.plan import Wait
from firedoor.core.playbook.step import Fragment, Options, Seconds, StepContext, StepType


class WaitOptions(Options):
    """Either `wait: 24h`, or `wait: until` with `until: some_instant`: at that instant, once the fact is known."""

    wait: Seconds | None = Field(default=None, description="how long, or the word `until`")
    until: str | None = Field(default=None, description="with `wait: until`: a fact that is an instant")

    @model_validator(mode="before")
    @classmethod
    def _until(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("wait") == "until":
            return {**data, "wait": None}
        return data

    @model_validator(mode="after")
    def _one(self) -> WaitOptions:
        if (self.wait is None) == (self.until is None):
            raise ValueError("write `wait: 24h`, or `wait: until` with `until: a_fact_that_is_an_instant`")
        return self


def lower(options: WaitOptions, context: StepContext) -> Fragment:
    """One wait."""
    title = context.title or (f"Wait {show_duration(options.wait)}" if options.wait else f"Wait until {options.until}")
    wait = Wait(**context.base("", title), seconds=options.wait, until_fact=options.until)
    return Fragment((wait,), (wait.id,))


STEP = StepType(
    key="wait",
    options=WaitOptions,
    lower=lower,
    summary="Let time pass.",
    example="- wait: 24h\n  title: Watch for new copies",
)
