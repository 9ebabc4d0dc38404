"""The post-incident report: the whole story with its proof, as a pure fold of the journal.

Decides what it says and in which words a clock ended; what is not known is listed as not
known. The same entries give the same report, so it can be made again by anybody who has
the journal. Leaves its look to the templates. It never says that a law was kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from firedoor.core.access.redaction import OPEN, Seal
from firedoor.core.entries.law import ClockSettled
from firedoor.core.entries.run import AttachedAlert
from firedoor.core.evidence.custody import custody
from firedoor.core.execution.evidence_gaps import gaps_of
from firedoor.core.facts import FactDefinition, show
from firedoor.core.history.containment import containment
from firedoor.core.history.decisions import decisions
from firedoor.core.history.durations import measures, phases
from firedoor.core.history.durations import span as span  # noqa: PLC0414 - it reads durations for everybody who shows them
from firedoor.core.history.operation_titles import Names
from firedoor.core.history.timeline import timeline
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import SETTLED_CLOCKS, IncidentView, fold
from firedoor.core.journal import Body, Entry, verify
from firedoor.core.law.due import DueKind
from firedoor.core.notices.versions import SENT
from firedoor.core.playbook.plan import Plan
from firedoor.core.reporting import actions as work
from firedoor.core.reporting.agenda import agenda
from firedoor.core.reporting.proposals import proposals
from firedoor.core.reporting.requests import KINDS, STATUS
from firedoor.core.reporting.timeline_chart import chart
from firedoor.core.requests.request import ARRIVES, RemovalRequest
from firedoor.core.tasks.sending import weakness

FORMAT = "firedoor.report.v1"
NOTHING_TRIED = "Firedoor tried to suspend nothing."
NOTICE = (
    "No legal advice, and no statement of compliance. This is what the journal holds; whether a law was kept is for "
    "people with that competence to judge."
)
RESULTS = {
    "met": "sent in time", "late": "sent after the limit", "met_no_limit": "sent; the law sets no outer limit",
    "waived": "ended by a named person's decision", "missed": "the limit passed and nothing was sent",
    "open": "still running", "superseded": "another duty took its place", "not_applicable": "found not to apply",
}  # fmt: skip

OVERTAKEN = frozenset(("not_applicable", "superseded"))  # nobody had to settle these; their history says why


def report(
    entries: Sequence[Entry], plan: Plan, definitions: Mapping[str, FactDefinition], seal: Seal = OPEN,
    organisation: Mapping[str, object] | None = None, in_utc: Collection[str] = (),
) -> Body:  # fmt: skip
    """Return the report as JSON values; `seal` covers what its reader need not know about victims.

    `in_utc` are the clocks whose limit is counted in UTC for want of a time zone.
    """
    view, names = fold(entries[0].incident, entries), Names(plan, definitions, organisation)
    wanted = [fact.name for fact in plan.facts]
    titles = titles_of(view)
    clocks = [
        {
            **clock_line(clock), "name": titles[clock.id], "zone_guessed": clock.id in in_utc, **_sending(view, clock),
        }
        for clock in view.clocks.values()
    ]  # fmt: skip
    lasted = phases(view, entries, names)
    body: Body = {
        "format": FORMAT, "notice": NOTICE, "as_of": {"seq": view.head.seq, "at": entries[-1].at},
        "organisation": (organisation or {}).get("name"), "incident": _incident(view, plan),
        "measures": measures(view, entries, names), "phases": lasted,
        "decisions": _reworded(decisions(entries, definitions, wanted, seal), "question", titles), "clocks": clocks,
        "containment": containment(view, names), "evidence": [_titled(piece, titles) for piece in custody(entries)],
        "gaps": gaps_of(entries, view),
        "review": _review(view), "cause": _words(view, "root_cause"), "corrective": _words(view, "measures_taken"),
        "requests": [request_line(view, one) for one in view.requests.values()],
        "facts": _known(view, definitions), "unknown": _unknown(view, wanted, definitions),
        "open_tasks": _reworded(_open_tasks(view), "question", titles),
        "timeline": _reworded(timeline(entries, names, definitions, seal), "what", titles),
        "chain": _chain(view, entries),
        "chart": chart(entries, lasted, clocks),
    }  # fmt: skip
    body["people"] = _people(body["decisions"])
    body["work"], body["promised"] = work.tracked(view, names), work.promised(body["review"])
    body["changes"] = [one.as_json() for one in proposals(view, entries, names)]
    body["agenda"] = agenda(body, entries, lambda operation: names.title(operation, view))
    body["summary"] = _summary(view, body)
    covered: Body = seal.cover(body)
    return covered


def request_line(view: IncidentView, one: RemovalRequest) -> Body:
    """One request of a person, by its number alone: who asked, and where the content is, stand in no report."""
    closing = one.closing
    letters = [f"{letter.kind} {letter.at.isoformat(timespec='minutes')}" for letter in one.letters]
    return {
        "name": one.name, "kind": KINDS[one.kind], "received_at": one.received_at.isoformat(),
        "copies": len(one.copies), "letters": letters, "outcome": str(closing.outcome) if closing else "",
        "means": STATUS[str(closing.outcome)] if closing else _waiting(view, one),
        "answered_at": closing.at.isoformat() if closing else None, "by": closing.by if closing else "",
        "why": closing.why if closing else "", "reference": closing.reference if closing else "",
    }  # fmt: skip


def _waiting(view: IncidentView, one: RemovalRequest) -> str:
    """Where a request stands that nobody has answered by itself: its clocks may have been settled one by one."""
    events = {fact.removesuffix("_at") for fact in ARRIVES.values()}
    states = [
        clock.state for name, clock in view.clocks.items()
        if name.partition("@")[2] == one.id or (one.own and "@" not in name and clock.trigger_event in events)
    ]  # fmt: skip
    settled = bool(states) and all(state in SETTLED_CLOCKS for state in states)
    return "its clocks are settled" if settled else "not answered yet"


def clock_line(clock: ClockRecord) -> Body:
    """One clock, with how it ended in one word and one sentence."""
    settlement, due, settled, result = clock.settlement, clock.due, clock.settled_at, _result(clock)
    because = plainly(clock.history[-1].get("why", "")) if result in OVERTAKEN and clock.history else ""
    margin = (
        int((datetime.fromisoformat(due) - datetime.fromisoformat(settled)).total_seconds())
        if due and settled
        else None
    )
    return {
        "id": clock.id, "duty": clock.duty, "title": clock.title, "citation": clock.citation,
        "authority": clock.authority, "jurisdiction": clock.jurisdiction, "started_at": clock.started_at,
        "trigger_at": clock.trigger_at, "trigger": clock.trigger_event, "due": due,
        "latest_arguable": clock.latest_arguable, "assumption": clock.assumption, "state": clock.state,
        "result": result, "means": RESULTS[result], "settled_at": settled, "margin_seconds": margin,
        "missed_at": clock.missed_at, **_settlement_line(settlement, because), "history": list(clock.history),
    }  # fmt: skip


def _settlement_line(settlement: ClockSettled | None, because: str) -> Body:
    """Who settled it and how; `because` is why it ended where nobody had to."""
    said: ClockSettled = settlement or ClockSettled(id="", why="")
    return {
        "by": said.get("by", ""), "why": said.get("why", "") or because, "reference": said.get("reference", ""),
        "channel": said.get("channel", ""), "sent_at": said.get("sent_at", ""),
        "reasons_for_delay": said.get("reasons_for_delay", ""),
    }  # fmt: skip


def plainly(said: object, titles: Mapping[str, str] | None = None) -> str:
    """A sentence of the law's reckoning for a reader: duties by their titles, and a condition that fails as such."""
    text = re.sub(r" ?\[[a-z_]+ = [^\]]*\]", "", str(said))
    text = re.sub(r"(^|: )no: ", r"\1this does not hold: ", text)
    for clock, title in (titles or {}).items():
        text = text if clock not in text else re.sub(rf"(?<![\w.]){re.escape(clock)}(?![\w.]*\w)", f'"{title}"', text)
    return text


