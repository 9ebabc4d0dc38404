"""From which instant a clock of an incident counts, where awareness or discovery starts it.

Decides that the earlier one counts: the instant that people recorded, or the notice that is on record anyway. Whoever
confirms late, or is asleep, makes no limit late. The later instant is kept as a reading that can be argued (EDPB
Guidelines 9/2022 v2.0, paras 31-35: awareness is reasonable certainty, after a short investigation). Leaves which
instants a law names to the duty, and what `duties due` and `duties assess` compute for given facts to `law`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from firedoor.core.facts import Facts
from firedoor.core.labels import moment
from firedoor.core.law.assessment import TriggerFound, find_trigger, instants
from firedoor.core.law.due import Due, DueKind, Later, compute_due
from firedoor.core.law.duty import NOTICED, Duty


@dataclass(frozen=True, slots=True)
class Anchor:
    """The instant from which a clock counts; `later` is the recorded one, where the notice came before it."""

    trigger: TriggerFound
    later: TriggerFound | None = None


def anchor(duty: Duty, facts: Facts) -> Anchor | None:
    """Return where a clock of this duty is anchored on these facts; None while nothing starts it."""
    own = find_trigger(duty, facts)
    if own is None:
        return None
    counts = duty.trigger.by_notice and not own.stands_in_for
    noticed = min(instants(NOTICED, facts), key=lambda found: found.at, default=None) if counts else None
    return Anchor(own) if noticed is None or noticed.at >= own.at else Anchor(noticed, own)


def by_notice_alone(duty: Duty, facts: Facts) -> bool:
    """Whether a clock of this duty would count from the notice, and nobody has recorded the law's own instant."""
    own = find_trigger(duty, facts) if duty.trigger.by_notice else None
    return own is not None and own.fact in NOTICED and own.fact not in duty.trigger.own_facts


def due_from(duty: Duty, anchored: Anchor, zone: str, facts: Facts) -> Due:
    """Compute the limit from where the clock is anchored, with the recorded instant as a later reading."""
    first = anchored.trigger
    due = compute_due(duty, first.at, zone, facts, event=first.event)
    if anchored.later is None:
        return due
    kind, own = str(duty.trigger.kind), anchored.later
    said = f"counts from {moment(first.fact)}, which is before the recorded {kind} of {own.at.isoformat()}"
    other = compute_due(duty, own.at, zone, facts, event=own.event)
    return replace(due, why=(*due.why, said), latest_arguable=_later(due, other, f"counted from the recorded {kind}"))


def _later(due: Due, other: Due, basis: str) -> Later | None:
    """The latest reading of both, for a limit; one that the law has anyway says its own basis as well."""
    if due.due is None or other.due is None or due.kind is DueKind.HOLD_UNTIL:
        return due.latest_arguable
    argued = other.latest_arguable
    found = Later(argued.due, f"{basis}; {argued.basis}") if argued else Later(other.due, basis)
    own = due.latest_arguable
    return found if found.due > (own.due if own else due.due) else own
