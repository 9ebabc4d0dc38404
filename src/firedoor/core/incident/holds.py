"""Holds: what an incident keeps closed, what was seen of it since, and what follows from a look.

Decides that every proved suspension is held until people open it again, what counts as drift
(callers are answered, the platform says open, our mark is gone), that an unknown is neither
drift nor closed, and how often a target may be closed again before people are asked.
A fold of the journal and pure functions over it. Leaves looking and closing to
`runtime.holding`, and when the next look is due to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from firedoor.core.canonical import digest
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.ports import Observation, Receipt, Verdict
from firedoor.core.ternary import NO, YES

if TYPE_CHECKING:
    from firedoor.core.incident.view import IncidentView, Meta, TaskView

DRIFT_TASK, OPEN_TASK = "drift", "open"  # the kinds of the tasks about holds, and the fronts of their ids
TASKS = frozenset((DRIFT_TASK, OPEN_TASK))
EVERY = 600  # seconds between two looks where nothing else is said
AGAIN_PER_HOUR = 3
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOLD_AFTER = 900  # seconds for which a target may stay unseen before people are told
Seen = Literal["closed", "open", "unknown"]
Handler = Callable[["IncidentView", Body, "Meta"], None]


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


def finished(view: IncidentView, body: Body, meta: Meta) -> None:
    """A suspension that is proved is held from then on; one that was opened is not any more."""
    result = body.get("result", {})
    target = result.get("target")
    if not target or result.get("by_hand"):
        return
    if result.get("doors"):
        again = again_of(body["op"])
        before = view.holds.get(target, {})
        if again and before:
            before.update(state="held", order=None, seen_at=meta.at)
            _withdraw(view, target)
            return
        terms = result.get("hold") or {}
        view.holds[target] = {
            "target": target, "op": body["op"], "since": meta.at, "seq": meta.seq, "state": "held",
            "every": terms.get("every", EVERY), "on_drift": terms.get("on_drift", "ask"),
            "again_per_hour": terms.get("again_per_hour", AGAIN_PER_HOUR), "drifts": before.get("drifts", []),
            "agains": before.get("agains", []), "unseen": None, "order": None, "seen_at": meta.at,
            "recorded_at": meta.at,
        }  # fmt: skip
        _withdraw(view, target)
    elif result.get("receipts") or result.get("released"):
        _end(view, target)


def started(view: IncidentView, body: Body, meta: Meta) -> None:
    """A target is being closed again, or opened after its incident."""
    again = again_of(body["op"])
    hold = _of(view, again[0]) if again else None
    if again and hold is not None:
        view.operations[body["op"]].result = {"snapshots": body.get("snapshots", [])}
        hold["state"] = "closing" if again[1] == "close" else "opening"
        if all(one["op"] != body["op"] for one in hold["agains"]):
            hold["agains"].append({"op": body["op"], "verb": again[1], "number": again[2], "at": meta.at, "by": body.get("by", "")})  # fmt: skip  # noqa: E501


def failed(view: IncidentView, body: Body, _: Meta) -> None:
    """It could not be closed again: it stands open, and its order is spent."""
    again = again_of(body["op"])
    hold = _of(view, again[0]) if again else None
    if again and hold is not None:
        hold["state"], hold["order"] = ("drifted" if again[1] == "close" else "held"), None


def _of(view: IncidentView, op: str) -> Body | None:
    return next((hold for hold in view.holds.values() if hold["op"] == op), None)


def _tell(view: IncidentView, what: str, body: Body, meta: Meta) -> None:
    view.hold_story.append({"what": what, **body, "at": meta.at, "seq": meta.seq})


def _drifted(view: IncidentView, body: Body, meta: Meta) -> None:
    _tell(view, "drifted", body, meta)
    hold = view.holds.get(body["target"])
    if hold is not None:
        hold.update(state="drifted", unseen=None, order=None)
        hold["drifts"].append({**body, "at": meta.at, "seq": meta.seq})


def _unseen(view: IncidentView, body: Body, meta: Meta) -> None:
    _tell(view, "unseen", body, meta)
    hold = view.holds.get(body["target"])
    if hold is not None:
        before = hold["unseen"] or {"at": meta.at}
        hold.update(state="unseen", unseen={**body, "at": before["at"]})


def _held(view: IncidentView, body: Body, meta: Meta) -> None:
    _tell(view, "held", body, meta)
    hold = view.holds.get(body["target"])
    if hold is not None:
        hold.update(state="held", unseen=None, order=None, seen_at=meta.at, recorded_at=meta.at)
        _withdraw(view, body["target"])


def _ended(view: IncidentView, body: Body, meta: Meta) -> None:
    _tell(view, "ended", body, meta)
    _end(view, body["target"])


def _end(view: IncidentView, target: str) -> None:
    view.holds.pop(target, None)
    _withdraw(view, target)


def ordered(view: IncidentView, task: TaskView, body: Body, meta: Meta) -> None:
    """A person decided about a held target: close it again, leave it, or open it."""
    hold = view.holds.get(str(task.payload.get("target")))
    if hold is not None:
        hold["order"] = {"do": body["choice"], "by": body["by"], "why": body["why"], "at": meta.at}


def _withdraw(view: IncidentView, target: str) -> None:
    for task in view.open_tasks():
        if task.kind in TASKS and task.payload.get("target") == target:
            task.withdrawn = True


HOLD_HANDLERS: Mapping[str, Handler] = {
    Kind.DRIFTED: _drifted, Kind.UNSEEN: _unseen, Kind.HELD: _held, Kind.HOLD_ENDED: _ended,
}  # fmt: skip


def in_words(what: str, body: Body) -> tuple[str, str]:
    """A written look as a sentence, and what was seen."""
    target = body["target"]
    match what:
        case "drifted":
            who = (
                f"; who did it: {'; '.join(body['who'])}"
                if body.get("who")
                else "; who did it: the state does not tell"
            )
            said = f"{target} is not kept closed any more (last confirmed closed at {body['last_seen']})"
            return said, body["seen"] + who
        case "unseen":
            lasting = ", still" if body["told"] else ""
            return (
                f"Not known{lasting} whether {target} is closed (last confirmed closed at {body['last_seen']})",
                body["seen"],
            )
        case "held":
            since = f"held since {body['since']}"
            again = " again" if body["before"] in ("drifted", "unseen") else ""
            return f"Looked: {target} is closed{again}", f"{body['seen']}; {since}"
        case _:
            by = f", says {body['by']}" if body.get("by") else ""
            return f"{target} is not held closed any more{by}", body.get("why", "")


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


def who_did_it(before: Mapping[str, Any], now: Mapping[str, Any], detail: str = "") -> tuple[str, ...]:
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


def likely_owner(drifts: Sequence[Body]) -> str:
    """Who probably opens it, for people who must stop that: as the state tells, else as it comes back."""
    words = " ".join(text for drift in drifts for text in (*drift.get("who", ()), drift.get("seen", ""))).lower()
    for owner, signs in _OWNERS.items():
        if any(sign in words for sign in signs):
            return owner
    if len(drifts) > 1:
        return "something that acts by itself: GitOps, an autoscaler or a pipeline; once it was closed it came back"
    return "a colleague, a deployment or an autoscaler: the state does not tell" if not words.strip() else "a colleague"


# -- what follows from a look -----------------------------------------------------------------------


def agains_within_the_hour(hold: Body, now: datetime) -> int:
    """How often Firedoor itself has closed it again lately; what people ordered does not count."""
    closings = [one for one in hold["agains"] if one["verb"] == "close" and not one["by"]]
    return sum(now - datetime.fromisoformat(one["at"]) < HOUR for one in closings)


def may_close_again(hold: Body, now: datetime) -> bool:
    """Whether it is closed again by itself: the playbook says so, and it was not done too often lately."""
    return bool(hold["on_drift"] == "suspend_again") and agains_within_the_hour(hold, now) < hold["again_per_hour"]


def next_again(hold: Body, verb: str = "close") -> str:
    """The name of the next operation of its kind."""
    return again_id(hold["op"], 1 + sum(one["verb"] == verb for one in hold["agains"]), verb)


def unfinished(view: IncidentView, hold: Body) -> str | None:
    """The operation beside the plan that began and has no outcome, if there is one."""
    return next((one["op"] for one in hold["agains"] if view.operations[one["op"]].status == "started"), None)


def what_follows(hold: Body, look: Look, now: datetime, roles: Sequence[str]) -> list[Draft]:
    """The entries that a look becomes; none where it shows nothing new. Closing again is decided by the caller."""
    match look.seen:
        case "closed":
            return _seen_closed(hold, look, now)
        case "unknown":
            return _not_seen(hold, look, now, roles)
        case "open":
            return [] if hold["state"] == "drifted" else _open_again(hold, look, now, roles)


def _seen_closed(hold: Body, look: Look, now: datetime) -> list[Draft]:
    first = hold["recorded_at"] == hold["since"]
    quiet = hold["state"] == "held" and now - datetime.fromisoformat(hold["recorded_at"]) < DAY
    if quiet and not first:
        return []
    body = {
        "target": hold["target"],
        "op": hold["op"],
        "seen": look.words,
        "before": hold["state"],
        "since": hold["since"],
    }
    return [Draft(Kind.HELD, "firedoor", body)]


def _not_seen(hold: Body, look: Look, now: datetime, roles: Sequence[str]) -> list[Draft]:
    body: Body = {
        "target": hold["target"],
        "op": hold["op"],
        "seen": look.words,
        "last_seen": hold["seen_at"],
        "told": False,
    }
    if hold["state"] == "held":
        return [Draft(Kind.UNSEEN, "firedoor", body)]
    unseen = hold["unseen"]
    if hold["state"] != "unseen" or unseen["told"]:
        return []
    lasted = (now - datetime.fromisoformat(unseen["at"])).total_seconds()
    if lasted < max(TOLD_AFTER, 2 * hold["every"]):
        return []
    text = (
        f"Since {unseen['at']} nothing shows whether {hold['target']} is closed: {look.words}. It is not known to be "
        f"closed and not known to serve. Look at it by hand: firedoor verify {hold['target']}"
    )
    told = Draft(Kind.UNSEEN, "firedoor", {**body, "told": True})
    return [told, message(roles[:1], f"Not known whether {hold['target']} is still closed", text)]


def _open_again(hold: Body, look: Look, now: datetime, roles: Sequence[str]) -> list[Draft]:
    drift: Body = {
        "target": hold["target"], "op": hold["op"], "number": len(hold["drifts"]) + 1, "seen": look.words,
        "last_seen": hold["seen_at"], "who": list(look.who), "on_drift": hold["on_drift"],
    }  # fmt: skip
    who = f" Seen of who did it: {'; '.join(look.who)}." if look.who else ""
    subject = f"A suspended target serves again: {hold['target']}"
    text = f"{look.words[:1].upper()}{look.words[1:]}. It was last confirmed closed at {hold['seen_at']}.{who}"
    told = message(dict.fromkeys((commander(roles), *roles[:1])), subject, text)
    drafts = [Draft(Kind.DRIFTED, "firedoor", drift), told]
    if hold["on_drift"] == "record" or may_close_again(hold, now):
        return drafts
    return [*drafts, drift_task({**hold, "drifts": [*hold["drifts"], drift]}, text, now, roles)]


def commander(roles: Sequence[str]) -> str:
    """Who is asked about a held target."""
    return "commander" if "commander" in roles or not roles else roles[0]


def drift_task(hold: Body, what: str, now: datetime, roles: Sequence[str], because: str = "") -> Draft:
    """Ask the commander what to do about a target that serves again."""
    role, target = commander(roles), hold["target"]
    often = agains_within_the_hour(hold, now)
    said = [what, because]
    if often:
        said.append(
            f"Firedoor closed it again {often} times within the hour and stops there, so as not to fight for ever."
        )
    said.append(f"Who probably opens it: {likely_owner(hold['drifts'])}.")
    choices = [
        {"id": "close_again", "label": "Close it again now",
         "consequence": "It is suspended once more through the same doors, and proved."},
        {"id": "leave", "label": "Leave it as it is for now",
         "consequence": "It goes on; your reason is on record. It is still watched, and counts as not closed."},
    ]  # fmt: skip
    body: Body = {
        "task": f"{DRIFT_TASK}:{target}#{len(hold['drifts'])}.{len(hold['agains'])}", "op": "", "kind": DRIFT_TASK,
        "role": role,
        "escalate_to": next((other for other in roles if other != role), role),
        "question": f"A suspended target serves again: {target}. Close it again?",
        "guidance": " ".join(part for part in said if part), "choices": choices, "asks": [], "approvals": 1,
        "payload": {"target": target}, "due_at": (now + timedelta(minutes=15)).isoformat(),
    }  # fmt: skip
    return Draft(Kind.TASK_OPENED, "firedoor", body)


def message(to: Iterable[str], subject: str, text: str) -> Draft:
    """What people are told."""
    return Draft(Kind.MESSAGE, "firedoor", {"to": sorted(set(to)), "subject": subject, "text": text})
