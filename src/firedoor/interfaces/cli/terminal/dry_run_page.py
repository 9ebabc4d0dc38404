"""How a dry run looks in a terminal: who would be closed where, what unasked, who is asked, what is not known.

Decides the order: what it is about, the doors with their calls, what happens without a person and why, the approvals,
what nobody can know yet, and then every operation by when it would come. Leaves the values to the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from firedoor.interfaces.cli.terminal import render

if TYPE_CHECKING:
    from firedoor.interfaces.shapes.dry_run import (
        Approval,
        DryRun,
        PlannedDoor,
        PlannedOperation,
        PlannedTarget,
        Unasked,
    )

WHEN = {
    "at once": "at once",
    "for each legal deadline": "for each legal deadline, when it starts",
    "depends": "when what it depends on is known",
    "after a person": "after a person has answered",
}


def write(answer: DryRun) -> None:
    """The whole of it."""
    render.line(f"[bold]{answer['playbook']}[/] {answer['version']}, plan {answer['plan'][:12]}: nothing was started")
    if answer["missing"]:
        render.line(f"[yellow]required to start: {', '.join(answer['missing'])}[/]")
    for problem in answer["start"]["refused"]:
        render.line(f"[red]cannot start: {render.escape(problem['message'])}[/] {render.escape(problem.get('do', ''))}")
    for sentence in answer["start"]["notices"]:
        render.line(f"[yellow]{render.escape(sentence)}[/]")
    _title("targets and their doors, in order", answer["targets"])
    for target in answer["targets"]:
        _write_target(target, [one for one in answer["operations"] if one.get("target") == target["target"]])
    _title("without asking", answer["unasked"])
    for one in answer["unasked"]:
        _write_unasked(one)
    approvals = [one for one in answer["approvals"] if one["kind"] == "approve"]
    _title("approvals", approvals)
    render.table([_approval(one) for one in approvals], indent=2)
    _title("not known yet", answer["not_known"])
    for sentence in answer["not_known"]:
        render.plain(f"  {sentence}")
    _write_operations(answer["operations"])


def _title(text: str, rows: Sequence[object]) -> None:
    if rows:
        render.line(f"\n[bold]{text.upper()}[/]")


def _write_target(target: PlannedTarget, operations: Sequence[PlannedOperation]) -> None:
    spared = f"; must keep working:  {', '.join(target['neighbours'])}" if target["neighbours"] else ""
    head = f"{target['kind']}{', ' + target['title'] if target['title'] else ''}{spared}"
    render.line(f"  [bold]{render.escape(target['target'])}[/]  {render.escape(head)}")
    if target["never_suspend"]:
        render.line(f"    [bold red]never suspended: {render.escape(target['never_suspend'])}[/]")
    render.plain(f"    proved by {target['proved_by']}")
    for number, door in enumerate(_doors(operations), 1):
        _write_door(number, door)
    for one in operations:
        for name, source in one.get("reads", {}).items():
            render.plain(
                f"    keeps {name} from {source}{', its hash only' if name in one.get('hash_only', ()) else ''}"
            )
        if one.get("not_in_inventory"):
            lacking = ", ".join(one["not_in_inventory"])
            render.line(f"    [bold red]the inventory says of no {render.escape(lacking)}[/]")


def _doors(operations: Sequence[PlannedOperation]) -> list[PlannedDoor]:
    """Each door of a target once, with the calls of all operations."""
    doors: dict[str, PlannedDoor] = {}
    for one in operations:
        for door in one.get("doors", ()):
            known = doors.setdefault(door["door"], {**door, "calls": ()})
            known["calls"] = [*known["calls"], *(call for call in door["calls"] if call not in known["calls"])]
            known["left_alone"] = known.get("left_alone") or door.get("left_alone", "")
    order = ("capture", "suspend", "verify", "resume", "collect")
    return [
        {**door, "calls": sorted(door["calls"], key=lambda call: order.index(call["verb"]))} for door in doors.values()
    ]


def _write_door(number: int, door: PlannedDoor) -> None:
    back = {"yes": "can be reopened", "lossy": "can be reopened, but not completely", "no": "CANNOT be reopened"}
    undo = back.get(str(door.get("reversible")), "unknown whether it can be reopened")
    render.line(f"    {number} [bold]{door['door']}[/]  {door['connector']}, {undo}")
    if door.get("left_alone"):
        render.line(f"      [bold yellow]{render.escape(door['left_alone'])}[/]")
    rows = [[f"[dim]{call['verb']}[/]", render.escape(call["summary"])] for call in door["calls"]]
    rows += [["[dim]touches[/]", render.escape(text)] for text in door.get("blast_radius", ())]
    rows += [["[dim]needs[/]", render.escape(text)] for text in door.get("permissions", ())]
    rows += [["[bold red]problem[/]", render.escape(problem["message"])] for problem in door["problems"]]
    render.table(rows, indent=6)


def _write_unasked(one: Unasked) -> None:
    word = "[bold]yes[/]" if one["unasked"] else "[bold]no[/]"
    render.line(f"  {render.escape(one['target'] or 'a target')}  {word}, {render.escape(one['why'])}")
    if one["from_an_alert"]:
        render.plain(f"    when an alert starts it: {one['from_an_alert']}")


def _approval(one: Approval) -> list[str]:
    people = f"{one['approvals']} people" if one["approvals"] > 1 else "1 person"
    within = render.duration(timedelta(seconds=one["within_seconds"]))
    rules = f"{people}, within {within}, then {one['escalate_to']} as well"
    other = f"; not {one['not_answered_by']}" if one["not_answered_by"] else ""
    state = "" if one["when"] != "left out" else " (not asked with these facts)"
    return [
        f"[bold]{one['role']}[/]",
        render.escape(one["question"] + state),
        f"[dim]{render.escape(rules + other)}[/]",
    ]


def _write_operations(operations: Sequence[PlannedOperation]) -> None:
    groups: dict[str, list[PlannedOperation]] = {}
    for operation in operations:
        when = "for each legal deadline" if str(operation["each"]).startswith("clocks:") else operation["when"]
        groups.setdefault(when, []).append(operation)
    for when, title in WHEN.items():
        rows = groups.get(when, [])
        _title(title, rows)
        render.table([_operation(operation) for operation in rows], indent=2)


def _operation(operation: PlannedOperation) -> list[str]:
    who = f"[bold]{operation.get('role')}[/]" if operation.get("role") else ""
    title = operation["title"].replace("[unknown: clock.title]", "what this deadline requires")
    problem = f"  [bold red]{render.escape(operation.get('problem'))}[/]" if operation.get("problem") else ""
    return [f"[dim]{operation['do']}[/]", who, render.escape(title) + problem]
