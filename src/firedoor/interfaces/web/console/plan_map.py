"""The plan as a map: phases, their steps, and the operations of each step with where they stand.

Decides the one word for a step from the words of its operations, and what a person may do about an operation. The
words are those of `core.progress`. Leaves the look to the template, and whether steering is allowed to the core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from firedoor.core.journal import Body
from firedoor.core.lifecycle import Phase
from firedoor.core.playbook.plan import Ask, Call, Choose, Keep, Mark, Operation, Tell, Wait
from firedoor.interfaces.shapes import incident as shapes
from firedoor.interfaces.web.reading import serializers
from firedoor.interfaces.web.reading.cache import Glance

PHASES = {
    "identification": "Identification", "containment": "Containment", "remediation": "Remediation",
    "post_incident": "Post-incident",
}  # fmt: skip
WORDS = {
    "pending": "not started", "ready": "next", "running": "running", "waiting": "waiting", "stuck": "stuck",
    "finished": "done", "failed": "failed", "skipped": "skipped", "begun": "started",
}  # fmt: skip
DOES = {
    "call": "changes a target", "keep": "keeps evidence", "ask": "asks a person", "tell": "tells people",
    "mark": "updates the incident's state", "wait": "waits", "choose": "checks the facts",
}  # fmt: skip
URGENT = ("stuck", "failed", "running", "waiting", "ready")
OVER = frozenset(("finished", "failed", "skipped"))
SHOWN = 60  # operations of one step; a step can be repeated over many clocks


def plan_map(found: Glance) -> list[Body]:
    """The four phases with their steps, as this caller sees them."""
    operations = found.show(serializers.progress(found))
    waits = _waits(found, operations)
    steps: dict[str, Body] = {}
    for operation in operations:
        step = steps.setdefault(operation["step"], {"id": operation["step"], "phase": operation["phase"], "all": []})
        step["all"].append({**operation, **_about(found, operation, waits)})
    return [_phase(str(phase), [step for step in steps.values() if step["phase"] == phase]) for phase in Phase]


def current(phases: Sequence[Body]) -> str:
    """The first phase in which something is not settled; empty when everything is."""
    return next((phase["phase"] for phase in phases if phase["open"]), "")


def _phase(phase: str, steps: Sequence[Body]) -> Body:
    shown = [_step(step) for step in steps]
    is_open = any(operation["status"] not in OVER for step in steps for operation in step["all"])
    over = sum(step["status"] in OVER for step in shown)
    return {"phase": phase, "title": PHASES[phase], "steps": shown, "open": is_open, "over": over, "of": len(shown)}


def _step(step: Body) -> Body:
    operations = step["all"]
    telling = [one for one in operations if one["do"] not in ("choose", "mark")] or operations
    status = _status([one["status"] for one in telling])
    title = telling[0]["title"] if len(telling) == 1 else _name(step["id"])
    return {
        "id": step["id"], "anchor": f"step-{step['id']}", "title": title, "status": status, "word": WORDS[status],
        "operations": operations[:SHOWN], "more": max(0, len(operations) - SHOWN), "hint": _hint(telling, status),
    }  # fmt: skip


def _status(statuses: Sequence[str]) -> str:
    """What is most in need of a look; else whether anything of it was done."""
    for word in URGENT:
        if word in statuses:
            return word
    if all(word in OVER for word in statuses):
        return "finished" if "finished" in statuses else "skipped"
    return "begun" if "finished" in statuses else "pending"


def _hint(operations: Sequence[Body], status: str) -> str:
    """Whom or what the step waits for, in a few words."""
    one = next((one for one in operations if one["status"] == status), None)
    if one is None:
        return ""
    if status == "waiting":
        return f"for {one['role'].replace('_', ' ')}" if "role" in one else "for time to pass"
    return str(one["problem"]) if status in ("stuck", "failed") else ""


def _name(step: str) -> str:
    words = step.rpartition(".")[2].replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _waits(found: Glance, operations: Sequence[shapes.Operation]) -> Mapping[str, bool]:
    """Whether the instances of each operation of the plan are all settled."""
    settled: dict[str, bool] = {operation.id: True for operation in found.plan.operations}
    for one in operations:
        base = one["id"] if one["id"] in settled else one["id"].partition("[")[0]
        settled[base] = settled.get(base, True) and one["status"] in OVER
    return settled


def _about(found: Glance, shown: shapes.Operation, settled: Mapping[str, bool]) -> Body:
    operation = found.names.operation(shown["id"])
    edges = operation.after if operation else ()
    before = [_name_of(found, edge.after) for edge in edges if not settled.get(edge.after, True)]
    return {
        "word": WORDS[shown["status"]], "does": DOES[shown["do"]],
        "before": before if shown["status"] == "pending" else [], "actions": _actions(operation, shown),
    }  # fmt: skip


def _name_of(found: Glance, name: str) -> str:
    operation = found.names.operation(name)
    return str(found.show(found.names.title(name, found.view))) if operation else name


def _actions(operation: Operation | None, shown: Mapping[str, object]) -> list[str]:
    """What may be tried about an operation; the core says at the next page whether it can be."""
    status = shown["status"]
    if operation is None or isinstance(operation, (Mark, Choose)) or status == "running":
        return []
    if status in OVER:
        return ["redo"] if isinstance(operation, (Call, Keep)) and status != "skipped" else []
    if isinstance(operation, Ask):
        return ["skip"] if operation.kind in ("do", "facts") else []
    if isinstance(operation, Wait):
        return ["skip"]
    assert isinstance(operation, (Call, Keep, Tell))  # noqa: S101 - the kinds that are left
    return ["skip", "by-hand"]
