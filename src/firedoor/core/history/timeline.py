"""The timeline: the journal in words, one line for each entry.

Decides the sentence for each kind of entry, and which lines a reader in a hurry needs
(`key`). Words of people stand in it as they were written. Leaves its look to the
interfaces and the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from firedoor.core.access.redaction import OPEN, SEALED, Seal
from firedoor.core.entries import copies, custody, law, people, run
from firedoor.core.facts import FactDefinition, show
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.hold_record import HoldEvent, in_words
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import START_TASK, IncidentView, take
from firedoor.core.journal import Body, Entry, Kind
from firedoor.core.json_types import JsonObject
from firedoor.core.labels import label
from firedoor.core.playbook.plan import Choose
from firedoor.core.removal.copy import WORDS, CopyState
from firedoor.core.severity import UNSAID

Said = tuple[str, str, bool]  # what happened, why or how, whether a hurried reader needs it
LONG = 600  # characters of a detail
NAMED = 5  # copies that a line names
ALWAYS_KEY = frozenset((
    Kind.OPENED, Kind.ALERT, Kind.STATE, Kind.REDONE, Kind.TASK_REASSIGNED, Kind.TASK_CLAIMED, Kind.GLASS_BROKEN,
    Kind.RUN_PAUSED, Kind.RUN_UNPAUSED, Kind.RUN_ABORTED, Kind.TASK_ANSWERED, Kind.TASK_ESCALATED, Kind.CLOCK_STARTED,
    Kind.CLOCK_CHANGED, Kind.CLOCK_SUBMITTED, Kind.CLOCK_WAIVED, Kind.CLOCK_MISSED, Kind.READERS, Kind.NOTE,
    Kind.DRIFTED, Kind.UNSEEN, Kind.HOLD_ENDED, Kind.FAULT_MENDED, Kind.REQUEST_RECEIVED, Kind.REQUEST_COMPLETED,
    Kind.REQUEST_WRITTEN, Kind.REQUEST_ANSWERED, Kind.REQUEST_WITHDRAWN, Kind.COPIES, Kind.BANK_FEEDBACK,
))  # fmt: skip


def timeline(
    entries: Iterable[Entry], names: Names, definitions: Mapping[str, FactDefinition], seal: Seal = OPEN,
    only: Container[int] | None = None,
) -> list[Body]:  # fmt: skip
    """Return the lines, oldest first, covered by `seal`. Titles are filled in with what was known at that moment.

    `only` are the numbers of the entries that are wanted; of a long journal a page shows few.
    """
    view = IncidentView("")
    lines = []
    for entry in entries:
        view.id = entry.incident
        take(view, entry)
        if only is None or entry.seq in only:
            lines.append(seal.cover(_line(entry, _Moment(view, names, definitions, seal))))
    return lines


def is_key(entry: Entry, names: Names) -> bool:
    """Whether a hurried reader needs the line of this entry; what its `key` says, without making the line."""
    body = entry.body
    match entry.kind:
        case Kind.FINISHED:
            verb = getattr(names.operation(str(body["op"])), "verb", "")
            return bool(body.get("result", {}).get("by_hand")) or verb in ("suspend", "resume")
        case Kind.FAILED:
            return bool(body["final"])
        case Kind.SKIPPED:
            return bool(body.get("by"))
        case Kind.CUSTODY:
            return not body.get("sha256")
        case _:
            return entry.kind in ALWAYS_KEY


class _Moment:
    """The record as it was when an entry had been written."""

    def __init__(self, view: IncidentView, names: Names, definitions: Mapping[str, FactDefinition], seal: Seal) -> None:
        self.view = view
        self.names = names
        self.definitions = definitions
        self.seal = seal

    def title(self, op: str) -> str:
        return self.names.title(op, self.view)

    def facts(self, values: JsonObject) -> str:
        typed = typed_facts(values, self.definitions)
        hidden = self.seal.names
        return "; ".join(f"{name} = {SEALED if name in hidden else show(value)}" for name, value in typed.items())

    def task(self, name: str) -> str:
        task = self.view.tasks[name]
        return f"T{task.number}: {task.question}"

    def clock(self, name: str) -> str:
        clock = self.view.clocks[name]
        return f"{clock.title} ({clock.citation})"


def _line(entry: Entry, moment: _Moment) -> Body:
    what, why, key = SENTENCES[entry.kind](entry.body, moment) if entry.kind in SENTENCES else (entry.kind, "", False)
    op = entry.body.get("op")
    operation = moment.names.operation(str(op)) if op else None
    return {
        "seq": entry.seq, "at": entry.at, "kind": entry.kind, "actor": entry.actor, "what": what, "why": why[:LONG],
        "key": key, "phase": str(operation.phase) if operation else "", "op": op,
    }  # fmt: skip


def _opened(body: run.Opened, _: _Moment) -> Said:
    severity = body["severity"] if body.get("severity_known", True) else f"severity {UNSAID}"
    why = " ".join((body.get("why", ""), *body.get("in_spite", ()))).strip()
    return f"Opened: {body['title']} ({severity})", why, True


def _alert(body: run.AlertAttached, _: _Moment) -> Said:
    alert = body.get("alert", {})
    return (
        f"Alert of {alert.get('source', 'a source')}: {alert.get('title', '')}",
        " ".join(body.get("reasons", [])),
        True,
    )


def _planned(body: run.PlanPinned, _: _Moment) -> Said:
    return f"Playbook {body['playbook']} {body['version']} pinned", f"plan {body['digest'][:12]}", False


def _facts(body: run.FactsSet, moment: _Moment) -> Said:
    return f"Known: {moment.facts(body['values'])}", body.get("why", ""), False


def _state(body: run.StateChanged, _: _Moment) -> Said:
    return f"The incident is {body['state']}", "", True


def _started(body: run.OperationStarted, moment: _Moment) -> Said:
    if "until" in body:
        return f"{moment.title(body['op'])}: until {body['until']}", "", False
    attempt = f" (attempt {body['attempt']})" if body.get("attempt", 1) > 1 else ""
    return f"{moment.title(body['op'])}: started{attempt}", "", False


def _finished(body: run.OperationFinished, moment: _Moment) -> Said:
    operation, result = moment.names.operation(str(body["op"])), body.get("result", {})
    if result.get("by_hand"):
        return f"{moment.title(body['op'])}: done by hand by {result['by']}", result["why"], True
    if isinstance(operation, Choose):
        reasons = (
            result.get("asked_because") or "; ".join(result.get("reasons", [])) or ", ".join(result.get("items", []))
        )
        return f"{moment.title(body['op'])}: {body['outcome']}", reasons, False
    proof = "; ".join(
        f"{door['door']}: {door.get('proof') or door.get('problem', '')}" for door in result.get("doors", [])
    )
    return (
        f"{moment.title(body['op'])}: {body['outcome']}",
        proof,
        getattr(operation, "verb", "") in ("suspend", "resume"),
    )


def _failed(body: run.OperationFailed, moment: _Moment) -> Said:
    again = "a person is asked" if body["final"] else f"tried again at {body.get('retry_at')}"
    return f"{moment.title(body['op'])}: failed, {again}", body["problem"], bool(body["final"])


def _skipped(body: run.OperationSkipped, moment: _Moment) -> Said:
    by = f" by {body['by']}" if body.get("by") else ""
    return f"{moment.title(body['op'])}: left out{by}", body.get("why", ""), bool(by)


def _redone(body: run.OperationRedone, moment: _Moment) -> Said:
    return f"{body['by']} has this done again: {moment.title(body['op'])}", body["why"], True


def _mended(body: run.FaultMended, moment: _Moment) -> Said:
    what = moment.task(body["task"]) if body.get("task") in moment.view.tasks else moment.title(str(body.get("op")))
    word = "Nobody is asked any longer" if body.get("task") == START_TASK else "Taken up again"
    return f"{word}: {what}", body["why"], True


def _reassigned(body: people.TaskReassigned, moment: _Moment) -> Said:
    return (
        f"{body['by']} gave {moment.task(body['task'])} to {body['role']} (before: {body['before']})",
        body["why"],
        True,
    )


def _claimed(body: people.TaskClaimed, moment: _Moment) -> Said:
    return f"{body['by']} took over {moment.task(body['task'])}", body["why"], True


def _glass(body: people.GlassBroken, moment: _Moment) -> Said:
    has = ", ".join(body["roles"]) or "no role"
    proposes = " proposes to answer" if body.get("proposes") else ""
    return f"BREAK GLASS by {body['by']} ({has}){proposes} - {moment.task(body['task'])}", body["why"], True


def _link(body: people.LinkMade, moment: _Moment) -> Said:
    sent = f" by {body['messenger']}" if body.get("messenger") else ""
    return (
        f"Link {body['link']} for {body['person']}{sent} as {body['role']} - {moment.task(body['task'])}",
        f"until {body['expires_at']}",
        False,
    )


def _run(word: str) -> Callable[[run.RunPaused | run.RunUnpaused | run.RunAborted, _Moment], Said]:
    return lambda body, _: (f"{body['by']} {word} the run", body["why"], True)


def _task_opened(body: people.TaskOpened, moment: _Moment) -> Said:
    return f"Asked {body['role']} - {moment.task(body['task'])}", f"due {body['due_at']}", False


def _task_answered(body: people.TaskAnswered, moment: _Moment) -> Said:
    task = moment.view.tasks[body["task"]]
    choice = next((choice for choice in task.choices if choice["id"] == body["choice"]), None)
    hidden = task.id in moment.seal.tasks
    label = SEALED if hidden else choice["label"] if choice else body["choice"]
    late = ", late" if body.get("late") else ""
    by = body["by"]
    if str(body.get("via", "")).startswith("link:"):
        made = f", made by {body['link_made_by']}" if body.get("link_made_by") else ""
        by = f"{by}, by {body['via'].replace(':', ' ')}{made},"
    said = f"{by} as {body['role']} answered T{task.number} ({task.question}): {label}{late}"
    return said, SEALED if hidden else body["why"], True


def _escalated(body: people.TaskEscalated, moment: _Moment) -> Said:
    return f"Escalated to {body['role']} - {moment.task(body['task'])}", body.get("why", ""), True


def _reminded(body: people.ReminderFired, _: _Moment) -> Said:
    late = f", {body['late_seconds']} s late" if body.get("late_seconds", 0) > 5 else ""
    return f"Reminder ({body['point']}) about {body['about']}{late}", "", False


def _clock_started(body: law.ClockStarted, moment: _Moment) -> Said:
    due = f"limit {body['due']}" if body.get("due") else "no outer limit in the law"
    assumed = f", provisionally: {body['assumption']}" if body.get("assumption") else ""
    return f"Clock started: {moment.clock(body['id'])}, {due}{assumed}", " ".join(body.get("why", ())), True


def _clock_changed(body: law.ClockChanged, moment: _Moment) -> Said:
    due = body.get("due") or "none"
    return (
        f"Clock changed: {moment.clock(body['id'])} is {str(body.get('state', '')).replace('_', ' ')}, limit {due}",
        str(body.get("because") or " ".join(body.get("why") or ())),
        True,
    )


def _clock_submitted(body: law.ClockSubmitted, moment: _Moment) -> Said:
    late = " LATE" if body.get("late") else ""
    return f"Sent{late}: {moment.clock(body['id'])}, reference {body.get('reference', '')}", body.get("why", ""), True


def _clock_waived(body: law.ClockWaived, moment: _Moment) -> Said:
    return f"Not required, says {body.get('by', '')}: {moment.clock(body['id'])}", body.get("why", ""), True


def _clock_missed(body: law.ClockMissed, moment: _Moment) -> Said:
    return f"MISSED: {moment.clock(body['id'])}", f"the limit was {body.get('due')}", True


def _evidence(body: custody.EvidenceKept, _: _Moment) -> Said:
    return f"Kept: {body['name']} ({body['size']} bytes, {body['mode']})", f"SHA-256 {body['sha256']}", False


def _custody(body: custody.EvidenceTouched, _: _Moment) -> Said:
    if not body.get("sha256"):
        word = "placed" if body["action"] == "held" else "released"
        return f"{body['by']} {word} a legal hold on the incident", body.get("why", ""), True
    return f"Evidence {body.get('action', 'touched')}: {body.get('name', '')}", body.get("why", ""), False


def _message(body: people.MessageSent, _: _Moment) -> Said:
    return f"Told {', '.join(body['to'])}: {body['subject']}", "", False


def _readers(body: run.ReadersSet, _: _Moment) -> Said:
    if body.get("everyone"):
        return "Open to every reader from now on", body["why"], True
    who = ", ".join([*body["roles"], *body["people"]])
    return f"Only those who need to know may read it: {who}", body["why"], True


def _note(body: run.Note, _: _Moment) -> Said:
    return f"Note: {body.get('text', '')}", "", True


def _requested(body: law.RequestReceived, moment: _Moment) -> Said:
    one = moment.view.requests.get(str(body["request"]))
    if one is None:  # a second copy of one that is open
        return "A request that is known already came again", body["why"], True
    return f"Request {one.name} ({one.kind}) received at {body['received_at']}", body["why"], True


def _completed(body: law.RequestCompleted, moment: _Moment) -> Said:
    said = ", ".join(f"{label(name)}: {answer}" for name, answer in body.get("elements", {}).items())
    name = moment.view.requests[body["request"]].name
    return f"Request {name} looked at by {body['by']}{': ' if said else ''}{said}", body["why"], True


def _letter(body: law.RequestWritten, moment: _Moment) -> Said:
    name = moment.view.requests[body["request"]].name
    return f"Request {name}: {body['letter']} sent to the person at {body['at']}", body.get("reference", ""), True


def _request_withdrawn(body: law.RequestWithdrawn, moment: _Moment) -> Said:
    name, places = moment.view.requests[body["request"]].name, len(body["request_locators"])
    part = f" for {places} of its places" if places else ""
    kept = "" if places or body["ends"] else "; it stays open because the person shown may be under 18"
    return f"Request {name} withdrawn by the person{part}{kept}", body["why"], True


def _request_answered(body: law.RequestAnswered, moment: _Moment) -> Said:
    name = moment.view.requests[body["request"]].name
    proof = f", reference {body['reference']}" if body.get("reference") else ""
    if not body.get("decides", True):
        return f"Refusal of request {name} proposed by {body['by']}; a second person has to agree", body["why"], True
    return f"Request {name} answered by {body['by']}: {body['outcome']}{proof}", body["why"], True


def _copies(body: copies.CopiesNoted, moment: _Moment) -> Said:
    by, states = body.get("by", ""), Counter(WORDS[CopyState(said["state"])] for said in body["copies"])
    counted = "; ".join(f"{count} {words}" for words, count in states.items())
    names = [moment.view.copies[said["copy"]].name for said in body["copies"][:NAMED]]
    more = f" and {len(body['copies']) - NAMED} more" if len(body["copies"]) > NAMED else ""
    why = next((said["why"] for said in body["copies"] if said.get("why")), "")
    said_by = f", says {by}" if by else ""
    return f"Copies at {body['store']}: {counted} ({', '.join(names)}{more}){said_by}", why, True


def _feedback(body: copies.BankFeedback, _: _Moment) -> Said:
    what = f"Feedback of {body['by']} on entry {body['entry'][:12]} of the hash bank {body['bank']}: {body['verdict']}"
    return what, body["why"], True


def _drifted(body: custody.HoldDrifted, _: _Moment) -> Said:
    return (*in_words(HoldEvent.drifted(body)), True)


def _unseen(body: custody.HoldUnseen, _: _Moment) -> Said:
    return (*in_words(HoldEvent.unseen(body)), True)


def _held(body: custody.HoldSeen, _: _Moment) -> Said:
    return (*in_words(HoldEvent.held(body)), False)


def _hold_ended(body: custody.HoldEnded, _: _Moment) -> Said:
    return (*in_words(HoldEvent.ended(body)), True)


# Each is typed by the form of its kind, as in the fold.
SENTENCES: Mapping[str, Callable[[Any, _Moment], Said]] = {
    Kind.OPENED: _opened, Kind.ALERT: _alert, Kind.PLANNED: _planned, Kind.FACTS: _facts, Kind.STATE: _state,
    Kind.STARTED: _started, Kind.FINISHED: _finished, Kind.FAILED: _failed, Kind.SKIPPED: _skipped,
    Kind.TASK_OPENED: _task_opened, Kind.TASK_ANSWERED: _task_answered, Kind.TASK_ESCALATED: _escalated,
    Kind.REMINDED: _reminded, Kind.CLOCK_STARTED: _clock_started, Kind.CLOCK_CHANGED: _clock_changed,
    Kind.CLOCK_SUBMITTED: _clock_submitted, Kind.CLOCK_WAIVED: _clock_waived, Kind.CLOCK_MISSED: _clock_missed,
    Kind.EVIDENCE: _evidence, Kind.CUSTODY: _custody, Kind.MESSAGE: _message, Kind.NOTE: _note,
    Kind.READERS: _readers,
    Kind.TASK_REASSIGNED: _reassigned, Kind.TASK_CLAIMED: _claimed, Kind.GLASS_BROKEN: _glass, Kind.LINK_MADE: _link,
    Kind.REDONE: _redone, Kind.FAULT_MENDED: _mended,
    Kind.RUN_PAUSED: _run("paused"), Kind.RUN_UNPAUSED: _run("unpaused"),
    Kind.RUN_ABORTED: _run("aborted"), Kind.DRIFTED: _drifted, Kind.HELD: _held,
    Kind.REQUEST_RECEIVED: _requested, Kind.REQUEST_COMPLETED: _completed, Kind.REQUEST_WRITTEN: _letter,
    Kind.REQUEST_WITHDRAWN: _request_withdrawn, Kind.REQUEST_ANSWERED: _request_answered,
    Kind.COPIES: _copies, Kind.BANK_FEEDBACK: _feedback,
    Kind.UNSEEN: _unseen, Kind.HOLD_ENDED: _hold_ended,
}  # fmt: skip
