"""`resume:` opens a suspended target again, as it was captured, after people agreed."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.plan import Call, Choice
from firedoor.core.playbook.step import Fragment, StepContext, StepType, chain_after
from firedoor.steps.asking import AskingOptions, ask


class Resume(AskingOptions):
    """The target (a template). By default two people must agree."""

    resume: str = Field(description="the target; a template")
    approvals: int = Field(default=2, ge=1, le=5, description="how many people must agree")


def lower(options: Resume, context: StepContext) -> Fragment:
    """Ask, then resume; nothing happens when the target was never suspended by this incident."""
    choices = (
        Choice(id="approve", label="Resume it", consequence="It answers again, as it was before; this is proved."),
        Choice(
            id="refuse",
            label="Keep it suspended",
            consequence="It stays closed after the incident; somebody must own that.",
        ),
    )
    approve = ask(
        context, "approve", options, kind="approve", title=f"Approve: resume {options.resume}", choices=choices,
        question=f"Resume {options.resume}?", approvals=options.approvals,
    )  # fmt: skip
    resume = Call(
        **context.base("resume", context.title or f"Resume {options.resume}"),
        after=chain_after((approve.id, "approve")),
        verb="resume",
        target=options.resume,
    )
    return Fragment((approve, resume), (resume.id,))


STEP = StepType(
    key="resume",
    options=Resume,
    lower=lower,
    summary="Open a suspended target again after people agreed.",
    example='- resume: "{{ facts.endpoint }}"\n  by: manager\n  approvals: 2',
)
