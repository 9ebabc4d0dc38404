"""Where the law meets the journal: which entries about clocks the facts call for.

Decides how a clock is written into the journal and read back. Leaves the
conditions, the dates and the clocks themselves to `assessment`, `due` and
`clock`. A change that makes a limit later is not applied: it becomes a task for
a second person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from firedoor.core.clock import Clock, Reassessment, clocks_due_to_start, reassess
from firedoor.core.duty import Duty
from firedoor.core.facts import Facts
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.view import ENDED, IncidentView

ACTOR = "firedoor"
CHANGE = "clock-change:"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Law:
    """The catalogue of duties, and the standing facts of the organisation that they look at."""

    catalogue: Mapping[str, Duty]
    organisation: Facts

    def drafts(
        self,
        view: IncidentView,
        facts: Facts,
        selection: Literal["auto"] | tuple[str, ...],
        roles: tuple[str, ...],
        now: datetime,
    ) -> list[Draft]:
        """Return the entries that the facts call for now: clocks that start, and clocks that change."""
        known = {**self.organisation, **facts}
        running_or_settled = [name for name, body in view.clocks.items() if body["state"] not in ENDED]
        started = clocks_due_to_start(self.catalogue, selection, known, running_or_settled, now)
        drafts = [self._start(clock, again=clock.id in view.clocks) for clock in started]
        running = [clock for body in view.clocks.values() if (clock := clock_of(body)).duty in self.catalogue]
        for change in reassess(self.catalogue, running, known, now):
            drafts += self._change(view, change, roles, now)
        return drafts

    def _start(self, clock: Clock, *, again: bool) -> Draft:
        """A clock that ended because it did not apply runs again when corrected facts call for it."""
        if not again:
            return Draft(Kind.CLOCK_STARTED, ACTOR, self.body(clock))
        body = {**_dump(clock), "what": "started again", "because": "the facts now known call for it"}
        return Draft(Kind.CLOCK_CHANGED, ACTOR, body)

    def body(self, clock: Clock) -> Body:
        """A clock as the journal holds it, with what people need to know of its duty."""
        duty = self.catalogue[clock.duty]
        return {**_dump(clock), **duty_words(duty)}

    def _change(self, view: IncidentView, change: Reassessment, roles: tuple[str, ...], now: datetime) -> list[Draft]:
        body = {**_dump(change.after), "what": "reassessed", "because": change.why}
        if not change.needs_approval:
            return [Draft(Kind.CLOCK_CHANGED, ACTOR, body)]
        same = [task for task in view.tasks.values() if task.id.startswith(f"{CHANGE}{change.before.id}:")]
        if any(task.open or task.payload.get("because") == change.why for task in same):
            return []
        return [_approval(f"{CHANGE}{change.before.id}:{len(same) + 1}", body, change, roles, now)]


def clock_of(body: Body) -> Clock:
    """Read a clock back from its journal body; `waived` is the journal's word for an end by decision."""
    fields: dict[str, Any] = {name: body[name] for name in Clock.model_fields if name in body and name != "history"}
    if fields["state"] == "waived":
        fields["state"] = "not_applicable"
    return Clock.model_validate(fields)


def duty_words(duty: Duty) -> Body:
    """The title, addressee, channel and content of a duty, as plain JSON."""
    return {
        "title": duty.title,
        "jurisdiction": duty.jurisdiction,
        "authority": duty.authority,
        "addressee": str(duty.addressee),
        "channel": duty.channel,
        "confidence": duty.confidence,
        "penalty": duty.penalty,
        "content": [field.model_dump(mode="json") for field in duty.content],
    }


def _dump(clock: Clock) -> Body:
    return clock.model_dump(mode="json", exclude={"history"})


def _approval(task: str, body: Body, change: Reassessment, roles: tuple[str, ...], now: datetime) -> Draft:
    role = "dpo" if "dpo" in roles else roles[0]
    return Draft(
        Kind.TASK_OPENED,
        ACTOR,
        {
            "task": task,
            "op": task,
            "kind": "clock",
            "role": role,
            "escalate_to": roles[0],
            "asks": [],
            "question": f"The facts now known would change the clock {body['id']}: {change.why}. Apply it?",
            "guidance": "A limit moves to the less safe side only when a second person agrees.",
            "choices": [
                {"id": "approve", "label": "Apply the change", "consequence": "The old limit stays on record."},
                {
                    "id": "keep",
                    "label": "Keep the clock as it is",
                    "consequence": "It runs on as before; your reason is on record.",
                },
            ],
            "due_at": (now + DAY).isoformat(),
            "clock": body["id"],
            "payload": body,
        },
    )
