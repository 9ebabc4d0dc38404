"""Holds: what an incident keeps closed, what was seen of it since, and what follows from a look.

Decides that every proved suspension is held until people open it again, what counts as drift
(callers are answered, the platform says open, our mark is gone), that an unknown is neither
drift nor closed, and how often a target may be closed again before people are asked.
A fold of the journal and pure functions over it. Leaves looking and closing to
`runtime.holding`, and when the next look is due to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from firedoor.core.canonical import digest
from firedoor.core.entries.custody import HoldDrifted, HoldEnded, HoldSeen, HoldUnseen
from firedoor.core.entries.outcomes import HoldTerms
from firedoor.core.entries.people import Choice, MessageSent, TaskAnswered, TaskOpened
from firedoor.core.entries.run import OperationFailed, OperationFinished, OperationStarted
from firedoor.core.incident.hold_record import (
    AGAIN_PER_HOUR,
    EVERY,
    Again,
    HoldEvent,
    HoldRecord,
    HoldState,
    Order,
)
from firedoor.core.journal import Draft, Kind
from firedoor.core.ports import Observation, Receipt, Verdict
from firedoor.core.ternary import NO, YES

if TYPE_CHECKING:
    from firedoor.core.incident.view import IncidentView, Meta, TaskView

DRIFT_TASK, OPEN_TASK = "drift", "open"  # the kinds of the tasks about holds, and the fronts of their ids
TASKS = frozenset((DRIFT_TASK, OPEN_TASK))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOLD_AFTER = 900  # seconds for which a target may stay unseen before people are told
Seen = Literal["closed", "open", "unknown"]
DRIFT_CHOICES = (
    Choice(id="close_again", label="Close it again now",
           consequence="It is suspended once more through the same doors, and proved."),
    Choice(id="leave", label="Leave it as it is for now",
           consequence="It goes on; your reason is on record. It is still watched, and counts as not closed."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a held target: what was seen, in words, and who is seen to have changed it."""

    seen: Seen
    words: str
    who: tuple[str, ...] = ()


def again_id(op: str, number: int, verb: str = "close") -> str:
    """The operation that closes a target again (or opens it after the incident): beside the plan, named after it."""
    return f"{op}~{verb}-{number}"


def again_of(instance: str) -> tuple[str, str, int] | None:
    """Read such a name back: the suspension it belongs to, close or open, and its number. None for any other."""
    op, mark, rest = instance.rpartition("~")
    verb, _, number = rest.partition("-")
    return (op, verb, int(number)) if mark and verb in ("close", "open") and number.isdecimal() else None


def again_key(incident: str, instance: str) -> str:
    """Its idempotency key: another one for every number, so that no closing passes for an earlier one."""
    return f"{incident}:{instance}:{digest([incident, instance])[:12]}"


# -- the fold --------------------------------------------------------------------------------------


def finished(view: IncidentView, body: OperationFinished, meta: Meta) -> None:
    """A suspension that is proved is held from then on; one that was opened is not any more."""
    result = body.get("result", {})
    target = result.get("target")
    if not target or result.get("by_hand"):
        return
    if result.get("doors"):
        again = again_of(body["op"])
        before = view.holds.get(target)
        if again and before:
            view.holds[target] = replace(before, state="held", order=None, seen_at=meta.at)
        else:
            view.holds[target] = _held_from_now(target, body["op"], result.get("hold") or {}, before, meta)
        _withdraw(view, target)
    elif result.get("receipts") or result.get("released"):
        _end(view, target)


def _held_from_now(target: str, op: str, terms: HoldTerms, before: HoldRecord | None, meta: Meta) -> HoldRecord:
    """A hold on new terms. What was seen and done under the one before stays known: it tells who opens it."""
    return HoldRecord(
        target=target, op=op, since=meta.at, seq=meta.seq, seen_at=meta.at, recorded_at=meta.at,
        every=terms.get("every", EVERY), on_drift=terms.get("on_drift", "ask"),
        again_per_hour=terms.get("again_per_hour", AGAIN_PER_HOUR),
        drifts=before.drifts if before else (), agains=before.agains if before else (),
    )  # fmt: skip


