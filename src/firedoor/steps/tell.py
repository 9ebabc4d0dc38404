"""`tell:` sends a message to roles inside the organisation. Nobody outside is ever told by it."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.plan import Tell
from firedoor.core.playbook.step import Fragment, Options, StepContext, StepType, Words


class TellOptions(Options):
    """Which roles, and the message. Both texts are templates."""

    tell: Words = Field(min_length=1, description="the roles that are told")
    subject: str = Field(default="{{ incident.id }}: {{ incident.title }}", description="a template")
    text: str = Field(description="a template")


def lower(options: TellOptions, context: StepContext) -> Fragment:
    """One message."""
    title = context.title or f"Tell {', '.join(options.tell)}"
    message = Tell(**context.base("", title), to=options.tell, subject=options.subject, text=options.text)
    return Fragment((message,), (message.id,))


STEP = StepType(
    key="tell",
    options=TellOptions,
    lower=lower,
    summary="Send a message to roles inside the organisation.",
    example='- tell: [dpo, communications]\n  text: "{{ incident.title }}: {{ facts.endpoint }} is suspended."',
)
