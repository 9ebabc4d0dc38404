"""A compiled plan for people: as text, and as a Mermaid flow chart.

Decides what is shown of an operation and what is left out. Leaves the plan to the
compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from firedoor.core.playbook.plan import SETTLED, Ask, Call, Choose, Keep, Operation, Plan, Tell, Wait
from firedoor.interfaces.cli.terminal import render

if TYPE_CHECKING:
    from firedoor.core.playbook.plan import Edge

SHAPES = {"ask": ("([", "])"), "choose": ("{{", "}}"), "call": ("[[", "]]"), "mark": ("((", "))")}


def write(plan: Plan) -> None:
    """Write the plan by phases."""
    render.line(f"[bold]{plan.playbook}[/] {plan.version}  {render.escape(plan.title)}")
    duties = plan.duties if isinstance(plan.duties, str) else ", ".join(plan.duties)
    render.line(f"[dim]for {plan.incident}, roles {', '.join(plan.roles)}, duties {duties}, plan {plan.digest[:12]}[/]")
    for phase in dict.fromkeys(operation.phase for operation in plan.operations):
        render.line(f"\n[bold]{str(phase).replace('_', '-').upper()}[/]")
        operations = [operation for operation in plan.operations if operation.phase == phase]
        render.table([_row(operation) for operation in operations], indent=2)


def _row(operation: Operation) -> list[str]:
    who = _who(operation)
    notes = "; ".join(_notes(operation))
    title = render.escape(_title(operation))
    return [
        f"[dim]{operation.do}[/]",
        f"[bold]{who}[/]" if who else "",
        f"{title}  [dim]{render.escape(notes)}[/]" if notes else title,
    ]


def _title(operation: Operation) -> str:
    return f"{operation.verb} {operation.target}" if isinstance(operation, Call) else operation.title


def _who(operation: Operation) -> str:
    if isinstance(operation, Ask):
        return operation.role if operation.approvals == 1 else f"{operation.approvals} x {operation.role}"
    if isinstance(operation, Call | Keep) and operation.reflex:
        return "at once"
    return "all" if isinstance(operation, Tell) and len(operation.to) > 2 else _told(operation)


def _told(operation: Operation) -> str:
    return " and ".join(operation.to) if isinstance(operation, Tell) else ""


def _notes(operation: Operation) -> Iterator[str]:
    if isinstance(operation, Ask):
        yield f"within {render.duration(timedelta(seconds=operation.within_seconds))}, then {operation.escalate_to}"
    if isinstance(operation, Choose) and operation.condition and operation.if_unknown == "ask":
        yield f"asks {operation.role} when unknown"
    if isinstance(operation, Wait) and operation.until_fact:
        yield f"until {operation.until_fact}"
    if isinstance(operation, Tell) and _who(operation) == "all":
        yield ", ".join(operation.to)
    if operation.each:
        yield "for each legal deadline" if operation.each.startswith("clocks:") else "for each of them"
    conditions = [edge for edge in operation.after if edge.on != SETTLED]
    if conditions:
        yield f"only if {' and '.join(_edge(edge) for edge in conditions)}"


def _edge(edge: Edge) -> str:
    return f"{edge.after.rpartition('.')[2]} is {edge.on}"


def mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flow chart, a subgraph for each phase."""
    names = {operation.id: f"n{number}" for number, operation in enumerate(plan.operations)}
    lines = ["flowchart TD"]
    for phase in dict.fromkeys(operation.phase for operation in plan.operations):
        lines.append(f"  subgraph {phase}")
        lines += [
            f"    {names[operation.id]}{_shape(operation)}" for operation in plan.operations if operation.phase == phase
        ]
        lines.append("  end")
    for operation in plan.operations:
        for edge in operation.after:
            label = f"|{edge.on}|" if edge.on != SETTLED else ""
            lines.append(f"  {names[edge.after]} -->{label} {names[operation.id]}")
    return "\n".join(lines)


def _shape(operation: Operation) -> str:
    begin, end = SHAPES.get(operation.do, ("[", "]"))
    who = f"<br/>{_who(operation)}" if _who(operation) else ""
    title = _title(operation).replace('"', "#quot;").replace("{{", "").replace("}}", "").replace("<", "#lt;").strip()
    return f'{begin}"{title}{who}"{end}'