def _reworded(lines: Sequence[Body], name: str, titles: Mapping[str, str]) -> list[Body]:
    return [{**line, name: plainly(line[name], titles)} for line in lines]


def titles_of(view: IncidentView) -> dict[str, str]:
    """The clocks by their titles; where two read alike, with the place whose law it is."""
    titles = [clock.title for clock in view.clocks.values()]
    return {
        name: f"{clock.title} ({clock.jurisdiction or name})" if titles.count(clock.title) > 1 else clock.title
        for name, clock in view.clocks.items()
    }


def _titled(piece: Body, titles: Mapping[str, str]) -> Body:
    """A piece with a title for people: a notice by the name of its duty, not by the clock's id."""
    name = str(piece["name"])
    title = plainly(name, titles)
    return {**piece, "title": title.replace("_", " ") if piece["op"] and title == name else title}


def _sending(view: IncidentView, clock: ClockRecord) -> Body:
    """What is known of the text that was sent, and what the record of it cannot prove."""
    kept = _as_sent(view, clock)
    now = {"as_sent": kept["says"], "as_sent_sha256": kept["sha256"]} if kept else {}
    return {"as_sent": kept, "weakness": weakness(clock, {**(clock.settlement or {}), **now}) if kept else ""}


def _as_sent(view: IncidentView, clock: ClockRecord) -> Body | None:
    """Which text was sent and how that is known: {says, sha256}; None while nothing was."""
    settlement = clock.settlement
    if clock.state not in ("submitted", "satisfied") or not settlement or clock.kind == DueKind.HOLD_UNTIL:
        return None
    pieces = (piece for piece in reversed(view.evidence) if piece.get("kind") == SENT)
    piece = next((piece for piece in pieces if piece.get("clock") == clock.id), None)
    says = (piece and piece.get("says")) or settlement.get("as_sent") or "no text is on record"
    return {"says": says, "sha256": (piece and piece["sha256"]) or settlement.get("as_sent_sha256")}


