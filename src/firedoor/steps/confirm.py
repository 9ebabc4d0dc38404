"""`confirm:` asks a person whether the incident is real. No is a false alarm and dismisses the incident."""

from __future__ import annotations

from pydantic import Field

from firedoor.core.law.duty import AWARE
from firedoor.core.lifecycle import Event
from firedoor.core.playbook.plan import Choice, Edge, Mark
from firedoor.core.playbook.step import Fragment, StepContext, StepType, chain_after
from firedoor.core.tasks.certainty import CONSEQUENCE
from firedoor.steps.asking import AskingOptions, ask


class Confirm(AskingOptions):
    """The question, and which facts become known with a yes (`now` is the time of the answer)."""

    confirm: str = Field(description="the question; a template")
    sets: dict[str, object] = Field(
        default_factory=dict,
        description="facts that a yes sets; `now` is its time, and for `aware_at` that of a strong alert",
    )
    if_yes: str = Field(
        default="The incident is confirmed and the playbook goes on.", description="what follows from yes"
    )
    if_no: str = Field(
        default=(
            "The incident is dismissed as a false alarm; whatever was suspended is put up for resumption, and limits "
            "that counted from the alert alone end."
        ),
        description="what follows from no",
    )


def lower(options: Confirm, context: StepContext) -> Fragment:
    """One question, and a mark when the answer is yes. Everything later depends on the yes."""
    required, since = options.asks, (AWARE,) if AWARE in options.sets and AWARE not in options.asks else ()
    if_yes = f"{options.if_yes} {CONSEQUENCE}" if AWARE in options.sets else options.if_yes
    choices = (
        Choice(id="yes", label="Yes, it is real", consequence=if_yes, sets=options.sets, requires=required),
        Choice(id="no", label="No, it is a false alarm", consequence=options.if_no),
    )
    options = options.model_copy(update={"asks": (*options.asks, *since)})
    question = ask(context, "", options, kind="confirm", question=options.confirm, choices=choices, within_seconds=1800)
    mark = Mark(
        **context.base("confirmed", "Incident confirmed"), after=chain_after((question.id, "yes")), event=Event.CONFIRM
    )
    return Fragment((question, mark), (mark.id,), gate=Edge(after=question.id, on="yes"))


STEP = StepType(
    key="confirm",
    options=Confirm,
    lower=lower,
    summary="Ask a person whether it is real; no dismisses the incident.",
    example='- confirm: "Is it real personal data?"\n  by: commander\n  within: 30m\n  sets: {aware_at: now}',
    facts=lambda options: (*options.asks, *options.sets),
)
