"""How an incident looks on the page of its run in Prefect.

Decides what stands there: no sealed fact and no text of people. Leaves the writing to `prefect_artifacts`.
"""

from __future__ import annotations

from firedoor.core.view import SETTLED_CLOCKS, IncidentView
from firedoor.runtime.prefect_ports import Views


def views_of(view: IncidentView, public_url: str) -> Views:
    """Summary, clocks, evidence and links; no sealed fact and no text of people."""
    clocks = tuple(
        {"clock": c["title"], "law": c["citation"], "state": c["state"], "due": c.get("due") or "no outer limit"}
        for c in view.clocks.values()
    )
    evidence = tuple(
        {"what": e["name"], "sha256": e["sha256"], "bytes": e["size"], "kept": e["kept_at"]} for e in view.evidence
    )
    incident = f"{public_url}/api/v1/incidents/{view.id}"
    named = {"incident": incident, "timeline": f"{incident}/timeline", "report": f"{incident}/report"}
    links = named if public_url else {}  # nobody knows yet where we can be reached
    return Views(summary=_summary(view), clocks=clocks, evidence=evidence, links=links)


def _summary(view: IncidentView) -> str:
    open_clocks = sum(clock["state"] not in SETTLED_CLOCKS for clock in view.clocks.values())
    lines = [
        f"# {view.id}: {view.title}",
        "",
        f"- state: **{view.state}**, severity **{view.severity}**, type `{view.type}`",
        f"- opened {view.opened_at} by {view.opened_by}",
        f"- playbook {view.playbook} {view.version}, plan `{view.plan_digest[:12]}`",
        f"- {len(view.clocks)} clocks, {open_clocks} open; {len(view.evidence)} pieces of evidence",
        "",
        "## Waiting for people",
        *(
            [f"- T{task.number} ({task.role}, due {task.due_at}): {task.question}" for task in view.open_tasks()]
            or ["- nobody"]
        ),
    ]
    return "\n".join(lines)