def started(view: IncidentView, body: OperationStarted, meta: Meta) -> None:
    """A target is being closed again, or opened after its incident."""
    again = again_of(body["op"])
    hold = _of(view, again[0]) if again else None
    if again and hold is not None:
        view.operations[body["op"]].result = {"snapshots": body.get("snapshots", [])}
        agains = hold.agains
        if all(one.op != body["op"] for one in agains):
            agains = (*agains, Again(body["op"], again[1], again[2], meta.at, body.get("by", "")))
        state: HoldState = "closing" if again[1] == "close" else "opening"
        view.holds[hold.target] = replace(hold, state=state, agains=agains)


def failed(view: IncidentView, body: OperationFailed, _: Meta) -> None:
    """It could not be closed again: it stands open, and its order is spent."""
    again = again_of(body["op"])
    hold = _of(view, again[0]) if again else None
    if again and hold is not None:
        state: HoldState = "drifted" if again[1] == "close" else "held"
        view.holds[hold.target] = replace(hold, state=state, order=None)


def _of(view: IncidentView, op: str) -> HoldRecord | None:
    return next((hold for hold in view.holds.values() if hold.op == op), None)


def _drifted(view: IncidentView, body: HoldDrifted, meta: Meta) -> None:
    event = HoldEvent.drifted(body, meta.at, meta.seq)
    view.hold_story.append(event)
    hold = view.holds.get(event.target)
    if hold is not None:
        drifts = (*hold.drifts, event)
        view.holds[event.target] = replace(
            hold, state="drifted", unseen_since=None, unseen_told=False, order=None, drifts=drifts
        )


def _unseen(view: IncidentView, body: HoldUnseen, meta: Meta) -> None:
    event = HoldEvent.unseen(body, meta.at, meta.seq)
    view.hold_story.append(event)
    hold = view.holds.get(event.target)
    if hold is not None:
        since = hold.unseen_since or meta.at
        view.holds[event.target] = replace(hold, state="unseen", unseen_since=since, unseen_told=event.told)


def _held(view: IncidentView, body: HoldSeen, meta: Meta) -> None:
    event = HoldEvent.held(body, meta.at, meta.seq)
    view.hold_story.append(event)
    hold = view.holds.get(event.target)
    if hold is not None:
        view.holds[event.target] = replace(
            hold, state="held", unseen_since=None, unseen_told=False, order=None, seen_at=meta.at, recorded_at=meta.at
        )
        _withdraw(view, event.target)


def _ended(view: IncidentView, body: HoldEnded, meta: Meta) -> None:
    view.hold_story.append(HoldEvent.ended(body, meta.at, meta.seq))
    _end(view, body["target"])


def _end(view: IncidentView, target: str) -> None:
    view.holds.pop(target, None)
    _withdraw(view, target)


def ordered(view: IncidentView, task: TaskView, body: TaskAnswered, meta: Meta) -> None:
    """A person decided about a held target: close it again, leave it, or open it."""
    hold = view.holds.get(str(task.payload.get("target")))
    if hold is not None:
        order = Order(body["choice"], body["by"], body["why"], meta.at)
        view.holds[hold.target] = replace(hold, order=order)


def _withdraw(view: IncidentView, target: str) -> None:
    for task in view.open_tasks():
        if task.kind in TASKS and task.payload.get("target") == target:
            task.withdrawn = True


HOLD_HANDLERS: Mapping[str, Callable[[IncidentView, Any, Meta], None]] = {
    Kind.DRIFTED: _drifted, Kind.UNSEEN: _unseen, Kind.HELD: _held, Kind.HOLD_ENDED: _ended,
}  # fmt: skip


# -- what a look means -----------------------------------------------------------------------------


