"""What a playbook may say and its author should look at again: warnings, beside which it runs.

Decides what is doubtful: no duty of any law, no start of the clocks that count from certainty, a drill that proves
nothing, two answers that read alike, an automatic closing that its own limit forbids. Leaves what is refused to
`checks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from firedoor.core.language.yaml_source import Path
from firedoor.core.playbook.plan import Ask, Call, Choose, Plan
from firedoor.core.playbook.playbook import DrillExpectation, Playbook
from firedoor.core.problems import Problem

AWARE = "aware_at"


def doubts(plan: Plan, playbook: Playbook) -> Iterator[Problem]:
    """Yield every warning, at its place."""
    yield from _law(plan, playbook)
    yield from _drills(playbook)
    yield from _answers(plan, playbook)
    yield from _limits(plan, playbook)


def _law(plan: Plan, playbook: Playbook) -> Iterator[Problem]:
    if plan.duties == ():
        what = "`duties: []`: no law is looked at, and no deadline will ever run"
        yield _warning(playbook, ("duties",), "P320", what, "write `duties: auto`, or name the duties")
        return
    asked = (operation for operation in plan.operations if isinstance(operation, Ask))
    if not any(AWARE in (*ask.asks, *(name for choice in ask.choices for name in choice.sets)) for ask in asked):
        what = f"nothing sets {AWARE}: deadlines that count from certainty, as of GDPR Art. 33, never begin"
        yield _warning(playbook, ("phases",), "P321", what, f"add `sets: {{{AWARE}: now}}` to the step that confirms")


def _drills(playbook: Playbook) -> Iterator[Problem]:
    for index, drill in enumerate(playbook.header.drills):
        if drill.expect == DrillExpectation():
            what = f'the drill "{drill.drill}" expects nothing: whatever happens, it ends as expected'
            yield _warning(playbook, ("drills", index), "P322", what, "add `expect:` with a state, an order or clocks")


def _answers(plan: Plan, playbook: Playbook) -> Iterator[Problem]:
    for ask in plan.operations:
        if isinstance(ask, Ask) and ask.kind == "decide":
            for label, times in Counter(choice.label for choice in ask.choices).items():
                if times > 1:
                    what = f'{ask.step}: {times} answers read "{label}": nobody can tell them apart'
                    yield _warning(playbook, ("phases", ask.phase.value), "P323", what, "give each its own label")


def _limits(plan: Plan, playbook: Playbook) -> Iterator[Problem]:
    automatic = any(isinstance(one, Choose) and one.automatic for one in plan.operations) or any(
        isinstance(one, Call) and one.reflex and one.verb == "suspend" for one in plan.operations
    )
    if automatic and plan.limits is not None and 0 in (plan.limits.targets, plan.limits.per_hour):
        what = "closes automatically, and `limits:` allows none: a person is asked each time"
        yield _warning(playbook, ("limits",), "P324", what, "raise the limit, or take `automatic:` out")


def _warning(playbook: Playbook, path: Path, code: str, message: str, do: str) -> Problem:
    return playbook.source.problem(path, code, message, do).model_copy(update={"severity": "warning"})