def _result(clock: ClockRecord) -> str:
    match clock.state:
        case "submitted" | "satisfied":
            late = (clock.settlement and clock.settlement.get("late")) or clock.missed_at
            return "late" if late else "met" if clock.due else "met_no_limit"
        case "waived" | "superseded" | "not_applicable" | "missed":
            return clock.state
        case _:
            return "open"


def _incident(view: IncidentView, plan: Plan) -> Body:
    return {
        "id": view.id, "title": view.title, "type": str(view.type), "severity": view.shown_severity,
        "state": str(view.state),
        "outcome": view.outcome, "why": view.why, "opened_at": view.opened_at, "opened_by": _name(view.opened_by),
        "closed_at": view.closed_at, "in_spite": list(view.in_spite),
        "playbook": view.playbook, "playbook_title": plan.title, "version": view.version,
        "plan": view.plan_digest, "alerts": [_alert(alert) for alert in view.alerts],
    }  # fmt: skip


def _alert(attached: AttachedAlert) -> Body:
    alert = attached.get("alert", {})
    names = ("source", "title", "severity", "method", "detector", "model", "endpoint", "occurred_at", "raw_sha256")
    return {**{name: alert.get(name) for name in names}, "at": attached["at"], "reasons": attached.get("reasons", [])}


def _review(view: IncidentView) -> list[Body]:
    """Every review that was held or refused, with what it found and what is changed."""
    return [
        {
            "question": task.question,
            **{name: given[name] for name in ("by", "role", "at", "choice", "why")},
            **{name: given.get("fields", {}).get(name, "") for name in ("attended", "findings", "measures")},
        }
        for task in view.tasks.values()
        if task.kind == "review"
        for given in task.answers
    ]


def _open_tasks(view: IncidentView) -> list[Body]:
    return [
        {"task": f"T{task.number}", "role": task.role, "question": task.question, "due_at": task.due_at}
        for task in view.open_tasks()
    ]


def _words(view: IncidentView, name: str) -> str | None:
    value = view.facts.get(name)
    return str(value) if value is not None else None