def judge(verdicts: Sequence[Verdict], observed: Sequence[tuple[Receipt, Observation]]) -> Look:
    """Say what was seen. Callers come first: where they get no answer nothing is known, whatever the platform says."""
    own = [probe for verdict in verdicts for probe in verdict.probes if probe.what == "target"]
    if any(probe.serving is YES for probe in own):
        statuses = sorted({str(probe.status) for probe in own if probe.serving is YES and probe.status})
        return Look("open", "callers are answered again" + (f" ({', '.join(statuses)})" if statuses else ""))
    if not own or any(probe.serving is not NO for probe in own):
        words = "; ".join(dict.fromkeys(probe.detail or "no answer" for probe in own if probe.serving is not NO))
        return Look("unknown", f"nothing can be seen: {words or 'nobody looked'}"[:500])
    claims = [
        f"{v.door} says that it is open" for v in verdicts for p in v.probes if p.what == "control" and p.serving is YES
    ]
    claims += [f"{seen.door} says that it is open" for _, seen in observed if seen.closed is NO]
    claims += [
        _mark_gone(seen) for receipt, seen in observed if _ours(receipt) and seen.closed is YES and seen.ours is NO
    ]
    if claims:
        return Look("open", f"{'; '.join(dict.fromkeys(claims))}; callers are still refused")
    return Look("closed", "callers are refused")


def _ours(receipt: Receipt) -> bool:
    return receipt.changed or receipt.detail.get("ours") in (True, "yes")


def _mark_gone(seen: Observation) -> str:
    return f"our mark at {seen.door} is gone" + (f": it is {seen.detail}" if seen.detail else "")


_AUTHORS = ("changed_by", "updated_by", "modified_by", "managed_by", "manager", "owner", "author", "field_manager")
_OWNERS: Mapping[str, tuple[str, ...]] = {
    "GitOps (it applies what its repository says: change it there, or pause its sync)": ("argo", "flux", "gitops"),
    "an autoscaler (set its minimum to 0, or pause it)": ("autoscal", "hpa", "keda", "scaler"),
    "a deployment from a pipeline (stop it)": ("jenkins", "github", "gitlab", "pipeline", "deploy", "ci-"),
}  # fmt: skip


def who_did_it(before: Mapping[str, object], now: Mapping[str, object], detail: str = "") -> tuple[str, ...]:
    """Read from the state of a door who has changed it, as far as the state tells: sentences, the plainest first."""
    said = [
        f"{name} is {value!s:.120}" for name, value in now.items() if name in _AUTHORS and value != before.get(name)
    ]
    said += [detail[:160]] if detail and not said else []
    said += [
        f"{n} was {before.get(n)!s:.60}, is {v!s:.60}"
        for n, v in now.items()
        if n not in _AUTHORS and v != before.get(n)
    ]
    return tuple(said[:8])


def likely_owner(drifts: Sequence[HoldEvent]) -> str:
    """Who probably opens it, for people who must stop that: as the state tells, else as it comes back."""
    words = " ".join(text for drift in drifts for text in (*drift.who, drift.seen)).lower()
    for owner, signs in _OWNERS.items():
        if any(sign in words for sign in signs):
            return owner
    if len(drifts) > 1:
        return "something that acts by itself: GitOps, an autoscaler or a pipeline; once it was closed it came back"
    return "a colleague, a deployment or an autoscaler: the state does not tell" if not words.strip() else "a colleague"


# -- what follows from a look -----------------------------------------------------------------------


def agains_within_the_hour(hold: HoldRecord, now: datetime) -> int:
    """How often Firedoor itself has closed it again lately; what people ordered does not count."""
    closings = [one for one in hold.agains if one.verb == "close" and not one.by]
    return sum(now - datetime.fromisoformat(one.at) < HOUR for one in closings)


def may_close_again(hold: HoldRecord, now: datetime) -> bool:
    """Whether it is closed again by itself: the playbook says so, and it was not done too often lately."""
    return hold.on_drift == "suspend_again" and agains_within_the_hour(hold, now) < hold.again_per_hour


def next_again(hold: HoldRecord, verb: str = "close") -> str:
    """The name of the next operation of its kind."""
    return again_id(hold.op, 1 + sum(one.verb == verb for one in hold.agains), verb)


def unfinished(view: IncidentView, hold: HoldRecord) -> str | None:
    """The operation beside the plan that began and has no outcome, if there is one."""
    return next((one.op for one in hold.agains if view.operations[one.op].status == "started"), None)


def what_follows(hold: HoldRecord, look: Look, now: datetime, roles: Sequence[str]) -> list[Draft]:
    """The entries that a look becomes; none where it shows nothing new. Closing again is decided by the caller."""
    match look.seen:
        case "closed":
            return _seen_closed(hold, look, now)
        case "unknown":
            return _not_seen(hold, look, now, roles)
        case "open":
            return [] if hold.state == "drifted" else _open_again(hold, look, now, roles)


