"""What all steps that ask people have in common: who is asked, by when, and who is asked next.

Decides the defaults. A question always ends: without an answer in time it goes
to `escalate_to`, one role after the other, which is the leading role, or the next
role when the leading one was asked.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from firedoor.core.playbook.plan import Ask, Choice
from firedoor.core.playbook.step import Options, Seconds, StepContext, Words

AskKind = Literal["confirm", "decide", "do", "approve", "facts", "submit", "review"]
DAY = 24 * 3600


class AskingOptions(Options):
    """The fields of a step that asks people."""

    by: str | None = Field(default=None, description="the role that is asked; else the first of `roles:`")
    within: Seconds | None = Field(default=None, description="until when; then it goes to `escalate_to`")
    escalate_to: Words = Field(
        default=(), description="the role that is asked next, or a list: one after the other; else the first, or second"
    )
    guidance: str = Field(default="", description="what an expert would look at, and the trap; a template")
    asks: Words = Field(default=(), description="facts that may be filled in with the answer")


def ask(  # noqa: PLR0913 - the fields of a question
    context: StepContext, part: str, options: AskingOptions, *, kind: AskKind, question: str,
    choices: tuple[Choice, ...], title: str = "", within_seconds: int = DAY, approvals: int = 1, clock: bool = False,
    alters: bool = False,
) -> Ask:  # fmt: skip
    """Build the question, with the step's own fields filled in."""
    role = options.by or context.lead
    return Ask(
        **context.base(part, title or context.title or question), kind=kind, question=question, choices=choices,
        role=role, within_seconds=options.within or within_seconds,
        escalate_to=next(iter(options.escalate_to), next_role(context, role)), chain=options.escalate_to[1:],
        guidance=options.guidance, asks=options.asks, approvals=approvals, clock=clock, alters=alters,
    )  # fmt: skip


def next_role(context: StepContext, role: str) -> str:
    """Who is asked when `role` does not answer."""
    if role != context.lead:
        return context.lead
    others = [other for other in context.roles if other != role]
    return others[0] if others else role


def done_choices(done: str = "Done", not_done: str = "Cannot be done") -> tuple[Choice, ...]:
    """The two answers to a piece of work: done, or not possible with the reason on record."""
    return (
        Choice(id="done", label=done, consequence="The playbook goes on; your note becomes part of the record."),
        Choice(
            id="not_possible", label=not_done, consequence="The playbook goes on without it; your reason is on record."
        ),
    )
