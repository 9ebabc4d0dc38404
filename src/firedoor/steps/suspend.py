"""`suspend:` closes a target and proves on the data plane that it is closed.

Decides the order: capture the state, preserve what must come first, ask unless
the suspension is automatic, then suspend and verify. With `automatic:` the same
operations stand once more as the reflex, which waits for nothing and nobody;
the asking path is taken only when the condition does not hold. With `reverify:`
it looks once more after that time, unless it was opened again or the incident has ended.
"""

from __future__ import annotations

from pydantic import Field

from firedoor.core.duration import show_duration
from firedoor.core.operations import Ask, Call, Choice, Choose, Edge, Keep, Operation, Wait
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.step import Fragment, Seconds, StepContext, StepType, Words, chain_after
from firedoor.steps.asking import AskingOptions, ask


class Suspend(AskingOptions):
    """The target (a template), and under which condition no person is asked first."""

    suspend: str = Field(description="the target; a template")
    automatic: str | None = Field(default=None, description="`when CONDITION` or `always`: nobody is asked first")
    preserve_first: Words = Field(default=(), description="artefacts kept before the target is touched")
    doors: Words = Field(default=(), alias="fallback", description="doors in the order to try; else the inventory's")
    reverify: Seconds | None = Field(default=None, description="look again after so long; nothing waits for it")
    approvals: int = Field(default=1, ge=1, le=5, description="how many people must agree")
    allow_irreversible: bool = Field(default=False, description="may use a door that cannot be opened again")


def lower(options: Suspend, context: StepContext) -> Fragment:
    """The reflex where there is one, and the path with a question."""
    condition = _condition(options.automatic)
    if condition and options.allow_irreversible:
        raise InvalidInput(
            Problem(code="P302", message="what cannot be undone is never automatic", do="take `automatic:` out")
        )
    approve = _approval(options, context)
    if condition is None:
        asked = _closing(options, context, "", chain_after((approve.id, "approve")))
        again = _again(options, context, "", asked[-1])
        return Fragment((approve, *asked, *again), (asked[-1].id,))
    return _with_reflex(options, context, condition, approve)


def _with_reflex(options: Suspend, context: StepContext, condition: str, approve: Ask) -> Fragment:
    choose = Choose(
        **context.base("automatic", f"Whether {condition}" if condition != "yes" else "Automatic by policy"),
        condition=condition, if_unknown="no", role=context.lead,
    )  # fmt: skip
    reflex = _closing(options, context, "reflex", chain_after((choose.id, "yes")), reflex=True)
    look = _again(options, context, "reflex", reflex[-1])
    free = frozenset(operation.id for operation in (choose, *reflex, *look))
    if condition == "yes":
        return Fragment((choose, *reflex, *look), (reflex[-1].id,), free=free)
    approve = approve.model_copy(update={"after": chain_after((choose.id, "no"))})
    asked = _closing(options, context, "", chain_after((approve.id, "approve")))
    again = _again(options, context, "", asked[-1])
    return Fragment((choose, *reflex, *look, approve, *asked, *again), (reflex[-1].id, asked[-1].id), free=free)


def _again(options: Suspend, context: StepContext, prefix: str, closed: Operation) -> tuple[Operation, ...]:
    """Look once more when so much time has passed since it was closed; nothing when it was not closed."""
    if options.reverify is None:
        return ()
    front = f"{prefix}." if prefix else ""
    wait = Wait(
        **context.base(f"{front}wait", f"Wait {show_duration(options.reverify)}"),
        after=chain_after((closed.id, "done")), seconds=options.reverify,
    )  # fmt: skip
    verify = Call(
        **context.base(f"{front}reverify", f"Look again whether {context.title or options.suspend} is closed"),
        after=chain_after((wait.id, "over")), verb="verify", target=options.suspend,
    )  # fmt: skip
    return wait, verify


def _condition(automatic: str | None) -> str | None:
    if automatic is None:
        return None
    text = automatic.strip()
    return "yes" if text == "always" else text.removeprefix("when ").strip()


def _approval(options: Suspend, context: StepContext) -> Ask:
    choices = (
        Choice(
            id="approve",
            label="Suspend it",
            consequence="It is suspended at once, and proved; its state is kept for resumption.",
        ),
        Choice(id="refuse", label="Leave it serving", consequence="It goes on answering; your reason is on record."),
    )
    return ask(
        context, "approve", options, kind="approve", title=f"Approve: suspend {options.suspend}", choices=choices,
        question=f"Suspend {options.suspend}?", within_seconds=900, approvals=options.approvals,
    )  # fmt: skip


def _closing(
    options: Suspend, context: StepContext, prefix: str, after: tuple[Edge, ...], *, reflex: bool = False
) -> tuple[Operation, ...]:
    def part(name: str) -> str:
        return f"{prefix}.{name}" if prefix else name

    name = context.title or options.suspend
    keeps = tuple(
        Keep(
            **context.base(part(f"preserve-{artefact.replace('_', '-')}"), f"Preserve {artefact} first"),
            after=after, source="artefact", name=artefact, target=options.suspend, reflex=reflex,
        )
        for artefact in options.preserve_first
    )  # fmt: skip
    capture = Call(
        **context.base(part("capture"), f"Capture the state of {name}"),
        after=after,
        verb="capture",
        target=options.suspend,
        doors=options.doors,
        reflex=reflex,
    )
    kept = tuple(Edge(after=keep.id) for keep in keeps)
    suspend = Call(
        **context.base(part("suspend"), f"Suspend {name}"),
        after=(*chain_after((capture.id, "done")), *kept),
        verb="suspend",
        target=options.suspend,
        doors=options.doors,
        reflex=reflex,
        snapshot=capture.id,
        allow_irreversible=options.allow_irreversible,
    )
    return (*keeps, capture, suspend)


STEP = StepType(
    key="suspend",
    options=Suspend,
    lower=lower,
    summary="Suspend a target and prove that it is closed and its neighbours are not.",
    example='- suspend: "{{ facts.endpoint }}"\n  automatic: when facts.severity >= high\n  by: commander',
)