def _seen_closed(hold: HoldRecord, look: Look, now: datetime) -> list[Draft]:
    first = hold.recorded_at == hold.since
    quiet = hold.state == "held" and now - datetime.fromisoformat(hold.recorded_at) < DAY
    if quiet and not first:
        return []
    body = HoldSeen(target=hold.target, op=hold.op, seen=look.words, before=hold.state, since=hold.since)
    return [Draft(Kind.HELD, "firedoor", body)]


def _not_seen(hold: HoldRecord, look: Look, now: datetime, roles: Sequence[str]) -> list[Draft]:
    body = HoldUnseen(target=hold.target, op=hold.op, seen=look.words, last_seen=hold.seen_at, told=False)
    if hold.state == "held":
        return [Draft(Kind.UNSEEN, "firedoor", body)]
    if hold.state != "unseen" or hold.unseen_told or hold.unseen_since is None:
        return []
    lasted = (now - datetime.fromisoformat(hold.unseen_since)).total_seconds()
    if lasted < max(TOLD_AFTER, 2 * hold.every):
        return []
    text = (
        f"Since {hold.unseen_since} nothing shows whether {hold.target} is closed: {look.words}. It is not known to be "
        f"closed and not known to serve. Look at it by hand: firedoor verify {hold.target}"
    )
    told = Draft(Kind.UNSEEN, "firedoor", HoldUnseen({**body, "told": True}))
    return [told, message(roles[:1], f"Not known whether {hold.target} is still closed", text)]


def _open_again(hold: HoldRecord, look: Look, now: datetime, roles: Sequence[str]) -> list[Draft]:
    drift = HoldDrifted(
        target=hold.target, op=hold.op, number=len(hold.drifts) + 1, seen=look.words, last_seen=hold.seen_at,
        who=list(look.who), on_drift=hold.on_drift,
    )  # fmt: skip
    who = f" Seen of who did it: {'; '.join(look.who)}." if look.who else ""
    subject = f"A suspended target serves again: {hold.target}"
    text = f"{look.words[:1].upper()}{look.words[1:]}. It was last confirmed closed at {hold.seen_at}.{who}"
    told = message(dict.fromkeys((commander(roles), *roles[:1])), subject, text)
    drafts = [Draft(Kind.DRIFTED, "firedoor", drift), told]
    if hold.on_drift == "record" or may_close_again(hold, now):
        return drafts
    drifted = replace(hold, drifts=(*hold.drifts, HoldEvent.drifted(drift, now.isoformat(), 0)))
    return [*drafts, drift_task(drifted, text, now, roles)]


def commander(roles: Sequence[str]) -> str:
    """Who is asked about a held target."""
    return "commander" if "commander" in roles or not roles else roles[0]


def drift_task(hold: HoldRecord, what: str, now: datetime, roles: Sequence[str], because: str = "") -> Draft:
    """Ask the commander what to do about a target that serves again."""
    role, target = commander(roles), hold.target
    often = agains_within_the_hour(hold, now)
    said = [what, because]
    if often:
        said.append(
            f"Firedoor closed it again {often} times within the hour and stops there, so as not to fight for ever."
        )
    said.append(f"Who probably opens it: {likely_owner(hold.drifts)}.")
    body = TaskOpened(
        task=f"{DRIFT_TASK}:{target}#{len(hold.drifts)}.{len(hold.agains)}", op="", kind=DRIFT_TASK, role=role,
        escalate_to=next((other for other in roles if other != role), role),
        question=f"A suspended target serves again: {target}. Close it again?",
        guidance=" ".join(part for part in said if part), choices=list(DRIFT_CHOICES), asks=[], approvals=1,
        payload={"target": target}, due_at=(now + timedelta(minutes=15)).isoformat(),
    )  # fmt: skip
    return Draft(Kind.TASK_OPENED, "firedoor", body)


def message(to: Iterable[str], subject: str, text: str) -> Draft:
    """What people are told."""
    return Draft(Kind.MESSAGE, "firedoor", MessageSent(to=sorted(set(to)), subject=subject, text=text))
