"""`removal:` finds, removes and blocks the copies of content in a store, and proves from outside that they are gone.

Decides the order: search by place and hash; ask before anything is taken away; remove and block; look from outside, and
try an upload of a picture that Firedoor drew; then again after each time of `again`. A look that does not prove it
keeps the step open and names what is left. Leaves which copies those are to `core.execution.copies`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from firedoor.core.dates.duration import parse_duration, show_duration
from firedoor.core.playbook.plan import Ask, Call, Choice, Edge, Operation, Retry, Wait
from firedoor.core.playbook.step import Fragment, StepContext, StepType, chain_after
from firedoor.core.problems import InvalidInput
from firedoor.steps.asking import AskingOptions, ask

DAY, WEEK = 24 * 3600, 7 * 24 * 3600
LOOK_AGAIN = Retry(times=2, wait_seconds=60)
PATIENCE = 600  # seconds for a search, a removal of many copies, or many looks


def _times(value: object) -> object:
    """Read durations from the first proof on, in rising order."""
    if not isinstance(value, list | tuple):
        raise ValueError("write a list such as [24h, 7d]")  # noqa: TRY004 - only ValueError becomes a problem
    try:
        found = [int(parse_duration(str(one)).total_seconds()) for one in value]
    except InvalidInput as error:
        raise ValueError(error.problems[0].message) from None
    if found != sorted(set(found)) or any(one <= 0 for one in found):
        raise ValueError("write the times in rising order, each once")
    return tuple(found)


Times = Annotated[
    tuple[int, ...],
    BeforeValidator(_times),
    Field(max_length=8, json_schema_extra={"type": "array", "items": {"type": "string"}}),
]


class RemovalOptions(AskingOptions):
    """The store, and when it is looked at again."""

    removal: str = Field(description="the store: a target with `content:` in the inventory; a template")
    again: Times = Field(
        default=(DAY, WEEK), description="when it is searched and looked at again, counted from the first proof"
    )
    approvals: int = Field(default=1, ge=1, le=5, description="how many people must agree to remove")


def lower(options: RemovalOptions, context: StepContext) -> Fragment:
    """The first round, and one for each time."""
    operations = _round(options, context, "", ())
    previous, waited = operations[-1], 0
    for seconds in options.again:
        name = f"after-{show_duration(seconds).replace(' ', '-')}"
        wait = Wait(
            **context.base(f"{name}.wait", f"Wait until {show_duration(seconds)} have passed"),
            after=(Edge(after=previous.id), *chain_after((operations[2].id, "done"))), seconds=seconds - waited,
        )  # fmt: skip
        again = _round(options, context, f"{name}.", chain_after((wait.id, "over")))
        operations += (wait, *again)
        previous, waited = again[-1], seconds
    return Fragment(operations, (previous.id,))


def _round(
    options: RemovalOptions, context: StepContext, prefix: str, after: tuple[Edge, ...]
) -> tuple[Operation, ...]:  # fmt: skip
    find = _call(options, context, f"{prefix}find", "find", after, "Find copies")
    known = (Edge(after=find.id),) if not prefix else chain_after((find.id, "found"))
    approve = _approval(options, context, f"{prefix}approve").model_copy(update={"after": known})
    agreed = chain_after((approve.id, "approve"))
    remove = _call(options, context, f"{prefix}remove", "remove", agreed, "Remove copies").model_copy(
        update={"allow_irreversible": True}
    )
    if prefix:
        settled = (Edge(after=find.id), Edge(after=remove.id), *after)
        return find, approve, remove, _prove(options, context, f"{prefix}prove", settled)
    block = _call(options, context, "block", "block", agreed, "Block re-uploads")
    settled = (*chain_after((remove.id, "done")), Edge(after=block.id))
    return find, approve, remove, block, _prove(options, context, "prove", settled)


def _prove(options: RemovalOptions, context: StepContext, part: str, after: tuple[Edge, ...]) -> Call:
    prove = _call(options, context, part, "prove", after, "Prove from outside that it is gone")
    return prove.model_copy(update={"retry": LOOK_AGAIN})


def _call(
    options: RemovalOptions, context: StepContext, part: str, verb: str, after: tuple[Edge, ...], title: str
) -> Call:
    return Call.model_validate(
        {
            **context.base(part, f"{title} at {options.removal}"), "after": after, "verb": verb,
            "target": options.removal, "timeout_seconds": PATIENCE,
        }
    )  # fmt: skip


def _approval(options: RemovalOptions, context: StepContext, part: str) -> Ask:
    choices = (
        Choice(
            id="approve", label="Remove and block",
            consequence="Identical copies, copies named in a request and those that were confirmed are removed; their "
            "hashes are blocked. Similar pictures that nobody confirmed stay, and keep this open.",
        ),
        Choice(id="refuse", label="Remove nothing", consequence="Nothing is removed; your reason is on record."),
    )  # fmt: skip
    guidance = options.guidance or (
        "The list is on the page Copies of this incident, by place and distance. Say first of each similar picture "
        "whether it is the same. Decide by hash, place and account; nobody has to open it."
    )
    return ask(
        context, part, options.model_copy(update={"guidance": guidance}), kind="approve", choices=choices,
        title=f"Approve: remove copies at {options.removal}", approvals=options.approvals, alters=True,
        question=f"Remove the copies found at {options.removal} and block their re-upload?", within_seconds=4 * 3600,
    )  # fmt: skip


STEP = StepType(
    key="removal",
    options=RemovalOptions,
    lower=lower,
    summary="Find copies of content, remove and block them, and prove from outside that they are gone.",
    example='- removal: "{{ facts.endpoint }}"\n  by: engineering\n  again: [24h, 7d]',
)
