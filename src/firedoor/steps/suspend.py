"""`suspend:` closes a target and proves on the data plane that it is closed.

Decides the order: capture the state, preserve what must come first, ask unless
the suspension is automatic, then suspend and verify. With `automatic:` the same
operations stand once more as the reflex, which waits for nothing and nobody;
the asking path is taken only when the condition does not hold, or a limit forbids
to act unasked. What is closed is held: looked at every so often until people open
it, with `on_drift:` when it serves again. Leaves holding to `runtime.holding`.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from pydantic import Field

from firedoor.core.playbook.plan import Ask, Call, Choice, Choose, Edge, Hold, Keep, Operation, Retry
from firedoor.core.playbook.step import Fragment, Seconds, StepContext, StepType, Words, chain_after
from firedoor.core.problems import InvalidInput, Problem
from firedoor.steps.asking import AskingOptions, ask


class Suspend(AskingOptions):
    """The target (a template), and under which condition no person is asked first."""

    suspend: str = Field(description="the target; a template")
    automatic: str | None = Field(default=None, description="`when CONDITION` or `always`: nobody is asked first")
    preserve_first: Words = Field(default=(), description="artefacts kept before the target is touched")
    doors: Words = Field(
        default=(), alias="fallback",
        description="doors in the order to try, else the inventory's; `all` closes every one of them",
    )  # fmt: skip
    reverify: Seconds | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="look again every so often, as long as it is held; else as `hold:` says, else 10m",
    )
    on_drift: Literal["suspend_again", "ask", "record"] | None = Field(
        default=None, description="when it serves again though nobody opened it here; else as `hold:` says, else `ask`"
    )
    again_per_hour: int | None = Field(
        default=None, ge=0, le=20, description="how often `suspend_again` acts within an hour before it asks; else 3"
    )
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
        return Fragment((approve, *asked), (asked[-1].id,))
    return _with_reflex(options, context, condition, approve)


def _with_reflex(options: Suspend, context: StepContext, condition: str, approve: Ask) -> Fragment:
    choose = Choose(
        **context.base("automatic", f"Whether {condition}" if condition != "yes" else "Automatic by policy"),
        condition=condition, if_unknown="no", role=context.lead, automatic=options.suspend,
    )  # fmt: skip
    reflex = _closing(options, context, "reflex", chain_after((choose.id, "yes")), reflex=True)
    free = frozenset(operation.id for operation in (choose, *reflex))
    approve = approve.model_copy(update={"after": chain_after((choose.id, "no"))})
    asked = _closing(options, context, "", chain_after((approve.id, "approve")))
    return Fragment((choose, *reflex, approve, *asked), (reflex[-1].id, asked[-1].id), free=free)


def _hold(options: Suspend, context: StepContext) -> Hold:
    """The playbook's way of holding, with what this step says otherwise."""
    said = {
        "every_seconds": options.reverify, "on_drift": options.on_drift, "again_per_hour": options.again_per_hour,
    }  # fmt: skip
    return context.hold.model_copy(update={name: value for name, value in said.items() if value is not None})


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
    every_door = options.doors == ("all",)
    doors = () if every_door else options.doors
    keeps = tuple(
        Keep(
            **context.base(part(f"preserve-{artefact.replace('_', '-')}"), f"Preserve {artefact} first"),
            after=after, source="artefact", name=artefact, target=options.suspend, reflex=reflex, **_bounded(options),
        )
        for artefact in options.preserve_first
    )  # fmt: skip
    capture = Call(
        **context.base(part("capture"), f"Capture the state of {name}"),
        after=after,
        verb="capture",
        target=options.suspend,
        doors=doors,
        reflex=reflex,
    )
    kept = tuple(Edge(after=keep.id) for keep in keeps)
    suspend = Call(
        **context.base(part("suspend"), f"Suspend {name}"),
        after=(*chain_after((capture.id, "done")), *kept),
        verb="suspend",
        target=options.suspend,
        doors=doors,
        reflex=reflex,
        snapshot=capture.id,
        allow_irreversible=options.allow_irreversible,
        every_door=every_door,
        hold=_hold(options, context),
    )
    return (*keeps, capture, suspend)


class _Bounds(TypedDict, total=False):
    retry: Retry
    timeout_seconds: int


def _bounded(options: Suspend) -> _Bounds:
    """How long a closing that can be undone waits for what is kept first: a minute in all, not six."""
    return {} if options.allow_irreversible else {"retry": Retry(times=1, wait_seconds=2), "timeout_seconds": 30}


STEP = StepType(
    key="suspend",
    options=Suspend,
    lower=lower,
    summary="Suspend a target and prove that it is closed and its neighbours are not.",
    example='- suspend: "{{ facts.endpoint }}"\n  automatic: when facts.severity >= high\n  by: commander',
)
