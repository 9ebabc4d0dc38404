"""Finds beforehand what could not be kept of a target, because the inventory does not describe it.

Decides which artefacts a playbook would read of which target: those of a step about `{{ facts.NAME }}` are wanted of
every target of the kinds that the name speaks of (a job, a share, a key; else whatever serves). A target that people
name freely (a store, an index) is left out: nobody knows beforehand which one it will be. One function for `check`,
`doctor`, the console, the dry run and the start of the server. Leaves the deed to `core.gaps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from firedoor.core.playbook.plan import Call, Keep, Plan
from firedoor.core.targets import Inventory, Target

SERVES = ("endpoint", "model_version", "adapter")
KINDS = (("job", ("training_job",)), ("share", ("dataset_share",)), ("key", ("key",)))


DO = "describe them under `evidence:` of the target, or keep them by hand; closing does not wait for it, deleting does"


@dataclass(frozen=True, slots=True)
class EvidenceGap:
    """What one playbook would keep of one target and cannot."""

    playbook: str
    target: str
    artefacts: tuple[str, ...]


def gaps_in(plans: Iterable[Plan], inventory: Inventory) -> Iterator[EvidenceGap]:
    """Every gap, in the order of the inventory."""
    wanted = [(plan.playbook, wanted_of(plan)) for plan in plans]
    for target in inventory.targets.values():
        for playbook, by_kind in wanted:
            if lacking := missing(target, by_kind.get(target.kind, ())):
                yield EvidenceGap(playbook, target.id, lacking)


def told(gaps: Iterable[EvidenceGap]) -> dict[str, str]:
    """One sentence for each target with gaps, whatever number of playbooks asks for them."""
    by_target: dict[str, list[EvidenceGap]] = {}
    for gap in gaps:
        by_target.setdefault(gap.target, []).append(gap)
    return {target: _sentence(found) for target, found in by_target.items()}


def _sentence(found: list[EvidenceGap]) -> str:
    names = ", ".join(dict.fromkeys(name for gap in found for name in gap.artefacts))
    askers = ", ".join(gap.playbook for gap in found)
    return f"{found[0].target}: {names} would not be kept ({askers})"


def missing(target: Target, artefacts: Iterable[str]) -> tuple[str, ...]:
    """Which of these the inventory does not describe for a target."""
    return tuple(name for name in artefacts if name not in target.evidence)


def wanted_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The artefacts that a playbook keeps, by the kind of target that it keeps them of."""
    closed = {op.target for op in plan.operations if isinstance(op, Call) and op.verb == "suspend"}
    found: dict[str, dict[str, None]] = {}
    for operation in plan.operations:
        if isinstance(operation, Keep) and operation.source == "artefact" and operation.target in closed:
            for kind in _kinds(operation.target):
                found.setdefault(kind, {})[operation.name] = None
    return {kind: tuple(names) for kind, names in found.items()}


def _kinds(template: str) -> tuple[str, ...]:
    for word, kinds in KINDS:
        if word in template.replace(".", "_").replace("}", "_").replace(" ", "_").split("_"):
            return kinds
    return SERVES
