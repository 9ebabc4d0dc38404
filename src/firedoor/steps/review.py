"""`review:` holds a session with named roles, an agenda, and measures that somebody owns."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.plan import Choice
from firedoor.core.playbook.step import Fragment, StepContext, StepType, Words
from firedoor.steps.asking import DAY, AskingOptions, ask


class Review(AskingOptions):
    """What is reviewed, with whom, along which agenda."""

    review: str = Field(description="what is reviewed")
    attend: Words = Field(default=(), description="the roles that come")
    agenda: Words = Field(default=(), description="what is on the table")


def lower(options: Review, context: StepContext) -> Fragment:
    """One question of the kind `review`: who was there, what was found, what is changed by whom and when."""
    agenda = "\n".join(f"{number}. {item}" for number, item in enumerate(options.agenda, 1))
    attending = f"With: {', '.join(options.attend)}." if options.attend else ""
    guidance = "\n".join(part for part in (options.guidance, attending, agenda) if part)
    held = Choice(
        id="held", label="Held", consequence="Findings and measures become part of the report.",
        requires=("attended", "findings", "measures"),
    )  # fmt: skip
    not_held = Choice(id="not_held", label="Not held", consequence="The report says that no review was held, and why.")
    question = ask(
        context, "", options.model_copy(update={"guidance": guidance}), kind="review", question=options.review,
        choices=(held, not_held), within_seconds=14 * DAY,
    )  # fmt: skip
    return Fragment((question,), (question.id,))


STEP = StepType(
    key="review",
    options=Review,
    lower=lower,
    summary="Hold a review with named people, an agenda and measures.",
    example='- review: "Lessons learned"\n  attend: [commander, dpo]\n  agenda: ["What surprised us?"]\n  within: 14d',
)