def _known(view: IncidentView, definitions: Mapping[str, FactDefinition]) -> dict[str, str]:
    known = {name: value for name, value in view.facts.items() if value is not None}
    return {name: show(value) for name, value in typed_facts(known, definitions).items()}


def _unknown(view: IncidentView, wanted: Sequence[str], definitions: Mapping[str, FactDefinition]) -> list[Body]:
    names = dict.fromkeys((*wanted, *view.facts))
    missing = [name for name in names if view.facts.get(name) is None]
    return [{"name": name, "ask": definitions[name].ask if name in definitions else ""} for name in missing]


def _people(made: Sequence[Body]) -> list[Body]:
    found: dict[str, set[str]] = {}
    for decision in made:
        found.setdefault(decision["by"], set()).add(decision["role"])
    return [
        {"name": name, "roles": sorted(roles), "decisions": sum(decision["by"] == name for decision in made)}
        for name, roles in found.items()
    ]


def _chain(view: IncidentView, entries: Sequence[Entry]) -> Body:
    fault = verify(view.id, entries)
    return {
        "entries": len(entries), "head_seq": view.head.seq, "head_hash": view.head.hash, "holds": fault is None,
        "fault": f"entry {fault.seq} {fault.what}" if fault else None,
    }  # fmt: skip


def not_proved(containment: Sequence[Body]) -> list[str]:
    """What cannot be said to be closed: a call that failed or was not answered may have closed it all the same."""
    if not containment:
        return [NOTHING_TRIED]
    open_ones = [target for target in containment if target["state"] not in ("suspended", "by_hand", "resumed")]
    return [f"{target['target']}: {target['means']}." for target in open_ones]


def _summary(view: IncidentView, body: Body) -> list[str]:
    """Five or six sentences, each of which can be checked below."""
    results = [clock["result"] for clock in body["clocks"]]
    closed = [target for target in body["containment"] if target["state"] in ("suspended", "by_hand", "resumed")]
    contain = next(measure for measure in body["measures"] if measure["name"] == "contain")["seconds"]
    sentences = [
        (
            f"{view.title}. Opened by {_name(view.opened_by)}, severity {view.shown_severity}; "
            f"the incident is {view.state}."
        )
    ]
    sentences += view.in_spite
    if closed:
        names = "; ".join(f"{target['target']} (now {target['means']})" for target in closed)
        quickly = f" The first was proved closed {span(contain)} after opening." if contain is not None else ""
        sentences.append(f"Suspended: {names}.{quickly}")
    sentences += not_proved(body["containment"])
    sentences.append(_clock_sentence(results))
    weak = sum(bool(clock["weakness"]) for clock in body["clocks"])
    if weak:
        sentences.append(f"The record of {weak} of the sendings is weak; each is named below.")
    decisions, people = _counted(body["decisions"], "decision"), _counted(body["people"], "person", "people")
    sentences.append(f"{decisions} by {people} {'is' if len(body['decisions']) == 1 else 'are'} on record.")
    pieces = _counted(body["evidence"], "piece of evidence is", "pieces of evidence are")
    sentences.append(f"{pieces} under custody.")
    if body["gaps"]:
        sentences.append(f"{len(body['gaps'])} could not be kept by the machine: the inventory does not describe them.")
    if body["unknown"]:
        sentences.append(f"{_counted(body['unknown'], 'fact is', 'facts are')} not known.")
    return sentences


def _clock_sentence(results: Sequence[str]) -> str:
    if not results:
        return "No legal deadline started."
    words = {
        "met": "sent in time", "met_no_limit": "sent (no outer limit)", "late": "sent late", "missed": "missed",
        "open": "still running", "waived": "ended by decision", "superseded": "superseded",
        "not_applicable": "found not to apply",
    }  # fmt: skip
    counted = ", ".join(f"{results.count(result)} {word}" for result, word in words.items() if result in results)
    return f"{_counted(results, 'legal deadline')} started: {counted}."


def _counted(things: Sequence[object], one: str, many: str = "") -> str:
    """How many, with the right word."""
    return f"{len(things)} {one if len(things) == 1 else many or f'{one}s'}"


def _name(actor: str) -> str:
    return actor.partition(":")[2] or actor
