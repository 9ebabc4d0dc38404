"""`verify:` looks again whether a suspended target is still closed, and its neighbours still answer."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.plan import Call
from firedoor.core.playbook.step import Fragment, Options, StepContext, StepType


class Verify(Options):
    """The target (a template)."""

    verify: str = Field(description="the target; a template")


def lower(options: Verify, context: StepContext) -> Fragment:
    """One look at the data plane; unknown fails, and a failure becomes a person's task."""
    call = Call(
        **context.base("", context.title or f"Verify that {options.verify} is closed"),
        verb="verify",
        target=options.verify,
    )
    return Fragment((call,), (call.id,))


STEP = StepType(
    key="verify",
    options=Verify,
    lower=lower,
    summary="Look again whether a suspended target is still closed.",
    example='- verify: "{{ facts.endpoint }}"',
)
