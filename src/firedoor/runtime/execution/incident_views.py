"""How an incident looks on the page of its run in Prefect.

Decides what stands there: no sealed fact and no text of people; of an incident that only some need to know about its
number and a link. Whoever opens Prefect sees all runs, so this holds for everybody there. Leaves the writing to
`artifacts`.
"""

from __future__ import annotations

from firedoor.core.incident.view import IncidentView
from firedoor.core.playbook.plan import Plan
from firedoor.runtime.execution.performer import Views


def told(view: IncidentView, plan: Plan) -> bool:
    """Whether Prefect's readers may see what the incident is about: nobody is left out, and nothing sealed is known."""
    sealed = (fact.name for fact in plan.facts if fact.sealed)
    return view.readers is None and all(view.facts.get(name) is None for name in sealed)


def views_of(view: IncidentView, public_url: str, *, tell: bool) -> Views:
    """Summary, clocks, evidence and links; where it is not for all to be told, the number and where to ask."""
    if not tell:
        links = {"incident": f"{public_url}/incidents/{view.id}"} if public_url else {}
        return Views(
            summary=f"# {view.id}\n\nOpen only to those who need to know. Nothing of it is shown here.", links=links
        )
    clocks = tuple(
        {"clock": c.title, "law": c.citation, "state": c.state, "due": c.due or "no outer limit"}
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
    open_clocks = len(view.open_clocks())
    lines = [
        f"# {view.id}: {view.title}",
        "",
        f"- state: **{view.state}**, severity **{view.shown_severity}**, type `{view.type}`",
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
