"""Proves that nothing slow stands between an incident's start and the question or deed that closes a door.

Decides what is slow: an examination, a large artefact, a letter, a review. It may stand neither directly before the
first closing of a target nor before what that closing waits for; and a closing may not depend on a fact that nothing
but an examination sets. A later closing of the same target may: the door has been asked about by then. So may the
closing of a target that people can only name afterwards, where another closing waits for none of it. What people
are asked first (confirm, decide, ask, task) and a `wait:` are the author's decision. Leaves the place to `checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from firedoor.core.examinations import EXAMINATIONS
from firedoor.core.language.expression import Expression
from firedoor.core.language.template import Template
from firedoor.core.playbook.plan import SETTLED, Ask, Call, Choose, Keep, Operation, Plan
from firedoor.core.problems import InvalidInput

LARGE = frozenset(
    (
        "archive", "backup", "checkpoint", "checkpoints", "corpus", "data", "dataset", "datasets", "dump", "embeddings",
        "images", "index", "ledger", "manifest", "media", "outputs", "rows", "snapshot", "weights",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlowFirst:
    """One piece of slow work, what it is, and the step whose closing waits for it."""

    slow: Operation
    what: str
    closing: str
    by_fact: str = ""  # the fact that only the slow work sets; empty: the closing waits for the work itself


def slow_work_first(plan: Plan, told: Collection[str] = ()) -> Iterator[SlowFirst]:
    """Everything slow that stands before the first closing of a target. `told` are facts that start rules set."""
    by_id = {operation.id: operation for operation in plan.operations}
    closings = {op.step: op for op in plan.operations if isinstance(op, Call) and op.verb == "suspend"}
    asks = [op for op in plan.operations if isinstance(op, Ask)]
    known = {*told, *(name for ask in asks for name in _said(ask))}
    seen: set[tuple[str, str]] = set()
    for step, closing in closings.items():
        before = _before(plan, by_id, step)
        if any(_again(by_id, one, closing) for one in before if isinstance(one, Call)):
            continue
        late = _late(plan, by_id, closing, asks, told)
        waited = [found for found in _waited_for(step, before) if found.slow.id not in late]
        for found in (*waited, *_only_found(plan, by_id, step, known)):
            if (found.slow.step, found.by_fact) not in seen:
                seen.add((found.slow.step, found.by_fact))
                yield found


def is_large(artefact: str) -> bool:
    """Whether an artefact of that name is large by its kind: what is read of it takes minutes, not a second."""
    return bool(LARGE.intersection(artefact.replace("-", "_").lower().split("_")))


def _waited_for(step: str, before: Collection[Operation]) -> Iterator[SlowFirst]:
    for one in before:
        if what := _slow(one):
            yield SlowFirst(one, what, step)


def _slow(operation: Operation) -> str:
    """What makes an operation slow; empty when it is not."""
    match operation:
        case Keep(source="examination"):
            return "an examination"
        case Keep(source="draft") | Ask(kind="submit"):
            return "a letter"
        case Keep(source="artefact") if is_large(operation.name):
            return f"keeping {operation.name}, which is large,"
        case Ask(kind="review"):
            return "a review"
        case _:
            return ""


def _only_found(
    plan: Plan, by_id: Mapping[str, Operation], step: str, known: Collection[str]
) -> Iterator[SlowFirst]:  # fmt: skip
    """Facts that the closing depends on, and that nobody but an examination ever says."""
    needed = {name for op in plan.operations if op.step == step for name in _needed(op, by_id)}
    for one in plan.operations:
        if isinstance(one, Keep) and one.source == "examination":
            for name in sorted(needed.intersection(EXAMINATIONS[one.name].sets).difference(known)):
                yield SlowFirst(one, "an examination", step, name)


def _needed(operation: Operation, by_id: Mapping[str, Operation]) -> Iterator[str]:
    """The facts without which an operation of a closing is not reached. An automatic condition asks when it fails."""
    if isinstance(operation, Call):
        yield from _facts(Template.parse, operation.target)
    conditions = [by_id.get(edge.after) for edge in operation.after if edge.on != SETTLED]
    for choose in (*conditions, by_id.get(operation.each or "")):
        if isinstance(choose, Choose) and not choose.automatic:
            yield from _facts(Expression.parse, choose.condition or choose.listing or "yes")


def _facts(parse: Callable[[str], Template | Expression], text: str) -> Iterator[str]:
    try:
        references = parse(text).references
    except InvalidInput:
        return  # told by the proof of names
    yield from (str(path[1]) for path in references if path[0] == "facts" and len(path) > 1)


def _late(
    plan: Plan, by_id: Mapping[str, Operation], closing: Call, asks: Collection[Ask], told: Collection[str]
) -> set[str]:  # fmt: skip
    """What had to be done before anybody could name the target of a closing, and keeps another closing from nothing."""
    names = set(_facts(Template.parse, closing.target))
    askers = [ask for ask in asks if names.intersection(_said(ask))]
    if not askers or names.intersection(told):
        return set()
    first = set.intersection(*({one.id for one in _before(plan, by_id, ask.step)} for ask in askers))
    others = {op.step for op in plan.operations if isinstance(op, Call) and op.verb == "suspend"} - {closing.step}
    free = [{one.id for one in _before(plan, by_id, step)} for step in others]
    return {name for name in first if any(name not in before for before in free)}


def _said(ask: Ask) -> Iterator[str]:
    yield from ask.asks
    for choice in ask.choices:
        yield from (*choice.sets, *choice.requires)


def _before(plan: Plan, by_id: Mapping[str, Operation], step: str) -> list[Operation]:
    """What the operations of a step wait for, directly or through others; in the order of the plan."""
    found: set[str] = set()
    waiting = [edge.after for op in plan.operations if op.step == step for edge in op.after]
    while waiting:
        current = waiting.pop()
        if current not in found and current in by_id:
            found.add(current)
            waiting += [edge.after for edge in by_id[current].after]
    return [operation for operation in plan.operations if operation.id in found]


def _again(by_id: Mapping[str, Operation], earlier: Call, closing: Call) -> bool:
    """Whether an earlier operation closed, or asked to close, the same target."""
    return (
        earlier.verb == "suspend"
        and earlier.step != closing.step
        and _key(by_id, earlier) == _key(by_id, closing)
    )  # fmt: skip


def _key(by_id: Mapping[str, Operation], closing: Call) -> tuple[str, str]:
    listing = by_id.get(closing.each or "")
    return closing.target, (listing.listing or "") if isinstance(listing, Choose) else ""
