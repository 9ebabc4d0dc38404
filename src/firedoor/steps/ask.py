"""`ask:` asks a role for facts. Unknown is an accepted answer; leaving the question open is not."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.plan import Choice
from firedoor.core.playbook.step import Fragment, StepContext, StepType, Words
from firedoor.steps.asking import AskingOptions, ask


class AskFacts(AskingOptions):
    """The facts that are asked for, and the words around them."""

    facts: Words = Field(alias="ask", min_length=1, description="the facts that are asked for")
    question: str = Field(
        default="What is known now? Write unknown where it is not known.", description="the question; a template"
    )


def lower(options: AskFacts, context: StepContext) -> Fragment:
    """One question of the kind `facts`."""
    choices = (
        Choice(id="known", label="This is what is known now", consequence="Clocks and conditions are worked out anew."),
    )
    question = ask(
        context, "", options, kind="facts", question=options.question, choices=choices, within_seconds=4 * 3600
    )
    merged = tuple(dict.fromkeys((*options.facts, *options.asks)))
    return Fragment((question.model_copy(update={"asks": merged}),), (question.id,))


STEP = StepType(
    key="ask",
    options=AskFacts,
    lower=lower,
    summary="Ask a role for facts; unknown is an accepted answer.",
    example="- ask: [people_affected, jurisdictions]\n  by: commander\n  within: 4h",
    facts=lambda options: (*options.facts, *options.asks),
)
