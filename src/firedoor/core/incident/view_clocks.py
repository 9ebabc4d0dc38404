"""What the journal says about clocks: how each entry about one changes what is known of it.

Decides what of a clock's past is kept (every earlier start and limit, who asked, who agreed,
by which document), and that a proposal dies with the clock it rests on. Part of the fold in
`view`, which offers the words here as its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from firedoor.core.journal import Body, Kind

if TYPE_CHECKING:
    from firedoor.core.incident.view import IncidentView, Meta

SETTLED_CLOCKS = frozenset(("submitted", "satisfied", "waived", "not_applicable", "superseded"))
ENDED = frozenset(("not_applicable", "superseded"))  # by the facts, with a second person's consent
Handler = Callable[["IncidentView", Body, "Meta"], None]


def _started(view: IncidentView, body: Body, meta: Meta) -> None:
    view.clocks[body["id"]] = {**body, "history": [{"at": meta.at, "what": "started", "due": body.get("due")}]}
    view.clock_seqs[body["id"]] = meta.seq


def _changed(view: IncidentView, body: Body, meta: Meta) -> None:
    clock = view.clocks[body["id"]]
    if clock["state"] in ENDED and body.get("state", clock["state"]) not in ENDED:
        for name, record in view.operations.items():  # it runs again: what was left out is to be done after all
            if name.endswith(f"[{body['id']}]") and record.status == "skipped":
                record.status = ""
    before = {"due": clock.get("due"), "trigger_at": clock.get("trigger_at")}
    past = {"at": meta.at, "what": body.get("what", "changed"), "why": body.get("because", ""), **before}
    who = {name: body[name] for name in _ABOUT_THE_CHANGE if name in body}
    clock["history"].append({**past, "by": meta.actor, **who})
    if clock["state"] == "missed":  # the history still says so
        clock["missed_at"] = None
    clock.update({key: value for key, value in body.items() if key not in ("because", "what", "history", *_IDS, *who)})
    view.clock_seqs[body["id"]] = meta.seq
    _withdraw_changes(view, clock)


_IDS = ("by_id", "approver_id")  # of people, in the entry alone
_ABOUT_THE_CHANGE = ("asked_by", "approver", "approved_because", "document")


def _withdraw_changes(view: IncidentView, clock: Body) -> None:
    """A proposal rests on the clock as it was: once that has changed or ended, it must not be applied any more."""
    for task in view.open_tasks():
        if task.kind == "clock" and task.clock == clock["id"]:
            task.withdrawn = True


def _settled(state: str) -> Handler:
    def handler(view: IncidentView, body: Body, meta: Meta) -> None:
        clock = view.clocks[body["id"]]
        clock["state"], clock["settled_at"], clock["settlement"] = state, meta.at, body
        clock["history"].append(
            {"at": meta.at, "what": state, "why": body.get("why", ""), "by": body.get("by", meta.actor)}
        )
        _withdraw_changes(view, clock)

    return handler


def _missed(view: IncidentView, body: Body, meta: Meta) -> None:
    clock = view.clocks[body["id"]]
    clock["missed_at"] = meta.at
    if clock["state"] not in SETTLED_CLOCKS:
        clock["state"] = "missed"
    clock["history"].append({"at": meta.at, "what": "missed", "due": clock.get("due")})


CLOCK_HANDLERS: Mapping[str, Handler] = {
    Kind.CLOCK_STARTED: _started, Kind.CLOCK_CHANGED: _changed, Kind.CLOCK_MISSED: _missed,
    Kind.CLOCK_SUBMITTED: _settled("submitted"), Kind.CLOCK_WAIVED: _settled("waived"),
}  # fmt: skip
